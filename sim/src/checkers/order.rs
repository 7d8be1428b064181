//! I4: per producer and partition, acknowledged sends lie in the log in the order in which they were sent.
//!
//! An idempotent producer sees to it by sequences. One without sends over one connection at a time and never again what may have been applied;
//! a broker serves one request of a connection after the other: so this holds with any number in flight. What was
//! not acknowledged may lie anywhere: a broker can find the bytes of a dead connection late.

use super::{Checker, Context, Outcome, Place, Report, Seen};
use crate::history::{Call, Reply};
use std::collections::BTreeMap;

/// Per producer and partition: the first counter of each batch acknowledged, and where it went.
type Sends = BTreeMap<u64, Sent>;

#[derive(Clone, Copy)]
struct Sent {
    base: i64,
    era: u32,
}

/// See the file's header.
#[derive(Default)]
pub struct Order {
    sends: BTreeMap<(u32, Place), Sends>,
}

impl Checker for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn invariant(&self) -> &'static str {
        "I4"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        let Seen::Done(operation, Outcome::Ok(Reply::Produced { base })) = seen else { return };
        let Call::Produce { topic, partition, values, .. } = &operation.call else { return };
        let Some(first) = values.first().filter(|_| *base >= 0 && context.binding(operation, topic)) else {
            return;
        };
        let era = context.era(topic);
        let sends = self.sends.entry((first.client, (topic.clone(), *partition))).or_default();
        let before = sends.range(..first.counter).next_back();
        let after = sends.range(first.counter + 1..).next();
        for (counter, sent, later) in before
            .map(|(c, s)| (c, s, false))
            .into_iter()
            .chain(after.map(|(c, s)| (c, s, true)))
            .filter(|(_, sent, _)| sent.era == era)
        {
            if (sent.base > *base) != later {
                report.violation(format!(
                    "{topic}-{partition}: producer {} sent {counter} at offset {} and {} at offset {base}",
                    first.client, sent.base, first.counter
                ));
            }
        }
        sends.insert(first.counter, Sent { base: *base, era });
    }
}

#[cfg(test)]
#[path = "order_test.rs"]
mod tests;
