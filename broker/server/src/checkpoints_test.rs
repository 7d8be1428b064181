//! What is written keeps what nobody has noted since.

use super::*;
use model::PartitionIndex;

#[test]
fn logs_that_were_not_opened_keep_their_points() {
    let name = |topic: &str| PartitionName::new(topic, PartitionIndex(0));
    let mut table = Table::default();
    for topic in ["opened", "unopened"] {
        table.recovery_points.insert(name(topic), Offset(7));
        table.log_starts.insert(name(topic), Offset(2));
    }
    // A truncation may have taken the point back: the last word counts.
    table.note(Points { name: name("opened"), recovery_point: Offset(5), log_start: Offset(3) });
    let offsets = |map: &OffsetCheckpoint| map.values().map(|offset| offset.0).collect::<Vec<_>>();
    assert_eq!(offsets(&table.recovery_points), [5, 7]);
    assert_eq!(offsets(&table.log_starts), [3, 2]);
    table.forget(&name("unopened"));
    assert_eq!((offsets(&table.recovery_points), offsets(&table.log_starts)), (vec![5], vec![3]));
}

#[test]
fn what_is_forgotten_was_not_committed_either() {
    let name = PartitionName::new("t", PartitionIndex(0));
    let mut table = Table::default();
    table.high_watermarks.insert(name.clone(), Offset(7));
    table.forget(&name);
    assert!(table.high_watermarks.is_empty());
}
