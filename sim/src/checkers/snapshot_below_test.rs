//! A log that has lost its beginning, and a leader that takes another's snapshot.

use super::*;
use crate::checkers::forge::Forge;
use crate::checkers::{Checkers, Metadata, Snapshot};
use std::collections::BTreeMap;

fn only() -> Forge {
    Forge::with(Checkers::with(vec![Box::new(SnapshotBelow::default())]))
}

fn starts(start: i64, snapshots: &[i64]) -> Forge {
    let snapshot = |end: &i64| Snapshot { end: Offset(*end), epoch: LeaderEpoch(1), records: Vec::new() };
    let snapshots = snapshots.iter().map(snapshot).collect();
    let metadata = Metadata { start: Offset(start), snapshots, ..Metadata::default() };
    only().seen(&Seen::Replayed { broker: 1, logs: &BTreeMap::new(), metadata: &metadata })
}

#[test]
fn a_log_without_a_beginning_and_a_snapshot_is_noticed() {
    starts(0, &[]).fires(&[]);
    starts(5, &[3, 5]).fires(&[]);
    starts(5, &[9]).fires(&[]);
    starts(5, &[]).fires(&["snapshot_below"]);
    starts(5, &[3, 4]).fires(&["snapshot_below"]);
}

#[test]
fn a_leader_that_installs_a_snapshot_is_noticed() {
    let leads = || only().event(Event::BecameLeader { partition: METADATA, epoch: LeaderEpoch(2) });
    let installed =
        || Event::SnapshotInstalled { partition: METADATA, end: Offset(5), epoch: LeaderEpoch(1) };
    leads().event(installed()).fires(&["snapshot_below"]);
    leads().note(Note::Killed { broker: 1 }).event(installed()).fires(&[]);
    let resigned = Event::Resigned { partition: METADATA, epoch: LeaderEpoch(2) };
    leads().event(resigned).event(installed()).fires(&[]);
    only().event(installed()).fires(&[]);
}
