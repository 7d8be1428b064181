//! A broker that lives and is taken for dead must be noticed, one that is dead or about to be must not.

use crate::checkers::Seen;
use crate::checkers::forge::Forge;
use crate::history::Note;
use ::runtime::{Event, Sign};
use model::{BrokerEpoch, BrokerId};

fn serves_as(forge: Forge, epoch: i64) -> Forge {
    let event = Event::Started { broker: BrokerId(1), epoch: BrokerEpoch(epoch) };
    forge.seen(&Seen::Event { broker: 1, event: &event })
}

fn serves(forge: Forge) -> Forge {
    serves_as(forge, 7)
}

fn fenced(forge: Forge, sign: Sign) -> Forge {
    let event = Event::BrokerFenced { broker: BrokerId(1), epoch: BrokerEpoch(7), sign };
    forge.seen(&Seen::Event { broker: 2, event: &event })
}

/// Time enough for whoever was about to end.
fn judged(forge: Forge) -> Forge {
    forge.later(20).note(Note::Killed { broker: 3 })
}

#[test]
fn whoever_lives_is_missed() {
    for (calm, sign, fires) in [
        (true, Sign::Refused, &["only_the_dead"][..]),
        (true, Sign::Unanswered, &["only_the_dead"]),
        (true, Sign::Silent, &["only_the_dead"]),
        (false, Sign::Refused, &["only_the_dead"]),
        (false, Sign::Unanswered, &[]),
        (false, Sign::Silent, &[]),
    ] {
        judged(fenced(serves(Forge::of(true, calm)).later(5), sign)).fires(fires);
    }
}

#[test]
fn whoever_is_dead_or_dying_is_not() {
    let serving = || serves(Forge::topic(true)).later(5);
    let dead = || serving().note(Note::Killed { broker: 1 });
    judged(fenced(dead(), Sign::Refused)).fires(&[]);
    judged(fenced(serving(), Sign::Refused).later(3).note(Note::Stopped { broker: 1 })).fires(&[]);
    judged(fenced(serves_as(dead(), 8).later(5), Sign::Refused)).fires(&[]);
    judged(fenced(serving().power_lost(), Sign::Silent)).fires(&[]);
    judged(fenced(serves(dead()).later(5), Sign::Refused)).fires(&["only_the_dead"]);
}
