//! Watermarks that go back, and records beyond them, must be noticed from outside and from inside.

use super::Watermark;
use crate::checkers::forge::{Forge, T0, high_watermark, synced};
use crate::checkers::{Checkers, Seen};
use crate::history::Note;
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch, Offset};

#[test]
fn a_record_beyond_the_watermark_is_noticed() {
    Forge::topic(true).acked(1, &[1], 0).read("c1", 0, &[(0, 1)], 0).fires(&["watermark"]);
}

#[test]
fn a_watermark_that_goes_back_is_noticed() {
    Forge::topic(true).read("c1", 0, &[], 5).read("c1", 0, &[], 4).fires(&["watermark"]);
    Forge::topic(true).read("c1", 0, &[], 5).power_lost().read("c1", 0, &[], 4).fires(&["watermark"]);
}

#[test]
fn other_clients_and_other_eras_have_their_own() {
    Forge::topic(true).read("c1", 0, &[], 5).read("c2", 0, &[], 4).fires(&[]);
    Forge::topic(false).read("c1", 0, &[], 5).power_lost().read("c1", 0, &[], 4).fires(&[]);
}

#[test]
fn a_broker_that_serves_beyond_its_own_watermark_is_noticed() {
    let served =
        |to, hw| Event::Served { partition: T0, from: Offset(0), to: Offset(to), high_watermark: Offset(hw) };
    let base = || Forge::topic(true).event(synced(9)).event(high_watermark(5));
    base().event(served(5, 5)).fires(&[]);
    base().event(served(6, 5)).fires(&["watermark"]);
    base().event(served(6, 6)).fires(&["watermark"]);
    base().event(high_watermark(4)).fires(&["watermark"]);
}

#[test]
fn whoever_follows_one_that_lost_its_records_starts_anew() {
    let goes_back = |durable, power_lost| {
        let mut forge = Forge::with(Checkers::with(vec![Box::new(Watermark::default())])).created(durable, 2);
        let leads = Event::InSync { partition: T0, epoch: LeaderEpoch(0), members: vec![BrokerId(1)] };
        forge = forge.event(leads).seen(&Seen::Event { broker: 2, event: &high_watermark(5) });
        if power_lost {
            forge = forge.note(Note::PowerLost { broker: 1 });
        }
        forge.seen(&Seen::Event { broker: 2, event: &high_watermark(4) })
    };
    goes_back(false, true).fires(&[]);
    goes_back(false, false).fires(&["watermark"]);
    goes_back(true, true).fires(&["watermark"]);
}
