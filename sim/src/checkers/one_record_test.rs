//! Two records at one offset, and records from nowhere, must be noticed.

use super::OneRecord;
use crate::checkers::Checkers;
use crate::checkers::forge::{Forge, T0};
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch};

#[test]
fn an_offset_given_twice_is_noticed() {
    Forge::topic(true).acked(1, &[1], 0).acked(2, &[1], 0).fires(&["one_record"]);
}

#[test]
fn a_record_that_differs_from_the_one_read_before_is_noticed() {
    Forge::topic(true)
        .acked(1, &[1], -1)
        .acked(1, &[2], -1)
        .read("c1", 0, &[(0, 1)], 1)
        .read("c2", 0, &[(0, 2)], 1)
        .fires(&["one_record"]);
}

#[test]
fn a_record_that_nobody_sent_is_noticed() {
    Forge::topic(true).read("c1", 0, &[(0, 9)], 1).fires(&["one_record"]);
}

#[test]
fn page_cache_may_give_lost_offsets_to_others_after_a_power_cut() {
    Forge::topic(false).acked(1, &[1], 0).power_lost().acked(1, &[2], 0).fires(&[]);
    Forge::topic(true).acked(1, &[1], 0).power_lost().acked(1, &[2], 0).fires(&["one_record"]);
}

#[test]
fn a_deposed_leader_may_tell_of_what_the_others_have_lost() {
    let in_sync = Event::InSync { partition: T0, epoch: LeaderEpoch(0), members: vec![BrokerId(1)] };
    let told_again = || {
        let forge = Forge::with(Checkers::with(vec![Box::new(OneRecord::default())])).created(false, 2);
        let lost = forge.event(in_sync.clone()).acked(1, &[1], 0).power_lost();
        lost.read("c1", 0, &[(0, 1)], 1)
    };
    told_again().acked(2, &[1], 0).fires(&[]);
    told_again().acked(2, &[1], 0).acked(3, &[1], 0).fires(&["one_record"]);
    // And also when the others have given its offset to another record before.
    told_again().acked(2, &[1], 0).read("c1", 0, &[(0, 1)], 1).fires(&[]);
}
