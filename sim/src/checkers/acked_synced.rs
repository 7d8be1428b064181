//! I1, from within: in a durable topic a leader commits and acknowledges nothing that this incarnation has not synced.
//!
//! A follower that catches up may hear that something is committed before it has it in stable storage itself.
//! It says at once what `acked_durable` says only when the power happens to go at the right moment, and says it of
//! the broker's own account: a broker that lies in its events is left to the other.

use super::{Checker, Context, Report, Seen};
use crate::history::Note;
use ::runtime::{Acks, Event};
use model::{Offset, PartitionKey};
use std::collections::{BTreeMap, BTreeSet};

/// See the file's header.
#[derive(Default)]
pub struct AckedSynced {
    /// Per broker and partition: the durable end by this incarnation's account.
    synced: BTreeMap<(i32, PartitionKey), Offset>,
    /// What it leads.
    leads: BTreeSet<(i32, PartitionKey)>,
    /// Of topics that nobody has named yet, so that it is not known what they promise.
    pending: BTreeMap<PartitionKey, String>,
}

impl Checker for AckedSynced {
    fn name(&self) -> &'static str {
        "acked_synced"
    }

    fn invariant(&self) -> &'static str {
        "I1"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.synced.retain(|(of, _), _| of != broker);
                self.leads.retain(|(of, _)| of != broker);
            }
            Seen::Event { broker, event } => self.event(*broker, event, context, report),
            _ => {}
        }
    }
}

impl AckedSynced {
    fn event(&mut self, broker: i32, event: &Event, context: &Context, report: &mut Report) {
        let (partition, end, what) = match event {
            Event::Synced { partition, end } => {
                let synced = self.synced.entry((broker, *partition)).or_default();
                *synced = (*synced).max(end.0);
                return;
            }
            Event::BecameLeader { partition, .. } => {
                self.leads.insert((broker, *partition));
                return;
            }
            Event::BecameFollower { partition, .. } => {
                self.leads.remove(&(broker, *partition));
                return;
            }
            Event::HighWatermark { partition, to } if self.leads.contains(&(broker, *partition)) => {
                (*partition, *to, "moves the high watermark to")
            }
            Event::Acknowledged { partition, end, acks: Acks::Leader | Acks::All, .. } => {
                (*partition, *end, "acknowledges records below")
            }
            _ => return,
        };
        let synced = self.synced.get(&(broker, partition)).copied().unwrap_or_default();
        if end > synced {
            let text = || {
                let name = context.name(partition);
                format!(
                    "{name}: broker {broker} {what} {end}, and has synced up to {synced} since it started"
                )
            };
            match context.durable_by_id(partition) {
                Some(true) => report.violation(text()),
                Some(false) => {}
                None => {
                    self.pending.entry(partition).or_insert_with(text);
                }
            }
        }
        if let Some(true) = context.durable_by_id(partition)
            && let Some(text) = self.pending.remove(&partition)
        {
            report.violation(text);
        }
    }
}

#[cfg(test)]
#[path = "acked_synced_test.rs"]
mod tests;
