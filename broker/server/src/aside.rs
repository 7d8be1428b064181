//! Directories of partitions that are set aside: renamed, durably, so that nothing is left under the partition's name.
//!
//! What is checkpointed under the name goes first: it would be asked of the log that comes in its place. Everything here
//! may be cut short and done again.

use crate::checkpoints::Checkpoints;
use log::{Aside, CheckpointError, PartitionName, partition_metadata};
use model::{TopicId, Uuid};
use runtime::{Disk, DiskError, DiskErrorKind, EntryKind};
use std::collections::BTreeSet;
use std::path::Path;
use tracing::{info, warn};

/// Whose a partition's directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// There is no such directory, or nothing in it says whose it is: so nothing was ever written to its log.
    Nobody,
    /// This topic's.
    Topic(TopicId),
    /// What says whose it is can't be read.
    Unreadable,
}

/// Whose the directory of `name` is.
pub async fn owner<D: Disk>(disk: &D, name: &PartitionName) -> Result<Owner, DiskError> {
    match partition_metadata::read(disk, &name.dir()).await {
        Ok(Some(topic)) => Ok(Owner::Topic(topic)),
        Ok(None) => Ok(Owner::Nobody),
        Err(CheckpointError::Disk(error)) => Err(error),
        Err(malformed) => {
            warn!(%malformed, "nobody can tell whose a directory is");
            Ok(Owner::Unreadable)
        }
    }
}

/// Renames the directories of partitions, none of whose logs is open, as far as there are any. Durable when this returns.
pub async fn set_aside<D: Disk>(
    disk: &D,
    checkpoints: &Checkpoints,
    names: Vec<PartitionName>,
    why: Aside,
) -> Result<(), DiskError> {
    let mut dirs = dirs(disk).await?;
    let names: Vec<PartitionName> =
        names.into_iter().filter(|name| dirs.contains(&name.to_string())).collect();
    if names.is_empty() {
        return Ok(());
    }
    checkpoints.forget(names.clone()).await?;
    for name in names {
        let aside = free_name(&dirs, &name, why);
        match why {
            Aside::Deleted => info!(dir = %name, aside, "a partition's directory is to be removed"),
            Aside::Stray => warn!(dir = %name, aside, "a directory of no known topic is set aside"),
        }
        match disk.rename(&name.dir(), Path::new(&aside)).await {
            Err(error) if error.kind != DiskErrorKind::NotFound => return Err(error),
            _ => drop(dirs.insert(aside)),
        }
    }
    disk.sync_dir(Path::new("")).await
}

/// The names of all directories.
pub async fn dirs<D: Disk>(disk: &D) -> Result<BTreeSet<String>, DiskError> {
    let entries = disk.list(Path::new("")).await?;
    Ok(entries.into_iter().filter(|entry| entry.kind == EntryKind::Dir).map(|entry| entry.name).collect())
}

/// A name that nothing has. What is set aside may still be there when the partition comes and goes once more.
fn free_name(taken: &BTreeSet<String>, name: &PartitionName, why: Aside) -> String {
    let candidates =
        (1u128..).map(|n| name.aside_dir(Uuid(n.to_be_bytes()), why).to_string_lossy().into_owned());
    candidates.into_iter().find(|aside| !taken.contains(aside)).expect("more numbers than directories")
}
