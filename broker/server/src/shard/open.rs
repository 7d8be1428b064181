//! Opening a partition's log: whose directory it is, how it is to be kept, what was found.

use super::inbox::Role;
use crate::aside::{self, Owner};
use crate::checkpoints::{Checkpoints, Known};
use log::{Aside, CheckpointError, Log, LogConfig, OpenError, PartitionName, Recovered, partition_metadata};
use model::config::TopicConfig;
use model::{Offset, PartitionKey, TopicId};
use runtime::{Disk, DiskError, DiskErrorKind, Event, Runtime};
use std::fmt;
use tracing::info;

/// An open log, all of it durable. If it was to be led when that began, that epoch has begun in it.
pub struct Opened<D: Disk> {
    /// The log.
    pub log: Log<D>,
    /// What was found.
    pub recovered: Recovered,
    /// What was known to be committed: the log may end before that.
    pub high_watermark: Offset,
}

/// A log could not be opened. What was done so far may be done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// There was no space, or no descriptor: later there may be.
    NoSpace(DiskError),
    /// The disk failed, or what is there is not this partition's log.
    Failed(String),
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unopened::NoSpace(error) => error.fmt(f),
            Unopened::Failed(why) => f.write_str(why),
        }
    }
}

impl From<DiskError> for Unopened {
    fn from(error: DiskError) -> Unopened {
        match error.kind {
            DiskErrorKind::NoSpace => Unopened::NoSpace(error),
            _ => Unopened::Failed(error.to_string()),
        }
    }
}

impl From<CheckpointError> for Unopened {
    fn from(error: CheckpointError) -> Unopened {
        match error {
            CheckpointError::Disk(error) => error.into(),
            malformed => Unopened::Failed(malformed.to_string()),
        }
    }
}

impl From<OpenError> for Unopened {
    fn from(error: OpenError) -> Unopened {
        match error {
            OpenError::Disk(error) => error.into(),
            damaged => Unopened::Failed(damaged.to_string()),
        }
    }
}

/// Opens or creates the log of a partition in which this broker is to play `role`. After an error it can be tried again: recovery is
/// repeatable, and whatever else is written here replaces a file as a whole.
pub async fn open<D: Disk>(
    disk: D,
    checkpoints: &Checkpoints,
    key: PartitionKey,
    topic: &str,
    role: &Role,
    config: &TopicConfig,
) -> Result<Opened<D>, Unopened> {
    let name = PartitionName::new(topic, key.index);
    match aside::owner(&disk, &name).await? {
        Owner::Nobody => {}
        Owner::Topic(owner) if owner == key.topic => {}
        // Perhaps this topic's: an empty log in its place would be taken for all that was ever committed.
        Owner::Unreadable => {
            return Err(Unopened::Failed(format!(
                "nobody can tell whose the directory {} is",
                name.dir().display()
            )));
        }
        // What was in it may be all that is left of something.
        Owner::Topic(_) => {
            aside::set_aside(&disk, checkpoints, vec![name.clone()], Aside::Stray).await?;
        }
    }
    let Known { recovery, high_watermark } = checkpoints.known(name.clone()).await;
    let (mut log, recovered) = Log::open(disk.clone(), name.dir(), log_config(config), recovery).await?;
    claim(&disk, &log, key.topic).await?;
    if let Role::Leader(leadership) = role {
        log.begin_epoch(leadership.epoch);
    }
    if let Some(ticket) = log.begin_sync() {
        let done = ticket.run(&disk).await?;
        log.finish_sync(done);
    }
    Ok(Opened { log, recovered, high_watermark })
}

/// Writes the topic's id into a new log's directory.
async fn claim<D: Disk>(disk: &D, log: &Log<D>, topic: TopicId) -> Result<(), Unopened> {
    match partition_metadata::read(disk, log.dir()).await? {
        Some(owner) => assert_eq!(owner, topic, "a stray directory was opened"),
        None => partition_metadata::write(disk, log.dir(), topic).await?,
    }
    Ok(())
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
        producers: true,
    }
}
