//! Which snapshots of the metadata there are, when the next one is due, and when the oldest has been kept long enough
//! (KIP-630). No file is touched here.
//!
//! A log begins at 0 or at the oldest snapshot kept: so what it begins with has an id, and followers that are behind it
//! can be told which snapshot they need. To remove the oldest snapshot is therefore to move the log's start up to the
//! next one, and the latest is never removed.

use model::config::SnapshotSettings;
use model::time::Duration;
use model::{Instant, SnapshotId, Timestamp};
use std::collections::VecDeque;

/// Before a snapshot that could not be taken is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// A snapshot that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Which.
    pub(super) id: SnapshotId,
    /// Bytes of its file.
    pub(super) bytes: u64,
    /// When the last record that it stands for was appended.
    pub(super) last_contained: Timestamp,
}

/// See the file's header.
#[derive(Debug)]
pub(super) struct Shelf {
    settings: SnapshotSettings,
    /// Oldest first.
    kept: VecDeque<Kept>,
    /// Bytes appended here as the leader that are not known to be committed.
    appended_bytes: u64,
    /// Committed bytes of the log since the last snapshot was begun.
    log_bytes: u64,
    /// When the next snapshot is due whatever has come: none while nothing has.
    due: Option<Instant>,
}

impl Shelf {
    /// With these snapshots, oldest first.
    pub(super) fn new(settings: SnapshotSettings, kept: Vec<Kept>) -> Shelf {
        let shelf = Shelf { settings, kept: kept.into(), appended_bytes: 0, log_bytes: 0, due: None };
        shelf.assert_invariants();
        shelf
    }

    /// The latest snapshot.
    pub(super) fn latest(&self) -> Option<SnapshotId> {
        self.kept.back().map(|kept| kept.id)
    }

    /// So many bytes were appended by this node as the leader.
    pub(super) fn appended(&mut self, bytes: u64) {
        self.appended_bytes += bytes;
    }

    /// More is committed: what was appended here, and `replayed` bytes of another leader's.
    pub(super) fn committed(&mut self, replayed: u64, now: Instant) {
        let bytes = replayed + std::mem::take(&mut self.appended_bytes);
        if bytes == 0 {
            return;
        }
        self.log_bytes += bytes;
        if self.due.is_none() {
            self.due = self.settings.interval_ms.map(|interval| now + Duration::from_millis(interval));
        }
    }

    /// What was appended here may never be committed.
    pub(super) fn resigned(&mut self) {
        self.appended_bytes = 0;
    }

    /// When a snapshot is due at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a snapshot is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.log_bytes >= self.settings.log_bytes_max || self.due.is_some_and(|due| due <= now)
    }

    /// A snapshot of everything committed is being taken, or there would be nothing new in it.
    pub(super) fn begun(&mut self) {
        (self.log_bytes, self.due) = (0, None);
    }

    /// A snapshot could not be taken: the disk is full, or a transaction is under way.
    pub(super) fn postpone(&mut self, now: Instant) {
        (self.log_bytes, self.due) = (0, Some(now + RETRY_AFTER));
    }

    /// There is another one.
    pub(super) fn add(&mut self, kept: Kept) {
        self.kept.push_back(kept);
        self.assert_invariants();
    }

    /// This one stands for the whole log, and is the only one left.
    pub(super) fn replace(&mut self, kept: Kept) {
        self.kept = VecDeque::from([kept]);
        self.begun();
    }

    /// Those before `id` are gone.
    pub(super) fn removed_before(&mut self, id: SnapshotId) {
        self.kept.retain(|kept| kept.id >= id);
        assert!(!self.kept.is_empty(), "the latest snapshot stays");
    }

    /// Where the log is to begin next, if it and its snapshots are more or older than they may be: at the second
    /// snapshot. `log_bytes` is the size of the log. As Kafka does, whose time is that of the last record below.
    pub(super) fn surplus(&self, log_bytes: u64, now: Timestamp) -> Option<SnapshotId> {
        let (oldest, next) = (self.kept.front()?, self.kept.get(1)?);
        let bytes = self.kept.iter().fold(log_bytes, |sum, kept| sum.saturating_add(kept.bytes));
        let age = u64::try_from(now.0.saturating_sub(oldest.last_contained.0)).unwrap_or(0);
        let too_large = self.settings.retention_bytes.is_some_and(|most| bytes > most);
        let too_old = self.settings.retention_ms.is_some_and(|most| age > most);
        (too_large || too_old).then_some(next.id)
    }

    fn assert_invariants(&self) {
        let ascend = self.kept.iter().zip(self.kept.iter().skip(1)).all(|(one, next)| one.id < next.id);
        assert!(ascend, "snapshots out of order: {:?}", self.kept);
    }
}

#[cfg(test)]
#[path = "shelf_test.rs"]
mod tests;
