//! Whoever touches a leadership at rest must be noticed; what happens before and after the rest must not.

use crate::checkers::committed::METADATA;
use crate::checkers::forge::Forge;
use crate::history::Note;
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch};

fn each() -> [Event; 4] {
    let (partition, epoch) = (METADATA, LeaderEpoch(7));
    [
        Event::Voted { partition, epoch, candidate: BrokerId(2) },
        Event::BecameFollower { partition, epoch, leader: BrokerId(2) },
        Event::BecameLeader { partition, epoch },
        Event::Resigned { partition, epoch },
    ]
}

#[test]
fn a_leadership_at_rest_is_left_alone() {
    for event in each() {
        Forge::topic(true).note(Note::RestBegins).event(event).fires(&["stable_leadership"]);
    }
}

#[test]
fn at_other_times_it_may_change() {
    for event in each() {
        Forge::topic(true).event(event.clone()).note(Note::RestBegins).fires(&[]);
        Forge::topic(true).note(Note::RestBegins).note(Note::RestEnds).event(event).fires(&[]);
    }
}
