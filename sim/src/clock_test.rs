//! The clocks: drift in both directions, the way back, jumps, and that the monotonic one never goes back.

use super::*;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

#[test]
fn drift_makes_a_clock_fast_or_slow() {
    let mut clock = Clock::new(Instant(0), 1000);
    clock.set_drift(0, 100_000);
    assert_eq!(clock.now(10 * SECOND), Instant(11 * SECOND));
    assert_eq!(clock.wall_ms(10 * SECOND), 12_000);
    clock.set_drift(10 * SECOND, -100_000);
    assert_eq!(clock.now(20 * SECOND), Instant(20 * SECOND));
}

#[test]
fn a_jump_moves_the_wall_only() {
    let mut clock = Clock::new(Instant(5), 1000);
    clock.jump_wall(-400);
    assert_eq!((clock.wall_ms(0), clock.now(0)), (600, Instant(5)));
}

proptest! {
    #[test]
    fn the_way_back_is_the_first_moment_that_shows_it(
        drift in -900_000..2_000_000i32,
        start in 0..1u64 << 40,
        ahead in 0..1u64 << 50,
    ) {
        let mut clock = Clock::new(Instant(7), 0);
        clock.set_drift(start, drift);
        let wanted = Instant(clock.now(start).0 + ahead);
        let at = clock.true_nanos(wanted);
        prop_assert!(clock.now(at) >= wanted);
        prop_assert!(at == start || clock.now(at - 1) < wanted);
    }

    #[test]
    fn monotonic_time_never_goes_back(steps in prop::collection::vec((0..1u64 << 34, -900_000..900_000i32), 1..30)) {
        let mut clock = Clock::new(Instant(0), 0);
        let (mut at, mut last) = (0, Instant(0));
        for (step, drift) in steps {
            at += step;
            clock.jump_wall(-5);
            clock.set_drift(at, drift);
            prop_assert!(clock.now(at) >= last);
            last = clock.now(at);
        }
    }
}
