//! Snapshot files through crashes at each operation, kills, failed syncs and full disks: what has a snapshot's name is
//! one, and what was said to be there stays.

use super::*;
use crate::memory_disk::{MemoryDisk, finish, run};
use model::{LeaderEpoch, Offset, Timestamp, Uuid};
use records::metadata::{MetadataRecord, TopicRecord};
use records::snapshot::metadata;

fn id(end: i64) -> SnapshotId {
    SnapshotId { end: Offset(end), epoch: LeaderEpoch(3) }
}

fn path(end: i64) -> String {
    format!("m-0/{end:020}-0000000003.checkpoint")
}

/// As many topics as the snapshot's end says, with names that fill some sectors.
fn topics(end: i64) -> Vec<MetadataRecord> {
    let name = |index| format!("topic-{index}-of-{end}-{}", "x".repeat(200));
    (0..end).map(|index| TopicRecord { name: name(index), topic_id: Uuid([1; 16]) }.into()).collect()
}

fn batches(end: i64) -> Vec<Result<Bytes, WriteError>> {
    records::snapshot::write(topics(end), LeaderEpoch(3), Timestamp(9), Timestamp(10)).collect()
}

fn bytes(end: i64) -> Bytes {
    batches(end).into_iter().map(|batch| batch.expect("written")).collect::<Vec<_>>().concat().into()
}

fn disk() -> MemoryDisk {
    let disk = MemoryDisk::default();
    disk.put("m-0/partition.metadata", b"");
    disk
}

fn open(disk: &MemoryDisk) -> (Snapshots<MemoryDisk>, Vec<SnapshotId>) {
    finish(Snapshots::open(disk.clone(), "m-0".into())).expect("opens")
}

fn read_records(snapshots: &Snapshots<MemoryDisk>, id: SnapshotId) -> Vec<MetadataRecord> {
    let snapshot = finish(snapshots.read(id)).expect("opens").expect("is there");
    let (mut parts, mut records) = (snapshot.parts(), Vec::new());
    while let Some(part) = finish(parts.next()).expect("reads") {
        if let Part::Data(batch) = part {
            records.extend(metadata(&batch).expect("records"));
        }
    }
    records
}

/// Every snapshot that is listed is whole.
fn check(snapshots: &Snapshots<MemoryDisk>, found: &[SnapshotId]) {
    for found in found {
        assert_eq!(read_records(snapshots, *found), topics(found.end.0), "snapshot {found}");
    }
}

#[test]
fn a_snapshot_has_kafkas_name_and_is_read_back() {
    let disk = disk();
    let (snapshots, found) = open(&disk);
    assert_eq!(found, []);
    for end in [40, 7] {
        finish(snapshots.write(id(end), batches(end))).expect("writes");
    }
    assert_eq!(disk.content(path(40)), Some(bytes(40).to_vec()));
    disk.power_loss(0);
    let (snapshots, found) = open(&disk);
    assert_eq!(found, [id(7), id(40)]);
    check(&snapshots, &found);
    assert!(finish(snapshots.read(id(8))).expect("looks").is_none());
}

#[test]
fn later_snapshots_are_greater_whatever_their_epoch() {
    let disk = disk();
    for name in
        ["00000000000000000009-0000000007", "00000000000000000010-0000000001", "10-1", "x", "1-0000000001"]
    {
        disk.put(format!("m-0/{name}.checkpoint"), b"");
    }
    let found: Vec<String> = open(&disk).1.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["9-7", "10-1"]);
}

#[test]
fn pieces_are_read_within_bounds() {
    let disk = disk();
    let (snapshots, _) = open(&disk);
    finish(snapshots.write(id(40), batches(40))).expect("writes");
    let (snapshot, whole) = (finish(snapshots.read(id(40))).expect("opens").expect("is there"), bytes(40));
    assert_eq!(snapshot.len(), whole.len() as u64);
    let (mut position, mut read) = (0, Vec::new());
    while position < snapshot.len() {
        let piece = finish(snapshot.piece(position, 1000)).expect("reads");
        assert!(!piece.is_empty() && piece.len() <= 1000);
        position += piece.len() as u64;
        read.extend_from_slice(&piece);
    }
    assert_eq!(read, whole);
    for (position, max_bytes) in [(snapshot.len(), 10), (u64::MAX, 10), (0, 0)] {
        assert_eq!(finish(snapshot.piece(position, max_bytes)), Ok(Bytes::new()));
    }
}

#[test]
fn a_snapshot_is_written_piece_by_piece_in_order() {
    let disk = disk();
    let (snapshots, _) = open(&disk);
    let whole = bytes(40);
    let mut writer = finish(snapshots.begin(id(40))).expect("begins");
    for start in (0..whole.len()).step_by(700) {
        let piece = whole.slice(start..whole.len().min(start + 700));
        for wrong in [start as u64 + 1, 1 << 40] {
            let refused = finish(writer.write(wrong, piece.clone()));
            assert_eq!(refused, Err(SnapshotError::Position { found: wrong, expected: start as u64 }));
        }
        finish(writer.write(start as u64, piece)).expect("writes");
    }
    assert_eq!((writer.id(), writer.position()), (id(40), whole.len() as u64));
    assert_eq!(finish(snapshots.list()), Ok(vec![]));
    finish(writer.finish()).expect("finishes");
    check(&snapshots, &[id(40)]);
}

#[test]
fn what_is_not_whole_gets_no_name() {
    let disk = disk();
    let (snapshots, _) = open(&disk);
    let whole = bytes(40);
    let footer = whole.len() - batches(40).pop().expect("a footer").expect("written").len();
    for (len, position) in [(0, 0), (footer, footer), (footer + 20, footer)] {
        let mut writer = finish(snapshots.begin(id(40))).expect("begins");
        finish(writer.write(0, whole.slice(..len))).expect("writes");
        match finish(writer.finish()) {
            Err(SnapshotError::Corrupt { position: at, .. }) => assert_eq!(at, position as u64),
            other => panic!("{other:?} of the first {len} bytes"),
        }
    }
    let mut spoilt = whole.to_vec();
    spoilt[footer / 2] ^= 1;
    let mut writer = finish(snapshots.begin(id(40))).expect("begins");
    finish(writer.write(0, spoilt.into())).expect("writes");
    assert!(matches!(finish(writer.finish()), Err(SnapshotError::Corrupt { .. })));
    assert_eq!(open(&disk).1, []);
    assert_eq!(disk.paths(), ["m-0", "m-0/partition.metadata"], "what was not finished is removed");
}

#[test]
fn a_crash_at_any_operation_leaves_whole_snapshots_only() {
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..20 {
            let disk = disk();
            let (snapshots, _) = open(&disk);
            finish(snapshots.write(id(7), batches(7))).expect("writes");
            disk.stop_after(Some(operations));
            finished = run(replace(&snapshots)).is_some();
            disk.power_loss(seed);
            let (snapshots, found) = open(&disk);
            check(&snapshots, &found);
            assert!([&[id(7)][..], &[id(7), id(40)], &[id(40)]].contains(&&found[..]), "found {found:?}");
            assert!(!finished || found == [id(40)], "found {found:?}");
            finish(replace(&snapshots)).expect("once more");
            disk.power_loss(seed + 1);
            let (snapshots, found) = open(&disk);
            assert_eq!(found, [id(40)]);
            check(&snapshots, &found);
        }
        if finished {
            break;
        }
    }
}

/// Takes a later snapshot and removes the earlier one.
async fn replace(snapshots: &Snapshots<MemoryDisk>) -> Result<(), SnapshotError> {
    snapshots.write(id(40), batches(40)).await?;
    Ok(snapshots.remove_before(id(40)).await?)
}

#[test]
fn what_is_found_after_a_kill_survives_a_power_cut() {
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..20 {
            let disk = disk();
            let (snapshots, _) = open(&disk);
            disk.stop_after(Some(operations));
            finished = run(snapshots.write(id(40), batches(40))).is_some();
            disk.stop_after(None);
            let (_, found) = open(&disk);
            disk.power_loss(seed);
            let (snapshots, still) = open(&disk);
            assert_eq!(still, found, "after a kill at operation {operations}");
            check(&snapshots, &still);
        }
        if finished {
            break;
        }
    }
}

#[test]
fn what_failed_to_sync_is_written_again_to_another_file() {
    for seed in 0..20 {
        let disk = disk();
        let (snapshots, _) = open(&disk);
        disk.fail_syncs(1);
        assert!(matches!(finish(snapshots.write(id(40), batches(40))), Err(SnapshotError::Disk(_))));
        assert_eq!(finish(snapshots.list()), Ok(vec![]));
        finish(snapshots.write(id(40), batches(40))).expect("writes");
        disk.power_loss(seed);
        let (snapshots, found) = open(&disk);
        assert_eq!(found, [id(40)]);
        check(&snapshots, &found);
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let disk = disk();
    let (snapshots, _) = open(&disk);
    disk.set_space(Some(3000));
    match finish(snapshots.write(id(40), batches(40))) {
        Err(SnapshotError::Disk(error)) => assert_eq!(error.kind, DiskErrorKind::NoSpace),
        other => panic!("{other:?}"),
    }
    disk.set_space(None);
    assert_eq!(open(&disk).1, []);
    assert_eq!(disk.paths(), ["m-0", "m-0/partition.metadata"]);
}

#[test]
fn older_snapshots_are_removed_and_open_ones_read_on() {
    let disk = disk();
    let (snapshots, _) = open(&disk);
    for end in [7, 20, 40, 41] {
        finish(snapshots.write(id(end), batches(end))).expect("writes");
    }
    let reader = finish(snapshots.read(id(7))).expect("opens").expect("is there");
    finish(snapshots.remove_before(id(40))).expect("removes");
    assert_eq!(finish(snapshots.list()), Ok(vec![id(40), id(41)]));
    assert_eq!(finish(reader.piece(0, usize::MAX)), Ok(bytes(7)));
    disk.power_loss(0);
    assert_eq!(open(&disk).1, [id(40), id(41)]);
}

#[test]
fn damage_is_told_where_it_is() {
    let disk = disk();
    let mut spoilt = bytes(40).to_vec();
    let header = batches(40)[0].as_ref().expect("written").len();
    spoilt[header + 100] ^= 4;
    disk.put(path(40), &spoilt);
    let (snapshots, _) = open(&disk);
    let mut parts = finish(snapshots.read(id(40))).expect("opens").expect("is there").parts();
    assert!(matches!(finish(parts.next()), Ok(Some(Part::Control(_)))));
    let error = finish(parts.next()).expect_err("damaged");
    assert!(matches!(error, SnapshotError::Corrupt { position, .. } if position == header as u64), "{error}");
}
