//! Which partitions are named twice, and what timestamps ask for.

use super::*;
use protocol::messages::list_offsets::ListOffsetsPartition;

fn topic(name: &str, partitions: &[i32]) -> ListOffsetsTopic {
    let partition = |index: &i32| ListOffsetsPartition { partition_index: *index, ..Default::default() };
    ListOffsetsTopic { name: name.to_owned(), partitions: partitions.iter().map(partition).collect() }
}

#[test]
fn a_partition_named_twice_is_found_wherever_it_stands() {
    let topics = [topic("a", &[0, 1, 1, 1]), topic("b", &[0, 1]), topic("a", &[2, 0])];
    let found: Vec<_> = twice(&topics).into_keys().collect();
    assert_eq!(found, [("a".to_owned(), 0), ("a".to_owned(), 1)]);
    assert!(twice(&topics[..0]).is_empty());
}

#[test]
fn named_timestamps_are_known_from_their_version_on() {
    for (timestamp, since) in [(-1, 1), (-2, 1), (-3, 7), (-4, 8), (-5, 9), (-6, 11)] {
        for version in 1..=11 {
            assert_eq!(target(timestamp, version).is_ok(), version >= since, "{timestamp} in {version}");
        }
    }
    assert_eq!(target(-7, 11), Err(ErrorCode::UnsupportedVersion));
    assert_eq!(target(0, 1), Ok(Target::At(Timestamp(0))));
}
