//! I22: a definite error means that nothing was applied.
//!
//! The client that writes the history decides which errors are definite (`history::definite`); a record whose send
//! failed definitely must never be read, before or after the error arrived. That a batch which comes again is refused as none
//! that was written is such an error, from a broker that has it; but once a log has been opened again, or cut, whoever serves
//! it need not know any more of all batches that they are in it.

use super::{Checker, Context, Operation, Outcome, Place, Report, Seen};
use crate::history::{Call, Reply, Value};
use ::runtime::Event;
use std::collections::{BTreeMap, BTreeSet};

/// See the file's header.
#[derive(Default)]
pub struct DefiniteError {
    failed: BTreeMap<Value, String>,
    read: BTreeSet<Value>,
    /// By the first value of a batch: the operation that sent it first, and when.
    begun: BTreeMap<Value, (u64, u64)>,
    /// When a log of a partition was last opened or cut.
    reopened: BTreeMap<Place, u64>,
}

impl DefiniteError {
    /// Whether a batch comes again whose place in the log may be forgotten: since it was sent first, a log was read anew.
    fn may_be_forgotten(&self, operation: &Operation) -> bool {
        let Call::Produce { topic, partition, values, .. } = &operation.call else { return false };
        let first = values.first().and_then(|value| self.begun.get(value));
        let reopened = self.reopened.get(&(topic.clone(), *partition));
        first.zip(reopened).is_some_and(|((id, begun), reopened)| *id != operation.id && begun <= reopened)
    }
}

impl Checker for DefiniteError {
    fn name(&self) -> &'static str {
        "definite_error"
    }

    fn invariant(&self) -> &'static str {
        "I22"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Invoked(operation) => {
                if let Some(first) = operation.values().first() {
                    self.begun.entry(*first).or_insert((operation.id, context.now));
                }
            }
            Seen::Event {
                event: Event::Recovered { partition, .. } | Event::Truncated { partition, .. },
                ..
            } => {
                if let Some(topic) = context.topic(*partition) {
                    self.reopened.insert((topic.to_string(), partition.index.0), context.now);
                }
            }
            Seen::Done(operation, Outcome::Fail(_)) if self.may_be_forgotten(operation) => {}
            Seen::Done(operation, Outcome::Fail(error)) => {
                for value in operation.values() {
                    if self.read.contains(value) {
                        report.violation(format!("{value} was refused ({error}) after it had been read"));
                    }
                    self.failed.insert(*value, error.to_string());
                }
            }
            Seen::Done(operation, Outcome::Ok(Reply::Fetched { records, .. })) => {
                let Call::Fetch { topic, partition, .. } = &operation.call else { return };
                for (offset, value) in records {
                    if let Some(error) = self.failed.get(value) {
                        report.violation(format!(
                            "{topic}-{partition}: {value} was refused ({error}) and is at offset {offset}"
                        ));
                    }
                    self.read.insert(*value);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "definite_error_test.rs"]
mod tests;
