//! Opening a partition's log: whose directory it is, how it is to be kept, what was found.

use log::{Log, LogConfig, PartitionName, Recovered, partition_metadata};
use model::config::TopicConfig;
use model::{PartitionKey, TopicId};
use runtime::{Disk, Event, Runtime};
use std::path::Path;
use tracing::{info, warn};

/// Renames the directory of a partition that belongs to another topic of the same name, as Kafka does: what was
/// in it may be all that is left of something. Tells whether there was one.
pub async fn set_strays_aside<D: Disk>(
    disk: &D,
    name: &PartitionName,
    topic: TopicId,
) -> Result<bool, String> {
    let dir = name.dir();
    match partition_metadata::read(disk, &dir).await {
        Ok(Some(owner)) if owner != topic => {
            let stray = format!("{}.{owner}-stray", dir.display());
            warn!(dir = %dir.display(), %owner, stray, "a directory of another topic is set aside");
            let renamed = disk.rename(&dir, Path::new(&stray)).await;
            renamed.map_err(|error| error.to_string())?;
            disk.sync_dir(Path::new("")).await.map_err(|error| error.to_string())?;
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes the topic's id into a new log's directory.
pub async fn claim<D: Disk>(disk: &D, log: &Log<D>, topic: TopicId) -> Result<(), String> {
    match partition_metadata::read(disk, log.dir()).await {
        Ok(Some(owner)) => {
            assert_eq!(owner, topic, "a stray directory was opened");
            Ok(())
        }
        Ok(None) => {
            partition_metadata::write(disk, log.dir(), topic).await.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Tells what opening a log has found.
pub fn announce<R: Runtime>(rt: &R, partition: PartitionKey, log: &Log<R::Disk>, recovered: &Recovered) {
    let (start, end) = (log.start(), log.end());
    if recovered.truncated_bytes > 0 {
        info!(dir = %log.dir().display(), bytes = recovered.truncated_bytes, %end, "recovery cut off a torn tail");
    }
    rt.observe(Event::Recovered {
        partition,
        start,
        end,
        truncated_bytes: recovered.truncated_bytes,
        clean: recovered.clean,
    });
    rt.observe(Event::Synced { partition, end: log.durable_end() });
}

/// What the log needs to know of a topic's configuration.
pub fn log_config(config: &TopicConfig) -> LogConfig {
    LogConfig {
        segment_bytes: config.segment_bytes,
        segment_ms: i64::try_from(config.segment_ms).unwrap_or(i64::MAX),
        index_interval_bytes: config.index_interval_bytes,
        segment_index_bytes: config.segment_index_bytes,
    }
}
