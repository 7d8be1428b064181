//! The table of producers on disk: snapshots beside a log's segments, under Kafka's names.
//!
//! ```text
//! topic-0/
//!   00000000000000000000.log
//!   00000000000000004711.log  00000000000000004711.snapshot      the producers of all batches below 4711
//!   00000000000000005000.snapshot                                written when the log was closed, where it ended
//! ```
//!
//! One is written where each segment begins, and where the log ends when it is closed. It gets its name when its bytes are
//! durable: what has the name is whole, or the disk has damaged it since; then it is removed and the one before it serves.
//! Opening a log, and cutting it, load the latest one that lies within it and replay the batches behind that.
//!
//! A snapshot beyond the log's end is of records that a crash has lost, or that have been cut off. It is gone, durably,
//! before anything is appended in their place. One that the log's beginning has overtaken goes when a later one is there
//! that still lies at or below the first segment, so that the table can always be told from files.

use super::encoding::{decode, encode};
use super::{Marker, Producers};
use crate::names::{self, TEMPORARY, segment_file};
use crate::walk::{Step, Walk};
use crate::{CheckpointError, Log};
use model::Offset;
use records::batch::BatchHeader;
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A log's account of its producers: the table, and which snapshots of it are in the directory.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) table: Producers,
    /// Where the log ended when they were written.
    pub(crate) snapshots: BTreeSet<Offset>,
}

impl Account {
    /// Takes note of a batch that is in the log now, all of whose bytes `bytes` gives.
    pub(crate) fn apply(&mut self, header: &BatchHeader, bytes: impl FnOnce() -> bytes::Bytes) {
        let marker = Marker::is_in(header).then(|| Marker::read(&bytes())).flatten();
        self.table.apply(header, marker);
    }

    /// Writes a snapshot of the table under another name, to be synced and then put in its place. None if it is there, or if
    /// there is no space for it: it only spares the next start some reading.
    pub(crate) async fn write<D: Disk>(
        &self,
        disk: &D,
        dir: &Path,
        at: Offset,
    ) -> Result<Option<D::File>, DiskError> {
        if self.snapshots.contains(&at) {
            return Ok(None);
        }
        let path = unfinished(dir, at);
        let written = async {
            let file = disk.open(&path, OpenMode::Truncate).await?;
            file.write_at(0, vec![encode(&self.table)]).await?;
            Ok(Some(file))
        };
        match written.await {
            Err(DiskError { kind: DiskErrorKind::NoSpace, .. }) => {
                // What there is of it takes space that others need. The next start would remove it, too.
                let _ = disk.remove_file(&path).await;
                Ok(None)
            }
            written => written,
        }
    }

    /// Puts a snapshot that was written and synced in its place. Its name is durable after a sync of the directory.
    pub(crate) async fn place<D: Disk>(&mut self, disk: &D, dir: &Path, at: Offset) -> Result<(), DiskError> {
        disk.rename(&unfinished(dir, at), &segment_file(dir, at, names::PRODUCERS)).await?;
        self.snapshots.insert(at);
        Ok(())
    }

    /// Removes those of a longer log. Whether there were any; durable after a sync of the directory.
    pub(crate) async fn remove_beyond<D: Disk>(
        &mut self,
        disk: &D,
        dir: &Path,
        end: Offset,
    ) -> Result<bool, DiskError> {
        self.retain(disk, dir, |at| at <= end).await
    }

    /// Removes those that a log does not need whose first segment begins at `first`.
    pub(crate) async fn remove_before<D: Disk>(
        &mut self,
        disk: &D,
        dir: &Path,
        first: Offset,
    ) -> Result<(), DiskError> {
        let Some(kept) = self.snapshots.range(..=first).next_back().copied() else { return Ok(()) };
        self.retain(disk, dir, |at| at >= kept).await.map(drop)
    }

    async fn retain<D: Disk>(
        &mut self,
        disk: &D,
        dir: &Path,
        keep: impl Fn(Offset) -> bool,
    ) -> Result<bool, DiskError> {
        let gone: Vec<Offset> = self.snapshots.iter().copied().filter(|at| !keep(*at)).collect();
        // The last first: of a crash's leavings, the latest within the log is the one to go by.
        for at in gone.iter().rev() {
            remove(disk, dir, *at).await?;
            self.snapshots.remove(at);
        }
        Ok(!gone.is_empty())
    }

    /// Loads the latest snapshot that is whole, of those there are, and removes what is damaged. Where it ends.
    async fn load<D: Disk>(&mut self, disk: &D, dir: &Path) -> Result<Option<Offset>, DiskError> {
        self.table = Producers::default();
        while let Some(at) = self.snapshots.last().copied() {
            if let Some(table) = read(disk, dir, at).await? {
                self.table = table;
                return Ok(Some(at));
            }
            remove(disk, dir, at).await?;
            self.snapshots.remove(&at);
        }
        Ok(None)
    }
}

impl<D: Disk> Log<D> {
    /// Tells the producers of a log that has just been opened, from the snapshots that were `found` in its directory.
    pub(crate) async fn load_producers(&mut self, found: BTreeSet<Offset>) -> Result<(), DiskError> {
        if !self.config.producers {
            return Ok(());
        }
        self.account = Account { table: Producers::default(), snapshots: found };
        if self.account.remove_beyond(&self.disk, &self.dir, self.end.0).await? {
            self.disk.sync_dir(&self.dir).await?;
        }
        let from = self.account.load(&self.disk, &self.dir).await?;
        let mut wanted: BTreeSet<Offset> = self.segment_bases().collect();
        wanted.extend(from);
        let first = wanted.first().copied().expect("a segment at least");
        wanted.extend(self.account.snapshots.range(..=first).next_back());
        self.account.retain(&self.disk, &self.dir, |at| wanted.contains(&at)).await?;
        self.replay_producers(from).await
    }

    /// Tells the producers of a log that has been cut, if what was cut off had any.
    pub(crate) async fn reload_producers(&mut self) -> Result<(), DiskError> {
        if self.account.remove_beyond(&self.disk, &self.dir, self.end.0).await? {
            self.disk.sync_dir(&self.dir).await?;
        }
        if self.account.table.is_of_log_to(self.end.0) {
            return Ok(());
        }
        let from = self.account.load(&self.disk, &self.dir).await?;
        self.replay_producers(from).await
    }

    /// Replays the batches from a snapshot on; all there are, if there is none.
    async fn replay_producers(&mut self, from: Option<Offset>) -> Result<(), DiskError> {
        let from = from.unwrap_or(Offset::ZERO);
        let sealed = self.sealed.iter().map(|segment| (segment.base, segment.size));
        let segments: Vec<(Offset, u64)> = sealed.chain([(self.active.base, self.active.size)]).collect();
        let ends = segments.iter().skip(1).map(|(base, _)| *base).chain([self.end.0]);
        for ((base, size), end) in segments.iter().zip(ends).filter(|(_, end)| *end > from) {
            self.replay_segment(*base, *size, from, end).await?;
        }
        Ok(())
    }

    /// Replays a segment's batches between two offsets. What is damaged tells nothing: whoever reads it is told so.
    async fn replay_segment(
        &mut self,
        base: Offset,
        size: u64,
        from: Offset,
        end: Offset,
    ) -> Result<(), DiskError> {
        let file = self.disk.open(&segment_file(&self.dir, base, names::LOG), OpenMode::Read).await?;
        let mut walk = Walk::new(file, 0, size);
        while let Step::Batch(at) = walk.next().await? {
            if at.header.base_offset >= end {
                break;
            }
            if at.header.base_offset < from || !at.header.has_producer_id() {
                continue;
            }
            let bytes = match Marker::is_in(&at.header) {
                true => walk.checked(&at).await?.ok(),
                false => None,
            };
            self.account.apply(&at.header, || bytes.unwrap_or_default());
        }
        Ok(())
    }

    fn segment_bases(&self) -> impl Iterator<Item = Offset> {
        self.sealed.iter().map(|segment| segment.base).chain([self.active.base])
    }
}

/// Removes a snapshot, if it is there.
pub(crate) async fn remove<D: Disk>(disk: &D, dir: &Path, at: Offset) -> Result<(), DiskError> {
    match disk.remove_file(&segment_file(dir, at, names::PRODUCERS)).await {
        Err(error) if error.kind != DiskErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reads one; `None` when it is damaged, or gone.
async fn read<D: Disk>(disk: &D, dir: &Path, at: Offset) -> Result<Option<Producers>, DiskError> {
    let path = segment_file(dir, at, names::PRODUCERS);
    match crate::checkpoint::read_whole(disk, &path).await {
        Ok(bytes) => Ok(bytes.and_then(|bytes| decode(&bytes, at))),
        Err(CheckpointError::Malformed { .. }) => Ok(None),
        Err(CheckpointError::Disk(error)) => Err(error),
    }
}

fn unfinished(dir: &Path, at: Offset) -> PathBuf {
    segment_file(dir, at, &format!("{}{TEMPORARY}", names::PRODUCERS))
}

#[cfg(test)]
#[path = "files_test.rs"]
mod tests;
