//! How long to wait before something is tried again: longer each time, and not for all clients alike (KIP-580).
//!
//! A broker that comes back is met by everybody who missed it. Waits that grow keep them from keeping it down, and a
//! draw of 20 % keeps them from coming at once.

use model::time::Duration;

/// Of a wait, how much more or less it may be, in parts of a thousand.
const SPREAD_PERMILLE: u64 = 200;

/// Waits between tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait (`retry.backoff.ms`).
    pub first: Duration,
    /// No wait is longer (`retry.backoff.max.ms`), but for the draw.
    pub most: Duration,
}

impl Backoff {
    /// How long to wait after so many failures in a row, 1 or more; `draw` is random.
    pub fn after(&self, failures: u32, draw: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let wait = self.first.saturating_mul(1 << doublings).min(self.most);
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX / 2).min(u64::MAX / 2_000);
        let permille = 1_000 - SPREAD_PERMILLE + draw % (2 * SPREAD_PERMILLE + 1);
        Duration::from_nanos(nanos * permille / 1_000)
    }
}

#[cfg(test)]
#[path = "backoff_test.rs"]
mod tests;
