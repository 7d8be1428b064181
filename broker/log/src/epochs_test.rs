//! The epoch cache, case by case as in KIP-101, and its file byte for byte.

use super::*;
use crate::memory_disk::{MemoryDisk, finish};
use proptest::prelude::*;

fn epochs(entries: &[(i32, i64)]) -> Epochs {
    let mut epochs = Epochs::default();
    for (epoch, start) in entries {
        epochs.assign(LeaderEpoch(*epoch), Offset(*start));
    }
    epochs
}

fn entries(epochs: &Epochs) -> Vec<(i32, i64)> {
    epochs.entries().iter().map(|entry| (entry.epoch.0, entry.start.0)).collect()
}

fn end(epochs: &Epochs, epoch: i32) -> Option<(i32, i64)> {
    epochs.end_of(LeaderEpoch(epoch), Offset(100)).map(|end| (end.epoch.0, end.end.0))
}

#[test]
fn an_epoch_ends_where_the_next_begins() {
    let epochs = epochs(&[(2, 10), (4, 20), (7, 50)]);
    assert_eq!(end(&epochs, 2), Some((2, 20)));
    assert_eq!(end(&epochs, 3), Some((2, 20)), "a gap: the largest epoch below");
    assert_eq!(end(&epochs, 4), Some((4, 50)));
    assert_eq!(end(&epochs, 7), Some((7, 100)), "the latest ends with the log");
    assert_eq!(end(&epochs, 8), None, "unknown: higher than any");
    assert_eq!(end(&epochs, 1), Some((1, 10)), "older than any: where the log begins");
    assert_eq!(end(&epochs, -1), None);
    assert_eq!(end(&Epochs::default(), 0), None);
}

#[test]
fn epoch_zero_counts() {
    let epochs = epochs(&[(0, 0)]);
    assert_eq!(epochs.latest(), Some(LeaderEpoch(0)));
    assert_eq!(end(&epochs, 0), Some((0, 100)));
}

#[test]
fn an_assignment_removes_what_contradicts_it() {
    let mut known = epochs(&[(1, 0), (2, 10), (3, 20)]);
    assert!(!known.assign(LeaderEpoch(3), Offset(25)), "the epoch has begun already");
    assert!(known.assign(LeaderEpoch(4), Offset(20)), "nothing was written in epoch 3");
    assert_eq!(entries(&known), [(1, 0), (2, 10), (4, 20)]);
    assert!(known.assign(LeaderEpoch(2), Offset(5)));
    assert_eq!(entries(&known), [(1, 0), (2, 5)]);
}

#[test]
fn truncation_forgets_epochs_that_begin_at_the_new_end() {
    let mut known = epochs(&[(1, 0), (2, 10), (3, 20)]);
    assert!(!known.truncate_from_end(Offset(21)));
    assert!(known.truncate_from_end(Offset(20)), "epoch 3 begins at the end: nothing of it is left");
    assert_eq!(entries(&known), [(1, 0), (2, 10)]);
    assert!(known.truncate_from_end(Offset(0)));
    assert_eq!(known.latest(), None);
}

#[test]
fn deletion_moves_the_oldest_epoch_up() {
    let mut known = epochs(&[(1, 0), (2, 10), (3, 20)]);
    assert!(!known.truncate_from_start(Offset(0)));
    assert!(known.truncate_from_start(Offset(15)));
    assert_eq!(entries(&known), [(2, 15), (3, 20)]);
    assert!(known.truncate_from_start(Offset(20)));
    assert_eq!(entries(&known), [(3, 20)]);
    assert_eq!(known.at(Offset(19)), None);
    assert_eq!(known.at(Offset(20)), Some(LeaderEpoch(3)));
}

#[test]
fn the_file_is_kafkas() {
    assert_eq!(&epochs(&[(0, 0), (5, 42)]).encode()[..], b"0\n2\n0 0\n5 42\n");
    assert_eq!(Epochs::decode("0\n2\n0 0\n5 42\n"), Ok(epochs(&[(0, 0), (5, 42)])));
    for bad in ["1\n0\n", "0\n2\n0 0\n", "0\n1\n-1 0\n", "0\n1\n0 x\n", "0\nx\n", "0\n1\n0 0 0\n"] {
        assert!(Epochs::decode(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_missing_or_damaged_file_is_no_cache() {
    let disk = MemoryDisk::default();
    let dir = Path::new("t-0");
    assert_eq!(finish(load(&disk, dir)), Ok(None));
    disk.put("t-0/leader-epoch-checkpoint", b"");
    assert_eq!(finish(load(&disk, dir)), Ok(None));
    disk.put("t-0/leader-epoch-checkpoint", b"0\n7\n0 0\n");
    assert_eq!(finish(load(&disk, dir)), Ok(None));
    finish(store(&disk, dir, epochs(&[(3, 7)]).encode())).unwrap();
    disk.power_loss(0);
    assert_eq!(finish(load(&disk, dir)), Ok(Some(epochs(&[(3, 7)]))));
}

proptest! {
    #[test]
    fn any_assignments_leave_ascending_epochs(pairs in prop::collection::vec((0i32..9, 0i64..30), 0..20)) {
        let mut known = Epochs::default();
        for (epoch, start) in pairs {
            known.assign(LeaderEpoch(epoch), Offset(start));
            prop_assert!(known.entries().windows(2).all(|w| w[0].epoch < w[1].epoch && w[0].start < w[1].start));
            let at = known.entries().iter().find(|entry| entry.epoch == LeaderEpoch(epoch));
            prop_assert!(at.is_some_and(|entry| entry.start <= Offset(start)));
        }
    }
}
