//! How long a producer had to wait for an acknowledgement: the time that nobody was told anything while somebody waited.
//!
//! It is what a failover costs. When nothing is under way, no time counts: a producer that has nothing to say has no gap.

use model::time::{Duration, Instant};

/// The waits of one producer.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Records that are not acknowledged yet.
    waiting: u64,
    /// Since when nobody has been told anything; meaningless when nobody waits.
    since: Instant,
    /// When the first record was given.
    began: Option<Instant>,
    longest: Option<Gap>,
}

/// A wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How long it was.
    pub length: Duration,
    /// When it began, since the first record was given.
    pub at: Duration,
}

impl Gaps {
    /// A record is given.
    pub fn given(&mut self, now: Instant) {
        self.began.get_or_insert(now);
        if self.waiting == 0 {
            self.since = now;
        }
        self.waiting += 1;
    }

    /// A record's fate has been told; `acknowledged`: it was delivered. The wait that ends by that.
    pub fn told(&mut self, acknowledged: bool, now: Instant) -> Option<Gap> {
        self.waiting = self.waiting.checked_sub(1).expect("a record that was given");
        if !acknowledged {
            return None;
        }
        let began = self.began.expect("a record was given");
        let gap = Gap { length: now - self.since, at: self.since - began };
        self.since = now;
        if self.longest.is_none_or(|longest| gap.length > longest.length) {
            self.longest = Some(gap);
        }
        Some(gap)
    }

    /// The longest wait that has ended.
    pub fn longest(&self) -> Option<Gap> {
        self.longest
    }
}

#[cfg(test)]
#[path = "gaps_test.rs"]
mod tests;
