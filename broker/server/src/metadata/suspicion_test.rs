//! Who speaks in time is left alone, whoever else was asked before.

use super::*;
use crate::metadata::scene_test::available;

const EVERY: Duration = Duration::from_secs(2);

fn at(ms: u64) -> Instant {
    Instant::default() + Duration::from_millis(ms)
}

fn watched(heard: Option<u64>, fetched: Option<u64>) -> Watched {
    Watched { broker: available(1, Vec::new()), heard: heard.map(at), fetched: fetched.map(at) }
}

#[test]
fn silence_is_told_by_the_sign_that_is_missing() {
    let since = at(1000);
    for (now, heard, fetched, silent) in [
        (10_000, Some(9_000), Some(9_500), false),
        (10_000, Some(9_000), Some(9_400), false),
        (10_001, Some(9_000), Some(9_400), true),
        (10_000, Some(7_500), Some(9_900), false),
        (10_001, Some(7_500), Some(9_900), true),
    ] {
        assert_eq!(
            watched(heard, fetched).is_silent(at(now), since, EVERY),
            silent,
            "{now} {heard:?} {fetched:?}"
        );
    }
}

#[test]
fn nobody_is_silent_for_what_a_controller_before_has_not_heard() {
    for (now, silent) in [(10_000, false), (10_600, false), (10_601, true)] {
        assert_eq!(watched(None, Some(2_000)).is_silent(at(now), at(10_000), EVERY), silent, "{now}");
        assert_eq!(watched(Some(10_000), None).is_silent(at(now), at(10_000), EVERY), silent, "{now}");
    }
}

#[test]
fn a_broker_is_lost_when_every_sign_is_missing() {
    let since = at(1000);
    for (now, heard, fetched, lost) in [
        (10_000, Some(7_500), Some(8_500), false),
        (10_001, Some(7_500), Some(8_500), true),
        (10_001, Some(7_501), Some(8_500), false),
        (10_001, Some(7_500), Some(8_501), false),
        (3_500, None, None, false),
        (3_501, None, None, true),
    ] {
        assert_eq!(
            watched(heard, fetched).is_lost(at(now), since, EVERY),
            lost,
            "{now} {heard:?} {fetched:?}"
        );
    }
}

#[test]
fn a_broker_is_mute_when_nothing_came_while_it_was_asked() {
    let (since, began) = (at(1000), at(9_500));
    for (now, heard, fetched, mute) in [
        (10_000, Some(9_500), Some(8_900), false),
        (10_001, Some(9_500), Some(8_900), true),
        (10_001, Some(9_501), Some(8_900), false),
        (10_001, Some(9_500), Some(8_901), false),
        (2_100, None, None, false),
        (2_101, None, None, true),
    ] {
        assert_eq!(
            watched(heard, fetched).is_mute(at(now), since, began),
            mute,
            "{now} {heard:?} {fetched:?}"
        );
    }
}
