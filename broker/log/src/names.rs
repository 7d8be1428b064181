//! File and directory names, Kafka's to the letter (`LogFileUtils`, `LocalLog.logDirName`).

use model::{LeaderEpoch, Offset, PartitionIndex, SnapshotId, Uuid};
use std::fmt;
use std::path::{Path, PathBuf};

/// A segment's record batches.
pub(crate) const LOG: &str = ".log";
/// A segment's sparse map from offset to position.
pub(crate) const OFFSET_INDEX: &str = ".index";
/// A segment's sparse map from timestamp to offset.
pub(crate) const TIME_INDEX: &str = ".timeindex";
/// The producers of all that lies below an offset.
pub(crate) const PRODUCERS: &str = ".snapshot";
/// A segment being written by recovery. Kafka, too, deletes such a file when it starts.
pub(crate) const UNFINISHED: &str = ".cleaned";
/// A checkpoint being written.
pub(crate) const TEMPORARY: &str = ".tmp";
/// Says that the log is to begin, empty, at this offset: see `start_over`.
pub(crate) const START_OVER: &str = ".start-over";
/// A file that Kafka was about to delete.
pub(crate) const DELETED: &str = ".deleted";
/// A compacted segment that Kafka was about to put in the place of others.
const SWAP: &str = ".swap";
/// A directory that is to be removed.
const DELETED_DIR: &str = "-delete";
/// A directory of no known topic.
const STRAY_DIR: &str = "-stray";
/// Bytes of a file's name.
const FILE_NAME_MAX: usize = 255;

/// The file of the segment that begins at `base`.
pub(crate) fn segment_file(dir: &Path, base: Offset, suffix: &str) -> PathBuf {
    dir.join(format!("{:020}{suffix}", base.0))
}

/// What a file in a partition's directory is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileName {
    /// Batches from this offset on.
    Log(Offset),
    /// Offset index of the segment at this offset.
    OffsetIndex(Offset),
    /// Time index of the segment at this offset.
    TimeIndex(Offset),
    /// The producers of all that lies below this offset.
    Producers(Offset),
    /// The log is to begin, empty, at this offset.
    StartOver(Offset),
    /// Left behind by work that a crash cut short; nothing refers to it.
    Leftover,
    /// Half of a replacement by Kafka's log cleaner.
    Swap,
    /// Somebody else's business.
    Other,
}

impl FileName {
    /// Classifies a name.
    pub(crate) fn parse(name: &str) -> FileName {
        if name.ends_with(UNFINISHED) || name.ends_with(TEMPORARY) || name.ends_with(DELETED) {
            return FileName::Leftover;
        }
        if name.ends_with(SWAP) {
            return FileName::Swap;
        }
        let base = |suffix| name.strip_suffix(suffix).and_then(base_offset);
        if let Some(base) = base(LOG) {
            return FileName::Log(base);
        }
        if let Some(base) = base(OFFSET_INDEX) {
            return FileName::OffsetIndex(base);
        }
        if let Some(base) = base(TIME_INDEX) {
            return FileName::TimeIndex(base);
        }
        if let Some(end) = base(PRODUCERS) {
            return FileName::Producers(end);
        }
        if let Some(base) = base(START_OVER) {
            return FileName::StartOver(base);
        }
        FileName::Other
    }
}

fn base_offset(digits: &str) -> Option<Offset> {
    if digits.len() != 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Offset)
}

/// The file of a snapshot (Kafka's `Snapshots`).
pub(crate) fn snapshot_file(dir: &Path, id: SnapshotId, suffix: &str) -> PathBuf {
    dir.join(format!("{:020}-{:010}{suffix}", id.end.0, id.epoch.0))
}

/// Which snapshot has a file of this name, less its suffix.
pub(crate) fn snapshot_id(name: &str) -> Option<SnapshotId> {
    let (end, epoch) = name.split_once('-')?;
    let digits = epoch.len() == 10 && epoch.bytes().all(|b| b.is_ascii_digit());
    let epoch = digits.then(|| epoch.parse().ok()).flatten()?;
    Some(SnapshotId { end: base_offset(end)?, epoch: LeaderEpoch(epoch) })
}

/// Why a partition's directory is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// Its topic, or this replica of it, is gone: it is to be removed.
    Deleted,
    /// It is of no topic that is known: somebody may still want what is in it.
    Stray,
}

/// Whether the directory of this name is a partition's that is to be removed.
pub fn is_deleted_dir(name: &str) -> bool {
    name.ends_with(DELETED_DIR)
}

/// A partition by its topic's name: the key of directories and checkpoint files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionName {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub index: PartitionIndex,
}

impl PartitionName {
    /// Names a partition.
    pub fn new(topic: impl Into<String>, index: PartitionIndex) -> PartitionName {
        PartitionName { topic: topic.into(), index }
    }

    /// Its directory within the data directory: `topic-0`.
    pub fn dir(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }

    /// What its directory is called once it is set aside: `topic-0.<32 hexadecimal digits>-delete`. `unique` tells it from
    /// others of the same partition; a long topic's name is cut, so that the whole is a file name.
    pub fn aside_dir(&self, unique: Uuid, why: Aside) -> PathBuf {
        let suffix = match why {
            Aside::Deleted => DELETED_DIR,
            Aside::Stray => STRAY_DIR,
        };
        let rest = format!("-{}.{:032x}{suffix}", self.index, u128::from_be_bytes(unique.0));
        // A topic's name is ASCII.
        let topic = self.topic.get(..self.topic.len().min(FILE_NAME_MAX - rest.len())).unwrap_or_default();
        PathBuf::from(format!("{topic}{rest}"))
    }

    /// The partition whose directory has this name; `None` for directories that are no partition's (or one that
    /// is being deleted, moved or was found stray).
    pub fn from_dir(name: &str) -> Option<PartitionName> {
        if is_deleted_dir(name) || name.ends_with("-future") || name.ends_with(STRAY_DIR) {
            return None;
        }
        let (topic, index) = name.rsplit_once('-')?;
        if topic.is_empty() || index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(PartitionName::new(topic, PartitionIndex(index.parse().ok()?)))
    }
}

impl fmt::Display for PartitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)
    }
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
