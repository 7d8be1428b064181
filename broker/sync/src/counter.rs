//! A number that only grows, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts from zero, wrapping at 2^64. Orders nothing: a reader may see two counters move in either order.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `by`.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// What was added so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
#[path = "counter_test.rs"]
mod tests;
