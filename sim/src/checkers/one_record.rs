//! I2: a (partition, offset) is one record, across acknowledgements and polls, forever; and nobody invents records.
//!
//! A page-cache topic that lost its tail to a power cut gives the lost offsets to new records: there, what was told
//! by operations that began before the cut is forgotten as soon as something else is told after it. Where there are several
//! replicas, what was told before the cut may be told after it as well, by a leader that was deposed and is cut off.

use super::{Checker, Context, Operation, Outcome, Place, Report, Seen};
use crate::history::{Call, Reply, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What was told of an offset.
struct Known {
    value: Value,
    era: u32,
    /// What was told of it in the era before.
    earlier: Option<Value>,
}

/// See the file's header.
#[derive(Default)]
pub struct OneRecord {
    known: BTreeMap<Place, BTreeMap<i64, Known>>,
    sent: BTreeSet<Value>,
}

impl Checker for OneRecord {
    fn name(&self) -> &'static str {
        "one_record"
    }

    fn invariant(&self) -> &'static str {
        "I2"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Invoked(operation) => self.sent.extend(operation.values()),
            Seen::Done(operation, Outcome::Ok(reply)) => match (&operation.call, reply) {
                (Call::Produce { topic, partition, values, .. }, Reply::Produced { base }) if *base >= 0 => {
                    let place = (topic.clone(), *partition);
                    let told = (*base..).zip(values.iter().copied());
                    self.told(place, told, "acknowledged", operation, context, report);
                }
                (Call::Fetch { topic, partition, .. }, Reply::Fetched { records, .. }) => {
                    for (offset, value) in records {
                        if !self.sent.contains(value) {
                            report.violation(format!(
                                "{topic}-{partition}: offset {offset} holds {value}, which nobody sent"
                            ));
                        }
                    }
                    let place = (topic.clone(), *partition);
                    self.told(place, records.iter().copied(), "read", operation, context, report);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

impl OneRecord {
    fn told(
        &mut self,
        place: Place,
        records: impl Iterator<Item = (i64, Value)>,
        how: &str,
        operation: &Operation,
        context: &Context,
        report: &mut Report,
    ) {
        let (topic, partition) = place.clone();
        // What spans a power cut may speak of the time before or after it: in a page-cache topic it says nothing.
        if !context.binding(operation, &topic) {
            return;
        }
        let era = context.era(&topic);
        // One that leads no more and can't hear of it may serve what the others have lost, to anybody but those who read when
        // all brokers are there again.
        let late = context.replicated(&topic) && !operation.client.starts_with("reader-");
        let all = self.known.entry(place).or_default();
        for (offset, value) in records {
            let Some(known) = all.get_mut(&offset) else {
                all.insert(offset, Known { value, era, earlier: None });
                continue;
            };
            let again = if known.era == era { known.earlier == Some(value) } else { known.value == value };
            if known.era == era && known.value == value || late && again {
                continue;
            }
            if known.era == era {
                report.violation(format!(
                    "{topic}-{partition}: offset {offset} was {} and is now {how} as {value} to {}",
                    known.value, operation.client
                ));
            }
            *known = Known { value, era, earlier: Some(known.value) };
        }
    }
}

#[cfg(test)]
#[path = "one_record_test.rs"]
mod tests;
