//! Where a full disk is met: noted each time, and told seldom, for it is met with every write, and each line wants space
//! as well.

use crate::space::Space;
use model::time::{Duration, Instant};

/// Between two times that it is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// When somebody told last that the disk is full.
#[derive(Default)]
pub struct Full {
    told: Option<Instant>,
    /// Where it is noted. None for the metadata log, which keeps an account of its own (`Handle::is_stuck`).
    space: Option<Space>,
}

impl Full {
    /// One that is noted in `space`.
    pub fn noted_in(space: Space) -> Full {
        Full { told: None, space: Some(space) }
    }

    /// The disk is full: whether that is to be told now.
    pub fn met(&mut self, now: Instant) -> bool {
        if let Some(space) = &self.space {
            space.refused();
        }
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
