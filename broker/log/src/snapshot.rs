//! Snapshots of the metadata (KIP-630): files beside the log's, under Kafka's names.
//!
//! ```text
//! __cluster_metadata-0/
//!   00000000000000004711-0000000003.checkpoint        whole, durable, never changed: the records below 4711
//!   00000000000000005000-0000000003.checkpoint.part   being written; removed at the next start
//! ```
//!
//! A file gets its name when its bytes are durable and were seen to be a whole snapshot: what has the name can be
//! loaded, or the disk has damaged it since. A snapshot may take the place of a log's beginning once
//! [`Writer::finish`] has returned: then `Log::trim_to` or `Log::start_over`, then [`Snapshots::remove_before`].

use crate::names::{DELETED, snapshot_id};
use crate::walk::{Flaw, Step, Walk};
use bytes::Bytes;
use model::SnapshotId;
use records::snapshot::{BATCH_BYTES_MAX, Part, ReadError, Reader, WriteError};
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot's file.
const WHOLE: &str = ".checkpoint";
/// One that is being written.
const PART: &str = ".checkpoint.part";
/// Most bytes that one read gives.
pub const PIECE_BYTES_MAX: usize = BATCH_BYTES_MAX;

/// A snapshot could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// The disk failed, or is full.
    Disk(DiskError),
    /// A piece begins elsewhere than where the last one ended.
    Position {
        /// Where it begins, in bytes.
        found: u64,
        /// Where it should.
        expected: u64,
    },
    /// What is to be written can't be.
    Write(WriteError),
    /// The bytes are not those of a whole snapshot.
    Corrupt {
        /// Where the batch begins that is wrong, in bytes.
        position: u64,
        /// What is wrong.
        why: ReadError,
    },
}

impl From<DiskError> for SnapshotError {
    fn from(error: DiskError) -> SnapshotError {
        SnapshotError::Disk(error)
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Disk(error) => error.fmt(f),
            SnapshotError::Position { found, expected } => {
                write!(f, "a piece of a snapshot at byte {found} where {expected} comes next")
            }
            SnapshotError::Write(error) => error.fmt(f),
            SnapshotError::Corrupt { position, why } => write!(f, "snapshot at byte {position}: {why}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// The snapshots in a partition's directory. Cheap to clone; holds nothing but the way there.
#[derive(Clone)]
pub struct Snapshots<D: Disk> {
    disk: D,
    /// Relative to the data directory.
    dir: Arc<Path>,
}

impl<D: Disk> Snapshots<D> {
    /// Looks for snapshots in `dir`, which must exist, and removes what was never finished. Returns the snapshots
    /// found, oldest first; they are durable.
    pub async fn open(disk: D, dir: PathBuf) -> Result<(Snapshots<D>, Vec<SnapshotId>), DiskError> {
        for entry in disk.list(&dir).await? {
            if entry.name.ends_with(PART) || entry.name.ends_with(&format!("{WHOLE}{DELETED}")) {
                disk.remove_file(&dir.join(entry.name)).await?;
            }
        }
        // The names found may live in memory only, since before a kill; the bytes were synced before.
        disk.sync_dir(&dir).await?;
        let snapshots = Snapshots { disk, dir: dir.into() };
        let found = snapshots.list().await?;
        Ok((snapshots, found))
    }

    /// The whole snapshots there are, oldest first.
    pub async fn list(&self) -> Result<Vec<SnapshotId>, DiskError> {
        let entries = self.disk.list(&self.dir).await?;
        let mut ids: Vec<SnapshotId> =
            entries.iter().filter_map(|entry| snapshot_id(entry.name.strip_suffix(WHOLE)?)).collect();
        ids.sort();
        Ok(ids)
    }

    /// Opens a snapshot to be read; `None` when it is not there (any more).
    pub async fn read(&self, id: SnapshotId) -> Result<Option<Snapshot<D>>, DiskError> {
        let file = match self.disk.open(&self.path(id, WHOLE), OpenMode::Read).await {
            Ok(file) => file,
            Err(error) if error.kind == DiskErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = file.len().await?;
        Ok(Some(Snapshot { file, len }))
    }

    /// Begins a snapshot. Of one id, only one may be written at a time; what was begun before is lost.
    pub async fn begin(&self, id: SnapshotId) -> Result<Writer<D>, DiskError> {
        // Not the same file again: a sync of it may have failed.
        self.discard(id).await?;
        let file = self.disk.open(&self.path(id, PART), OpenMode::CreateNew).await?;
        Ok(Writer { snapshots: self.clone(), id, file, position: 0 })
    }

    /// Writes a whole snapshot from its batches (see `records::snapshot::write`). Durable on return. On an error
    /// nothing is left but what the next start, or the next attempt, removes.
    pub async fn write(
        &self,
        id: SnapshotId,
        batches: impl IntoIterator<Item = Result<Bytes, WriteError>, IntoIter: Send>,
    ) -> Result<(), SnapshotError> {
        let mut batches = batches.into_iter();
        let mut writer = self.begin(id).await?;
        while let Some(batch) = batches.next().transpose().map_err(SnapshotError::Write)? {
            writer.write(writer.position, batch).await?;
        }
        drop(batches);
        writer.finish().await
    }

    /// Removes the snapshots older than `id`, which must be there. Readers that have one open read on.
    pub async fn remove_before(&self, id: SnapshotId) -> Result<(), DiskError> {
        let ids = self.list().await?;
        assert!(ids.contains(&id), "snapshots removed before {id}, which is not there");
        for older in ids.into_iter().filter(|older| *older < id) {
            self.disk.remove_file(&self.path(older, WHOLE)).await?;
        }
        self.disk.sync_dir(&self.dir).await
    }

    /// Removes a snapshot that is of no use: damaged, or overtaken before anybody knew of it. Durable on return.
    pub async fn remove(&self, id: SnapshotId) -> Result<(), DiskError> {
        self.remove_file(id, WHOLE).await?;
        self.disk.sync_dir(&self.dir).await
    }

    /// Removes what was begun of a snapshot and will not be finished, if anything is there. The next start would, too.
    pub async fn discard(&self, id: SnapshotId) -> Result<(), DiskError> {
        self.remove_file(id, PART).await
    }

    async fn remove_file(&self, id: SnapshotId, suffix: &str) -> Result<(), DiskError> {
        match self.disk.remove_file(&self.path(id, suffix)).await {
            Err(error) if error.kind != DiskErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, id: SnapshotId, suffix: &str) -> PathBuf {
        crate::names::snapshot_file(&self.dir, id, suffix)
    }
}

/// A snapshot that is being written, by the node itself or piece by piece as it comes from the leader.
pub struct Writer<D: Disk> {
    snapshots: Snapshots<D>,
    id: SnapshotId,
    file: D::File,
    /// Bytes so far.
    position: u64,
}

impl<D: Disk> Writer<D> {
    /// Which snapshot it is.
    pub fn id(&self) -> SnapshotId {
        self.id
    }

    /// Where the next piece goes: bytes so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Writes the next piece, which may begin and end anywhere in a batch. After `Position` nothing has changed; after
    /// a disk's error begin again.
    pub async fn write(&mut self, position: u64, piece: Bytes) -> Result<(), SnapshotError> {
        if position != self.position {
            return Err(SnapshotError::Position { found: position, expected: self.position });
        }
        if !piece.is_empty() {
            let len = piece.len() as u64;
            self.file.write_at(position, vec![piece]).await?;
            self.position += len;
        }
        Ok(())
    }

    /// Makes it a snapshot, if it is whole, durably.
    pub async fn finish(self) -> Result<(), SnapshotError> {
        let Writer { snapshots: Snapshots { disk, dir }, id, file, position } = self;
        let mut parts = Parts::of(file.clone(), position);
        while parts.next().await?.is_some() {}
        file.sync().await?;
        let path = |suffix| crate::names::snapshot_file(&dir, id, suffix);
        disk.rename(&path(PART), &path(WHOLE)).await?;
        disk.sync_dir(&dir).await?;
        Ok(())
    }
}

/// A snapshot, open. Stays readable when it is removed.
#[derive(Clone)]
pub struct Snapshot<D: Disk> {
    file: D::File,
    len: u64,
}

#[allow(clippy::len_without_is_empty, reason = "no snapshot is empty")]
impl<D: Disk> Snapshot<D> {
    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Bytes from `position` on: `max_bytes` of them or [`PIECE_BYTES_MAX`], fewer at the end, none beyond.
    pub async fn piece(&self, position: u64, max_bytes: usize) -> Result<Bytes, DiskError> {
        let room = self.len.saturating_sub(position).min(PIECE_BYTES_MAX as u64) as usize;
        match max_bytes.min(room) {
            0 => Ok(Bytes::new()),
            len => self.file.read_at(position, len).await,
        }
    }

    /// Reads it batch by batch.
    pub fn parts(&self) -> Parts<D::File> {
        Parts::of(self.file.clone(), self.len)
    }
}

/// The batches of a snapshot, one after the other. Nothing read counts before the end has been seen.
pub struct Parts<F> {
    walk: Walk<F>,
    /// `None` when the end was seen.
    reader: Option<Reader>,
}

impl<F: File> Parts<F> {
    fn of(file: F, len: u64) -> Parts<F> {
        Parts { walk: Walk::new(file, 0, len), reader: Some(Reader::new()) }
    }

    /// The next batch; `None` when there is none left and the snapshot was whole.
    pub async fn next(&mut self) -> Result<Option<Part>, SnapshotError> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let position = self.walk.position();
        let corrupt = |why| SnapshotError::Corrupt { position, why };
        let at = match self.walk.next().await? {
            Step::Batch(at) if at.header.total_len() > BATCH_BYTES_MAX => {
                return Err(corrupt(ReadError::TooLarge(at.header.total_len())));
            }
            Step::Batch(at) => at,
            Step::Flaw(Flaw::Batch(error)) => return Err(corrupt(ReadError::Batch(error))),
            Step::Flaw(flaw) => unreachable!("a walk alone finds no {flaw}"),
            Step::End => {
                let reader = self.reader.take().expect("not at the end before");
                return reader.finish().map(|()| None).map_err(corrupt);
            }
        };
        let batch = self.walk.checked(&at).await?.map_err(|error| corrupt(ReadError::Batch(error)))?;
        reader.read(&batch).map(Some).map_err(corrupt)
    }
}

#[cfg(test)]
#[path = "snapshot_test.rs"]
mod tests;
