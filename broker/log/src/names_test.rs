//! Names round trip, and nothing but Kafka's exact names is taken for a segment.

use super::*;

#[test]
fn segment_names_are_twenty_digits() {
    let path = segment_file(Path::new("t-0"), Offset(42), LOG);
    assert_eq!(path, Path::new("t-0/00000000000000000042.log"));
    assert_eq!(FileName::parse("00000000000000000042.log"), FileName::Log(Offset(42)));
    assert_eq!(FileName::parse("00000000000000000042.index"), FileName::OffsetIndex(Offset(42)));
    assert_eq!(FileName::parse("00000000000000000042.timeindex"), FileName::TimeIndex(Offset(42)));
}

#[test]
fn other_names_are_told_apart() {
    for name in
        ["42.log", "0000000000000000004x.log", "99999999999999999999.log", "partition.metadata", ".log"]
    {
        assert_eq!(FileName::parse(name), FileName::Other, "{name}");
    }
    for name in ["00000000000000000042.log.cleaned", "leader-epoch-checkpoint.tmp", "x.log.deleted"] {
        assert_eq!(FileName::parse(name), FileName::Leftover, "{name}");
    }
    assert_eq!(FileName::parse("00000000000000000042.log.swap"), FileName::Swap);
}

#[test]
fn partition_directories_round_trip() {
    let name = PartitionName::new("a-b-1", PartitionIndex(7));
    assert_eq!(name.dir(), Path::new("a-b-1-7"));
    assert_eq!(PartitionName::from_dir("a-b-1-7"), Some(name));
    for dir in ["plain", "-1", "t-", "t-x", "t-1.abc-delete", "t--1x", "t-99999999999"] {
        assert_eq!(PartitionName::from_dir(dir), None, "{dir}");
    }
}

#[test]
fn snapshots_have_kafkas_names() {
    let id = SnapshotId { end: Offset(4711), epoch: LeaderEpoch(3) };
    let path = snapshot_file(Path::new("m-0"), id, ".checkpoint");
    assert_eq!(path, Path::new("m-0/00000000000000004711-0000000003.checkpoint"));
    assert_eq!(snapshot_id("00000000000000004711-0000000003"), Some(id));
    for name in [
        "00000000000000004711",
        "4711-3",
        "00000000000000004711-9999999999",
        "0000000000000000471x-0000000003",
    ] {
        assert_eq!(snapshot_id(name), None, "{name}");
    }
    for name in
        ["00000000000000004711-0000000003.checkpoint", "00000000000000004711-0000000003.checkpoint.part"]
    {
        assert_eq!(FileName::parse(name), FileName::Other, "a log leaves {name} alone");
    }
    assert_eq!(FileName::parse("00000000000000000042.start-over"), FileName::StartOver(Offset(42)));
}

#[test]
fn a_directory_set_aside_has_kafkas_name_and_is_no_partitions() {
    let unique = Uuid([0xab; 16]);
    let name = PartitionName::new("topic", PartitionIndex(7));
    let deleted = name.aside_dir(unique, Aside::Deleted);
    assert_eq!(deleted.to_str(), Some("topic-7.abababababababababababababababab-delete"));
    let stray = PartitionName::new("x".repeat(249), PartitionIndex(12_345)).aside_dir(unique, Aside::Stray);
    let stray = stray.to_str().expect("ASCII");
    assert!(
        stray.len() == 255 && stray.ends_with("xx-12345.abababababababababababababababab-stray"),
        "{stray}"
    );
    for dir in [deleted.to_str().expect("ASCII"), stray] {
        assert_eq!(PartitionName::from_dir(dir), None);
    }
    assert!(is_deleted_dir(deleted.to_str().expect("ASCII")) && !is_deleted_dir(stray));
}
