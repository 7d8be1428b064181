//! Small text files that are replaced as a whole: Kafka's checkpoint format, version 0.
//!
//! ```text
//! 0            version
//! 2            entries that follow
//! topic 0 17   one entry per line
//! topic 1 4
//! ```
//!
//! A replacement is a new file, synced, renamed over the old one, and the directory synced: a crash leaves the
//! old content or the new one.

use crate::PartitionName;
use bytes::Bytes;
use model::{Offset, PartitionIndex};
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The only version there is.
const VERSION: &str = "0";
/// No file that is read as a whole may be longer: more means that it is not one of ours.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A small file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// The disk refused.
    Disk(DiskError),
    /// The content is not what belongs there.
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl From<DiskError> for CheckpointError {
    fn from(error: DiskError) -> CheckpointError {
        CheckpointError::Disk(error)
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::Disk(error) => error.fmt(f),
            CheckpointError::Malformed { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for CheckpointError {}

/// Makes `content` the content of `dir/name`, durably and atomically. Behind [`DiskErrorKind::NoSpace`] everything is as it
/// was, and it may be tried again; behind another error the old content may be there or the new.
pub async fn replace<D: Disk>(disk: &D, dir: &Path, name: &str, content: Bytes) -> Result<(), DiskError> {
    let temporary = dir.join(format!("{name}{}", crate::names::TEMPORARY));
    let written = async {
        let file = disk.open(&temporary, OpenMode::Truncate).await?;
        file.write_at(0, vec![content]).await?;
        Ok::<_, DiskError>(file)
    };
    let file = match written.await {
        Ok(file) => file,
        Err(error) => {
            if error.kind == DiskErrorKind::NoSpace {
                // What there is of it takes space that others need.
                let _ = disk.remove_file(&temporary).await;
            }
            return Err(error);
        }
    };
    file.sync().await.map_err(past_retrying)?;
    disk.rename(&temporary, &dir.join(name)).await.map_err(past_retrying)?;
    disk.sync_dir(dir).await.map_err(past_retrying)
}

/// Like [`replace`], for a file that may be missing: where there is no space for the new content, the old one goes, durably, which
/// takes none. Whether the new content is there.
pub(crate) async fn replace_or_remove<D: Disk>(
    disk: &D,
    dir: &Path,
    name: &str,
    content: Bytes,
) -> Result<bool, DiskError> {
    match replace(disk, dir, name, content).await {
        Ok(()) => return Ok(true),
        Err(error) if error.kind == DiskErrorKind::NoSpace => {}
        Err(error) => return Err(error),
    }
    match disk.remove_file(&dir.join(name)).await {
        Err(error) if error.kind != DiskErrorKind::NotFound => return Err(past_retrying(error)),
        _ => disk.sync_dir(dir).await.map_err(past_retrying)?,
    }
    Ok(false)
}

/// What was begun can't be taken back: a disk that is full in the midst of it, or of a sync, is no reason to try again.
pub(crate) fn past_retrying(error: DiskError) -> DiskError {
    match error.kind {
        DiskErrorKind::NoSpace => DiskError { kind: DiskErrorKind::Io, ..error },
        _ => error,
    }
}

/// The whole content of a small file; `None` when there is no such file.
pub(crate) async fn read_whole<D: Disk>(disk: &D, path: &Path) -> Result<Option<Bytes>, CheckpointError> {
    let file = match disk.open(path, OpenMode::Read).await {
        Ok(file) => file,
        Err(error) if error.kind == DiskErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let len = file.len().await?;
    if len > FILE_BYTES_MAX {
        return Err(malformed(path, format!("{len} bytes are too many")));
    }
    Ok(Some(file.read_at(0, len as usize).await?))
}

/// The content as text.
pub async fn read_text<D: Disk>(disk: &D, path: &Path) -> Result<Option<String>, CheckpointError> {
    let Some(bytes) = read_whole(disk, path).await? else { return Ok(None) };
    match String::from_utf8(bytes.to_vec()) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(malformed(path, "not UTF-8".into())),
    }
}

pub(crate) fn malformed(path: &Path, why: String) -> CheckpointError {
    CheckpointError::Malformed { path: path.to_owned(), why }
}

/// Writes the lines of a checkpoint file.
pub(crate) fn encode_lines<T: fmt::Display>(entries: impl ExactSizeIterator<Item = T>) -> Bytes {
    let mut text = format!("{VERSION}\n{}\n", entries.len());
    for entry in entries {
        writeln!(text, "{entry}").expect("writing to a string");
    }
    Bytes::from(text)
}

/// Reads the lines of a checkpoint file; says what is wrong. As in Kafka, an empty file holds nothing.
pub(crate) fn decode_lines<T>(text: &str, entry: impl Fn(&[&str]) -> Option<T>) -> Result<Vec<T>, String> {
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return Ok(Vec::new()) };
    if version != VERSION {
        return Err(format!("version {version:?} is unknown"));
    }
    let Some(count) = lines.next() else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split_whitespace().collect();
        entries.push(entry(&fields).ok_or_else(|| format!("malformed line {line:?}"))?);
    }
    if count.parse() != Ok(entries.len()) {
        return Err(format!("{} entries where {count:?} were announced", entries.len()));
    }
    Ok(entries)
}

/// `recovery-point-offset-checkpoint` and `log-start-offset-checkpoint`: an offset for each partition.
pub type OffsetCheckpoint = BTreeMap<PartitionName, Offset>;

/// Reads a map of offsets; a missing file is an empty one.
pub(crate) async fn read_offsets<D: Disk>(
    disk: &D,
    path: &Path,
) -> Result<OffsetCheckpoint, CheckpointError> {
    let text = read_text(disk, path).await?.unwrap_or_default();
    let entries = decode_lines(&text, |fields| match fields {
        [topic, index, offset] => {
            let index = PartitionIndex(index.parse().ok()?);
            Some((PartitionName::new(*topic, index), Offset(offset.parse().ok()?)))
        }
        _ => None,
    });
    Ok(entries.map_err(|why| malformed(path, why))?.into_iter().collect())
}

/// Replaces a map of offsets.
pub(crate) async fn write_offsets<D: Disk>(
    disk: &D,
    name: &str,
    offsets: &OffsetCheckpoint,
) -> Result<(), DiskError> {
    let lines = offsets.iter().map(|(name, offset)| format!("{} {} {offset}", name.topic, name.index));
    replace(disk, Path::new(""), name, encode_lines(lines)).await
}

#[cfg(test)]
#[path = "checkpoint_test.rs"]
mod tests;
