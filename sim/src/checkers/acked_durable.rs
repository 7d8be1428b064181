//! I1: a record that was acknowledged is still there, at the offset that the acknowledgement told.
//!
//! Judged each time everything is read back (`ReadAll` ... `ReadDone`): after chaos has healed, and again after the
//! power was cut everywhere. In a durable topic acks=1 and acks=all bind for good (with one replica they promise
//! the same); in a page-cache topic an acknowledgement binds until the next power cut. acks=0 promises nothing. A topic
//! whose creation was acknowledged is there, too, with all of its partitions and those that were added, whatever it promises
//! for its records; and one whose deletion was is not, unless somebody has tried to create it since. Once nobody knows what
//! became of a creation, a growth or a deletion, nothing is expected of that name any more: it may take effect later.

use super::{Checker, Context, Outcome, Place, Report, Seen};
use crate::history::{Call, Note, Reply, Value};
use std::collections::{BTreeMap, BTreeSet};

/// See the file's header.
#[derive(Default)]
pub struct AckedDurable {
    /// Per partition and value: the offset acknowledged for it, if one was, and the era in which it was sent. By value, not by
    /// offset: what was lost must not be forgotten when its offset is given to another.
    acked: BTreeMap<Place, BTreeMap<Value, (Option<i64>, u32)>>,
    /// Topics whose creation or growth was acknowledged, and how many partitions they have.
    created: BTreeMap<String, i32>,
    /// Topics whose deletion was acknowledged.
    deleted: BTreeSet<String>,
    /// Topics of which nobody knows what became of a creation or a deletion.
    unsettled: BTreeSet<String>,
    /// What the readers of this round have read so far.
    reading: Option<Reading>,
}

struct Reading {
    round: u32,
    found: BTreeMap<Place, BTreeMap<i64, Value>>,
}

impl Reading {
    /// Whether a client is one of the round's readers: the first one, `reader-1`, or one of those that read along with it,
    /// `reader-1.7`.
    fn is_by(&self, client: &str) -> bool {
        let of = |round: &str| round.parse() == Ok(self.round);
        let number = client.strip_prefix("reader-");
        number.is_some_and(|number| of(number.split_once('.').map_or(number, |(round, _)| round)))
    }
}

impl Checker for AckedDurable {
    fn name(&self) -> &'static str {
        "acked_durable"
    }

    fn invariant(&self) -> &'static str {
        "I1"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Invoked(operation) => {
                if let Some(topic) = changed(&operation.call) {
                    self.created.remove(topic);
                    self.deleted.remove(topic);
                }
            }
            Seen::Done(operation, Outcome::Info(_)) => {
                if let Some(topic) = changed(&operation.call) {
                    self.unsettled.insert(topic.to_string());
                }
            }
            Seen::Done(operation, Outcome::Ok(reply)) => match (&operation.call, reply) {
                (Call::Produce { topic, partition, values, acks, .. }, Reply::Produced { base })
                    if (*base >= 0 || *acks != 0) && context.binding(operation, topic) =>
                {
                    let acked = self.acked.entry((topic.clone(), *partition)).or_default();
                    for (n, value) in (0..).zip(values) {
                        let offset = (*base >= 0).then(|| base + n);
                        // One that came again, when its place was forgotten, is still where it was told to be before.
                        let before = acked.get(value).filter(|(_, era)| *era == operation.era);
                        let offset = offset.or(before.and_then(|(offset, _)| *offset));
                        acked.insert(*value, (offset, operation.era));
                    }
                }
                (Call::Fetch { topic, partition, .. }, Reply::Fetched { records, .. }) => {
                    if let Some(reading) = self.reading.as_mut().filter(|r| r.is_by(&operation.client)) {
                        let found = reading.found.entry((topic.clone(), *partition)).or_default();
                        found.extend(records.iter().copied());
                    }
                }
                (call, Reply::Done) if changed(call).is_some_and(|topic| self.unsettled.contains(topic)) => {}
                (
                    Call::CreateTopic { topic, partitions, .. } | Call::GrowTopic { topic, partitions },
                    Reply::Done,
                ) => {
                    self.created.insert(topic.clone(), *partitions);
                }
                (Call::DeleteTopic { topic }, Reply::Done) => {
                    self.deleted.insert(topic.clone());
                }
                (Call::Metadata, Reply::Topics { topics })
                    if self.reading.as_ref().is_some_and(|r| r.is_by(&operation.client)) =>
                {
                    self.judge_topics(topics, report);
                }
                _ => {}
            },
            Seen::Note(Note::ReadAll { round }) => {
                self.reading = Some(Reading { round: *round, found: BTreeMap::new() });
            }
            Seen::Note(Note::ReadDone { .. }) => {
                if let Some(reading) = self.reading.take() {
                    self.judge(&reading, context, report);
                }
            }
            _ => {}
        }
    }
}

/// The topic that a call creates, changes or deletes.
fn changed(call: &Call) -> Option<&str> {
    match call {
        Call::CreateTopic { topic, .. } | Call::GrowTopic { topic, .. } | Call::DeleteTopic { topic } => {
            Some(topic)
        }
        _ => None,
    }
}

impl AckedDurable {
    fn judge_topics(&self, topics: &[(String, i32)], report: &mut Report) {
        for (name, _) in topics.iter().filter(|(name, _)| self.deleted.contains(name)) {
            report.violation(format!("the topic {name} was deleted; it is listed"));
        }
        for (name, partitions) in &self.created {
            let found = topics.iter().find(|(listed, _)| listed == name).map(|(_, partitions)| *partitions);
            if found != Some(*partitions) {
                report.violation(format!(
                    "the topic {name} was given {partitions} partitions; it is listed with {found:?}"
                ));
            }
        }
    }

    fn judge(&self, reading: &Reading, context: &Context, report: &mut Report) {
        let nothing = BTreeMap::new();
        for (place, acked) in &self.acked {
            let (topic, partition) = place;
            let found = reading.found.get(place).unwrap_or(&nothing);
            let bound = |era: u32| era == context.era(topic);
            let is_there = |value: &Value, offset: Option<i64>| match offset {
                Some(offset) => found.get(&offset) == Some(value),
                // It came a second time, when its place was forgotten: it is somewhere.
                None => found.values().any(|other| other == value),
            };
            let lost: Vec<_> = acked
                .iter()
                .filter(|(value, (offset, era))| bound(*era) && !is_there(value, *offset))
                .collect();
            let Some((value, (offset, _))) = lost.first() else { continue };
            let instead = match offset.and_then(|offset| found.get(&offset)) {
                Some(other) => format!("{other} is there"),
                None => format!("the log was read up to {}", found.keys().next_back().map_or(0, |o| o + 1)),
            };
            report.violation(format!(
                "{topic}-{partition}: {} acknowledged records lost, first {value} at offset {}; {instead}",
                lost.len(),
                offset.unwrap_or(-1)
            ));
        }
    }
}

#[cfg(test)]
#[path = "acked_durable_test.rs"]
mod tests;
