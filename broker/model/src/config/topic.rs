//! A topic's configs, typed: what `log`, `replica` and the server read.

use super::entry::{Lookup, Scope, lookup};
use super::layers::{Layers, Overrides};
use super::value::{ConfigError, Value};

/// What "stored" means for a topic's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `flush.messages=1`: an acknowledged record is in stable storage.
    Durable,
    /// Any other value: an acknowledged record is in the page caches of its replicas, as in Kafka. Counting to
    /// the number given is not attempted; the operating system and the roll of a segment flush.
    PageCache,
}

/// Which timestamp a record keeps (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The leader's when it appended the batch.
    LogAppendTime,
}

/// What becomes of old segments (`cleanup.policy`); neither means that they are kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// The last record of every key is kept.
    pub compact: bool,
    /// Segments beyond retention are removed.
    pub delete: bool,
}

/// How batches are compressed in the log (`compression.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Not at all.
    Uncompressed,
    /// With gzip.
    Gzip,
    /// With snappy.
    Snappy,
    /// With lz4.
    Lz4,
    /// With zstd.
    Zstd,
}

/// All configs of one topic as they stand after every layer. Times are milliseconds, sizes are bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy`.
    pub cleanup: Cleanup,
    /// `compression.type`.
    pub compression: CompressionType,
    /// `compression.gzip.level`, -1 for zlib's default.
    pub gzip_level: i32,
    /// `compression.lz4.level`.
    pub lz4_level: i32,
    /// `compression.zstd.level`.
    pub zstd_level: i32,
    /// `delete.retention.ms`: how long a tombstone stays.
    pub delete_retention_ms: u64,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: u64,
    /// `flush.messages`; see [`TopicConfig::durability`].
    pub flush_messages: u64,
    /// `flush.ms`.
    pub flush_ms: u64,
    /// `index.interval.bytes`: an index entry at least this far from the last one.
    pub index_interval_bytes: u32,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: u64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: u64,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `max.message.bytes`: the largest batch taken, as it was sent.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how much older than the broker's clock a record may claim to be.
    pub timestamp_before_max_ms: u64,
    /// `message.timestamp.after.max.ms`: how much younger.
    pub timestamp_after_max_ms: u64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// `preallocate`.
    pub preallocate: bool,
    /// `retention.bytes`; none for no limit.
    pub retention_bytes: Option<u64>,
    /// `retention.ms`; none for no limit.
    pub retention_ms: Option<u64>,
    /// `segment.bytes`, or `internal.segment.bytes` where that is set.
    pub segment_bytes: u32,
    /// `segment.index.bytes`: the most an index may hold.
    pub segment_index_bytes: u32,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: u64,
    /// `segment.ms`: a segment older than this is rolled.
    pub segment_ms: u64,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
}

/// The configs that the election of a leader obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElectionConfig {
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
}

impl ElectionConfig {
    /// What the layers say: as [`TopicConfig`] has it, at a fraction of the cost. A value that its config does not take
    /// counts for nothing: one replica, and no unclean election.
    pub fn resolve(layers: &Layers<'_>) -> ElectionConfig {
        let value = |name| layers.value(name).ok().flatten();
        ElectionConfig {
            min_insync_replicas: value("min.insync.replicas").map_or(1, |value| value.number().max(1) as u32),
            unclean_leader_election: value("unclean.leader.election.enable").is_some_and(Value::bool),
        }
    }
}

impl TopicConfig {
    /// What the layers say. Fails when one of them holds a value that its config does not take, or when they
    /// contradict each other.
    pub fn resolve(layers: &Layers<'_>) -> Result<TopicConfig, ConfigError> {
        let config = TopicConfig::read(layers)?;
        if config.min_compaction_lag_ms > config.max_compaction_lag_ms {
            return Err(ConfigError::Conflict(format!(
                "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
                config.min_compaction_lag_ms, config.max_compaction_lag_ms
            )));
        }
        Ok(config)
    }

    /// Whether a topic may be created with these overrides, or altered to have them, on a broker whose other
    /// layers are `below`.
    pub fn validate(overrides: &Overrides, below: Layers<'_>) -> Result<TopicConfig, ConfigError> {
        let unknown = overrides.keys().find(|name| !matches!(lookup(Scope::Topic, name), Lookup::Known(_)));
        if let Some(name) = unknown {
            return Err(ConfigError::UnknownTopicConfig(name.to_string()));
        }
        for (name, text) in overrides {
            super::entry::row(Scope::Topic, name).parse(text)?;
        }
        let layers = Layers { topic: overrides, ..below };
        if layers.value("remote.storage.enable")?.is_some_and(Value::bool) {
            let message = "Tiered Storage functionality is disabled in the broker. \
                           Topic cannot be configured with remote log storage.";
            return Err(ConfigError::Conflict(message.to_owned()));
        }
        TopicConfig::resolve(&layers)
    }

    /// What every topic has on a broker without any settings.
    pub fn defaults() -> TopicConfig {
        let none = Overrides::new();
        TopicConfig::resolve(&Layers::fixed(&none, &none)).expect("the defaults are consistent")
    }

    /// The topic's mode.
    pub fn durability(&self) -> Durability {
        if self.flush_messages == 1 { Durability::Durable } else { Durability::PageCache }
    }

    fn read(layers: &Layers<'_>) -> Result<TopicConfig, ConfigError> {
        let value = |name| Ok(layers.value(name)?.expect("a topic config with a default"));
        let signed = |name| -> Result<i64, ConfigError> { Ok(value(name)?.number()) };
        let long = |name| -> Result<u64, ConfigError> { Ok(signed(name)?.max(0) as u64) };
        let limit = |name| -> Result<Option<u64>, ConfigError> { Ok(u64::try_from(signed(name)?).ok()) };
        let int = |name| -> Result<u32, ConfigError> { Ok(long(name)? as u32) };
        let level = |name| -> Result<i32, ConfigError> { Ok(signed(name)? as i32) };
        let flag = |name| -> Result<bool, ConfigError> { Ok(value(name)?.bool()) };
        let policies = value("cleanup.policy")?.list();
        let has = |policy: &str| policies.iter().any(|given| given == policy);
        let segment_bytes = match layers.value("internal.segment.bytes")? {
            Some(internal) => internal.number().max(1) as u32,
            None => int("segment.bytes")?,
        };
        Ok(TopicConfig {
            cleanup: Cleanup { compact: has("compact"), delete: has("delete") },
            compression: compression_type(&value("compression.type")?.text()),
            gzip_level: level("compression.gzip.level")?,
            lz4_level: level("compression.lz4.level")?,
            zstd_level: level("compression.zstd.level")?,
            delete_retention_ms: long("delete.retention.ms")?,
            file_delete_delay_ms: long("file.delete.delay.ms")?,
            flush_messages: long("flush.messages")?,
            flush_ms: long("flush.ms")?,
            index_interval_bytes: int("index.interval.bytes")?,
            max_compaction_lag_ms: long("max.compaction.lag.ms")?,
            min_compaction_lag_ms: long("min.compaction.lag.ms")?,
            min_cleanable_dirty_ratio: value("min.cleanable.dirty.ratio")?.real(),
            max_message_bytes: int("max.message.bytes")?,
            timestamp_type: timestamp_type(&value("message.timestamp.type")?.text()),
            timestamp_before_max_ms: long("message.timestamp.before.max.ms")?,
            timestamp_after_max_ms: long("message.timestamp.after.max.ms")?,
            min_insync_replicas: int("min.insync.replicas")?,
            preallocate: flag("preallocate")?,
            retention_bytes: limit("retention.bytes")?,
            retention_ms: limit("retention.ms")?,
            segment_bytes,
            segment_index_bytes: int("segment.index.bytes")?,
            segment_jitter_ms: long("segment.jitter.ms")?,
            segment_ms: long("segment.ms")?,
            unclean_leader_election: flag("unclean.leader.election.enable")?,
        })
    }
}

/// Of a text that passed the check of `compression.type`.
fn compression_type(text: &str) -> CompressionType {
    match text {
        "uncompressed" => CompressionType::Uncompressed,
        "gzip" => CompressionType::Gzip,
        "snappy" => CompressionType::Snappy,
        "lz4" => CompressionType::Lz4,
        "zstd" => CompressionType::Zstd,
        "producer" => CompressionType::Producer,
        other => panic!("compression.type {other} passed its check"),
    }
}

/// Of a text that passed the check of `message.timestamp.type`.
fn timestamp_type(text: &str) -> TimestampType {
    match text {
        "CreateTime" => TimestampType::CreateTime,
        "LogAppendTime" => TimestampType::LogAppendTime,
        other => panic!("message.timestamp.type {other} passed its check"),
    }
}

#[cfg(test)]
#[path = "topic_test.rs"]
mod tests;
