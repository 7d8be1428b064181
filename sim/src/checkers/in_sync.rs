//! I13: whoever is in sync has everything that is committed, in stable storage where the topic promises that.
//!
//! A leader tells who is in sync, and how far it has committed; each replica tells how far its log goes, and how far it is
//! synced. What a machine without power or with an empty disk had is not asked for: it leaves the ISR before it comes back.
//!
//! Looked at when a leader commits, when it says who is in sync, where all that was ever committed counts, also what it does
//! not know of yet, and when one of those that are in sync cuts its log.

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
    /// How far any leader has committed, and in which era.
    committed: BTreeMap<PartitionKey, (Offset, u32)>,
}

/// Who is in sync, in the words of the leader of the latest epoch. Who learns late that it led before says so, and nothing
/// that it does counts any more.
struct Account {
    epoch: LeaderEpoch,
    leader: i32,
    members: BTreeSet<i32>,
    /// Those of them that have lost what they had, as their leader is yet to hear.
    without: BTreeSet<i32>,
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
                for account in self.members.values_mut().filter(|account| account.members.contains(broker)) {
                    account.without.insert(*broker);
                }
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
                self.cut(broker, *partition, end.0, context, report);
            }
            Event::Synced { partition, end } => {
                self.replicas.entry((broker, *partition)).or_default().synced = end.0;
            }
            Event::InSync { partition, epoch, members } => {
                let before = self.members.get(partition);
                if before.is_some_and(|before| before.epoch > *epoch) {
                    return;
                }
                let members: BTreeSet<i32> = members.iter().map(|id| id.0).collect();
                let mut without = before.map(|before| &before.without & &members).unwrap_or_default();
                // Whoever leads has what counts: `complete_leader` sees to that.
                without.remove(&broker);
                let account = Account { epoch: *epoch, leader: broker, members, without };
                self.told(*partition, &account, context, report);
                self.members.insert(*partition, account);
            }
            Event::HighWatermark { partition, to } => {
                self.committed(broker, *partition, *to, context, report)
            }
            _ => {}
        }
    }

    /// How far all leaders so far have committed, as far as it binds.
    fn bound(&self, partition: PartitionKey, context: &Context) -> Offset {
        let era = context.era_by_id(partition);
        let known = self.committed.get(&partition).filter(|(_, of)| Some(*of) == era);
        known.map_or(Offset::ZERO, |(to, _)| *to)
    }

    /// How far a replica has what its topic promises; `None` while nothing is known of it.
    fn has(&self, broker: i32, partition: PartitionKey, durable: bool) -> Option<Offset> {
        let ends = self.replicas.get(&(broker, partition))?;
        Some(if durable { ends.synced } else { ends.log })
    }

    /// A leader says who is in sync.
    fn told(&self, partition: PartitionKey, account: &Account, context: &Context, report: &mut Report) {
        let Some(durable) = context.durable_by_id(partition) else { return };
        let bound = self.bound(partition, context);
        for member in account.members.difference(&account.without) {
            if let Some(has) = self.has(*member, partition, durable).filter(|has| *has < bound) {
                report.violation(format!(
                    "{}: broker {} counts broker {member} as in sync, which has {}up to {has}; {bound} was committed",
                    context.name(partition),
                    account.leader,
                    if durable { "synced " } else { "" }
                ));
            }
        }
    }

    /// A broker has cut its log.
    fn cut(&self, broker: i32, partition: PartitionKey, end: Offset, context: &Context, report: &mut Report) {
        let Some(account) = self.members.get(&partition) else { return };
        let bound = self.bound(partition, context);
        if end < bound && account.members.contains(&broker) && !account.without.contains(&broker) {
            report.violation(format!(
                "{}: broker {broker}, which is in sync, cuts its log at {end}; {bound} was committed",
                context.name(partition)
            ));
        }
    }

    /// A broker says how far is committed.
    fn committed(
        &mut self,
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
        // A page cache is gone with the power; what was synced is not.
        let counts = |member: &&i32| durable || !account.without.contains(*member);
        for member in account.members.iter().filter(counts) {
            let Some(has) = self.has(*member, partition, durable).filter(|has| *has < to) else { continue };
            report.violation(format!(
                "{}: broker {broker} commits up to {to}; broker {member}, which is in sync, has {}up to {has}",
                context.name(partition),
                if durable { "synced " } else { "" }
            ));
        }
        let era = context.era_by_id(partition).unwrap_or_default();
        let committed = self.committed.entry(partition).or_insert((to, era));
        *committed = if committed.1 == era { (committed.0.max(to), era) } else { (to, era) };
    }
}

#[cfg(test)]
#[path = "in_sync_test.rs"]
mod tests;
