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
    pause(rt, 5).await;
    let asked = rt.now();
    rt.sleep_until(then).await;
    rt.sleep_until(asked).await;
    let took = rt.now().since(asked);
    assert!(took < Duration::from_secs(1), "a deadline in the past took {took:?}");
}

pub(super) async fn sleepers_wake_in_the_order_of_their_deadlines<R: Runtime>(rt: &R) {
    let start = rt.now();
    let mut sleepers = Vec::new();
    for ms in [90u64, 10, 50] {
        let inner = rt.clone();
        sleepers.push(rt.spawn("sleeper", async move {
            inner.sleep_until(start + Duration::from_millis(ms)).await;
            (inner.now(), ms)
        }));
    }
    let mut woken = Vec::new();
    for sleeper in sleepers {
        woken.push(sleeper.await.expect("nobody aborts a sleeper"));
    }
    woken.sort();
    let order: Vec<u64> = woken.iter().map(|(_, ms)| *ms).collect();
    assert_eq!(order, [10, 50, 90], "sleepers woke out of order");
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
