//! Snapshots that leave something out, hold what the log does not, or are not the same everywhere.

use super::*;
use crate::checkers::forge::Forge;
use crate::checkers::{Batch, Checkers, Snapshot};
use model::{LeaderEpoch, Uuid};
use records::metadata::TopicRecord;

fn topic(n: u8) -> MetadataRecord {
    TopicRecord { name: format!("t{n}"), topic_id: Uuid([n; 16]) }.into()
}

/// A log that begins at `start`, a topic in each batch, with these snapshots.
fn disk(start: i64, topics: &[u8], snapshots: &[(i64, &[u8])]) -> Metadata {
    let batch = |base: i64| Batch {
        base: Offset(base),
        end: Offset(base + 1),
        epoch: LeaderEpoch(1),
        crc: base as u32,
    };
    let snapshot = |(end, topics): &(i64, &[u8])| Snapshot {
        end: Offset(*end),
        epoch: LeaderEpoch(1),
        records: topics.iter().copied().map(topic).collect(),
    };
    Metadata {
        epoch: None,
        start: Offset(start),
        batches: (start..).take(topics.len()).map(batch).collect(),
        records: topics.iter().map(|n| vec![topic(*n)]).collect(),
        snapshots: snapshots.iter().map(snapshot).collect(),
    }
}

#[track_caller]
fn fires(disks: &[Metadata], expected: &[&str]) {
    let forge = Forge::with(Checkers::with(vec![Box::new(Image::default())]));
    let seen = (1..).zip(disks).fold(forge, |forge, (broker, metadata)| {
        forge.seen(&Seen::Replayed { broker, logs: &BTreeMap::new(), metadata })
    });
    seen.fires(expected);
}

#[test]
fn a_snapshot_is_what_the_log_gives_from_nothing_or_from_the_one_before() {
    fires(&[disk(0, &[1, 2, 3], &[(2, &[1, 2]), (3, &[1, 2, 3])])], &[]);
    fires(&[disk(2, &[3, 4], &[(2, &[1, 2]), (3, &[1, 2, 3])])], &[]);
    // Nothing tells what is right where the log has gone.
    fires(&[disk(3, &[4], &[(3, &[1, 3])])], &[]);
}

#[test]
fn records_that_are_missing_or_too_many_are_noticed() {
    fires(&[disk(0, &[1, 2, 3], &[(3, &[1, 3])])], &["image"]);
    fires(&[disk(0, &[1, 2, 3], &[(2, &[1, 2, 3])])], &["image"]);
    fires(&[disk(2, &[3, 4], &[(2, &[1, 2]), (4, &[1, 2, 4])])], &["image"]);
    fires(&[disk(2, &[3, 1], &[(2, &[1, 2]), (4, &[1, 2, 3])])], &["image"]);
}

#[test]
fn snapshots_of_one_end_that_differ_are_noticed() {
    let first = || disk(0, &[1, 2], &[(2, &[1, 2])]);
    fires(&[first(), disk(2, &[], &[(2, &[1, 2])])], &[]);
    fires(&[first(), disk(2, &[], &[(2, &[1])])], &["image"]);
    fires(&[disk(2, &[], &[(2, &[1])]), first()], &["image"]);
}

#[test]
fn a_snapshot_is_judged_when_it_has_been_taken() {
    let metadata = disk(0, &[1, 2, 3], &[(3, &[1, 3])]);
    let forge = Forge::with(Checkers::with(vec![Box::new(Image::default())]));
    forge.seen(&Seen::Snapshotted { broker: 1, metadata: &metadata }).fires(&["image"]);
}
