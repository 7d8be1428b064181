//! When snapshots are due, and which go.

use super::*;
use model::{LeaderEpoch, Offset};

const SETTINGS: SnapshotSettings = SnapshotSettings {
    log_bytes_max: 100,
    interval_ms: Some(1000),
    retention_bytes: Some(500),
    retention_ms: Some(10_000),
};

fn kept(end: i64, bytes: u64, ms: i64) -> Kept {
    let id = SnapshotId { end: Offset(end), epoch: LeaderEpoch(1) };
    Kept { id, bytes, last_contained: Timestamp(ms) }
}

fn at(ms: u64) -> Instant {
    Instant::default() + Duration::from_millis(ms)
}

#[test]
fn bytes_make_a_snapshot_due_once_they_are_committed() {
    let mut shelf = Shelf::new(SETTINGS, Vec::new());
    shelf.appended(70);
    shelf.appended(70);
    assert!(!shelf.is_due(at(0)));
    shelf.committed(0, at(0));
    assert!(shelf.is_due(at(0)));
    shelf.begun();
    shelf.committed(99, at(0));
    assert!(!shelf.is_due(at(0)));
    shelf.committed(1, at(0));
    assert!(shelf.is_due(at(0)));
    shelf.begun();
    shelf.appended(100);
    shelf.resigned();
    shelf.committed(1, at(0));
    assert!(!shelf.is_due(at(0)));
}

#[test]
fn time_makes_a_snapshot_due_if_anything_has_changed() {
    let mut shelf = Shelf::new(SETTINGS, Vec::new());
    shelf.committed(0, at(0));
    assert_eq!(shelf.deadline(), None);
    shelf.committed(1, at(500));
    shelf.committed(1, at(900));
    assert!(!shelf.is_due(at(1499)) && shelf.is_due(at(1500)));
    shelf.postpone(at(1500));
    assert!(!shelf.is_due(at(61_499)) && shelf.is_due(at(61_500)));
    shelf.begun();
    assert_eq!(shelf.deadline(), None);
    let mut never = Shelf::new(SnapshotSettings { interval_ms: None, ..SETTINGS }, Vec::new());
    never.committed(1, at(0));
    assert_eq!(never.deadline(), None);
}

#[test]
fn the_oldest_goes_when_there_is_too_much_or_it_is_too_old_and_the_latest_never() {
    let surplus = |kept: &[Kept], log_bytes, now| {
        let shelf = Shelf::new(SETTINGS, kept.to_vec());
        shelf.surplus(log_bytes, Timestamp(now)).map(|id| id.end.0)
    };
    assert_eq!(surplus(&[], 1000, 1 << 40), None);
    assert_eq!(surplus(&[kept(5, 1000, 0)], 1000, 1 << 40), None);
    let three = [kept(5, 100, 1000), kept(7, 100, 2000), kept(9, 100, 3000)];
    assert_eq!(surplus(&three, 200, 11_000), None);
    assert_eq!(surplus(&three, 201, 11_000), Some(7));
    assert_eq!(surplus(&three, 200, 11_001), Some(7));
    // A wall clock that went back makes nothing old.
    assert_eq!(surplus(&three, 200, 0), None);
    let mut shelf = Shelf::new(SETTINGS, three.to_vec());
    shelf.removed_before(three[1].id);
    assert_eq!(shelf.surplus(300, Timestamp(0)), None);
    assert_eq!(shelf.surplus(301, Timestamp(0)), Some(three[2].id));
    shelf.removed_before(three[2].id);
    assert_eq!(shelf.surplus(1 << 40, Timestamp(1 << 40)), None);
    assert_eq!(shelf.latest(), Some(three[2].id));
}
