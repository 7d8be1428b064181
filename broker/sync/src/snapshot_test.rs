//! A reader keeps what it loaded, whatever is published later.

use super::Snapshot;

#[test]
fn a_reader_keeps_what_it_loaded() {
    let snapshot = Snapshot::new(1);
    let first = snapshot.load();
    snapshot.publish(2);
    assert_eq!((*first, *snapshot.load()), (1, 2));
}
