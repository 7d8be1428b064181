//! Replacing a whole log by an empty one that begins elsewhere: a follower that has installed a snapshot (KIP-630),
//! and a log all of which its owners have deleted.
//!
//! Names come and go in any order when the power is cut, so that the segments can't vanish as one. What does is the
//! name of a mark, `%020d.start-over`:
//!
//! ```text
//! mark created, durable      until here: the old log. From here on: the empty one, which opening brings about.
//! segments and snapshots of producers removed, durable
//! mark renamed to the first segment, durable      only then may anything be appended: it would be removed with the rest
//! ```
//!
//! So only the mark needs space: with a segment created beside it, a disk that fills up in between would leave neither log.
//!
//! The checkpoint of the epochs may still tell of the old log until the next sync: opening leaves out what does not
//! lie within the log.

use crate::Log;
use crate::checkpoint::past_retrying;
use crate::epochs::Epochs;
use crate::names::{self, segment_file};
use crate::producers::files::{self, Account};
use crate::segment::{Active, remove_segment};
use model::{LogEnd, Offset};
use runtime::{Disk, DiskError, DiskErrorKind, OpenMode};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

impl<D: Disk> Log<D> {
    /// Replaces the log by an empty one, without epochs and producers, that begins at `at`, anywhere from its start on, also beyond its end.
    /// Durable on return; a crash before leaves the old log or the empty one. When `at` is below the recovery-point
    /// checkpoint, that must have been lowered before, durably. What the records below `at` stand for, a snapshot,
    /// should be durable too.
    ///
    /// A ticket that is out proves nothing any more. Slices that are out are told that theirs is gone, or read what
    /// was there. Without space for the mark nothing has changed, and it may be tried again ([`DiskErrorKind::NoSpace`], and the
    /// log is not fenced). On other errors the log is fenced; the future must be driven to its end.
    pub async fn start_over(&mut self, at: Offset) -> Result<(), DiskError> {
        if let Some(failure) = self.durability.fence() {
            return Err(failure.clone());
        }
        assert!(at >= self.start, "started over at {at}, below the start {}", self.start);
        let bases: Vec<Offset> =
            self.sealed.iter().map(|segment| segment.base).chain([self.active.base]).collect();
        let old = Old { segments: &bases, snapshots: &self.account.snapshots };
        match replace(&self.disk, &self.dir, old, at).await {
            Ok(active) => self.active = active,
            Err(Unreplaced::AsItWas(error)) => return Err(error),
            Err(Unreplaced::HalfWay(error)) => {
                let error = past_retrying(error);
                self.durability.set_fence(&error);
                return Err(error);
            }
        }
        self.sealed = Arc::default();
        self.account = Account::default();
        self.start = at;
        self.end = LogEnd(at);
        self.epochs = Epochs::default();
        self.durability.started_over(self.end);
        self.assert_invariants();
        Ok(())
    }
}

/// What is to be replaced, by the offsets in its names.
#[derive(Clone, Copy)]
pub(crate) struct Old<'a> {
    pub(crate) segments: &'a [Offset],
    /// Of producers.
    pub(crate) snapshots: &'a BTreeSet<Offset>,
}

/// What has become of a log that was not replaced.
pub(crate) enum Unreplaced {
    /// There is no space; nothing has changed.
    AsItWas(DiskError),
    /// Nobody knows.
    HalfWay(DiskError),
}

impl From<Unreplaced> for DiskError {
    fn from(error: Unreplaced) -> DiskError {
        match error {
            Unreplaced::AsItWas(error) | Unreplaced::HalfWay(error) => error,
        }
    }
}

/// Replaces a log by an empty segment that begins at `at`.
pub(crate) async fn replace<D: Disk>(
    disk: &D,
    dir: &Path,
    old: Old<'_>,
    at: Offset,
) -> Result<Active<D>, Unreplaced> {
    let marked = disk.open(&segment_file(dir, at, names::START_OVER), OpenMode::Truncate).await;
    marked.map_err(|error| match error.kind {
        DiskErrorKind::NoSpace => Unreplaced::AsItWas(error),
        _ => Unreplaced::HalfWay(error),
    })?;
    finish(disk, dir, old, at).await.map_err(Unreplaced::HalfWay)
}

/// Brings about what the mark says, which is there.
pub(crate) async fn finish<D: Disk>(
    disk: &D,
    dir: &Path,
    old: Old<'_>,
    at: Offset,
) -> Result<Active<D>, DiskError> {
    // Also a mark that was found: its name may live in memory only, since before a kill.
    disk.sync_dir(dir).await?;
    for base in old.segments {
        remove_segment(disk, dir, *base).await?;
    }
    for snapshot in old.snapshots {
        files::remove(disk, dir, *snapshot).await?;
    }
    disk.sync_dir(dir).await?;
    let (mark, segment) = (segment_file(dir, at, names::START_OVER), segment_file(dir, at, names::LOG));
    disk.rename(&mark, &segment).await?;
    disk.sync_dir(dir).await?;
    Active::create(disk, dir, at).await
}

#[cfg(test)]
#[path = "start_over_test.rs"]
mod tests;
