//! The data directory as a whole: its lock, its identity, its checkpoints, and how the last incarnation ended.

use crate::boot::{self, Boot};
use crate::checkpoint::{CheckpointError, OffsetCheckpoint, read_offsets, write_offsets};
use crate::clean_shutdown::{self, CleanShutdown};
use crate::meta_properties::{self, MetaProperties};
use crate::{PartitionName, Recovery};
use model::{BrokerEpoch, Offset};
use runtime::{Disk, DiskError, DiskErrorKind, EntryKind};
use std::fmt;
use std::path::Path;

/// Held by the process that owns the directory. Kafka locks the same file.
const LOCK: &str = ".lock";
/// Everything below these offsets has been synced.
const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// Records below these offsets are gone.
const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// Records below these offsets are committed.
const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

/// The data directory could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryError {
    /// Another process has it open.
    InUse,
    /// The disk refused.
    Disk(DiskError),
    /// A file in it is not what it should be.
    Malformed(CheckpointError),
}

impl From<DiskError> for DirectoryError {
    fn from(error: DiskError) -> DirectoryError {
        match error.kind {
            DiskErrorKind::Locked => DirectoryError::InUse,
            _ => DirectoryError::Disk(error),
        }
    }
}

impl From<CheckpointError> for DirectoryError {
    fn from(error: CheckpointError) -> DirectoryError {
        match error {
            CheckpointError::Disk(error) => DirectoryError::Disk(error),
            malformed => DirectoryError::Malformed(malformed),
        }
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectoryError::InUse => f.write_str("another process has the data directory open"),
            DirectoryError::Disk(error) => error.fmt(f),
            DirectoryError::Malformed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DirectoryError {}

/// An open data directory. Nobody else has it while this lives.
pub struct Directory<D: Disk> {
    disk: D,
    /// Kept for its drop.
    _lock: D::Lock,
    meta: Option<MetaProperties>,
    clean: Option<CleanShutdown>,
    boot: Option<Boot>,
    /// As found at the start; later ones are the caller's to know.
    recovery_points: OffsetCheckpoint,
    log_starts: OffsetCheckpoint,
    high_watermarks: OffsetCheckpoint,
    damage: Vec<CheckpointError>,
}

impl<D: Disk> Directory<D> {
    /// Locks the directory and reads how it was left. The clean-shutdown file is gone, durably, when this returns.
    pub async fn open(disk: D) -> Result<Directory<D>, DirectoryError> {
        let lock = disk.lock(Path::new(LOCK)).await?;
        let meta = MetaProperties::read(&disk).await?;
        let mut damage = Vec::new();
        let recovery_points = read_or_nothing(&disk, RECOVERY_POINTS, &mut damage).await?;
        let log_starts = read_or_nothing(&disk, LOG_STARTS, &mut damage).await?;
        let high_watermarks = read_or_nothing(&disk, HIGH_WATERMARKS, &mut damage).await?;
        let boot = boot::read(&disk).await?;
        let clean = clean_shutdown::consume(&disk).await?;
        Ok(Directory {
            disk,
            _lock: lock,
            meta,
            clean,
            boot,
            recovery_points,
            log_starts,
            high_watermarks,
            damage,
        })
    }

    /// Checkpoints that were found damaged and taken for empty ones, for the log of the start. Without recovery
    /// points all of every log is checked; without start offsets, records once deleted may be back; without high watermarks
    /// less is known to be committed until other replicas are heard of.
    pub fn damage(&self) -> &[CheckpointError] {
        &self.damage
    }

    /// Whose directory it is; `None` when it is new.
    pub fn meta(&self) -> Option<&MetaProperties> {
        self.meta.as_ref()
    }

    /// Makes a new directory somebody's, durably. Panics when it is somebody else's already.
    pub async fn format(&mut self, meta: MetaProperties) -> Result<(), DiskError> {
        assert!(self.meta.is_none(), "the directory is formatted");
        meta_properties::write(&self.disk, &meta).await?;
        self.meta = Some(meta);
        Ok(())
    }

    /// How the last incarnation ended: `None` unless in order.
    pub fn clean_shutdown(&self) -> Option<CleanShutdown> {
        self.clean
    }

    /// Under which epoch the broker was registered last whose replicas all are as it left them: it stopped in order, or its
    /// process was killed in this run of the kernel (`boot`), which has kept what it wrote.
    pub fn intact_since(&self, boot: Option<&str>) -> Option<BrokerEpoch> {
        let stopped = self.clean.and_then(|clean| clean.broker_epoch);
        let same = self.boot.as_ref().filter(|last| boot == Some(last.boot.as_str()));
        stopped.or(same.map(|last| last.epoch))
    }

    /// Notes that the broker is registered under this epoch, in this run of the kernel.
    pub async fn write_boot(&self, boot: &str, epoch: BrokerEpoch) -> Result<(), DiskError> {
        boot::write(&self.disk, boot, epoch).await
    }

    /// What was written can't be trusted any more, whether the kernel runs on or not.
    pub async fn forget_boot(&self) -> Result<(), DiskError> {
        boot::remove(&self.disk).await
    }

    /// The partitions that have a directory here, by name.
    pub async fn partitions(&self) -> Result<Vec<PartitionName>, DiskError> {
        let entries = self.disk.list(Path::new("")).await?;
        let dirs = entries.into_iter().filter(|entry| entry.kind == EntryKind::Dir);
        Ok(dirs.filter_map(|entry| PartitionName::from_dir(&entry.name)).collect())
    }

    /// What to open a partition's log with.
    pub fn recovery(&self, partition: &PartitionName) -> Recovery {
        let offset = |offsets: &OffsetCheckpoint| offsets.get(partition).copied().unwrap_or(Offset::ZERO);
        Recovery {
            clean: self.clean.is_some(),
            recovery_point: offset(&self.recovery_points),
            log_start: offset(&self.log_starts),
        }
    }

    /// What was found of `partition` is another's: it is not recovered by that.
    pub fn forget(&mut self, partition: &PartitionName) {
        self.recovery_points.remove(partition);
        self.log_starts.remove(partition);
        self.high_watermarks.remove(partition);
    }

    /// The recovery points as found at the start, of partitions that nobody has opened yet too.
    pub fn recovery_points(&self) -> &OffsetCheckpoint {
        &self.recovery_points
    }

    /// The log start offsets as found at the start.
    pub fn log_starts(&self) -> &OffsetCheckpoint {
        &self.log_starts
    }

    /// How far partitions were known to be committed, as found at the start: a log may end before that.
    pub fn high_watermarks(&self) -> &OffsetCheckpoint {
        &self.high_watermarks
    }

    /// Replaces the recovery points of all partitions, durably: take them from `Log::recovery_point`.
    pub async fn write_recovery_points(&self, offsets: &OffsetCheckpoint) -> Result<(), DiskError> {
        write_offsets(&self.disk, RECOVERY_POINTS, offsets).await
    }

    /// Replaces the log start offsets of all partitions, durably. Kafka leaves out those that are the base offset
    /// of the first segment; both ways are read.
    pub async fn write_log_starts(&self, offsets: &OffsetCheckpoint) -> Result<(), DiskError> {
        write_offsets(&self.disk, LOG_STARTS, offsets).await
    }

    /// Replaces the high watermarks of all partitions, durably.
    pub async fn write_high_watermarks(&self, offsets: &OffsetCheckpoint) -> Result<(), DiskError> {
        write_offsets(&self.disk, HIGH_WATERMARKS, offsets).await
    }

    /// Vouches for the directory. Every log must have been closed and every checkpoint written without an error;
    /// otherwise drop the directory instead.
    pub async fn close(self, epoch: BrokerEpoch) -> Result<(), DiskError> {
        clean_shutdown::write(&self.disk, epoch).await
    }
}

async fn read_or_nothing<D: Disk>(
    disk: &D,
    name: &str,
    damage: &mut Vec<CheckpointError>,
) -> Result<OffsetCheckpoint, DiskError> {
    match read_offsets(disk, Path::new(name)).await {
        Ok(offsets) => Ok(offsets),
        Err(CheckpointError::Disk(error)) => Err(error),
        Err(malformed) => {
            damage.push(malformed);
            Ok(OffsetCheckpoint::new())
        }
    }
}

#[cfg(test)]
#[path = "directory_test.rs"]
mod tests;
