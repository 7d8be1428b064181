//! Cutting a log at its end: a follower's records that its leader does not have (KIP-101).
//!
//! Before a truncation below the recovery point the recovery-point checkpoint must have been lowered, durably:
//! records appended afterwards would otherwise be believed unchecked after a crash.

use crate::Log;
use crate::index::{self};
use crate::names::{self, segment_file};
use crate::offset_index::OffsetEntry;
use crate::segment::{Active, Sealed, remove_segment};
use crate::time_index::TimeEntry;
use crate::walk::{Flaw, Step, Walk};
use model::{LogEnd, Offset};
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The log could not be cut. It is fenced from now on, and its directory must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TruncateError {
    /// The disk failed, now or earlier.
    Disk(DiskError),
    /// What is stored is not a log.
    Corrupt {
        /// The segment's file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What is wrong.
        flaw: Option<Flaw>,
    },
}

impl From<DiskError> for TruncateError {
    fn from(error: DiskError) -> TruncateError {
        TruncateError::Disk(error)
    }
}

impl fmt::Display for TruncateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TruncateError::Disk(error) => error.fmt(f),
            TruncateError::Corrupt { path, position, flaw: Some(flaw) } => {
                write!(f, "{} at byte {position}: {flaw}", path.display())
            }
            TruncateError::Corrupt { path, position, flaw: None } => {
                write!(f, "{} at byte {position}: the indexes don't fit", path.display())
            }
        }
    }
}

impl std::error::Error for TruncateError {}

impl<D: Disk> Log<D> {
    /// Cuts the log so that it ends at `to`, or before the batch that contains `to`. Durable on return. A ticket
    /// that is out proves nothing any more. Does nothing to a log that ends there or before, except that epochs
    /// begun at `to` or above, in which nothing was written, are forgotten (KAFKA-10706). A start within the batch
    /// that goes with `to` moves back to the batch's beginning, where the log, now empty, ends.
    pub async fn truncate(&mut self, to: Offset) -> Result<LogEnd, TruncateError> {
        if let Some(failure) = self.durability.fence() {
            return Err(TruncateError::Disk(failure.clone()));
        }
        assert!(to >= self.start, "truncated to {to}, below the start {}", self.start);
        if to < self.end.0 {
            match self.cut(to).await {
                Ok(end) => self.end = LogEnd(end),
                Err(error) => {
                    self.durability.set_fence(&as_disk_error(&error));
                    return Err(error);
                }
            }
            self.start = self.start.min(self.end.0);
            self.durability.truncated(self.end);
            let reloaded = self.reload_producers().await;
            reloaded.inspect_err(|error| self.durability.set_fence(error))?;
        }
        if self.epochs.truncate_from_end(self.end.0.min(to)) {
            self.durability.epochs_changed();
        }
        self.assert_invariants();
        Ok(self.end)
    }

    async fn cut(&mut self, to: Offset) -> Result<Offset, TruncateError> {
        let keep = self.sealed.partition_point(|segment| segment.base <= to);
        if to < self.active.base {
            // The last first: a crash must not leave a hole.
            remove_segment(&self.disk, &self.dir, self.active.base).await?;
            for segment in self.sealed[keep..].iter().rev() {
                remove_segment(&self.disk, &self.dir, segment.base).await?;
            }
            self.disk.sync_dir(&self.dir).await?;
        } else {
            let Active { ref mut indexes, .. } = self.active;
            // What is cut below must be on file, where entries are counted. Without space for them they are found again
            // in the batches.
            for outcome in [
                indexes.offsets.write_out(&self.disk, &self.dir, false).await,
                indexes.times.write_out(&self.disk, &self.dir, false).await,
            ] {
                outcome.map(drop).or_else(unless_full)?;
            }
            self.durability.file_created();
        }
        let segment = if to < self.active.base { self.sealed[keep - 1] } else { self.active.on_file() };
        let sealed = self.sealed[..self.sealed.len().min(keep)].iter().copied();
        let sealed: Vec<Sealed> = sealed.filter(|other| other.base < segment.base).collect();

        let base = segment.base;
        let below = |entry: &OffsetEntry| entry.offset < to;
        let (offset_entries, start) =
            index::partition(&self.disk, &self.dir, base, segment.offset_entries, below).await?;
        let below = |entry: &TimeEntry| entry.offset < to;
        let (time_entries, _) =
            index::partition(&self.disk, &self.dir, base, segment.time_entries, below).await?;

        let path = segment_file(&self.dir, base, names::LOG);
        let file = self.disk.open(&path, OpenMode::Write).await?;
        let start = start.map_or(0, |entry| entry.position.into());
        let mut walk = Walk::new(file.clone(), start, segment.size);
        let size = loop {
            let position = walk.position();
            match walk.next().await? {
                Step::Batch(at) if at.header.last_offset() < to => {}
                Step::Batch(_) | Step::End => break position,
                Step::Flaw(flaw) => return Err(TruncateError::Corrupt { path, position, flaw: Some(flaw) }),
            }
        };
        file.set_len(size).await?;
        file.sync().await?;
        let cut = Sealed { base, size, offset_entries, time_entries };
        let loaded = Active::load(&self.disk, &self.dir, cut, &self.config).await?;
        let Some((active, end)) = loaded else {
            return Err(TruncateError::Corrupt { path, position: size, flaw: None });
        };
        self.active = active;
        self.sealed = Arc::new(sealed);
        Ok(end)
    }
}

fn unless_full(error: DiskError) -> Result<(), DiskError> {
    if error.kind == DiskErrorKind::NoSpace { Ok(()) } else { Err(error) }
}

fn as_disk_error(error: &TruncateError) -> DiskError {
    match error {
        TruncateError::Disk(error) => error.clone(),
        TruncateError::Corrupt { path, .. } => DiskError {
            kind: DiskErrorKind::Io,
            op: "truncate",
            path: path.clone(),
            detail: error.to_string(),
        },
    }
}
