//! A member of the ISR that lacks what is committed must be noticed.

use super::InSync;
use crate::checkers::forge::{Forge, T0};
use crate::checkers::{Checkers, Seen};
use crate::history::Note;
use ::runtime::Event;
use model::{BrokerId, DurableEnd, LeaderEpoch, LogEnd, Offset};

/// Brokers 1 and 2 are in sync, with logs that end at 5 and at `log`, synced up to 5 and up to `synced`.
fn scene(durable: bool, (log, synced): (i64, i64)) -> Forge {
    let mut forge = Forge::with(Checkers::with(vec![Box::new(InSync::default())])).created(durable, 2);
    for (broker, log, synced) in [(1, 5, 5), (2, log, synced)] {
        let (start, end) = (Offset::ZERO, LogEnd(Offset(log)));
        let recovered = Event::Recovered { partition: T0, start, end, truncated_bytes: 0, clean: true };
        let synced = Event::Synced { partition: T0, end: DurableEnd(Offset(synced)) };
        for event in [recovered, synced] {
            forge = forge.seen(&Seen::Event { broker, event: &event });
        }
    }
    forge
}

fn told(forge: Forge, members: &[i32]) -> Forge {
    let members = members.iter().map(|id| BrokerId(*id)).collect();
    forge.event(Event::InSync { partition: T0, epoch: LeaderEpoch(0), members })
}

fn commits(forge: Forge, to: i64) -> Forge {
    forge.event(Event::HighWatermark { partition: T0, to: Offset(to) })
}

#[test]
fn a_member_that_lacks_something_is_noticed() {
    for (durable, ends, fires) in
        [(true, (5, 5), false), (true, (5, 4), true), (false, (5, 4), false), (false, (4, 4), true)]
    {
        let expected: &[&str] = if fires { &["in_sync"] } else { &[] };
        commits(told(scene(durable, ends), &[1, 2]), 5).fires(expected);
    }
}

#[test]
fn who_is_not_in_sync_may_lack_anything() {
    commits(told(scene(true, (0, 0)), &[1]), 5).fires(&[]);
}

#[test]
fn what_a_log_lost_counts() {
    let cut = Event::Truncated { partition: T0, end: LogEnd(Offset(3)) };
    let forge = told(scene(true, (5, 5)), &[1, 2]).seen(&Seen::Event { broker: 2, event: &cut });
    commits(forge, 5).fires(&["in_sync"]);
}

#[test]
fn who_has_no_power_is_not_asked() {
    let forge = told(scene(false, (4, 4)), &[1, 2]).note(Note::PowerLost { broker: 2 });
    commits(forge, 5).fires(&[]);
}

#[test]
fn who_learns_late_that_it_led_changes_nothing() {
    let tell = |forge: Forge, broker, epoch, members: &[i32]| {
        let members = members.iter().map(|id| BrokerId(*id)).collect();
        let event = Event::InSync { partition: T0, epoch: LeaderEpoch(epoch), members };
        forge.seen(&Seen::Event { broker, event: &event })
    };
    let commit = |forge: Forge, broker| {
        let event = Event::HighWatermark { partition: T0, to: Offset(5) };
        forge.seen(&Seen::Event { broker, event: &event })
    };
    // Broker 2 lacks something, and only follows when it hears what is committed.
    let late = tell(tell(scene(true, (5, 4)), 1, 2, &[1]), 2, 1, &[2]);
    commit(late, 2).fires(&[]);
    // The leader of the latest epoch is asked for what it said itself.
    let late = tell(tell(scene(true, (5, 4)), 1, 2, &[1, 2]), 2, 1, &[2]);
    commit(late, 1).fires(&["in_sync"]);
}

/// Broker 1 leads in epoch 0 and has committed up to 5, with broker 2 in sync; then `broker` does something.
fn after_commit(event: Event, broker: i32, before: Option<Note>) -> Forge {
    let mut forge = commits(told(scene(true, (5, 5)), &[1, 2]), 5);
    if let Some(note) = before {
        forge = forge.note(note);
    }
    forge.seen(&Seen::Event { broker, event: &event })
}

#[test]
fn a_member_that_cuts_what_is_committed_is_noticed() {
    let cut = |to| Event::Truncated { partition: T0, end: LogEnd(Offset(to)) };
    after_commit(cut(5), 2, None).fires(&[]);
    after_commit(cut(4), 2, None).fires(&["in_sync"]);
    after_commit(cut(4), 2, Some(Note::PowerLost { broker: 2 })).fires(&[]);
    after_commit(cut(4), 3, None).fires(&[]);
}

#[test]
fn a_member_that_lacks_what_an_earlier_leader_committed_is_noticed() {
    let joined = |log, members: &[i32]| {
        let forge = commits(told(scene(true, (log, log)), &[1]), 5);
        let members = members.iter().map(|id| BrokerId(*id)).collect();
        let event = Event::InSync { partition: T0, epoch: LeaderEpoch(1), members };
        forge.seen(&Seen::Event { broker: 1, event: &event })
    };
    joined(5, &[1, 2]).fires(&[]);
    joined(4, &[1]).fires(&[]);
    joined(4, &[1, 2]).fires(&["in_sync"]);
}
