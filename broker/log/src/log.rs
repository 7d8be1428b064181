//! One partition's log: the state that appends, syncs, reads and truncations share.
//!
//! The files:
//!
//! ```text
//! topic-0/
//!   00000000000000000000.log  .index  .timeindex     sealed: synced, or waiting for the next sync
//!   00000000000000004711.log                         active: indexes are written out as they fill
//!   00000000000000004711.snapshot                    who has produced what lies below
//!   leader-epoch-checkpoint  partition.metadata
//! ```
//!
//! The offsets: `start <= durable_end <= end`. A failed sync, or a write that failed for another reason than a
//! full disk, fences the log for good: what is on disk is then for the next start to find out.

use crate::epochs::Epochs;
use crate::producers::Producers;
use crate::producers::files::Account;
use crate::segment::{Active, Sealed};
use crate::sync::Durability;
use crate::{LogConfig, SyncTicket};
use model::{DurableEnd, EpochEnd, EpochStart, LeaderEpoch, LogEnd, Offset, Timestamp};
use runtime::{Disk, DiskError};
use std::path::Path;
use std::sync::Arc;

/// One partition's log. Has one owner; readers work on [`crate::Slice`]s.
pub struct Log<D: Disk> {
    pub(crate) disk: D,
    /// Relative to the data directory.
    pub(crate) dir: Arc<Path>,
    pub(crate) config: LogConfig,
    /// First offset that readers may have. Moved by `trim_to` and `start_over`, and back by a `truncate` within the
    /// batch that holds it.
    pub(crate) start: Offset,
    /// Where the next batch goes. Changed by `append`, `truncate`, `start_over` and nobody else.
    pub(crate) end: LogEnd,
    /// Segments before the active one, ascending. Shared with slices; replaced as a whole.
    pub(crate) sealed: Arc<Vec<Sealed>>,
    pub(crate) active: Active<D>,
    pub(crate) epochs: Epochs,
    /// Its producers, as all batches up to `end` tell them.
    pub(crate) account: Account,
    pub(crate) durability: Durability<D>,
}

impl<D: Disk> Log<D> {
    /// First offset that readers may have.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// Where the next batch goes.
    pub fn end(&self) -> LogEnd {
        self.end
    }

    /// One past the last record that was synced in this incarnation (or by an earlier one that stopped in order).
    pub fn durable_end(&self) -> DurableEnd {
        self.durability.end()
    }

    /// What to write into the recovery-point checkpoint: all below is durable, with its indexes and epochs. Only
    /// from here on does the next start check batches.
    pub fn recovery_point(&self) -> Offset {
        self.durability.end().0
    }

    /// The epoch of the last batch, or the one begun since.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// Where each epoch begins, oldest first.
    pub fn epochs(&self) -> &[EpochStart] {
        self.epochs.entries()
    }

    /// Where `epoch` ends here (KIP-101, KIP-320); `None` when that can't be told: the epoch is unknown (-1) or
    /// higher than any in the log.
    pub fn epoch_end_offset(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_of(epoch, self.end.0)
    }

    /// The epoch of the record at `offset`.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.at(offset)
    }

    /// A leader's first act: its epoch begins where the log ends, even when nothing is ever written in it.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        self.assign_epoch(epoch, self.end.0);
    }

    pub(crate) fn assign_epoch(&mut self, epoch: LeaderEpoch, start: Offset) {
        if self.epochs.assign(epoch, start) {
            self.durability.epochs_changed();
        }
    }

    /// Who has produced to it, and what last.
    pub fn producers(&self) -> &Producers {
        &self.account.table
    }

    /// Forgets producers that have not been heard of for `after_ms`: see [`Producers`]. How many it were.
    pub fn forget_producers(&mut self, now: Timestamp, after_ms: i64) -> usize {
        self.account.table.forget(now, after_ms)
    }

    /// Bytes of all batches.
    pub fn size_bytes(&self) -> u64 {
        self.sealed.iter().map(|segment| segment.size).sum::<u64>() + self.active.size
    }

    /// How many segments there are, one at least.
    pub fn segments(&self) -> usize {
        self.sealed.len() + 1
    }

    /// Base offset of the segment that is appended to: it changes when the log rolls.
    pub fn active_base(&self) -> Offset {
        self.active.base
    }

    /// The directory, relative to the data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Obeys other configs from the next append on.
    pub fn set_config(&mut self, config: LogConfig) {
        assert_eq!(
            config.producers, self.config.producers,
            "a log begins to know its producers when it is opened"
        );
        self.config = config;
    }

    /// Whether a failure has fenced the log: nothing more is written or synced.
    pub fn is_fenced(&self) -> bool {
        self.durability.is_fenced()
    }

    /// What has to be synced so that everything appended up to now is durable. `None` when it is already, while
    /// another ticket is out, and when the log is fenced. Appends may go on meanwhile; the ticket's outcome must
    /// come back through [`Log::finish_sync`] or [`Log::fail_sync`], or nothing will ever be durable again.
    pub fn begin_sync(&mut self) -> Option<SyncTicket<D>> {
        self.durability.begin(&self.dir, self.end, &self.active.file, &self.epochs)
    }

    /// Syncs everything and completes the files, so that the next start needs to read next to nothing. The log
    /// is gone afterwards; on success its recovery point is what this returns. No ticket may be out.
    pub async fn close(mut self) -> Result<Offset, DiskError> {
        self.durability.assert_idle();
        if let Some(failure) = self.durability.fence() {
            return Err(failure.clone());
        }
        self.cut_garbage().await?;
        let end = self.end.0;
        self.seal((end > self.start).then_some(end)).await?;
        self.durability.file_created();
        if let Some(ticket) = self.begin_sync() {
            let done = ticket.run(&self.disk).await?;
            self.finish_sync(done);
        }
        assert_eq!(self.durability.end().0, self.end.0, "closed without being durable");
        Ok(self.recovery_point())
    }

    pub(crate) fn assert_invariants(&self) {
        assert!(self.start <= self.end.0, "start {} beyond end {}", self.start, self.end);
        assert!(self.durability.end().0 <= self.end.0, "durable {} of {}", self.durability.end(), self.end);
        assert!(self.active.base <= self.end.0, "active {} beyond end {}", self.active.base, self.end);
        let last = self.sealed.last().map(|segment| segment.base);
        assert!(last.is_none_or(|last| last < self.active.base), "segments out of order");
    }
}
