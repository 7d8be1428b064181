//! `.kafka_cleanshutdown`: the last incarnation stopped in order, with everything synced.
//!
//! The file vouches once. It is removed, durably, before anything else in the data directory is touched: a crash
//! while logs are being opened must not find it again and take a half-opened directory for a clean one.

use crate::checkpoint::{CheckpointError, read_whole, replace};
use bytes::Bytes;
use model::BrokerEpoch;
use runtime::{Disk, DiskError};
use std::path::Path;

/// The file's name in the data directory.
const FILE: &str = ".kafka_cleanshutdown";

/// The last incarnation stopped in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanShutdown {
    /// The broker epoch it ran under (KIP-966); `None` when the file does not tell (Kafka before 4.0).
    pub broker_epoch: Option<BrokerEpoch>,
}

/// Reads the file and removes it. When this returns, no crash brings the file back.
pub(crate) async fn consume<D: Disk>(disk: &D) -> Result<Option<CleanShutdown>, CheckpointError> {
    let found = read_whole(disk, Path::new(FILE)).await?;
    if found.is_some() {
        disk.remove_file(Path::new(FILE)).await?;
    }
    // Also when nothing was found: an earlier incarnation may have removed the name and been killed before this.
    disk.sync_dir(Path::new("")).await?;
    Ok(found.map(|content| CleanShutdown { broker_epoch: decode(&content) }))
}

/// Writes the file, durably. Every log must have been closed.
pub(crate) async fn write<D: Disk>(disk: &D, epoch: BrokerEpoch) -> Result<(), DiskError> {
    let content = format!("{{\"version\":0,\"brokerEpoch\":{}}}", epoch.0);
    replace(disk, Path::new(""), FILE, Bytes::from(content)).await
}

/// The number behind `"brokerEpoch":` in one flat JSON object. Anything else is "unknown", as in Kafka: only the
/// file's presence matters for recovery.
fn decode(content: &[u8]) -> Option<BrokerEpoch> {
    let text = std::str::from_utf8(content).ok()?;
    let object = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (_, after) = object.split_once("\"brokerEpoch\"")?;
    let value = after.trim_start().strip_prefix(':')?;
    let value = value.split_once(',').map_or(value, |(value, _)| value);
    value.trim().parse().ok().map(BrokerEpoch)
}

#[cfg(test)]
#[path = "clean_shutdown_test.rs"]
mod tests;
