//! `partition.metadata`: which incarnation of its topic a partition's directory belongs to (KIP-516).
//!
//! Written before the first record. It is what tells the leftovers of a deleted topic from the partition of a
//! new one that has the same name.

use crate::checkpoint::{CheckpointError, malformed, read_text, replace};
use bytes::Bytes;
use model::{TopicId, Uuid};
use runtime::{Disk, DiskError};
use std::path::Path;

/// The file's name in the partition's directory.
const FILE: &str = "partition.metadata";

/// Writes the topic's id into the directory of a partition, durably.
pub async fn write<D: Disk>(disk: &D, dir: &Path, topic: TopicId) -> Result<(), DiskError> {
    assert_ne!(topic.0, Uuid::ZERO, "a topic without an id");
    replace(disk, dir, FILE, Bytes::from(format!("version: 0\ntopic_id: {topic}"))).await
}

/// Reads the topic's id; `None` when the file is missing.
pub async fn read<D: Disk>(disk: &D, dir: &Path) -> Result<Option<TopicId>, CheckpointError> {
    let path = dir.join(FILE);
    let Some(text) = read_text(disk, &path).await? else { return Ok(None) };
    match decode(&text) {
        Some(topic) => Ok(Some(topic)),
        None => Err(malformed(&path, format!("{text:?} is not a version and a topic id"))),
    }
}

fn decode(text: &str) -> Option<TopicId> {
    let mut lines = text.lines();
    // As in Kafka: a later version may add lines, but keeps these.
    let version: i32 = lines.next()?.strip_prefix("version:")?.trim().parse().ok()?;
    let topic: Uuid = lines.next()?.strip_prefix("topic_id:")?.trim().parse().ok()?;
    (version >= 0 && topic != Uuid::ZERO).then_some(TopicId(topic))
}

#[cfg(test)]
#[path = "partition_metadata_test.rs"]
mod tests;
