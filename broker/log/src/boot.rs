//! `.tidemark-boot`: in which run of the kernel a broker was registered last, and under which epoch.
//!
//! What a process has written survives the process, in the page cache, for as long as the kernel runs: a process that was
//! killed leaves every replica as it was. A start that finds the file of its own kernel's run may say so (KIP-966 asks it of
//! brokers that were stopped in order only), and keeps its place in the in-sync replicas. After a power cut, or on another
//! machine, the file says nothing.
//!
//! A sync that fails may take what was written out of the cache: then the file goes.

use crate::checkpoint::{CheckpointError, read_whole, replace};
use bytes::Bytes;
use model::BrokerEpoch;
use runtime::{Disk, DiskError, DiskErrorKind};
use std::path::Path;

/// The file's name in the data directory.
const FILE: &str = ".tidemark-boot";

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    /// The kernel's run, in the kernel's own words.
    pub(crate) boot: String,
    /// The broker's epoch.
    pub(crate) epoch: BrokerEpoch,
}

/// What the file says; `None` when there is none, or nothing to be made of it.
pub(crate) async fn read<D: Disk>(disk: &D) -> Result<Option<Boot>, CheckpointError> {
    Ok(read_whole(disk, Path::new(FILE)).await?.and_then(|content| decode(&content)))
}

/// Replaces the file.
pub(crate) async fn write<D: Disk>(disk: &D, boot: &str, epoch: BrokerEpoch) -> Result<(), DiskError> {
    let content = format!("version=0\nboot={boot}\nbroker.epoch={epoch}\n");
    replace(disk, Path::new(""), FILE, Bytes::from(content)).await
}

/// Removes it, if it is there.
pub(crate) async fn remove<D: Disk>(disk: &D) -> Result<(), DiskError> {
    match disk.remove_file(Path::new(FILE)).await {
        Err(error) if error.kind != DiskErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn decode(content: &[u8]) -> Option<Boot> {
    let text = std::str::from_utf8(content).ok()?;
    let mut lines = text.strip_prefix("version=0\nboot=")?.lines();
    let boot = lines.next().filter(|boot| !boot.is_empty())?.to_owned();
    let epoch = lines.next()?.strip_prefix("broker.epoch=")?.parse().ok().filter(|epoch| *epoch >= 0)?;
    Some(Boot { boot, epoch: BrokerEpoch(epoch) })
}

#[cfg(test)]
#[path = "boot_test.rs"]
mod tests;
