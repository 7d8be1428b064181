//! Which leader epoch begins at which offset (KIP-101): what followers and consumers find divergence with.
//!
//! The file `leader-epoch-checkpoint` need not know of epochs that begin above the recovery point, because
//! recovery finds those in the batches. It must know of all below: so it is written by the same sync that makes
//! an epoch's first batch durable.

use crate::checkpoint::{CheckpointError, decode_lines, encode_lines, read_text, replace_or_remove};
use bytes::Bytes;
use model::{EpochEnd, EpochStart, LeaderEpoch, Offset};
use runtime::{Disk, DiskError};
use std::path::Path;

/// The file's name in the partition's directory.
const FILE: &str = "leader-epoch-checkpoint";

/// The epochs of one log, oldest first; epochs and starts both strictly ascend.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Epochs {
    entries: Vec<EpochStart>,
}

impl Epochs {
    /// The epochs, oldest first.
    pub(crate) fn entries(&self) -> &[EpochStart] {
        &self.entries
    }

    /// The latest epoch.
    pub(crate) fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// Records that `epoch` begins at `start`. Entries that contradict it, those not older or not earlier, are
    /// wrong and go. Tells whether anything changed.
    pub(crate) fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        assert!(epoch >= LeaderEpoch(0) && start >= Offset::ZERO, "epoch {epoch} from {start}");
        if self.entries.last().is_some_and(|last| last.epoch == epoch && last.start <= start) {
            return false;
        }
        self.entries.retain(|entry| entry.epoch < epoch && entry.start < start);
        self.entries.push(EpochStart { epoch, start });
        self.assert_invariants();
        true
    }

    /// Forgets epochs that begin at `end` or above: the log now ends there.
    pub(crate) fn truncate_from_end(&mut self, end: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.start < end);
        self.entries.len() != before
    }

    /// Forgets epochs that end at `start` or below; the oldest that is left begins at `start`.
    pub(crate) fn truncate_from_start(&mut self, start: Offset) -> bool {
        let covering = self.entries.partition_point(|entry| entry.start <= start);
        if covering == 0 || (covering == 1 && self.entries[0].start == start) {
            return false;
        }
        self.entries.drain(..covering - 1);
        self.entries[0].start = start;
        true
    }

    /// Where `epoch` ends in a log that ends at `log_end`; `None` when that can't be told.
    pub(crate) fn end_of(&self, epoch: LeaderEpoch, log_end: Offset) -> Option<EpochEnd> {
        if epoch == LeaderEpoch::UNKNOWN {
            return None;
        }
        if self.latest() == Some(epoch) {
            return Some(EpochEnd { epoch, end: log_end });
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let next = self.entries.get(above)?;
        // Nothing known that old: the records are gone, and the follower starts where the log does.
        let floor = above.checked_sub(1).map_or(epoch, |index| self.entries[index].epoch);
        Some(EpochEnd { epoch: floor, end: next.start })
    }

    /// The epoch that the record at `offset` was, or would be, written in.
    pub(crate) fn at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|entry| entry.start <= offset);
        after.checked_sub(1).map(|index| self.entries[index].epoch)
    }

    /// Content of the checkpoint file.
    pub(crate) fn encode(&self) -> Bytes {
        encode_lines(self.entries.iter().map(|entry| format!("{} {}", entry.epoch, entry.start)))
    }

    fn decode(text: &str) -> Result<Epochs, String> {
        let entries = decode_lines(text, |fields| match fields {
            [epoch, start] => {
                let entry = EpochStart {
                    epoch: LeaderEpoch(epoch.parse().ok()?),
                    start: Offset(start.parse().ok()?),
                };
                (entry.epoch >= LeaderEpoch(0) && entry.start >= Offset::ZERO).then_some(entry)
            }
            _ => None,
        })?;
        let mut epochs = Epochs::default();
        for entry in entries {
            epochs.assign(entry.epoch, entry.start);
        }
        Ok(epochs)
    }

    fn assert_invariants(&self) {
        let ascending = |pair: &[EpochStart]| pair[0].epoch < pair[1].epoch && pair[0].start < pair[1].start;
        assert!(self.entries.windows(2).all(ascending), "epochs out of order: {:?}", self.entries);
    }
}

/// Reads the checkpoint. `None` when it is missing, empty or malformed: the batches know better.
pub(crate) async fn load<D: Disk>(disk: &D, dir: &Path) -> Result<Option<Epochs>, DiskError> {
    match read_text(disk, &dir.join(FILE)).await {
        Ok(None) | Err(CheckpointError::Malformed { .. }) => Ok(None),
        Ok(Some(text)) if text.is_empty() => Ok(None),
        Ok(Some(text)) => Ok(Epochs::decode(&text).ok()),
        Err(CheckpointError::Disk(error)) => Err(error),
    }
}

/// Replaces the checkpoint, durably; removes it where there is no space for that, so that the next start reads all batches.
/// Whether it is there.
pub(crate) async fn store<D: Disk>(disk: &D, dir: &Path, content: Bytes) -> Result<bool, DiskError> {
    replace_or_remove(disk, dir, FILE, content).await
}

#[cfg(test)]
#[path = "epochs_test.rs"]
mod tests;
