//! Every topic config of Kafka 4.3 (KIP-226's dynamic topic configs; names, types, defaults and checks as its
//! `LogConfig` defines them), ordered by name.

use super::entry::{Check, Entry, Kind, Synonym, Unit};

const fn same(name: &'static str) -> Synonym {
    Synonym { name, unit: Unit::Same }
}

const fn minutes(name: &'static str) -> Synonym {
    Synonym { name, unit: Unit::Minutes }
}

const fn hours(name: &'static str) -> Synonym {
    Synonym { name, unit: Unit::Hours }
}

const MAX: &str = "9223372036854775807";
const WEEK_MS: &str = "604800000";

/// The segment size that the tests of a log can bear; the public config begins at 1 MiB.
const SEGMENT_BYTES_MIN: i64 = 1 << 20;

#[rustfmt::skip]
pub(super) static TOPIC: &[Entry] = &[
    Entry::topic("cleanup.policy", Kind::List, "delete").check(Check::ListOf { of: &["compact", "delete"], empty: true })
        .from(&[same("log.cleanup.policy")]),
    Entry::topic("compression.gzip.level", Kind::Int, "-1").check(Check::GzipLevel).from(&[same("compression.gzip.level")]),
    Entry::topic("compression.lz4.level", Kind::Int, "9").check(Check::Between(1, 17)).from(&[same("compression.lz4.level")]),
    Entry::topic("compression.type", Kind::Text, "producer").check(Check::OneOf(super::broker_table::COMPRESSION_TYPES))
        .from(&[same("compression.type")]),
    Entry::topic("compression.zstd.level", Kind::Int, "3").check(Check::Between(-131072, 22)).from(&[same("compression.zstd.level")]),
    Entry::topic("delete.retention.ms", Kind::Long, "86400000").check(Check::AtLeast(0)).from(&[same("log.cleaner.delete.retention.ms")]),
    Entry::topic("file.delete.delay.ms", Kind::Long, "60000").check(Check::AtLeast(0)).from(&[same("log.segment.delete.delay.ms")]),
    Entry::topic("flush.messages", Kind::Long, "1").check(Check::AtLeast(1)).obeyed().from(&[same("log.flush.interval.messages")]),
    Entry::topic("flush.ms", Kind::Long, MAX).check(Check::AtLeast(0))
        .from(&[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")]),
    Entry::topic("follower.replication.throttled.replicas", Kind::List, "").check(Check::ThrottledReplicas),
    Entry::topic("index.interval.bytes", Kind::Int, "4096").check(Check::AtLeast(0)).obeyed().from(&[same("log.index.interval.bytes")]),
    Entry::topic("internal.segment.bytes", Kind::Int, "").unset().obeyed().internal(),
    Entry::topic("leader.replication.throttled.replicas", Kind::List, "").check(Check::ThrottledReplicas),
    Entry::topic("local.retention.bytes", Kind::Long, "-2").check(Check::AtLeast(-2)).from(&[same("log.local.retention.bytes")]),
    Entry::topic("local.retention.ms", Kind::Long, "-2").check(Check::AtLeast(-2)).from(&[same("log.local.retention.ms")]),
    Entry::topic("max.compaction.lag.ms", Kind::Long, MAX).check(Check::AtLeast(1)).from(&[same("log.cleaner.max.compaction.lag.ms")]),
    Entry::topic("max.message.bytes", Kind::Int, "1048588").check(Check::AtLeast(0)).obeyed().from(&[same("message.max.bytes")]),
    Entry::topic("message.timestamp.after.max.ms", Kind::Long, "3600000").check(Check::AtLeast(0)).obeyed()
        .from(&[same("log.message.timestamp.after.max.ms")]),
    Entry::topic("message.timestamp.before.max.ms", Kind::Long, MAX).check(Check::AtLeast(0)).obeyed()
        .from(&[same("log.message.timestamp.before.max.ms")]),
    Entry::topic("message.timestamp.type", Kind::Text, "CreateTime").check(Check::OneOf(super::broker_table::TIMESTAMP_TYPES)).obeyed()
        .from(&[same("log.message.timestamp.type")]),
    Entry::topic("min.cleanable.dirty.ratio", Kind::Double, "0.5").check(Check::Within(0.0, 1.0))
        .from(&[same("log.cleaner.min.cleanable.ratio")]),
    Entry::topic("min.compaction.lag.ms", Kind::Long, "0").check(Check::AtLeast(0)).from(&[same("log.cleaner.min.compaction.lag.ms")]),
    Entry::topic("min.insync.replicas", Kind::Int, "1").check(Check::AtLeast(1)).obeyed().from(&[same("min.insync.replicas")]),
    Entry::topic("preallocate", Kind::Bool, "false").from(&[same("log.preallocate")]),
    Entry::topic("remote.log.copy.disable", Kind::Bool, "false"),
    Entry::topic("remote.log.delete.on.disable", Kind::Bool, "false"),
    // Obeyed in the one way open to a broker without tiered storage: `true` is refused, as Kafka refuses it.
    Entry::topic("remote.storage.enable", Kind::Bool, "false").obeyed(),
    Entry::topic("retention.bytes", Kind::Long, "-1").from(&[same("log.retention.bytes")]),
    Entry::topic("retention.ms", Kind::Long, WEEK_MS).check(Check::AtLeast(-1))
        .from(&[same("log.retention.ms"), minutes("log.retention.minutes"), hours("log.retention.hours")]),
    Entry::topic("segment.bytes", Kind::Int, "1073741824").check(Check::AtLeast(SEGMENT_BYTES_MIN)).obeyed()
        .from(&[same("log.segment.bytes")]),
    Entry::topic("segment.index.bytes", Kind::Int, "10485760").check(Check::AtLeast(4)).obeyed().from(&[same("log.index.size.max.bytes")]),
    Entry::topic("segment.jitter.ms", Kind::Long, "0").check(Check::AtLeast(0))
        .from(&[same("log.roll.jitter.ms"), hours("log.roll.jitter.hours")]),
    Entry::topic("segment.ms", Kind::Long, WEEK_MS).check(Check::AtLeast(1)).obeyed().from(&[same("log.roll.ms"), hours("log.roll.hours")]),
    Entry::topic("unclean.leader.election.enable", Kind::Bool, "false").obeyed().from(&[same("unclean.leader.election.enable")]),
];
