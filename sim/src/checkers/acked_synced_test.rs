//! Commitments ahead of the disk must be noticed, incarnation by incarnation.

use crate::checkers::forge::{Forge, T0, acknowledged, high_watermark, synced};
use crate::history::Note;
use ::runtime::Event;
use model::LeaderEpoch;

const LEADS: Event = Event::BecameLeader { partition: T0, epoch: LeaderEpoch(0) };

#[test]
fn acknowledging_what_is_not_synced_is_noticed() {
    Forge::topic(true).event(synced(3)).event(acknowledged(2, 3)).fires(&[]);
    Forge::topic(true).event(synced(3)).event(acknowledged(3, 4)).fires(&["acked_synced"]);
    Forge::topic(true).event(LEADS).event(synced(3)).event(high_watermark(4)).fires(&["acked_synced"]);
}

#[test]
fn a_follower_may_hear_that_more_is_committed() {
    Forge::topic(true).event(synced(3)).event(high_watermark(4)).fires(&[]);
}

#[test]
fn what_an_earlier_incarnation_synced_does_not_count() {
    Forge::topic(true)
        .event(synced(3))
        .note(Note::Killed { broker: 1 })
        .event(LEADS)
        .event(high_watermark(3))
        .fires(&["acked_synced"]);
}

#[test]
fn page_cache_promises_nothing() {
    Forge::topic(false).event(acknowledged(3, 4)).fires(&[]);
}
