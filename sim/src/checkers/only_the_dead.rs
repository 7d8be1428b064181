//! I25: the active controller takes no broker for dead whose process runs.
//!
//! An address that refuses belongs to no process, whatever goes wrong besides. Silence may have other reasons; where only
//! processes end and connections break there are none. A process that is ending may refuse before it is gone, so a
//! verdict is judged when it has had time to be.

use super::{Checker, Context, Report, Seen};
use crate::history::Note;
use ::runtime::{Event, Sign};
use model::BrokerEpoch;
use std::collections::BTreeMap;

/// So long may a process go on that refuses, in nanoseconds: answering its clients, closing its logs.
const ENDING_MAX: u64 = 15_000_000_000;

/// See the file's header.
pub struct OnlyTheDead {
    /// Whether silence has no other reason than death.
    calm: bool,
    /// Processes that serve, and their registrations. What is told of an earlier one is told of another process.
    serving: BTreeMap<i32, BrokerEpoch>,
    /// Those of them that were taken for dead, and when.
    doubted: BTreeMap<i32, (u64, Sign)>,
}

impl OnlyTheDead {
    pub(super) fn new(calm: bool) -> OnlyTheDead {
        OnlyTheDead { calm, serving: BTreeMap::new(), doubted: BTreeMap::new() }
    }

    fn judge(&mut self, now: u64, report: &mut Report) {
        self.doubted.retain(|broker, (at, sign)| {
            let stands = now <= *at + ENDING_MAX;
            if !stands {
                report.violation(format!("broker {broker} was fenced ({sign:?}) at {at} ns, and lives"));
            }
            stands
        });
    }
}

impl Checker for OnlyTheDead {
    fn name(&self) -> &'static str {
        "only_the_dead"
    }

    fn invariant(&self) -> &'static str {
        "I25"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Event { event: Event::Started { broker, epoch }, .. } => {
                self.serving.insert(broker.0, *epoch);
            }
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.serving.remove(broker);
                self.doubted.remove(broker);
            }
            Seen::Event { event: Event::BrokerFenced { broker, epoch, sign }, .. } => {
                let telling = *sign == Sign::Refused || self.calm;
                let serves = self.serving.get(&broker.0).is_some_and(|serving| epoch >= serving);
                if telling && serves {
                    self.doubted.entry(broker.0).or_insert((context.now, *sign));
                }
            }
            _ => {}
        }
        self.judge(context.now, report);
    }
}

#[cfg(test)]
#[path = "only_the_dead_test.rs"]
mod tests;
