//! `meta.properties`, version 1: whose data directory this is.

use crate::checkpoint::{CheckpointError, malformed, read_text, replace};
use crate::properties;
use bytes::Bytes;
use model::{BrokerId, ClusterId, DirectoryId};
use runtime::{Disk, DiskError};
use std::path::Path;

/// The file's name in the data directory.
const FILE: &str = "meta.properties";

/// The identity of a formatted data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// `cluster.id`
    pub cluster: ClusterId,
    /// `node.id`
    pub node: BrokerId,
    /// `directory.id`; absent from directories that Kafka formatted before 3.7.
    pub directory: Option<DirectoryId>,
}

impl MetaProperties {
    /// Reads the file; `None` when the directory has not been formatted.
    pub async fn read<D: Disk>(disk: &D) -> Result<Option<MetaProperties>, CheckpointError> {
        let path = Path::new(FILE);
        let Some(text) = read_text(disk, path).await? else { return Ok(None) };
        decode(&text).map(Some).map_err(|why| malformed(path, why))
    }
}

/// Replaces the file, durably.
pub(crate) async fn write<D: Disk>(disk: &D, meta: &MetaProperties) -> Result<(), DiskError> {
    replace(disk, Path::new(""), FILE, Bytes::from(encode(meta))).await
}

fn encode(meta: &MetaProperties) -> String {
    let mut entries = vec![
        ("version", "1".to_string()),
        ("cluster.id", meta.cluster.to_string()),
        ("node.id", meta.node.to_string()),
    ];
    if let Some(directory) = meta.directory {
        entries.push(("directory.id", directory.to_string()));
    }
    properties::encode(&entries)
}

fn decode(text: &str) -> Result<MetaProperties, String> {
    let mut entries = properties::decode(text);
    let mut take = |key: &str| entries.remove(key);
    match take("version").as_deref() {
        Some("1") => {}
        Some(other) => return Err(format!("version {other:?} is not supported, only 1 is")),
        None => return Err("version is missing: the format of ZooKeeper times is not supported".into()),
    }
    let cluster = take("cluster.id").ok_or("cluster.id is missing")?;
    let node = take("node.id").ok_or("node.id is missing")?;
    let node = node.parse().map_err(|_| format!("node.id {node:?} is not a number"))?;
    let directory = match take("directory.id") {
        Some(id) => Some(DirectoryId(id.parse().map_err(|error| format!("directory.id: {error}"))?)),
        None => None,
    };
    Ok(MetaProperties { cluster: ClusterId(cluster.into()), node: BrokerId(node), directory })
}

#[cfg(test)]
#[path = "meta_properties_test.rs"]
mod tests;
