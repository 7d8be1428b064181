//! Appending batches: one vectored write per call, and the decision when a segment ends.

use crate::Log;
use crate::checkpoint::past_retrying;
use crate::segment::{Active, remove_segment};
use bytes::Bytes;
use model::{LogEnd, Offset, Timestamp};
use records::batch::BatchHeader;
use runtime::{Disk, DiskError, DiskErrorKind, File};
use std::fmt;
use std::sync::Arc;

/// Index entries kept in memory before they are written out: 16 MiB of log at the default interval.
const ENTRIES_IN_MEMORY_MAX: usize = 4096;

/// A gap at least so wide between two segments is compaction's doing, at the leader that the batches come from;
/// anything less is damage.
pub(crate) const GAP_MIN: i64 = 1 << 30;

/// A batch to be appended, its offset and leader epoch final, its bytes in one or two pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendBatch {
    /// The header as stored.
    pub header: BatchHeader,
    /// The stored bytes, or the first of them.
    pub head: Bytes,
    /// The rest of them, or nothing.
    pub rest: Bytes,
}

impl AppendBatch {
    /// A batch that is stored as it is.
    pub fn whole(header: BatchHeader, bytes: Bytes) -> AppendBatch {
        AppendBatch { header, head: bytes, rest: Bytes::new() }
    }

    /// A producer's batch under another header (its place in the log); the records are not copied.
    pub fn placed(header: BatchHeader, produced: &Bytes) -> AppendBatch {
        let (head, rest) = header.pieces(produced);
        AppendBatch { header, head, rest }
    }
}

/// The append did not happen: the log ends where it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The disk is full. The log remains usable.
    NoSpace(DiskError),
    /// The disk failed. The log is fenced from now on, and its directory must be.
    Io(DiskError),
    /// The log is fenced since an earlier failure, this one.
    Fenced(DiskError),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::NoSpace(error) | AppendError::Io(error) => error.fmt(f),
            AppendError::Fenced(error) => write!(f, "the log is fenced: {error}"),
        }
    }
}

impl std::error::Error for AppendError {}

impl<D: Disk> Log<D> {
    /// Appends the batches, which follow each other and the end of the log, in one write to one segment; rolls
    /// before that when the time has come. On success readers may have them; they are not durable. On an error
    /// the log ends where it did. The future must be driven to its end.
    pub async fn append(&mut self, batches: &[AppendBatch]) -> Result<(), AppendError> {
        if let Some(failure) = self.durability.fence() {
            return Err(AppendError::Fenced(failure.clone()));
        }
        let Some(call) = Call::of(batches, self.end.0) else { return Ok(()) };
        match self.write(&call, batches).await {
            Ok(()) => {}
            Err(error) if self.survives(&error) => {
                // Gives the space back. Should it fail, the next append tries again.
                let _ = self.cut_garbage().await;
                return Err(AppendError::NoSpace(error));
            }
            Err(error) => {
                self.durability.set_fence(&error);
                return Err(AppendError::Io(error));
            }
        }
        let mut position = self.active.size;
        for AppendBatch { header, head, rest } in batches {
            self.account.apply(header, || [head.clone(), rest.clone()].concat().into());
            self.active.indexes.note(header, position, &self.config);
            position += header.total_len() as u64;
            if header.leader_epoch.0 >= 0 {
                self.assign_epoch(header.leader_epoch, header.base_offset);
            }
        }
        self.active.size = position;
        self.end = LogEnd(call.next);
        self.assert_invariants();
        Ok(())
    }

    /// Everything of an append that can fail. What it changes before failing does no harm: a segment sealed
    /// early, garbage that nobody reads and the next append cuts off.
    async fn write(&mut self, call: &Call, batches: &[AppendBatch]) -> Result<(), DiskError> {
        self.cut_garbage().await?;
        if self.must_roll(call) {
            self.roll_at(self.base_for(call)).await?;
        } else if self.active.indexes.offsets.tail().len() >= ENTRIES_IN_MEMORY_MAX {
            self.spill_indexes().await?;
        }
        let pieces = batches.iter().flat_map(|batch| [batch.head.clone(), batch.rest.clone()]);
        let pieces = pieces.filter(|piece| !piece.is_empty()).collect();
        self.active.torn = true;
        self.active.file.write_at(self.active.size, pieces).await?;
        self.active.torn = false;
        Ok(())
    }

    /// Cuts off what a failed write has left behind the last batch.
    pub(crate) async fn cut_garbage(&mut self) -> Result<(), DiskError> {
        if self.active.torn {
            self.active.file.set_len(self.active.size).await?;
            self.active.cut = true;
            self.active.torn = false;
        }
        Ok(())
    }

    /// Kafka's `LogSegment.shouldRoll`, except that a segment whose first batch has no timestamp does not age:
    /// Kafka goes by the time it was opened, which is forgotten at each restart.
    fn must_roll(&self, call: &Call) -> bool {
        let active = &self.active;
        if active.size == 0 {
            return call.last.0 - active.base.0 > i64::from(i32::MAX);
        }
        let first = active.indexes.first_timestamp.filter(|first| *first > Timestamp::NONE);
        let waited_ms = first.map_or(0, |first| call.highest.0.saturating_sub(first.0));
        active.size + call.bytes > u64::from(self.config.segment_bytes)
            || waited_ms > self.config.segment_ms
            || active.indexes.full(&self.config)
            || call.last.0 - active.base.0 > i64::from(i32::MAX)
    }

    /// A new segment begins where the log ends, so that a hole between two segments is always damage. Only when
    /// the batch is so far away that its offset would not fit into the index, it begins there.
    fn base_for(&self, call: &Call) -> Offset {
        if call.first.0 - self.end.0.0 < GAP_MIN { self.end.0 } else { call.first }
    }

    /// Seals the active segment and begins another where the log ends, unless the active one is empty.
    pub async fn roll(&mut self) -> Result<(), AppendError> {
        if let Some(failure) = self.durability.fence() {
            return Err(AppendError::Fenced(failure.clone()));
        }
        if self.active.size == 0 {
            return Ok(());
        }
        match self.roll_at(self.end.0).await {
            Ok(()) => Ok(()),
            Err(error) if self.survives(&error) => Err(AppendError::NoSpace(error)),
            Err(error) => {
                self.durability.set_fence(&error);
                Err(AppendError::Io(error))
            }
        }
    }

    /// A full disk is the one failure that a log survives, unless it was a sync that met it.
    fn survives(&self, error: &DiskError) -> bool {
        error.kind == DiskErrorKind::NoSpace && !self.durability.is_fenced()
    }

    async fn roll_at(&mut self, base: Offset) -> Result<(), DiskError> {
        assert!(base >= self.end.0, "rolled back to {base}");
        self.cut_garbage().await?;
        self.seal(Some(base)).await?;
        let next = Active::create(&self.disk, &self.dir, base).await?;
        self.durability.file_created();
        let sealed = std::mem::replace(&mut self.active, next);
        if sealed.size == 0 {
            // The next batch was too far away for it. An empty segment behind a gap would look like damage.
            return remove_segment(&self.disk, &self.dir, sealed.base).await;
        }
        self.sealed = Arc::new(self.sealed.iter().copied().chain([sealed.sealed()]).collect());
        self.durability.segment_sealed(sealed.file);
        self.assert_invariants();
        Ok(())
    }

    /// Completes the active segment's indexes and syncs them, but not its batches: those are for the next ticket.
    /// Whoever finds a later segment may believe the indexes, and that the file ends with its last batch: a
    /// recovery point at its end may have been written before it was sealed. `producers`: stores them, for a log that
    /// ends or goes on there.
    pub(crate) async fn seal(&mut self, producers: Option<Offset>) -> Result<(), DiskError> {
        let mut files = self.active.indexes.seal(&self.disk, &self.dir).await?.to_vec();
        if self.active.cut {
            files.push(self.active.file.clone());
        }
        let mut stored = None;
        if let Some(at) = producers.filter(|_| self.config.producers)
            && let Some(file) = self.account.write(&self.disk, &self.dir, at).await?
        {
            files.push(file);
            stored = Some(at);
        }
        let synced = self.disk.sync_many(files).await.map_err(past_retrying);
        synced.inspect_err(|error| self.durability.set_fence(error))?;
        if let Some(at) = stored {
            self.account.place(&self.disk, &self.dir, at).await?;
        }
        Ok(())
    }

    /// Makes room in memory. A full disk does not stop the append: the entries stay where they are.
    async fn spill_indexes(&mut self) -> Result<(), DiskError> {
        let new = self.active.indexes.offsets.persisted() == 0;
        for outcome in [
            self.active.indexes.offsets.write_out(&self.disk, &self.dir, false).await,
            self.active.indexes.times.write_out(&self.disk, &self.dir, false).await,
        ] {
            match outcome {
                Ok(_) => {}
                Err(error) if error.kind == DiskErrorKind::NoSpace => {}
                Err(error) => return Err(error),
            }
        }
        if new {
            self.durability.file_created();
        }
        Ok(())
    }
}

/// The batches of one call, taken together.
struct Call {
    first: Offset,
    last: Offset,
    /// Where the log ends after them.
    next: Offset,
    bytes: u64,
    /// Highest timestamp.
    highest: Timestamp,
}

impl Call {
    /// `None` when there are no batches. Panics when they don't follow each other: offsets are the owner's.
    fn of(batches: &[AppendBatch], end: Offset) -> Option<Call> {
        let first = batches.first()?.header;
        let mut call =
            Call { first: first.base_offset, last: end, next: end, bytes: 0, highest: Timestamp::NONE };
        for AppendBatch { header, head, rest } in batches {
            assert!(header.base_offset >= call.next, "batch at {} behind {}", header.base_offset, call.next);
            assert_eq!(header.total_len(), head.len() + rest.len(), "header of another batch");
            call.last = header.last_offset();
            call.next = header.next_offset();
            call.bytes += header.total_len() as u64;
            call.highest = call.highest.max(header.max_timestamp);
        }
        assert!(call.bytes <= i32::MAX as u64, "an append of {} bytes", call.bytes);
        assert!(call.next.0 - call.first.0 <= GAP_MIN, "an append from {} to {}", call.first, call.last);
        Some(call)
    }
}
