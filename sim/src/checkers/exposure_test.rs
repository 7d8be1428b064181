//! Which power cuts count: a topic that has two replicas in sync survives one at a time.

use super::*;
use crate::checkers::forge::T0;

/// Words of the leader, and power cuts of single brokers, in order: how often the last copy was lost.
#[track_caller]
fn losses(steps: &[Result<&[i32], i32>], expected: u32) {
    let mut exposure = Exposure::default();
    for step in steps {
        match step {
            Ok(members) => exposure.in_sync(T0, LeaderEpoch(1), members.iter().copied()),
            Err(broker) => exposure.power_lost(*broker, |_| 2),
        }
    }
    assert_eq!(exposure.losses(T0.topic), expected, "{steps:?}");
}

#[test]
fn the_last_copy_counts() {
    losses(&[Err(1)], 0);
    losses(&[Ok(&[1, 2]), Err(1)], 0);
    losses(&[Ok(&[1, 2]), Err(1), Err(2)], 1);
    losses(&[Ok(&[1]), Err(2)], 0);
    losses(&[Ok(&[1]), Err(1)], 1);
    losses(&[Ok(&[1, 2, 3]), Err(1), Err(3)], 1);
}

#[test]
fn who_was_taken_in_anew_has_a_copy() {
    losses(&[Ok(&[1, 2]), Err(1), Ok(&[2]), Ok(&[1, 2]), Err(2)], 0);
    losses(&[Ok(&[1, 2, 3]), Err(1), Ok(&[1, 2, 3]), Err(2)], 1);
}

#[test]
fn after_a_loss_what_is_left_counts() {
    losses(&[Ok(&[1]), Err(1), Ok(&[1, 2]), Err(2), Ok(&[1]), Err(1)], 2);
}

#[test]
fn who_led_in_an_earlier_epoch_is_not_heard() {
    for (late, expected) in [(LeaderEpoch(0), 1), (LeaderEpoch(1), 0), (LeaderEpoch(2), 0)] {
        let mut exposure = Exposure::default();
        exposure.in_sync(T0, LeaderEpoch(1), [1].into_iter());
        exposure.in_sync(T0, late, [2].into_iter());
        exposure.power_lost(1, |_| 1);
        assert_eq!(exposure.losses(T0.topic), expected, "{late:?}");
    }
}
