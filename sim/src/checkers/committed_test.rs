//! What is committed and then another, or durable on too few brokers, must be noticed.

use super::*;
use crate::checkers::forge::Forge;
use crate::checkers::{Checkers, Metadata};
use model::{DurableEnd, LogEnd};

/// A quorum of three.
struct Quorum(Forge);

impl Quorum {
    fn new() -> Quorum {
        Quorum(Forge::with(Checkers::with(vec![Box::new(Committed::new(3))])))
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

    /// Broker `broker` starts: its log begins at `start` and holds a record of each of these epochs.
    fn recovered(self, broker: i32, start: i64, epochs: &[i32]) -> Quorum {
        let batch = |(base, epoch): (i64, &i32)| Batch {
            base: Offset(base),
            end: Offset(base + 1),
            epoch: LeaderEpoch(*epoch),
            crc: *epoch as u32,
        };
        let metadata = Metadata {
            start: Offset(start),
            batches: (start..).zip(epochs).map(batch).collect(),
            ..Metadata::default()
        };
        let seen = Seen::Replayed { broker, logs: &BTreeMap::new(), metadata: &metadata };
        let end = start + epochs.len() as i64;
        let (start, log_end) = (Offset(start), LogEnd(Offset(end)));
        let event =
            Event::Recovered { partition: METADATA, start, end: log_end, truncated_bytes: 0, clean: false };
        Quorum(self.0.seen(&seen)).seen(broker, event).synced(broker, end)
    }

    fn cut(self, broker: i32, end: i64) -> Quorum {
        self.seen(broker, Event::Truncated { partition: METADATA, end: LogEnd(Offset(end)) })
    }

    /// Brokers 1 and 2 have committed a record of each of these epochs.
    fn agreed(self, epochs: &[i32]) -> Quorum {
        let all = (0..).zip(epochs).fold(self, |quorum, (base, epoch)| {
            quorum.appended(1, base, *epoch).synced(1, base + 1).appended(2, base, *epoch).synced(2, base + 1)
        });
        let end = epochs.len() as i64;
        all.committed(1, end).committed(2, end)
    }

    fn taken(self, broker: i32, end: i64, epoch: i32) -> Quorum {
        let (end, epoch) = (Offset(end), LeaderEpoch(epoch));
        self.seen(broker, Event::SnapshotTaken { partition: METADATA, end, epoch })
    }

    fn installed(self, broker: i32, end: i64, epoch: i32) -> Quorum {
        let (end, epoch) = (Offset(end), LeaderEpoch(epoch));
        self.seen(broker, Event::SnapshotInstalled { partition: METADATA, end, epoch })
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
    let quorum = quorum.appended(3, 0, 2).synced(3, 1).cut(2, 0).appended(2, 0, 2).synced(2, 1);
    quorum.committed(3, 1).fires(&["committed"]);
}

#[test]
fn a_process_that_starts_has_what_it_recovered() {
    let quorum = Quorum::new().appended(1, 0, 1).appended(1, 1, 1).recovered(1, 0, &[1]);
    let quorum = quorum.appended(2, 0, 1).synced(2, 1).committed(2, 1).appended(1, 1, 2).synced(1, 2);
    let quorum = quorum.appended(2, 1, 2).synced(2, 2);
    quorum.committed(1, 2).fires(&[]);
}

#[test]
fn a_snapshot_stands_for_what_was_committed_below() {
    let quorum = Quorum::new().agreed(&[1, 1, 2]).taken(1, 2, 1).installed(3, 3, 2).committed(3, 3);
    let trimmed = |start| Event::Trimmed { partition: METADATA, start: Offset(start) };
    let quorum = quorum.seen(1, trimmed(2)).recovered(1, 2, &[2]).committed(1, 3);
    // It counts for the majority of what comes next.
    let quorum = quorum.appended(3, 3, 2).synced(3, 4).appended(1, 3, 2).synced(1, 4).committed(1, 4);
    quorum.recovered(3, 3, &[2]).committed(3, 4).fires(&[]);
    // The process was killed before it could tell that the log was replaced.
    let quorum = Quorum::new().agreed(&[1, 1, 2]).appended(3, 0, 1).recovered(3, 3, &[]);
    quorum.committed(3, 3).fires(&[]);
    Quorum::new().agreed(&[1, 1]).seen(1, trimmed(3)).fires(&["committed"]);
}

#[test]
fn a_snapshot_of_what_was_not_committed_is_noticed() {
    Quorum::new().agreed(&[1, 1]).appended(1, 2, 1).taken(1, 3, 1).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).taken(1, 2, 2).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).installed(3, 3, 1).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).recovered(3, 3, &[]).fires(&["committed"]);
    // What was in the log before does not come back with the snapshot.
    let quorum =
        Quorum::new().agreed(&[1, 1]).appended(3, 0, 1).appended(3, 1, 1).appended(3, 2, 1).synced(3, 3);
    quorum.installed(3, 2, 1).appended(1, 2, 1).synced(1, 3).committed(1, 3).fires(&["committed"]);
}

#[test]
fn what_was_written_just_before_the_end_of_a_process_was_never_told() {
    // Broker 3 has two records on its disk, and told of none.
    let quorum = Quorum::new().agreed(&[1]).recovered(3, 0, &[1, 2]).appended(3, 2, 2).synced(3, 3);
    // It alone has them, and then it has others than those of a majority.
    quorum.committed(3, 3).fires(&["committed"]);
    let quorum = Quorum::new().agreed(&[1]).recovered(3, 0, &[1, 2]).appended(1, 1, 1).synced(1, 2);
    quorum.committed(1, 2).fires(&["committed"]);
    let quorum = Quorum::new().agreed(&[1]).recovered(3, 0, &[1, 2]).appended(1, 1, 2).synced(1, 2);
    quorum.committed(1, 2).committed(3, 2).fires(&[]);
}

#[test]
fn what_is_committed_and_leaves_a_log_is_noticed() {
    Quorum::new().agreed(&[1, 1]).cut(2, 1).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).recovered(2, 0, &[1]).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).recovered(2, 0, &[1, 2]).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).installed(2, 1, 1).fires(&["committed"]);
    Quorum::new().agreed(&[1, 1]).appended(2, 2, 1).cut(2, 2).recovered(2, 0, &[1, 1]).fires(&[]);
    // What was not durable may go with the power.
    let quorum = Quorum::new().agreed(&[1, 1]).appended(3, 0, 1).appended(3, 1, 1).synced(3, 1);
    quorum.recovered(3, 0, &[1]).fires(&[]);
}

#[test]
fn an_empty_disk_in_the_place_of_another_has_nothing() {
    let wiped = |quorum: Quorum| Quorum(quorum.0.note(Note::Wiped { broker: 2 })).recovered(2, 0, &[]);
    wiped(Quorum::new().agreed(&[1, 1])).fires(&[]);
    let quorum = wiped(Quorum::new().agreed(&[1, 1])).appended(1, 2, 1).synced(1, 3);
    quorum.committed(1, 3).fires(&["committed"]);
    // The leader was told before, and counts it now.
    let quorum = wiped(Quorum::new().agreed(&[1, 1]).appended(2, 2, 1).synced(2, 3));
    quorum.appended(1, 2, 1).synced(1, 3).committed(1, 3).fires(&[]);
    // It is one broker, whatever it had and has.
    let quorum = Quorum::new().agreed(&[1]).appended(2, 1, 1).synced(2, 2);
    let quorum = Quorum(quorum.0.note(Note::Wiped { broker: 2 })).recovered(2, 0, &[1, 1]);
    quorum.appended(3, 0, 1).appended(3, 1, 1).committed(3, 2).fires(&["committed"]);
}
