//! One machine's clocks: what a process reads when true simulated time is something else.
//!
//! The monotonic clock runs fast or slow by its drift and never goes back. The wall clock drifts likewise, is
//! off by a skew, and jumps on command. Both are straight lines between changes, in integers only.

use model::time::Instant;

const PPM: i128 = 1_000_000;

/// A machine's clocks. Times named `true_nanos` are nanoseconds of the world's one true clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Where the current straight line begins, on the true clock.
    anchor_true: u64,
    /// Where it begins on this clock.
    anchor_local: u64,
    /// How much faster than the true clock, in parts per million.
    drift_ppm: i32,
    /// Wall time, in nanoseconds since the epoch, when this clock shows zero.
    wall_at_zero: i128,
}

impl Clock {
    /// A clock that shows `local` at true time zero and whose wall says `wall_ms` then.
    pub fn new(local: Instant, wall_ms: i64) -> Clock {
        let wall_at_zero = i128::from(wall_ms) * 1_000_000 - i128::from(local.0);
        Clock { anchor_true: 0, anchor_local: local.0, drift_ppm: 0, wall_at_zero }
    }

    /// The monotonic clock at a true time.
    pub fn now(&self, true_nanos: u64) -> Instant {
        let elapsed = i128::from(true_nanos.saturating_sub(self.anchor_true));
        let local = i128::from(self.anchor_local) + elapsed * (PPM + i128::from(self.drift_ppm)) / PPM;
        Instant(u64::try_from(local).expect("a clock that ran for 584 years"))
    }

    /// The wall clock at a true time, in milliseconds since the epoch.
    pub fn wall_ms(&self, true_nanos: u64) -> i64 {
        let wall = self.wall_at_zero + i128::from(self.now(true_nanos).0);
        i64::try_from(wall.div_euclid(1_000_000)).unwrap_or(i64::MAX)
    }

    /// The first true time at which the monotonic clock shows `local` or later, if it never drifts otherwise.
    /// `u64::MAX` when that is beyond the end of time.
    pub fn true_nanos(&self, local: Instant) -> u64 {
        let Some(ahead) = local.0.checked_sub(self.anchor_local) else { return self.anchor_true };
        let rate = PPM + i128::from(self.drift_ppm);
        let elapsed = (i128::from(ahead) * PPM + rate - 1) / rate;
        u64::try_from(i128::from(self.anchor_true) + elapsed).unwrap_or(u64::MAX)
    }

    /// From `true_nanos` on, runs faster by this many parts per million (slower when negative).
    /// At least -900,000: a clock that stands still would hang its process for ever.
    pub fn set_drift(&mut self, true_nanos: u64, drift_ppm: i32) {
        assert!(drift_ppm >= -900_000, "a clock must go on: {drift_ppm}");
        self.anchor_local = self.now(true_nanos).0;
        self.anchor_true = true_nanos;
        self.drift_ppm = drift_ppm;
    }

    /// Moves the wall clock by this many milliseconds, either way. The monotonic clock does not notice.
    pub fn jump_wall(&mut self, by_ms: i64) {
        self.wall_at_zero += i128::from(by_ms) * 1_000_000;
    }

    /// The drift in force, in parts per million.
    pub fn drift_ppm(&self) -> i32 {
        self.drift_ppm
    }
}

#[cfg(test)]
#[path = "clock_test.rs"]
mod tests;
