//! What one request may name.

use super::*;

#[test]
fn a_request_names_so_many_topics_and_partitions_and_no_more() {
    assert_eq!(check_named([].into_iter()), Ok(()));
    assert_eq!(check_named([NAMED_MAX - 1].into_iter()), Ok(()));
    assert_eq!(check_named(std::iter::repeat_n(0, NAMED_MAX)), Ok(()));
    assert!(check_named([NAMED_MAX].into_iter()).is_err());
    assert!(check_named([usize::MAX, usize::MAX].into_iter()).is_err());
}
