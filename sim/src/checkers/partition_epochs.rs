//! I20 of partitions: who leads writes in its own epoch only, and others have of an epoch what its leader has written.
//!
//! A replica that has heard of a later epoch appends nothing more as the leader of an earlier one, and what it copies of an epoch has
//! been written there: by a leader that said so, or whose disk shows it, as one that ended between the write and its event.
//! The metadata log is `stale_epochs`' to watch.

use super::{Checker, Context, Report, Seen, committed::METADATA};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset, PartitionKey};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct PartitionEpochs {
    /// What each broker leads, and in which epoch.
    leading: BTreeMap<(i32, PartitionKey), LeaderEpoch>,
    /// Who led each epoch.
    leaders: BTreeMap<(PartitionKey, LeaderEpoch), i32>,
    /// Where what was written in each epoch ends, at most.
    written: BTreeMap<(PartitionKey, LeaderEpoch), Offset>,
}

impl Checker for PartitionEpochs {
    fn name(&self) -> &'static str {
        "partition_epochs"
    }

    fn invariant(&self) -> &'static str {
        "I20"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Event { event: Event::BecameLeader { partition: METADATA, .. }, .. } => {}
            Seen::Event { event: Event::Appended { partition: METADATA, .. }, .. } => {}
            Seen::Event { broker, event: Event::BecameLeader { partition, epoch } } => {
                self.leading.insert((*broker, *partition), *epoch);
                self.leaders.entry((*partition, *epoch)).or_insert(*broker);
            }
            Seen::Event { broker, event: Event::BecameFollower { partition, .. } } => {
                self.leading.remove(&(*broker, *partition));
            }
            Seen::Event { broker, event: Event::Appended { partition, epoch, end, .. } } => {
                let name = context.name(*partition);
                match self.leading.get(&(*broker, *partition)) {
                    Some(leads) if leads == epoch => self.wrote(*partition, *epoch, end.0),
                    Some(leads) => report.violation(format!(
                        "{name}: broker {broker} leads in epoch {leads}, and appends in {epoch}"
                    )),
                    None if self.written.get(&(*partition, *epoch)) >= Some(&end.0) => {}
                    None => report.violation(format!(
                        "{name}: broker {broker} has copied up to {end} in epoch {epoch}, of which {:?} was written by {:?}",
                        self.written.get(&(*partition, *epoch)),
                        self.leaders.get(&(*partition, *epoch)),
                    )),
                }
            }
            Seen::Replayed { broker, logs, .. } => {
                for (key, log) in *logs {
                    for batch in &log.batches {
                        if self.leaders.get(&(*key, batch.epoch)) == Some(broker) {
                            self.wrote(*key, batch.epoch, batch.end);
                        }
                    }
                }
            }
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.leading.retain(|(of, _), _| of != broker);
            }
            _ => {}
        }
    }
}

impl PartitionEpochs {
    fn wrote(&mut self, partition: PartitionKey, epoch: LeaderEpoch, end: Offset) {
        let written = self.written.entry((partition, epoch)).or_insert(end);
        *written = (*written).max(end);
    }
}

#[cfg(test)]
#[path = "partition_epochs_test.rs"]
mod tests;
