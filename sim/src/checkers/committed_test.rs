//! What is committed and then another, or durable on too few brokers, must be noticed.

use crate::checkers::forge::Forge;
use crate::checkers::{Seen, committed::METADATA};
use ::runtime::Event;
use model::{DurableEnd, LeaderEpoch, LogEnd, Offset};

/// A quorum of three.
struct Quorum(Forge);

impl Quorum {
    fn new() -> Quorum {
        Quorum(Forge::topic(true))
    }

    fn seen(self, broker: i32, event: Event) -> Quorum {
        Quorum(self.0.seen(&Seen::Event { broker, event: &event }))
    }

    /// One record at `base`, in an epoch.
    fn appended(self, broker: i32, base: i64, epoch: i32) -> Quorum {
        let (base, end, epoch) = (Offset(base), LogEnd(Offset(base + 1)), LeaderEpoch(epoch));
        self.seen(broker, Event::Appended { partition: METADATA, epoch, base, end, crc: epoch.0 as u32 })
    }

    fn synced(self, broker: i32, end: i64) -> Quorum {
        self.seen(broker, Event::Synced { partition: METADATA, end: DurableEnd(Offset(end)) })
    }

    fn committed(self, broker: i32, to: i64) -> Quorum {
        self.seen(broker, Event::HighWatermark { partition: METADATA, to: Offset(to) })
    }

    fn recovered(self, broker: i32, end: i64) -> Quorum {
        let (start, end) = (Offset(0), LogEnd(Offset(end)));
        let event = Event::Recovered { partition: METADATA, start, end, truncated_bytes: 0, clean: false };
        self.seen(broker, event).synced(broker, end.0.0)
    }

    #[track_caller]
    fn fires(self, checkers: &[&str]) {
        self.0.fires(checkers);
    }
}

#[test]
fn what_a_majority_has_durable_may_be_committed() {
    let quorum = Quorum::new().appended(1, 0, 1).synced(1, 1).appended(2, 0, 1).synced(2, 1);
    quorum.committed(1, 1).committed(2, 1).fires(&[]);
}

#[test]
fn a_minority_that_commits_is_noticed() {
    Quorum::new().appended(1, 0, 1).synced(1, 1).committed(1, 1).fires(&["committed"]);
    let quorum = Quorum::new().appended(1, 0, 1).synced(1, 1).appended(2, 0, 1);
    quorum.committed(1, 1).fires(&["committed"]);
    // The other one has something else there.
    let quorum = Quorum::new().appended(1, 0, 2).synced(1, 1).appended(2, 0, 1).synced(2, 1);
    quorum.committed(1, 1).fires(&["committed"]);
}

#[test]
fn another_record_in_the_place_of_a_committed_one_is_noticed() {
    let quorum = Quorum::new().appended(1, 0, 1).synced(1, 1).appended(2, 0, 1).synced(2, 1).committed(1, 1);
    let cut = Event::Truncated { partition: METADATA, end: LogEnd(Offset(0)) };
    let quorum = quorum.appended(3, 0, 2).synced(3, 1).seen(2, cut).appended(2, 0, 2).synced(2, 1);
    quorum.committed(3, 1).fires(&["committed"]);
}

#[test]
fn a_process_that_starts_has_what_it_recovered() {
    let quorum = Quorum::new().appended(1, 0, 1).appended(1, 1, 1).recovered(1, 1);
    let quorum = quorum.appended(2, 0, 1).synced(2, 1).committed(2, 1).appended(1, 1, 2).synced(1, 2);
    let quorum = quorum.appended(2, 1, 2).synced(2, 2);
    quorum.committed(1, 2).fires(&[]);
}
