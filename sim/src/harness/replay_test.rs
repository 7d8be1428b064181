//! A small directory, sound and then spoilt in one place after the other.

use super::*;
use model::{LeaderEpoch, Timestamp};
use records::batch::BatchBuilder;

const ID: &str = "AQEBAQEBAQEBAQEBAQEBAQ";

fn batch(base: i64, records: i64, epoch: i32, timestamp: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new(Offset(base), LeaderEpoch(epoch));
    for _ in 0..records {
        builder.push(Timestamp(timestamp), None, Some(b"value"));
    }
    builder.build().to_vec()
}

/// Two segments: offsets 0..4 in epoch 0, 4..7 in epoch 2.
fn sound() -> Files {
    let first = [batch(0, 2, 0, 10), batch(2, 2, 0, 20)].concat();
    let second_at = batch(0, 2, 0, 10).len() as u32;
    let index: Vec<u8> = [3u32.to_be_bytes(), second_at.to_be_bytes()].concat();
    let time: Vec<u8> = [&20i64.to_be_bytes()[..], &3u32.to_be_bytes()[..]].concat();
    [
        ("t-0/partition.metadata", format!("version: 0\ntopic_id: {ID}\n").into_bytes()),
        ("t-0/00000000000000000000.log", first),
        ("t-0/00000000000000000000.index", index),
        ("t-0/00000000000000000000.timeindex", time),
        ("t-0/00000000000000000004.log", batch(4, 3, 2, 30)),
        ("t-0/00000000000000000004.index", Vec::new()),
        ("t-0/leader-epoch-checkpoint", b"0\n2\n0 0\n2 4\n".to_vec()),
        ("recovery-point-offset-checkpoint", b"0\n1\nt 0 7\n".to_vec()),
    ]
    .into_iter()
    .map(|(path, bytes)| (path.to_string(), Bytes::from(bytes)))
    .collect()
}

fn end(files: &Files) -> i64 {
    let replayed = replay(files).logs;
    assert_eq!(replayed.len(), 1);
    let (key, log) = replayed.first_key_value().unwrap();
    assert_eq!(key.topic.0.to_string(), ID);
    log.end.0.0
}

#[test]
fn a_sound_directory_is_replayed_whole_and_clean() {
    let files = sound();
    assert_eq!(end(&files), 7);
    assert_eq!(scrub(&files), []);
}

#[test]
fn a_torn_batch_ends_the_log_and_everything_behind_it() {
    let mut files = sound();
    let path = "t-0/00000000000000000000.log";
    let mut bytes = files[path].to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    files.insert(path.into(), bytes.into());
    assert_eq!(end(&files), 2);
    let found = scrub(&files);
    assert!(found.iter().any(|r| r.path == path), "{found:?}");
    assert!(found.iter().any(|r| r.path.ends_with("4.log")), "{found:?}");
    assert!(found.iter().any(|r| r.path == "recovery-point-offset-checkpoint"), "{found:?}");
}

#[test]
fn a_segment_ends_where_the_next_one_begins_and_what_it_has_beyond_is_rubbish() {
    let mut files = sound();
    let path = "t-0/00000000000000000000.log";
    // What a recovery has copied to the next segment and, interrupted, not yet cut off here: part of it is torn.
    let moved = batch(4, 3, 2, 30);
    for left in [moved.len(), moved.len() - 1] {
        let bytes = [batch(0, 2, 0, 10), batch(2, 2, 0, 20), moved[..left].to_vec()].concat();
        files.insert(path.into(), bytes.into());
        assert_eq!(end(&files), 7);
        let found = scrub(&files);
        assert!(found.len() == 1 && found[0].path == path, "{found:?}");
    }
    // Of another batch than the next segment begins with: garbage that was never cut off.
    let bytes = [batch(0, 2, 0, 10), batch(2, 2, 0, 20), batch(4, 2, 2, 31)].concat();
    files.insert(path.into(), bytes.into());
    assert_ne!(end(&files), 7);
}

#[test]
fn a_missing_segment_ends_the_log() {
    let mut files = sound();
    files.insert("t-0/00000000000000000000.log".into(), Bytes::from(batch(0, 2, 0, 10)));
    assert_eq!(end(&files), 2);
}

#[test]
fn a_log_that_lost_its_beginning_starts_at_its_first_segment() {
    let mut files = sound();
    files.remove("t-0/00000000000000000000.log");
    let log = replay(&files).logs.pop_first().unwrap().1;
    assert_eq!((log.start.0, log.end.0.0), (4, 7));
}

#[test]
fn the_metadata_logs_batches_are_told_from_its_start() {
    let metadata = |(path, bytes): (String, Bytes)| (path.replace("t-0/", "__cluster_metadata-0/"), bytes);
    let mut files: Files = sound().into_iter().map(metadata).collect();
    let told = |files: &Files| -> Vec<(i64, i64, i32)> {
        let batches = replay(files).metadata.batches;
        batches.iter().map(|batch| (batch.base.0, batch.end.0, batch.epoch.0)).collect()
    };
    assert_eq!(told(&files), [(0, 2, 0), (2, 4, 0), (4, 7, 2)]);
    let trimmed = Bytes::from_static(b"0\n1\n__cluster_metadata 0 2\n");
    files.insert("log-start-offset-checkpoint".into(), trimmed);
    assert_eq!(told(&files), [(2, 4, 0), (4, 7, 2)]);
    assert_eq!(told(&sound()), []);
}

#[track_caller]
fn spoilt(path: &str, bytes: Vec<u8>) {
    let mut files = sound();
    files.insert(path.into(), bytes.into());
    let found = scrub(&files);
    assert!(found.len() == 1 && found[0].path == path, "{found:?}");
}

#[test]
fn derived_files_that_say_something_else_are_found() {
    spoilt("t-0/00000000000000000000.index", [3u32.to_be_bytes(), 5u32.to_be_bytes()].concat());
    spoilt("t-0/00000000000000000000.index", [9u32.to_be_bytes(), 0u32.to_be_bytes()].concat());
    spoilt("t-0/00000000000000000000.index", vec![0; 7]);
    let entry =
        |timestamp: i64, offset: u32| [&timestamp.to_be_bytes()[..], &offset.to_be_bytes()[..]].concat();
    spoilt("t-0/00000000000000000000.timeindex", entry(19, 3));
    spoilt("t-0/00000000000000000000.timeindex", entry(20, 9));
    spoilt("t-0/leader-epoch-checkpoint", b"0\n3\n0 0\n2 4\n3 9\n".to_vec());
    spoilt("t-0/leader-epoch-checkpoint", b"0\n1\n0 0\n".to_vec());
    spoilt("recovery-point-offset-checkpoint", b"0\n1\nt 0 8\n".to_vec());
}

/// A snapshot of producers of these entries: id, epoch, last sequence, last offset.
fn snapshot(entries: &[(i64, i16, i32, i64)]) -> Vec<u8> {
    let mut counted = (entries.len() as i32).to_be_bytes().to_vec();
    for (id, epoch, sequence, offset) in entries {
        counted.extend(id.to_be_bytes());
        counted.extend(epoch.to_be_bytes());
        counted.extend(sequence.to_be_bytes());
        counted.extend(offset.to_be_bytes());
        counted.extend([0; 24]);
    }
    [&1i16.to_be_bytes()[..], &records::batch::crc32c(&counted).to_be_bytes(), &counted].concat()
}

#[test]
fn snapshots_of_producers_that_say_something_else_are_found() {
    let path = |at: i64| format!("t-0/{at:020}.snapshot");
    let mut files = sound();
    // Another batch, of producer 5 from sequence 2 on, between the two segments' others.
    let mut builder = BatchBuilder::new(Offset(7), LeaderEpoch(2)).producer(model::ProducerId(5), 1, 2);
    (0..3).for_each(|_| builder.push(Timestamp(40), None, Some(b"value")));
    let second = "t-0/00000000000000000004.log";
    let bytes = [&files[second][..], &builder.build()].concat();
    files.insert(second.into(), bytes.into());
    let found = |at: i64, bytes: Vec<u8>| {
        let mut files = files.clone();
        files.insert(path(at), bytes.into());
        scrub(&files).into_iter().map(|rubbish| rubbish.path).collect::<Vec<_>>()
    };
    for (at, sound) in [(0, snapshot(&[])), (7, snapshot(&[])), (10, snapshot(&[(5, 1, 4, 9)]))] {
        assert_eq!(found(at, sound), Vec::<String>::new(), "at {at}");
    }
    for (at, spoilt) in [
        (10, snapshot(&[])),
        (10, snapshot(&[(5, 0, 4, 9)])),
        (10, snapshot(&[(5, 1, 4, 9), (6, 1, 0, 3)])),
        (7, snapshot(&[(5, 1, 4, 9)])),
        (11, snapshot(&[(5, 1, 4, 9)])),
        (10, Vec::new()),
        (10, vec![0; 56]),
        (10, snapshot(&[(5, 1, 4, 9)])[..55].to_vec()),
    ] {
        assert_eq!(found(at, spoilt), [path(at)], "at {at}");
    }
    // What was below the log's beginning can't be looked up any more.
    files.remove("t-0/00000000000000000000.log");
    files.remove("t-0/00000000000000000000.index");
    files.remove("t-0/00000000000000000000.timeindex");
    files.insert("t-0/leader-epoch-checkpoint".into(), Bytes::from_static(b"0\n1\n2 4\n"));
    files.insert(path(10), snapshot(&[(5, 1, 4, 9), (6, 1, 0, 3)]).into());
    assert_eq!(scrub(&files), []);
}

#[test]
fn an_epoch_that_has_not_written_yet_is_fine() {
    let mut files = sound();
    files.insert("t-0/leader-epoch-checkpoint".into(), Bytes::from_static(b"0\n3\n0 0\n2 4\n3 7\n"));
    assert_eq!(scrub(&files), []);
}

/// The same as the metadata log, trimmed behind a snapshot.
fn with_snapshot() -> Files {
    let mut files: Files = sound()
        .into_iter()
        .filter(|(path, _)| {
            path != "recovery-point-offset-checkpoint" && !path.contains("/00000000000000000000")
        })
        .map(|(path, bytes)| (path.replace("t-0", "__cluster_metadata-0"), bytes))
        .collect();
    let epochs = Bytes::from_static(b"0\n1\n2 5\n");
    files.insert("__cluster_metadata-0/leader-epoch-checkpoint".into(), epochs);
    let starts = Bytes::from_static(b"0\n1\n__cluster_metadata 0 5\n");
    files.insert("log-start-offset-checkpoint".into(), starts);
    let level = records::metadata::FeatureLevelRecord { name: "metadata.version".into(), feature_level: 30 };
    let batches = records::snapshot::write([level.into()], LeaderEpoch(2), Timestamp(30), Timestamp(31));
    let snapshot: Vec<u8> = batches.flat_map(|batch| batch.expect("written")).collect();
    files.insert("__cluster_metadata-0/00000000000000000005-0000000002.checkpoint".into(), snapshot.into());
    files
}

#[test]
fn a_metadata_log_begins_with_a_whole_snapshot() {
    let files = with_snapshot();
    assert_eq!(scrub(&files), []);
    let path = files.keys().find(|path| path.ends_with(".checkpoint")).expect("the snapshot").clone();
    let whole = files[&path].clone();
    let found = |change: &dyn Fn(&mut Files)| {
        let mut files = files.clone();
        change(&mut files);
        let found = scrub(&files);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].path.clone()
    };
    for len in [0, 30, whole.len() - 1] {
        assert_eq!(found(&|files| drop(files.insert(path.clone(), whole.slice(..len)))), path);
    }
    assert_eq!(found(&|files| drop(files.remove(&path))), "__cluster_metadata-0");
    let earlier = "__cluster_metadata-0/00000000000000000004-0000000002.checkpoint";
    let rename = |files: &mut Files| {
        files.remove(&path);
        files.insert(earlier.into(), whole.clone());
    };
    assert_eq!(found(&rename), "__cluster_metadata-0");
}

#[test]
fn a_log_that_is_to_be_replaced_is_empty_and_is_rubbish_when_it_stays() {
    let mut files = sound();
    let path = "t-0/00000000000000000009.start-over";
    files.insert(path.into(), Bytes::new());
    let log = replay(&files).logs.pop_first().unwrap().1;
    assert_eq!((log.start.0, log.end.0.0), (9, 9));
    assert!(scrub(&files).iter().any(|rubbish| rubbish.path == path));
}
