//! I10: the same offset in the same leader epoch is the same batch in every replica, behind the same batches.
//!
//! Each disk is read whenever a process starts from it. A leader writes an offset of its epoch once, behind what it had then:
//! whoever has that batch has it from there, with all that is before it. Of topics with one replica nothing is said: their
//! leader may begin again in the same epoch, without what it had not synced.

use super::{Checker, Context, Report, Seen};
use crate::trace::Roll;
use model::{LeaderEpoch, Offset, PartitionKey};
use std::collections::BTreeMap;

/// A batch as the first replica that showed it had it.
#[derive(Clone, Copy)]
struct First {
    broker: i32,
    end: Offset,
    crc: u32,
    /// Stands for all batches from offset 0 up to here; of a log that begins later there is none.
    prefix: Option<u128>,
    era: u32,
}

/// See the file's header.
#[derive(Default)]
pub struct LogMatching {
    seen: BTreeMap<(PartitionKey, Offset, LeaderEpoch), First>,
}

impl Checker for LogMatching {
    fn name(&self) -> &'static str {
        "log_matching"
    }

    fn invariant(&self) -> &'static str {
        "I10"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        let Seen::Replayed { broker, logs, .. } = seen else { return };
        for (key, log) in *logs {
            let Some(topic) = context.topic(*key).filter(|topic| context.replicated(topic)) else { continue };
            let era = context.era(topic);
            let mut before = (log.start == Offset::ZERO).then(Roll::default);
            for batch in &log.batches {
                let prefix = before.as_mut().map(|before| {
                    before.mix(batch.base.0 as u64);
                    before.mix(batch.epoch.0 as u64);
                    before.mix(u64::from(batch.crc));
                    before.value().0
                });
                let this = First { broker: *broker, end: batch.end, crc: batch.crc, prefix, era };
                let first = self.seen.entry((*key, batch.base, batch.epoch)).or_insert(this);
                if first.era != era {
                    *first = this;
                }
                let same_prefix = first.prefix.zip(prefix).is_none_or(|(first, this)| first == this);
                if (first.end, first.crc) != (this.end, this.crc) || !same_prefix {
                    let what = if same_prefix { "another batch" } else { "the same batch behind others" };
                    report.violation(format!(
                        "{}: broker {broker} has {what} at offset {} of epoch {} than broker {}",
                        context.name(*key),
                        batch.base,
                        batch.epoch,
                        first.broker
                    ));
                    break;
                }
                first.prefix = first.prefix.or(prefix);
            }
        }
    }
}

#[cfg(test)]
#[path = "log_matching_test.rs"]
mod tests;
