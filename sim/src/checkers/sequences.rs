//! I5, and I20 of producers: in a log each sequence number of a producer's epoch appears once, in ascending order, and nothing of an
//! epoch comes behind a later one.
//!
//! Told from the bytes: every disk is read whenever a process starts from it. Acknowledged or not, a batch that was sent twice
//! is there once. No run lasts so long that a broker forgets who is silent.

use super::{Checker, Context, Report, Seen};
use model::{Offset, ProducerId};
use std::collections::BTreeMap;

/// A batch of an idempotent producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequenced {
    /// Offset of its first record.
    pub base: Offset,
    /// Who sent it.
    pub producer: ProducerId,
    /// In which of its epochs.
    pub epoch: i16,
    /// The sequence number of its first record.
    pub first: i32,
    /// Of its last; smaller where they begin anew, behind `i32::MAX`.
    pub last: i32,
}

/// See the file's header.
#[derive(Default)]
pub struct Sequences;

impl Checker for Sequences {
    fn name(&self) -> &'static str {
        "sequences"
    }

    fn invariant(&self) -> &'static str {
        "I5"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        let Seen::Replayed { broker, logs, .. } = seen else { return };
        for (key, log) in *logs {
            let mut latest: BTreeMap<ProducerId, Sequenced> = BTreeMap::new();
            for batch in &log.sequenced {
                let before = latest.insert(batch.producer, *batch);
                if before.is_some_and(|before| !follows(&before, batch)) {
                    report.violation(format!(
                        "{}: broker {broker} has {batch:?} behind {before:?}",
                        context.name(*key)
                    ));
                    break;
                }
            }
        }
    }
}

/// Whether a batch may come behind another one of its producer's.
fn follows(before: &Sequenced, batch: &Sequenced) -> bool {
    match batch.epoch.cmp(&before.epoch) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal if before.last == i32::MAX => batch.first == 0,
        std::cmp::Ordering::Equal => batch.first > before.last,
        std::cmp::Ordering::Greater => true,
    }
}

#[cfg(test)]
#[path = "sequences_test.rs"]
mod tests;
