//! Two votes in one epoch must be noticed, also when the process died in between.

use crate::checkers::Seen;
use crate::checkers::forge::{Forge, T0};
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch};

/// Broker 1 votes in these epochs, for these candidates, the power gone before each.
#[track_caller]
fn vote(votes: &[(i32, i32)], fires: &[&str]) {
    let mut forge = Forge::topic(true);
    for (epoch, candidate) in votes {
        let (epoch, candidate) = (LeaderEpoch(*epoch), BrokerId(*candidate));
        let event = Event::Voted { partition: T0, epoch, candidate };
        forge = forge.power_lost().seen(&Seen::Event { broker: 1, event: &event });
    }
    forge.fires(fires);
}

#[test]
fn a_second_vote_in_an_epoch_is_noticed() {
    vote(&[(1, 2), (1, 3)], &["one_vote"]);
    vote(&[(1, 2), (2, 3), (1, 1)], &["one_vote"]);
}

#[test]
fn the_same_vote_again_and_votes_in_other_epochs_are_none() {
    vote(&[(1, 2), (1, 2), (2, 3), (3, 2)], &[]);
}
