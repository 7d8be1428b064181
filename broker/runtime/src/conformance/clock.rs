//! Clocks and sleeps: what every deadline and every timeout above relies on.

use super::{pause, within};
use crate::Runtime;
use model::time::Instant;
use std::time::Duration;

pub(super) async fn now_never_goes_back<R: Runtime>(rt: &R) {
    let mut before = rt.now();
    for _ in 0..1000 {
        let now = rt.now();
        assert!(now >= before, "{now:?} came after {before:?}");
        before = now;
    }
    pause(rt, 1).await;
    assert!(rt.now() > before, "a sleep moves the clock");
}

pub(super) async fn a_sleep_lasts_until_its_deadline<R: Runtime>(rt: &R) {
    for ms in [1, 5, 20] {
        let deadline = rt.now() + Duration::from_millis(ms);
        rt.sleep_until(deadline).await;
        let late = rt.now();
        assert!(late >= deadline, "woke at {late:?}, before {deadline:?}");
    }
}

pub(super) async fn a_deadline_that_passed_is_at_once<R: Runtime>(rt: &R) {
    let then = rt.now();
    pause(rt, 50).await;
    let asked = rt.now();
    rt.sleep_until(then).await;
    rt.sleep_until(asked).await;
    let took = rt.now().since(asked);
    assert!(took < Duration::from_secs(5), "a deadline in the past took {took:?}");
}

pub(super) async fn sleepers_do_not_wait_for_each_other<R: Runtime>(rt: &R) {
    const SLEEPERS: u64 = 1000;
    let start = rt.now();
    let mut sleepers = Vec::new();
    for n in 0..SLEEPERS {
        let inner = rt.clone();
        sleepers.push(rt.spawn("sleeper", async move {
            let deadline = start + Duration::from_millis(1 + n * 7 % 50);
            inner.sleep_until(deadline).await;
            let woke = inner.now();
            assert!(woke >= deadline, "woke at {woke:?}, before {deadline:?}");
        }));
    }
    for sleeper in sleepers {
        sleeper.await.expect("nobody aborts a sleeper");
    }
    // One after the other they sleep for 25 seconds.
    let took = rt.now().since(start);
    assert!(took < Duration::from_secs(15), "{SLEEPERS} sleepers took {took:?}");
}

pub(super) async fn a_sleep_until_the_end_of_time_goes_on<R: Runtime>(rt: &R) {
    let woke = within(rt, Duration::from_millis(20), rt.sleep_until(Instant(u64::MAX))).await;
    assert!(woke.is_none(), "a sleep until the end of time ended");
}

pub(super) async fn the_wall_clock_advances<R: Runtime>(rt: &R) {
    let before = rt.wall_ms();
    pause(rt, 50).await;
    // It may jump, so this can't demand more than that it is a clock at all.
    assert!(rt.wall_ms() != before, "the wall clock stands still");
    assert!(before > 0, "the wall clock reads {before}: before 1970");
}
