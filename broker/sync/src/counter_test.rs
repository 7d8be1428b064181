//! What was added is what is read.

use super::Counter;

#[test]
fn it_sums() {
    let counter = Counter::default();
    counter.add(3);
    counter.add(4);
    assert_eq!(counter.get(), 7);
}
