//! Waits count while somebody waits, from the last acknowledgement on, and what is undelivered ends none.

use super::*;

fn at(ms: u64) -> Instant {
    Instant(ms * 1_000_000)
}

fn ms(length: u64, at: u64) -> Option<Gap> {
    Some(Gap { length: Duration::from_millis(length), at: Duration::from_millis(at) })
}

#[test]
fn a_wait_begins_with_the_first_record_or_the_last_acknowledgement() {
    let mut gaps = Gaps::default();
    assert_eq!(gaps.longest(), None);
    gaps.given(at(100));
    gaps.given(at(110));
    assert_eq!(gaps.told(true, at(130)), ms(30, 0));
    assert_eq!(gaps.told(true, at(135)), ms(5, 30));
    // Nobody waits: no time counts.
    gaps.given(at(9_000));
    assert_eq!(gaps.told(true, at(9_010)), ms(10, 8_900));
    assert_eq!(gaps.longest(), ms(30, 0));
}

#[test]
fn what_is_not_delivered_ends_no_wait() {
    let mut gaps = Gaps::default();
    gaps.given(at(0));
    gaps.given(at(0));
    assert_eq!(gaps.told(false, at(50)), None);
    assert_eq!(gaps.told(true, at(80)), ms(80, 0));
}
