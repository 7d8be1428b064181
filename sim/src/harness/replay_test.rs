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
    let replayed = replay(files);
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
    let log = *replay(&files).first_key_value().unwrap().1;
    assert_eq!((log.start.0, log.end.0.0), (4, 7));
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

#[test]
fn an_epoch_that_has_not_written_yet_is_fine() {
    let mut files = sound();
    files.insert("t-0/leader-epoch-checkpoint".into(), Bytes::from_static(b"0\n3\n0 0\n2 4\n3 7\n"));
    assert_eq!(scrub(&files), []);
}
