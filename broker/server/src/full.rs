//! What is told of a full disk: seldom, for it is met with every write, and each line wants space as well.

use model::time::{Duration, Instant};

/// Between two times that it is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// When somebody told last that the disk is full.
#[derive(Debug, Default)]
pub struct Full {
    told: Option<Instant>,
}

impl Full {
    /// The disk is full: whether that is to be told now.
    pub fn met(&mut self, now: Instant) -> bool {
        let tell = self.told.is_none_or(|told| now.since(told) >= TELL_EVERY);
        if tell {
            self.told = Some(now);
        }
        tell
    }
}

#[cfg(test)]
#[path = "full_test.rs"]
mod tests;
