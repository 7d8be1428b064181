//! I9: nothing at or above the high watermark is served, and the watermark that a client is told never goes back.
//!
//! Seen from outside in the history, and from inside in the events: there the watermark of one incarnation of a
//! broker never goes back, and no answer carries more than it. In a page-cache topic a power cut may take
//! committed records with it: the watermark starts anew, also that of brokers that kept their power and follow one that lost it. A new leader may tell at first of less than those before it
//! (KIP-207): where there are several replicas, what counts is what a consumer is told from one assignment to the next.

use super::{Checker, Context, Outcome, Place, Report, Seen};
use crate::history::{Call, Note, Reply};
use ::runtime::Event;
use model::{Offset, PartitionKey};
use std::collections::{BTreeMap, BTreeSet};

/// See the file's header.
#[derive(Default)]
pub struct Watermark {
    /// Per client and partition: the highest watermark told, and in which era.
    told: BTreeMap<(String, Place), (i64, u32)>,
    /// Who was assigned what, of topics of several replicas, since they were told anything else.
    assigned: BTreeSet<(String, Place)>,
    /// Per broker and partition, in this incarnation: the watermark by the broker's own account, and in which era.
    own: BTreeMap<(i32, PartitionKey), (Offset, u32)>,
}

impl Checker for Watermark {
    fn name(&self) -> &'static str {
        "watermark"
    }

    fn invariant(&self) -> &'static str {
        "I9"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Invoked(operation) => {
                let Call::Assign { topic, partition, .. } = &operation.call else { return };
                if context.replicated(topic) {
                    let key = (operation.client.clone(), (topic.clone(), *partition));
                    self.told.remove(&key);
                    self.assigned.insert(key);
                }
            }
            Seen::Done(operation, Outcome::Ok(Reply::Fetched { high_watermark, records, .. })) => {
                let Call::Fetch { topic, partition, .. } = &operation.call else { return };
                if let Some((offset, _)) = records.last().filter(|(offset, _)| offset >= high_watermark) {
                    report.violation(format!(
                        "{topic}-{partition}: {} got offset {offset} at high watermark {high_watermark}",
                        operation.client
                    ));
                }
                if !context.binding(operation, topic) {
                    return;
                }
                let era = context.era(topic);
                let key = (operation.client.clone(), (topic.clone(), *partition));
                if context.replicated(topic) && !self.assigned.contains(&key) {
                    return;
                }
                let told = self.told.entry(key).or_insert((*high_watermark, era));
                if told.0 > *high_watermark && told.1 == era {
                    report.violation(format!(
                        "{topic}-{partition}: {} was told high watermark {} and then {high_watermark}",
                        operation.client, told.0
                    ));
                }
                *told = (*high_watermark, era);
            }
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.own.retain(|(of, _), _| of != broker);
            }
            Seen::Event { broker, event } => self.event(*broker, event, context, report),
            _ => {}
        }
    }
}

impl Watermark {
    fn event(&mut self, broker: i32, event: &Event, context: &Context, report: &mut Report) {
        match event {
            Event::HighWatermark { partition, to } => {
                let era = context.era_by_id(*partition).unwrap_or_default();
                let own = self.own.entry((broker, *partition)).or_insert((*to, era));
                if own.0 > *to && own.1 == era {
                    report.violation(format!(
                        "{}: broker {broker} moved its high watermark from {} back to {to}",
                        context.name(*partition),
                        own.0
                    ));
                }
                *own = (*to, era);
            }
            // Committed records are cut only where a page cache is lost; that it is so is for `in_sync` to see.
            Event::Truncated { partition, end } if context.durable_by_id(*partition) == Some(false) => {
                if let Some((own, _)) = self.own.get_mut(&(broker, *partition)) {
                    *own = (*own).min(end.0);
                }
            }
            Event::Served { partition, from, to, high_watermark } => {
                let own = self.own.get(&(broker, *partition)).map_or(Offset::ZERO, |(own, _)| *own);
                if to > high_watermark || *high_watermark > own {
                    report.violation(format!(
                        "{}: broker {broker} serves {from} up to {to} and tells high watermark {high_watermark}; it \
                         is {own}",
                        context.name(*partition)
                    ));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "watermark_test.rs"]
mod tests;
