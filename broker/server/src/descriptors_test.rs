//! Connections and partitions together never take what is reserved.

use super::*;

#[test]
fn nobody_takes_the_reserve() {
    for limit in [16, 64, 256, 1024, 65_536, 1 << 20, u64::MAX] {
        for wanted in [1, 100, i32::MAX as u32] {
            let Descriptors { connections_max, partitions_max, .. } = Descriptors::of(limit, wanted);
            let taken = u64::from(connections_max) + partitions_max;
            assert!(taken + RESERVE.min(limit / 2) <= limit, "{taken} of {limit}");
            assert!(connections_max >= 1 && connections_max <= wanted);
        }
    }
}

#[test]
fn what_connections_do_not_want_partitions_get() {
    let shared = |wanted| Descriptors::of(1024, wanted);
    assert_eq!((shared(u32::MAX).connections_max, shared(u32::MAX).partitions_max), (384, 384));
    assert_eq!((shared(100).connections_max, shared(100).partitions_max), (100, 668));
}

#[test]
fn topics_beyond_the_room_are_named_and_smaller_ones_still_fit() {
    let descriptors = Descriptors::of(1024, 100);
    let wanted = [("a", 300), ("b", 300), ("c", 60)];
    assert_eq!(descriptors.beyond(8, wanted), BTreeSet::new());
    assert_eq!(descriptors.beyond(300, wanted), BTreeSet::from(["b".to_string()]));
    assert_eq!(descriptors.beyond(700, wanted).len(), 3, "the limit was lowered");
    assert!(descriptors.refusal(700).contains("1024 files open, which leaves room for 668 partitions"));
}
