//! What each condition does to packets, one by one.

use super::*;

const NO_LUCK: Luck = Luck { loss: 0, jitter: 0 };
/// Lost nowhere but where everything is.
const LUCKY: Luck = Luck { loss: MILLION - 1, jitter: 0 };

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn link(condition: Condition) -> Link {
    let mut link = Link::default();
    link.set(ms(0), condition);
    link
}

#[test]
fn a_sound_link_hands_on_at_once_and_in_order() {
    let mut link = link(Condition::default());
    assert_eq!(link.offer(ms(1), b"one", NO_LUCK), Offered::Taken);
    assert_eq!(link.offer(ms(1), b"two", NO_LUCK), Offered::Taken);
    assert_eq!(link.due(ms(1)).as_deref(), Some(&b"one"[..]));
    assert_eq!(link.due(ms(1)).as_deref(), Some(&b"two"[..]));
    assert_eq!(link.due(ms(1)), None);
    assert_eq!(link.next_due(), None);
}

#[test]
fn a_cut_takes_along_what_is_under_way() {
    let mut link = link(Condition { delay: ms(10), ..Condition::default() });
    assert_eq!(link.offer(ms(0), b"one", LUCKY), Offered::Taken);
    link.set(ms(5), Condition::CUT);
    assert_eq!(link.offer(ms(6), b"two", LUCKY), Offered::Cut);
    link.set(ms(7), Condition::default());
    assert_eq!(link.due(ms(100)), None);
    assert_eq!(link.offer(ms(100), b"three", LUCKY), Offered::Taken);
    assert_eq!(link.due(ms(100)).as_deref(), Some(&b"three"[..]));
}

#[test]
fn delay_and_jitter_add_up_and_nobody_overtakes() {
    let mut link = link(Condition { delay: ms(10), jitter: ms(4), ..Condition::default() });
    link.offer(ms(0), b"slow", Luck { jitter: MILLION / 2, ..LUCKY });
    assert_eq!(link.next_due(), Some(ms(12)));
    link.offer(ms(1), b"quick", LUCKY);
    assert_eq!(link.due(ms(11)), None);
    assert_eq!(link.due(ms(12)).as_deref(), Some(&b"slow"[..]));
    assert_eq!(link.due(ms(12)).as_deref(), Some(&b"quick"[..]));
}

#[test]
fn a_rate_is_shared_by_what_is_sent_one_after_the_other() {
    let mut link = link(Condition { rate: NonZeroU32::new(1000), ..Condition::default() });
    link.offer(ms(0), &[1; 100], LUCKY);
    link.offer(ms(0), &[2; 100], LUCKY);
    assert_eq!(link.next_due(), Some(ms(100)));
    assert!(link.due(ms(100)).is_some());
    assert_eq!(link.next_due(), Some(ms(200)));
}

#[test]
fn losses_are_a_matter_of_luck() {
    let mut link = link(Condition { loss_ppm: 20_000, ..Condition::default() });
    assert_eq!(link.offer(ms(0), b"x", Luck { loss: 19_999, jitter: 0 }), Offered::Lost);
    assert_eq!(link.offer(ms(0), b"x", Luck { loss: 20_000, jitter: 0 }), Offered::Taken);
}

#[test]
fn what_does_not_fit_is_dropped() {
    let mut link = link(Condition { delay: ms(1000), ..Condition::default() });
    let packet = vec![0; QUEUE_BYTES_MAX / 4];
    for _ in 0..4 {
        assert_eq!(link.offer(ms(0), &packet, LUCKY), Offered::Taken);
    }
    assert_eq!(link.offer(ms(0), b"x", LUCKY), Offered::Full);
    assert!(link.due(ms(1000)).is_some());
    assert_eq!(link.offer(ms(1000), b"x", LUCKY), Offered::Taken);
}

#[test]
fn what_waits_in_a_link_that_is_healed_waits_no_longer() {
    let mut link = link(Condition { delay: ms(1000), rate: NonZeroU32::new(1), ..Condition::default() });
    link.offer(ms(0), b"one", LUCKY);
    link.set(ms(5), Condition::default());
    link.offer(ms(5), b"two", LUCKY);
    assert_eq!(link.due(ms(5)).as_deref(), Some(&b"one"[..]));
    assert_eq!(link.due(ms(5)).as_deref(), Some(&b"two"[..]));
}

#[test]
fn two_disturbances_are_the_worst_of_each() {
    let slow = Condition { delay: ms(10), rate: NonZeroU32::new(7), ..Condition::default() };
    let lossy = Condition { loss_ppm: 5, rate: NonZeroU32::new(9), ..Condition::default() };
    assert_eq!(slow.and(&lossy), Condition { loss_ppm: 5, ..slow });
    assert_eq!(slow.and(&Condition::default()), slow);
    assert!(slow.and(&Condition::CUT).cut && Condition::CUT.and(&slow).cut);
}
