//! I13: whoever is in sync has everything that is committed, in stable storage where the topic promises that.
//!
//! A leader tells who is in sync, and how far it has committed; each replica tells how far its log goes, and how far it is
//! synced. What a machine without power or with an empty disk had is not asked for: it leaves the ISR before it comes back.

use super::{Checker, Context, Report, Seen};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset, PartitionKey};
use std::collections::{BTreeMap, BTreeSet};

/// A replica's log, as far as it was told of.
#[derive(Clone, Copy, Default)]
struct Ends {
    log: Offset,
    synced: Offset,
}

/// See the file's header.
#[derive(Default)]
pub struct InSync {
    replicas: BTreeMap<(i32, PartitionKey), Ends>,
    members: BTreeMap<PartitionKey, Account>,
}

/// Who is in sync, in the words of the leader of the latest epoch. Who learns late that it led before says so, and nothing
/// that it does counts any more.
struct Account {
    epoch: LeaderEpoch,
    leader: i32,
    members: BTreeSet<i32>,
}

impl Checker for InSync {
    fn name(&self) -> &'static str {
        "in_sync"
    }

    fn invariant(&self) -> &'static str {
        "I13"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Note(Note::PowerLost { broker } | Note::Wiped { broker }) => {
                self.replicas.retain(|(of, _), _| of != broker);
            }
            Seen::Event { broker, event } => self.event(*broker, event, context, report),
            _ => {}
        }
    }
}

impl InSync {
    fn event(&mut self, broker: i32, event: &Event, context: &Context, report: &mut Report) {
        match event {
            Event::Recovered { partition, end, .. } => {
                self.replicas.insert((broker, *partition), Ends { log: end.0, synced: Offset::ZERO });
            }
            Event::Appended { partition, end, .. } => {
                self.replicas.entry((broker, *partition)).or_default().log = end.0;
            }
            Event::Truncated { partition, end } => {
                let ends = self.replicas.entry((broker, *partition)).or_default();
                *ends = Ends { log: end.0, synced: ends.synced.min(end.0) };
            }
            Event::Synced { partition, end } => {
                self.replicas.entry((broker, *partition)).or_default().synced = end.0;
            }
            Event::InSync { partition, epoch, members } => {
                if self.members.get(partition).is_none_or(|known| known.epoch <= *epoch) {
                    let members = members.iter().map(|id| id.0).collect();
                    self.members.insert(*partition, Account { epoch: *epoch, leader: broker, members });
                }
            }
            Event::HighWatermark { partition, to } => {
                self.committed(broker, *partition, *to, context, report)
            }
            _ => {}
        }
    }

    fn committed(
        &self,
        broker: i32,
        partition: PartitionKey,
        to: Offset,
        context: &Context,
        report: &mut Report,
    ) {
        let (Some(account), Some(durable)) = (self.members.get(&partition), context.durable_by_id(partition))
        else {
            return;
        };
        if account.leader != broker {
            return;
        }
        for member in &account.members {
            let Some(ends) = self.replicas.get(&(*member, partition)) else { continue };
            let has = if durable { ends.synced } else { ends.log };
            if has < to {
                report.violation(format!(
                    "{}: broker {broker} commits up to {to}; broker {member}, which is in sync, has {}up to {has}",
                    context.name(partition),
                    if durable { "synced " } else { "" }
                ));
            }
        }
    }
}

#[cfg(test)]
#[path = "in_sync_test.rs"]
mod tests;
