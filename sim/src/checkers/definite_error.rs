//! I22: a definite error means that nothing was applied.
//!
//! The client that writes the history decides which errors are definite (`history::definite`); a record whose send
//! failed definitely must never be read, before or after the error arrived.

use super::{Checker, Context, Outcome, Report, Seen};
use crate::history::{Call, Reply, Value};
use std::collections::{BTreeMap, BTreeSet};

/// See the file's header.
#[derive(Default)]
pub struct DefiniteError {
    failed: BTreeMap<Value, String>,
    read: BTreeSet<Value>,
}

impl Checker for DefiniteError {
    fn name(&self) -> &'static str {
        "definite_error"
    }

    fn invariant(&self) -> &'static str {
        "I22"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        match seen {
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
