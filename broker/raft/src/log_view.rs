//! What the quorum knows of its replica's log: its ends, where each epoch begins, and the latest snapshot. The
//! log itself is elsewhere; this is told what happens to it.

use model::{DurableEnd, LeaderEpoch, LogEnd, Offset};
pub use model::{EpochEnd, EpochStart, SnapshotId};
use std::fmt;

/// How a fetch fits the leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Everything before its offset is the same here.
    Valid,
    /// It is not: here is where the asker's last epoch, or the one before, ends.
    Diverging(EpochEnd),
    /// What comes next is not in the log any more.
    Snapshot(SnapshotId),
}

/// A log's start, end, epochs and snapshot do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfitLog;

/// What recovery found in the metadata log, or what the quorum has been told since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogView {
    /// What stands before the log's first record: the snapshot at which the log begins; offset 0 in epoch 0 when it
    /// is whole. Invariant: `base.end <= durable <= end`.
    base: SnapshotId,
    /// The latest snapshot. Invariant: present when `base.end > 0`, and at or above it.
    snapshot: Option<SnapshotId>,
    end: LogEnd,
    durable: DurableEnd,
    /// The epochs of the records from `base.end` on. Invariant: both fields strictly ascend, all in `[base.end, end)`.
    epochs: Vec<EpochStart>,
}

impl LogView {
    /// A log without records.
    pub const EMPTY: LogView = LogView {
        base: SnapshotId { end: Offset(0), epoch: LeaderEpoch(0) },
        snapshot: None,
        end: LogEnd(Offset(0)),
        durable: DurableEnd(Offset(0)),
        epochs: Vec::new(),
    };

    /// What recovery found: nothing of it counts as durable before it is synced again. Refused when the parts do not fit
    /// each other, as after somebody's surgery on the files.
    pub fn recovered(
        base: SnapshotId,
        snapshot: Option<SnapshotId>,
        epochs: Vec<EpochStart>,
        end: LogEnd,
    ) -> Result<LogView, UnfitLog> {
        let view = LogView { base, snapshot, end, durable: DurableEnd(base.end), epochs };
        if view.fits_together() { Ok(view) } else { Err(UnfitLog) }
    }

    /// The first offset kept.
    pub fn start(&self) -> Offset {
        self.base.end
    }

    /// One past the last record.
    pub fn end(&self) -> LogEnd {
        self.end
    }

    /// One past the last durable record.
    pub fn durable(&self) -> DurableEnd {
        self.durable
    }

    /// Whether all records are durable.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable.0 == self.end.0
    }

    /// The latest snapshot.
    pub fn snapshot(&self) -> Option<SnapshotId> {
        self.snapshot
    }

    /// The last record's epoch and where it ends; epoch 0 in a log that never had one.
    pub fn last(&self) -> EpochEnd {
        let epoch = self.epochs.last().map_or(self.base.epoch, |last| last.epoch);
        EpochEnd { epoch, end: self.end.0 }
    }

    /// Where `epoch`, or the last epoch before it that has records, ends.
    pub(crate) fn end_of(&self, epoch: LeaderEpoch) -> EpochEnd {
        let after = self.epochs.partition_point(|entry| entry.epoch <= epoch);
        let end = self.epochs.get(after).map_or(self.end.0, |next| next.start);
        let epoch = match after.checked_sub(1) {
            Some(at) => self.epochs[at].epoch,
            None => self.base.epoch,
        };
        EpochEnd { epoch, end }
    }

    /// Whether a record of `epoch` stands below `offset`.
    pub(crate) fn has_epoch_below(&self, epoch: LeaderEpoch, offset: Offset) -> bool {
        let in_log = self.epochs.iter().any(|entry| entry.epoch == epoch && entry.start < offset);
        in_log || (self.base.epoch == epoch && self.base.end > Offset::ZERO && self.base.end <= offset)
    }

    /// How a log that ends at `from` with a record of `last_epoch` fits this one (KIP-595, KIP-630).
    pub(crate) fn fit(&self, from: Offset, last_epoch: LeaderEpoch) -> Fit {
        let below = from < self.base.end || last_epoch < self.base.epoch;
        let other_base = from == self.base.end && last_epoch != self.base.epoch;
        if let Some(snapshot) = self.snapshot
            && (below || (other_base && self.base.end > Offset::ZERO))
        {
            return Fit::Snapshot(snapshot);
        }
        let ours = self.end_of(last_epoch);
        if ours.epoch != last_epoch || ours.end < from {
            return Fit::Diverging(ours);
        }
        Fit::Valid
    }

    /// How far this log may agree with one in which `theirs.epoch` ends at `theirs.end`.
    pub(crate) fn agreement(&self, theirs: EpochEnd) -> Offset {
        let ours = self.end_of(theirs.epoch);
        if ours.epoch == theirs.epoch { ours.end.min(theirs.end) } else { ours.end }
    }

    /// Records of these epochs were appended.
    pub(crate) fn appended(&mut self, epochs: &[EpochStart], end: LogEnd) {
        assert!(end >= self.end, "the log shrank from {} to {end}", self.end);
        for entry in epochs {
            if self.epochs.last().is_none_or(|last| entry.epoch > last.epoch) {
                // An epoch that began below the log's start goes on here.
                self.epochs.push(EpochStart { epoch: entry.epoch, start: entry.start.max(self.end.0) });
            }
        }
        self.end = end;
        self.assert_invariants();
    }

    /// A sync finished.
    pub(crate) fn synced(&mut self, end: DurableEnd) {
        assert!(end.0 <= self.end.0, "durable up to {end}, appended up to {}", self.end);
        // A log's own knowledge may begin below its start.
        self.durable = self.durable.max(end);
    }

    /// Everything from `to` on was removed, durably.
    pub(crate) fn truncated(&mut self, to: Offset) {
        assert!(self.base.end <= to && to <= self.end.0, "truncated to {to}: {self:?}");
        self.end = LogEnd(to);
        self.durable = self.durable.min(DurableEnd(to));
        self.epochs.truncate(self.epochs.partition_point(|entry| entry.start < to));
        self.assert_invariants();
    }

    /// A snapshot of this log was taken.
    pub(crate) fn snapshot_taken(&mut self, id: SnapshotId) {
        assert!(self.base.end <= id.end && id.end <= self.end.0, "a snapshot of what is not here: {id:?}");
        self.snapshot = self.snapshot.max(Some(id));
    }

    /// Records below the snapshot `base` were removed.
    pub(crate) fn trimmed(&mut self, base: SnapshotId) {
        assert!(Some(base) <= self.snapshot, "trimmed up to {base:?}, which no snapshot replaces");
        assert!(self.base.end <= base.end && base.end <= self.durable.0, "trimmed to {base:?}: {self:?}");
        let kept = self.epochs.partition_point(|entry| entry.start <= base.end);
        // The epoch that goes on across the new start begins there.
        let across = self.epochs[..kept].last().map(|entry| entry.epoch);
        self.epochs.drain(..kept);
        if let Some(epoch) = across
            && base.end < self.epochs.first().map_or(self.end.0, |next| next.start)
        {
            self.epochs.insert(0, EpochStart { epoch, start: base.end });
        }
        self.base = base;
        self.assert_invariants();
    }

    /// The log was replaced by a snapshot from the leader, durably: it begins, empty, where that ends.
    pub(crate) fn replaced(&mut self, id: SnapshotId) {
        *self = LogView {
            base: id,
            snapshot: Some(id),
            end: LogEnd(id.end),
            durable: DurableEnd(id.end),
            epochs: Vec::new(),
        };
    }

    pub(crate) fn assert_invariants(&self) {
        assert!(self.fits_together(), "{self:?}");
    }

    fn fits_together(&self) -> bool {
        let ends = self.base.end <= self.durable.0 && self.durable.0 <= self.end.0;
        let snapshot = self.snapshot >= Some(self.base).filter(|base| base.end > Offset::ZERO);
        let ascending = |pair: &[EpochStart]| pair[0].epoch < pair[1].epoch && pair[0].start < pair[1].start;
        let within = match (self.epochs.first(), self.epochs.last()) {
            (Some(first), Some(last)) => {
                first.epoch >= self.base.epoch && first.start == self.base.end && last.start < self.end.0
            }
            _ => self.end.0 == self.base.end,
        };
        ends && snapshot && within && self.epochs.windows(2).all(ascending)
    }
}

impl fmt::Display for UnfitLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the metadata log's epochs don't fit its records")
    }
}

impl std::error::Error for UnfitLog {}

#[cfg(test)]
#[path = "log_view_test.rs"]
mod tests;
