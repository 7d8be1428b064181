//! A bound that several tasks keep together: bytes in flight, bytes cached.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Charged and released amounts (bytes, requests) under a limit. The sum of what is charged never exceeds the
/// limit, whoever charges at the same time; a charge that does not fit is refused whole.
///
/// It orders nothing but itself: what the amounts stand for must be handed over by other means.
#[derive(Debug)]
pub struct Budget {
    /// At most `limit`, always.
    used: AtomicU64,
    limit: u64,
}

impl Budget {
    /// A budget of `limit`, all of it free.
    pub fn new(limit: u64) -> Budget {
        Budget { used: AtomicU64::new(0), limit }
    }

    /// Takes `amount` if all of it is free; tells whether it did. Zero always fits.
    #[must_use]
    pub fn try_charge(&self, amount: u64) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(amount).filter(|used| *used <= self.limit)
        });
        taken.is_ok()
    }

    /// Gives `amount` back. Panics when more is given back than was taken: that is a bug in the caller, and a
    /// budget that drifts would be a limit that isn't one.
    pub fn release(&self, amount: u64) {
        let before = self.used.fetch_sub(amount, Ordering::Relaxed);
        assert!(before >= amount, "released {amount} of a budget with {before} charged");
    }

    /// How much is charged now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The limit it was made with.
    pub fn limit(&self) -> u64 {
        self.limit
    }
}

#[cfg(all(test, not(loom)))]
#[path = "budget_test.rs"]
mod tests;

#[cfg(all(test, loom))]
#[path = "budget_loom.rs"]
mod loom_tests;
