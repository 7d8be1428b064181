//! Batches of an epoch whose leader has not written them must be noticed.

use super::*;
use crate::checkers::forge::{Forge, T0};
use crate::checkers::{Batch, Checkers, Metadata, Replayed};
use model::{BrokerId, LogEnd};

fn only() -> Forge {
    Forge::with(Checkers::with(vec![Box::new(PartitionEpochs::default())])).created(true, 3)
}

fn told(forge: Forge, broker: i32, event: Event) -> Forge {
    forge.seen(&Seen::Event { broker, event: &event })
}

fn leads(forge: Forge, broker: i32, epoch: i32) -> Forge {
    told(forge, broker, Event::BecameLeader { partition: T0, epoch: LeaderEpoch(epoch) })
}

fn follows(forge: Forge, broker: i32, epoch: i32, leader: i32) -> Forge {
    let (epoch, leader) = (LeaderEpoch(epoch), BrokerId(leader));
    told(forge, broker, Event::BecameFollower { partition: T0, epoch, leader })
}

fn appended(forge: Forge, broker: i32, epoch: i32, end: i64) -> Forge {
    let (epoch, base, end) = (LeaderEpoch(epoch), Offset(end - 1), LogEnd(Offset(end)));
    told(forge, broker, Event::Appended { partition: T0, epoch, base, end, crc: 7 })
}

fn starts(forge: Forge, broker: i32, epoch: i32, end: i64) -> Forge {
    let (base, end) = (Offset(end - 1), Offset(end));
    let batches = vec![Batch { base, end, epoch: LeaderEpoch(epoch), crc: 7 }];
    let log = Replayed { start: base, end: LogEnd(end), batches, sequenced: Vec::new() };
    let logs = BTreeMap::from([(T0, log)]);
    forge.seen(&Seen::Replayed { broker, logs: &logs, metadata: &Metadata::default() })
}

#[test]
fn what_a_leader_has_written_others_may_have() {
    let written = || appended(leads(only(), 1, 3), 1, 3, 5);
    appended(follows(written(), 2, 3, 1), 2, 3, 5).fires(&[]);
    // Copied from a later leader that had it from this one.
    appended(follows(leads(written(), 2, 4), 3, 4, 2), 3, 3, 5).fires(&[]);
    appended(follows(written(), 2, 3, 1), 2, 3, 6).fires(&["partition_epochs"]);
    appended(follows(written(), 2, 3, 1), 2, 2, 5).fires(&["partition_epochs"]);
}

#[test]
fn nobody_writes_in_another_epoch_than_it_leads_in() {
    appended(leads(leads(only(), 1, 3), 1, 5), 1, 3, 5).fires(&["partition_epochs"]);
    appended(follows(leads(only(), 1, 3), 1, 4, 2), 1, 3, 5).fires(&["partition_epochs"]);
}

#[test]
fn a_leader_may_end_before_it_says_what_it_has_written() {
    let ended = || leads(only(), 1, 3).note(Note::Killed { broker: 1 });
    appended(follows(starts(ended(), 1, 3, 5), 2, 4, 1), 2, 3, 5).fires(&[]);
    appended(follows(starts(ended(), 2, 3, 5), 2, 4, 1), 2, 3, 5).fires(&["partition_epochs"]);
}
