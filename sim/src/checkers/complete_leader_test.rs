//! A leader that lacks what was committed must be noticed.

use super::CompleteLeader;
use crate::checkers::forge::{Forge, T0};
use crate::checkers::{Checkers, Seen};
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch, LogEnd, Offset};

struct Scene(Forge);

impl Scene {
    fn of(durable: bool) -> Scene {
        Scene(Forge::with(Checkers::with(vec![Box::new(CompleteLeader::default())])).created(durable, 3))
    }

    fn told(self, broker: i32, event: Event) -> Scene {
        Scene(self.0.seen(&Seen::Event { broker, event: &event }))
    }

    fn recovers(self, broker: i32, end: i64) -> Scene {
        let end = LogEnd(Offset(end));
        let (start, truncated_bytes, clean) = (Offset::ZERO, 0, true);
        self.told(broker, Event::Recovered { partition: T0, start, end, truncated_bytes, clean })
    }

    fn cut(self, broker: i32, end: i64) -> Scene {
        self.told(broker, Event::Truncated { partition: T0, end: LogEnd(Offset(end)) })
    }

    fn leads(self, broker: i32, epoch: i32) -> Scene {
        self.told(broker, Event::BecameLeader { partition: T0, epoch: LeaderEpoch(epoch) })
    }

    fn commits(self, broker: i32, to: i64) -> Scene {
        self.told(broker, Event::HighWatermark { partition: T0, to: Offset(to) })
    }
}

#[test]
fn a_leader_that_lacks_what_was_committed_is_noticed() {
    let begun = |end| Scene::of(true).recovers(1, 5).leads(1, 0).commits(1, 5).recovers(2, end).leads(2, 1);
    begun(4).0.fires(&["complete_leader"]);
    begun(5).0.fires(&[]);
    begun(6).0.fires(&[]);
}

#[test]
fn one_that_learns_late_that_it_was_elected_need_not_have_what_a_later_leader_has() {
    let late =
        |epoch| Scene::of(true).recovers(1, 5).leads(1, 4).commits(1, 5).recovers(2, 3).leads(2, epoch);
    late(3).0.fires(&[]);
    late(5).0.fires(&["complete_leader"]);
}

#[test]
fn a_log_that_was_cut_counts_as_it_is() {
    let begun = |end| Scene::of(true).recovers(1, 5).leads(1, 0).commits(1, 5).recovers(2, 6).cut(2, end);
    begun(4).leads(2, 1).0.fires(&["complete_leader"]);
    begun(5).leads(2, 1).0.fires(&[]);
}

#[test]
fn what_a_follower_takes_for_committed_binds_nobody() {
    Scene::of(true).recovers(1, 5).commits(1, 5).recovers(2, 4).leads(2, 1).0.fires(&[]);
}

#[test]
fn the_last_copy_in_a_page_cache_may_go_with_the_power() {
    for (members, fires) in [(vec![BrokerId(1)], false), (vec![BrokerId(2)], true)] {
        let in_sync = Event::InSync { partition: T0, epoch: LeaderEpoch(0), members };
        let scene = Scene::of(false).recovers(1, 5).leads(1, 0).told(1, in_sync).commits(1, 5);
        let expected: &[&str] = if fires { &["complete_leader"] } else { &[] };
        Scene(scene.0.power_lost()).recovers(2, 4).leads(2, 1).0.fires(expected);
    }
}
