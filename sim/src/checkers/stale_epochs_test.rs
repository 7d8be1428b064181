//! Batches written by who does not lead, and records about brokers' incarnations that are over.

use super::*;
use crate::checkers::forge::Forge;
use crate::checkers::{Checkers, Snapshot};
use model::{BrokerId, LogEnd};
use records::metadata::{FenceBrokerRecord, ProducerIdsRecord, RegisterBrokerRecord, UnfenceBrokerRecord};

fn only() -> Forge {
    Forge::with(Checkers::with(vec![Box::new(StaleEpochs::default())]))
}

fn told(forge: Forge, broker: i32, event: Event) -> Forge {
    forge.seen(&Seen::Event { broker, event: &event })
}

fn leads(forge: Forge, broker: i32, epoch: i32) -> Forge {
    told(forge, broker, Event::BecameLeader { partition: METADATA, epoch: LeaderEpoch(epoch) })
}

fn appended(forge: Forge, broker: i32, epoch: i32, crc: u32) -> Forge {
    let (epoch, end) = (LeaderEpoch(epoch), LogEnd(Offset(1)));
    told(forge, broker, Event::Appended { partition: METADATA, epoch, base: Offset(0), end, crc })
}

fn starts(forge: Forge, broker: i32, epoch: i32, crc: u32) -> Forge {
    let batch = Batch { base: Offset(0), end: Offset(1), epoch: LeaderEpoch(epoch), crc };
    let metadata = Metadata { batches: vec![batch], records: vec![Vec::new()], ..Metadata::default() };
    forge.seen(&Seen::Replayed { broker, logs: &BTreeMap::new(), metadata: &metadata })
}

#[test]
fn what_a_leader_has_written_others_may_have() {
    let written = || appended(leads(only(), 1, 3), 1, 3, 7);
    starts(appended(written(), 2, 3, 7), 2, 3, 7).fires(&[]);
    appended(written(), 2, 3, 8).fires(&["stale_epochs"]);
    appended(written(), 1, 3, 8).fires(&["stale_epochs"]);
    // It ended between the write and its event.
    let ended = || leads(only(), 1, 3).note(Note::Killed { broker: 1 });
    appended(starts(ended(), 1, 3, 7), 2, 3, 7).fires(&[]);
    starts(ended(), 2, 3, 7).fires(&["stale_epochs"]);
}

#[test]
fn who_does_not_lead_the_epoch_any_more_writes_nothing() {
    let led = || leads(only(), 1, 3);
    let event = Event::Resigned { partition: METADATA, epoch: LeaderEpoch(3) };
    appended(told(led(), 1, event), 1, 3, 7).fires(&["stale_epochs"]);
    let event = Event::BecameFollower { partition: METADATA, epoch: LeaderEpoch(4), leader: BrokerId(2) };
    appended(told(led(), 1, event), 1, 3, 7).fires(&["stale_epochs"]);
    appended(led().note(Note::Killed { broker: 1 }), 1, 3, 7).fires(&["stale_epochs"]);
    appended(led(), 2, 3, 7).fires(&["stale_epochs"]);
    appended(led(), 1, 4, 7).fires(&["stale_epochs"]);
    appended(only(), 1, 0, 7).fires(&["stale_epochs"]);
}

fn register(epoch: i64) -> MetadataRecord {
    incarnation(epoch, epoch as u8)
}

fn incarnation(epoch: i64, number: u8) -> MetadataRecord {
    RegisterBrokerRecord {
        broker_id: 5,
        broker_epoch: epoch,
        incarnation_id: Uuid([number; 16]),
        ..RegisterBrokerRecord::default()
    }
    .into()
}

/// A log that says this of broker 5, behind a snapshot if it begins later than at zero.
#[track_caller]
fn log(snapshot: Option<MetadataRecord>, records: Vec<MetadataRecord>, fires: &[&str]) {
    let start = snapshot.as_ref().map_or(0, |_| 10);
    let snapshots =
        snapshot.map(|record| Snapshot { end: Offset(start), epoch: LeaderEpoch(3), records: vec![record] });
    let batch = Batch {
        base: Offset(start),
        end: Offset(start + records.len() as i64),
        epoch: LeaderEpoch(3),
        crc: 7,
    };
    let metadata = Metadata {
        start: Offset(start),
        batches: vec![batch],
        records: vec![records],
        snapshots: snapshots.into_iter().collect(),
        ..Metadata::default()
    };
    let forge = leads(only(), 1, 3);
    forge.seen(&Seen::Replayed { broker: 1, logs: &BTreeMap::new(), metadata: &metadata }).fires(fires);
}

#[test]
fn what_is_said_of_an_incarnation_that_is_over_is_noticed() {
    let fence = |epoch| MetadataRecord::from(FenceBrokerRecord { id: 5, epoch });
    let unfence = |epoch| MetadataRecord::from(UnfenceBrokerRecord { id: 5, epoch });
    let ids = |broker_id, broker_epoch| {
        MetadataRecord::from(ProducerIdsRecord { broker_id, broker_epoch, next_producer_id: 1000 })
    };
    log(None, vec![register(1), unfence(1), fence(1), register(4), unfence(4), ids(5, 4)], &[]);
    log(None, vec![register(1), register(4), unfence(1)], &["stale_epochs"]);
    log(None, vec![register(4), register(1)], &["stale_epochs"]);
    log(None, vec![incarnation(4, 1), incarnation(4, 1)], &[]);
    log(None, vec![incarnation(4, 1), incarnation(4, 2)], &["stale_epochs"]);
    log(None, vec![register(4), fence(3)], &["stale_epochs"]);
    log(None, vec![register(4), ids(5, 3)], &["stale_epochs"]);
    log(None, vec![ids(-1, -1)], &[]);
    log(Some(register(4)), vec![unfence(4)], &[]);
    log(Some(register(4)), vec![unfence(3)], &["stale_epochs"]);
}
