//! I20: who acts in an epoch that is over changes nothing.
//!
//! * A leader of the metadata quorum: a batch of an epoch is first written by who leads that epoch, as long as it does; what
//!   others append of that epoch is what it wrote; and an offset is written once in an epoch.
//! * A broker: what the metadata log says of a broker's state, and the producer ids that it hands out to one, is of the
//!   incarnation that is registered when it is said. A broker's epochs ascend.
//!
//! A heartbeat of an earlier incarnation that the controller takes for one of the present would not show: what it writes has
//! the present epoch. Of partitions' leaders `partition_epochs` holds the same, of producers `sequences`.

use super::{Batch, Checker, Context, Metadata, Report, Seen, committed::METADATA};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset, Uuid};
use records::metadata::MetadataRecord;
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct StaleEpochs {
    /// The epoch that each broker leads now.
    leading: BTreeMap<i32, LeaderEpoch>,
    /// Who led each epoch.
    leaders: BTreeMap<LeaderEpoch, i32>,
    /// What was written in each epoch, by its first offset.
    written: BTreeMap<(LeaderEpoch, Offset), Batch>,
}

impl Checker for StaleEpochs {
    fn name(&self) -> &'static str {
        "stale_epochs"
    }

    fn invariant(&self) -> &'static str {
        "I20"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        match seen {
            Seen::Event { broker, event } => self.event(*broker, event, report),
            Seen::Replayed { broker, metadata, .. } => {
                for batch in &metadata.batches {
                    // Whoever led the epoch may have ended between the write and its event.
                    let own = self.leaders.get(&batch.epoch) == Some(broker);
                    self.found(*broker, *batch, own, report);
                }
                registrations(*broker, metadata, report);
            }
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.leading.remove(broker);
            }
            _ => {}
        }
    }
}

impl StaleEpochs {
    fn event(&mut self, broker: i32, event: &Event, report: &mut Report) {
        match event {
            Event::BecameLeader { partition: METADATA, epoch } => {
                self.leading.insert(broker, *epoch);
                self.leaders.entry(*epoch).or_insert(broker);
            }
            Event::Resigned { partition: METADATA, .. }
            | Event::BecameFollower { partition: METADATA, .. } => {
                self.leading.remove(&broker);
            }
            Event::Appended { partition: METADATA, epoch, base, end, crc } => {
                let batch = Batch { base: *base, end: end.0, epoch: *epoch, crc: *crc };
                let leads = self.leading.get(&broker) == Some(epoch);
                self.found(broker, batch, leads, report);
            }
            _ => {}
        }
    }

    /// A broker has a batch in its log. `own`: it may have written it by itself.
    fn found(&mut self, broker: i32, batch: Batch, own: bool, report: &mut Report) {
        let Batch { epoch, base, .. } = batch;
        match self.written.get(&(epoch, base)) {
            Some(written) if *written == batch => {}
            Some(written) => report.violation(format!(
                "broker {broker} has {batch:?}, where {written:?} was written in the same epoch"
            )),
            None if own => _ = self.written.insert((epoch, base), batch),
            None => {
                let leader = self.leaders.get(&epoch);
                report.violation(format!(
                    "broker {broker} has {batch:?}, which nobody wrote who led epoch {epoch}; that was {leader:?}"
                ));
            }
        }
    }
}

/// Judges what a log says of brokers, from the first snapshot on, or from nothing.
fn registrations(broker: i32, metadata: &Metadata, report: &mut Report) {
    let first = metadata.snapshots.iter().find(|snapshot| snapshot.end >= metadata.start);
    let first = first.filter(|_| metadata.start > Offset::ZERO);
    let (from, base) = first.map_or((metadata.start, &[][..]), |first| (first.end, &first.records));
    if first.is_none() && metadata.start > Offset::ZERO {
        return;
    }
    let end = metadata.batches.last().map_or(from, |last| last.end.max(from));
    let Some(behind) = metadata.between(from, end) else { return };
    let mut registered: BTreeMap<i32, (i64, Uuid)> = BTreeMap::new();
    let records = base.iter().map(|record| (from, record)).chain(behind);
    for (offset, record) in records {
        let (id, epoch) = match record {
            MetadataRecord::RegisterBroker(record) => {
                let now = (record.broker_epoch, record.incarnation_id);
                let before = registered.insert(record.broker_id, now);
                // Whoever was not answered registers again, as the incarnation that it is.
                if before.is_some_and(|before| before.0 >= now.0 && before != now) {
                    report.violation(format!(
                        "broker {broker}, offset {offset}: broker {} is registered in epoch {}, after {before:?}",
                        record.broker_id, record.broker_epoch
                    ));
                }
                continue;
            }
            MetadataRecord::FenceBroker(record) => (record.id, record.epoch),
            MetadataRecord::UnfenceBroker(record) => (record.id, record.epoch),
            MetadataRecord::BrokerRegistrationChange(record) => (record.broker_id, record.broker_epoch),
            MetadataRecord::UnregisterBroker(record) => (record.broker_id, record.broker_epoch),
            MetadataRecord::ProducerIds(record) if record.broker_id >= 0 => {
                (record.broker_id, record.broker_epoch)
            }
            _ => continue,
        };
        if registered.get(&id).map(|(epoch, _)| *epoch) != Some(epoch) {
            report.violation(format!(
                "broker {broker}, offset {offset}: {record:?} is of an incarnation that is over: {:?} is registered",
                registered.get(&id)
            ));
        }
        if matches!(record, MetadataRecord::UnregisterBroker(_)) {
            registered.remove(&id);
        }
    }
}

#[cfg(test)]
#[path = "stale_epochs_test.rs"]
mod tests;
