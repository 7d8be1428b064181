//! Where epochs end, how logs fit, and what is left after truncation and trimming: against a log written out.

use super::*;
use proptest::prelude::*;

/// A log as the epochs of all its records ever; those below `start` are gone.
fn view(records: &[i32], start: usize) -> LogView {
    let mut epochs: Vec<EpochStart> = Vec::new();
    for (at, epoch) in records.iter().enumerate().skip(start) {
        if epochs.last().is_none_or(|last| last.epoch.0 != *epoch) {
            epochs.push(EpochStart { epoch: LeaderEpoch(*epoch), start: Offset(at as i64) });
        }
    }
    let base = id(records, start);
    let end = LogEnd(Offset(records.len() as i64));
    LogView::recovered(base, (start > 0).then_some(base), epochs, end).expect("fits")
}

fn id(records: &[i32], end: usize) -> SnapshotId {
    let epoch = end.checked_sub(1).map_or(0, |last| records[last]);
    SnapshotId { end: Offset(end as i64), epoch: LeaderEpoch(epoch) }
}

fn records() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(0..3i32, 0..20).prop_map(|steps| {
        let mut epoch = 1;
        steps
            .into_iter()
            .map(|step| {
                epoch += step;
                epoch
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn two_logs_that_share_a_beginning_find_where_it_ends(
        shared in records(), ours in records(), theirs in records(),
    ) {
        // An epoch's records are written by one leader: what differs is of different epochs.
        let last = shared.last().copied().unwrap_or(0);
        let join = |tail: &[i32], by: i32| -> Vec<i32> {
            shared.iter().copied().chain(tail.iter().map(|epoch| epoch * 2 + last * 2 + by)).collect()
        };
        let (leader, mut follower) = (join(&ours, 0), join(&theirs, 1));
        let leader_view = view(&leader, 0);
        let mut rounds = 0;
        loop {
            let (from, last_epoch) = (Offset(follower.len() as i64), id(&follower, follower.len()).epoch);
            match leader_view.fit(from, last_epoch) {
                Fit::Valid => break,
                Fit::Diverging(end) => {
                    let to = view(&follower, 0).agreement(end);
                    prop_assert!(to < from, "nothing was removed");
                    prop_assert!(to.0 as usize >= shared.len(), "what both have was removed");
                    follower.truncate(to.0 as usize);
                }
                Fit::Snapshot(_) => prop_assert!(false, "a whole log needs no snapshot"),
            }
            rounds += 1;
            prop_assert!(rounds <= 2 + theirs.len(), "no end of it");
        }
        prop_assert!(leader.starts_with(&follower));
    }

    #[test]
    fn what_is_known_of_a_log_follows_it(all in records(), cut in any::<prop::sample::Index>(), trim in any::<prop::sample::Index>()) {
        let mut known = view(&all, 0);
        known.synced(DurableEnd(Offset(all.len() as i64)));
        let to = cut.index(all.len() + 1);
        known.truncated(Offset(to as i64));
        let kept = &all[..to];
        let mut expected = view(kept, 0);
        expected.synced(DurableEnd(Offset(to as i64)));
        prop_assert_eq!(&known, &expected);
        let start = trim.index(to + 1);
        known.snapshot_taken(id(kept, start));
        known.trimmed(id(kept, start));
        let mut expected = view(kept, start);
        expected.synced(DurableEnd(Offset(to as i64)));
        if start == 0 {
            expected.snapshot_taken(id(kept, 0));
        }
        prop_assert_eq!(&known, &expected);
        // Appending goes on, in the last epoch and in a new one.
        let mut longer = kept.to_vec();
        longer.extend([known.last().epoch.0.max(1), known.last().epoch.0.max(1) + 1]);
        let appended = view(&longer, to);
        known.appended(&appended.epochs, LogEnd(Offset(longer.len() as i64)));
        prop_assert_eq!(&known.epochs, &view(&longer, start).epochs);
    }
}

#[test]
fn below_the_logs_start_there_is_the_snapshot() {
    let log = view(&[1, 1, 2, 2, 3], 3);
    let snapshot = Fit::Snapshot(SnapshotId { end: Offset(3), epoch: LeaderEpoch(2) });
    assert_eq!(log.fit(Offset(0), LeaderEpoch(0)), snapshot);
    assert_eq!(log.fit(Offset(2), LeaderEpoch(1)), snapshot);
    // As long as the snapshot, but another history.
    assert_eq!(log.fit(Offset(3), LeaderEpoch(1)), snapshot);
    assert_eq!(log.fit(Offset(3), LeaderEpoch(2)), Fit::Valid);
    assert_eq!(log.fit(Offset(4), LeaderEpoch(2)), Fit::Valid);
    let diverging = Fit::Diverging(EpochEnd { epoch: LeaderEpoch(2), end: Offset(4) });
    assert_eq!(log.fit(Offset(5), LeaderEpoch(2)), diverging);
}

#[test]
fn files_that_do_not_fit_each_other_are_refused() {
    let base = SnapshotId { end: Offset(0), epoch: LeaderEpoch(0) };
    let epochs = |starts: &[(i32, i64)]| -> Vec<EpochStart> {
        let entry =
            |(epoch, start): &(i32, i64)| EpochStart { epoch: LeaderEpoch(*epoch), start: Offset(*start) };
        starts.iter().map(entry).collect()
    };
    let refused = |starts: &[(i32, i64)], end| {
        LogView::recovered(base, None, epochs(starts), LogEnd(Offset(end))).is_err()
    };
    assert!(!refused(&[(1, 0), (3, 4)], 5));
    assert!(refused(&[], 5), "records without an epoch");
    assert!(refused(&[(1, 2)], 5), "records before the first epoch");
    assert!(refused(&[(1, 0), (3, 5)], 5), "an epoch behind the end");
    assert!(refused(&[(3, 0), (1, 4)], 5), "epochs that go back");
    let snapshot = SnapshotId { end: Offset(7), epoch: LeaderEpoch(1) };
    assert!(
        LogView::recovered(snapshot, None, Vec::new(), LogEnd(Offset(7))).is_err(),
        "a start without a snapshot"
    );
}
