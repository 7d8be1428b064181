//! What a command waits for, said when it has taken a second: silence looks like a fault, and too many words are one.

use model::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// What takes so long is spoken of.
pub const SAID_AFTER: Duration = Duration::from_secs(1);

/// Something that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// Any broker that answers.
    Broker,
    /// The topic.
    Topic,
    /// A leader of this partition.
    Leader(i32),
}

/// The waits of one command.
#[derive(Debug, Default)]
pub struct Waits {
    since: BTreeMap<Wait, Instant>,
    said: BTreeSet<Wait>,
}

impl Waits {
    /// These go on now, and no others. Those to speak of: each once.
    pub fn look(&mut self, waits: &BTreeSet<Wait>, now: Instant) -> Vec<Wait> {
        self.since.retain(|wait, _| waits.contains(wait));
        let mut due = Vec::new();
        for wait in waits {
            let since = *self.since.entry(*wait).or_insert(now);
            if now - since >= SAID_AFTER && self.said.insert(*wait) {
                due.push(*wait);
            }
        }
        due
    }
}

#[cfg(test)]
#[path = "waits_test.rs"]
mod tests;
