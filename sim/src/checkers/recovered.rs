//! I19: the state that a broker recovers equals a replay of the bytes that it started from.
//!
//! The simulator reads the disk by itself (`harness::scrub`), batch by batch from the beginning, before a broker
//! starts: what `Recovered` tells must be that. And after everything is quiet, each file on the disk must be
//! derivable from the segments: indexes, time indexes, epoch and offset checkpoints. But for a disk that has lied: there
//! files are as old as they like, each by itself.

use super::{Batch, Checker, Context, Report, Seen, Sequenced};
use crate::history::Note;
use ::runtime::Event;
use model::{LogEnd, Offset, PartitionKey};
use std::collections::{BTreeMap, BTreeSet};

/// What a replay of a partition's bytes gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// First offset kept.
    pub start: Offset,
    /// One past the last record of the longest valid prefix.
    pub end: LogEnd,
    /// The batches between them.
    pub batches: Vec<Batch>,
    /// Those of them that idempotent producers have sent.
    pub sequenced: Vec<Sequenced>,
}

/// A file that does not say what the segments say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rubbish {
    /// Its path.
    pub path: String,
    /// What is wrong.
    pub why: String,
}

/// See the file's header.
#[derive(Default)]
pub struct Recovered {
    /// Where each log begins and ends on the disk.
    expected: BTreeMap<(i32, PartitionKey), (Offset, LogEnd)>,
    /// Brokers whose disks have lied.
    deceived: BTreeSet<i32>,
}

impl Checker for Recovered {
    fn name(&self) -> &'static str {
        "recovered"
    }

    fn invariant(&self) -> &'static str {
        "I19"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        match seen {
            Seen::Note(Note::DiskLied { broker }) => _ = self.deceived.insert(*broker),
            Seen::Scrubbed { broker, .. } if self.deceived.contains(broker) => {}
            Seen::Replayed { broker, logs, .. } => {
                self.expected.retain(|(of, _), _| of != broker);
                self.expected.extend(logs.iter().map(|(key, log)| ((*broker, *key), (log.start, log.end))));
            }
            Seen::Event { broker, event: Event::Recovered { partition, start, end, clean, .. } } => {
                // Nothing on disk: a log that is created now. A log opens once per start.
                let Some(expected) = self.expected.remove(&(*broker, *partition)) else { return };
                if expected != (*start, *end) {
                    report.violation(format!(
                        "{}: broker {broker} recovered {start}..{end} (clean: {clean}) where the disk holds {}..{}",
                        context.name(*partition),
                        expected.0,
                        expected.1
                    ));
                }
            }
            Seen::Scrubbed { broker, rubbish } => {
                for Rubbish { path, why } in *rubbish {
                    report.violation(format!("broker {broker}: {path}: {why}"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "recovered_test.rs"]
mod tests;
