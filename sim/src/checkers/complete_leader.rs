//! I12: whoever leads has everything that any leader of an earlier epoch has committed. One that learns late that it was
//! elected may lack what a later one has: nothing it does counts any more.
//!
//! Told by events: the ends of each replica's log, and how far leaders have moved their high watermarks. In a page-cache topic
//! a power cut may take what was committed with it. What is at those offsets is for `log_matching` to say.

use super::{Checker, Context, Report, Seen};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset, PartitionKey};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct CompleteLeader {
    /// Where each broker's log ends, as far as this incarnation has told.
    ends: BTreeMap<(i32, PartitionKey), Offset>,
    leads: BTreeMap<(i32, PartitionKey), LeaderEpoch>,
    /// The highest watermark of each epoch's leader, and of which era they are.
    committed: BTreeMap<PartitionKey, (u32, BTreeMap<LeaderEpoch, Offset>)>,
}

impl Checker for CompleteLeader {
    fn name(&self) -> &'static str {
        "complete_leader"
    }

    fn invariant(&self) -> &'static str {
        "I12"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.ends.retain(|(of, _), _| of != broker);
                self.leads.retain(|(of, _), _| of != broker);
            }
            Seen::Event { broker, event } => self.event(*broker, event, context, report),
            _ => {}
        }
    }
}

impl CompleteLeader {
    fn event(&mut self, broker: i32, event: &Event, context: &Context, report: &mut Report) {
        match event {
            Event::Recovered { partition, end, .. }
            | Event::Appended { partition, end, .. }
            | Event::Truncated { partition, end } => {
                self.ends.insert((broker, *partition), end.0);
            }
            Event::BecameFollower { partition, .. } => {
                self.leads.remove(&(broker, *partition));
            }
            Event::BecameLeader { partition, epoch } => {
                let Some(era) = context.era_by_id(*partition) else { return };
                self.leads.insert((broker, *partition), *epoch);
                let end = self.ends.get(&(broker, *partition)).copied().unwrap_or_default();
                let known = self.committed.get(partition).filter(|(of, _)| *of == era);
                let before = known.and_then(|(_, epochs)| epochs.range(..epoch).map(|(_, to)| *to).max());
                if let Some(committed) = before.filter(|committed| *committed > end) {
                    report.violation(format!(
                        "{}: broker {broker} leads in epoch {epoch} with a log that ends at {end}; {committed} was committed",
                        context.name(*partition)
                    ));
                }
            }
            Event::HighWatermark { partition, to } => {
                let Some(epoch) = self.leads.get(&(broker, *partition)) else { return };
                let Some(era) = context.era_by_id(*partition) else { return };
                let (of, epochs) = self.committed.entry(*partition).or_default();
                if *of != era {
                    (*of, *epochs) = (era, BTreeMap::new());
                }
                let highest = epochs.entry(*epoch).or_default();
                *highest = (*highest).max(*to);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "complete_leader_test.rs"]
mod tests;
