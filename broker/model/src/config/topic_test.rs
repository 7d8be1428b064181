//! The table against Kafka's own numbers, and topics' configs from their layers.

use super::super::layers::Source;
use super::super::{Kind, table};
use super::*;
use std::sync::Arc;

fn overrides(pairs: &[(&str, &str)]) -> Overrides {
    pairs.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect()
}

fn refused(pairs: &[(&str, &str)], message: &str) {
    let none = Overrides::new();
    let error = TopicConfig::validate(&overrides(pairs), Layers::fixed(&none, &none)).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn tables_are_ordered_and_every_default_passes_its_own_check() {
    for scope in [Scope::Broker, Scope::Topic] {
        let entries = table(scope);
        assert!(entries.windows(2).all(|pair| pair[0].name < pair[1].name), "{scope:?}");
        for entry in entries {
            assert_eq!(entry.scope, scope, "{}", entry.name);
            assert!(entry.default.is_none_or(|text| entry.parse(text).is_ok()), "{}", entry.name);
        }
    }
    let names = super::super::kafka_names::NAMES;
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(
        names.iter().all(|name| matches!(lookup(Scope::Broker, name), Lookup::KafkaOnly)),
        "in one list only"
    );
}

#[test]
fn every_synonym_of_a_topic_config_is_a_broker_config_with_the_same_default() {
    for entry in table(Scope::Topic) {
        for synonym in entry.synonyms {
            let Lookup::Known(broker) = lookup(Scope::Broker, synonym.name) else {
                panic!("{} of {}", synonym.name, entry.name);
            };
            assert_eq!(broker.effect, entry.effect, "{}", synonym.name);
            if let Some(text) = broker.default {
                let given = overrides(&[(synonym.name, text)]);
                let none = Overrides::new();
                let layers = Layers::fixed(&given, &none);
                let (value, source) = layers.resolve(entry);
                assert_eq!((value.as_deref(), source), (entry.default, Source::Static), "{}", synonym.name);
            }
        }
    }
}

#[test]
fn defaults_are_those_of_kafka_but_durable() {
    let config = TopicConfig::defaults();
    assert_eq!(config.durability(), Durability::Durable);
    assert_eq!(config.flush_messages, 1);
    assert_eq!(config.segment_bytes, 1 << 30);
    assert_eq!(config.segment_ms, 7 * 24 * 3_600_000);
    assert_eq!(config.segment_index_bytes, 10 << 20);
    assert_eq!(config.index_interval_bytes, 4096);
    assert_eq!(config.max_message_bytes, (1 << 20) + 12);
    assert_eq!(config.retention_ms, Some(7 * 24 * 3_600_000));
    assert_eq!(config.retention_bytes, None);
    assert_eq!(config.cleanup, Cleanup { compact: false, delete: true });
    assert_eq!(config.compression, CompressionType::Producer);
    assert_eq!(config.timestamp_type, TimestampType::CreateTime);
    assert_eq!(config.timestamp_before_max_ms, i64::MAX as u64);
    assert_eq!(config.min_insync_replicas, 1);
    assert_eq!(config.min_cleanable_dirty_ratio, 0.5);
    assert!(!config.unclean_leader_election);
}

#[test]
fn the_first_layer_that_says_something_wins() {
    let topic = overrides(&[("segment.bytes", "1048577")]);
    let broker = overrides(&[("log.segment.bytes", "1048578"), ("log.roll.hours", "1")]);
    let cluster = overrides(&[("log.roll.ms", "7"), ("log.flush.interval.messages", "9")]);
    let fixed = overrides(&[("log.flush.interval.messages", "1"), ("log.retention.minutes", "2")]);
    let layers = Layers { topic: &topic, broker: &broker, cluster: &cluster, fixed: &fixed };
    let entries = layers.entries();
    let entry = |name: &str| {
        let entry = entries.iter().find(|entry| entry.name == name).unwrap();
        (entry.value.as_deref().unwrap(), entry.source)
    };
    assert_eq!(entry("segment.bytes"), ("1048577", Source::Topic));
    assert_eq!(entry("segment.ms"), ("3600000", Source::Broker));
    assert_eq!(entry("flush.messages"), ("9", Source::Cluster));
    assert_eq!(entry("retention.ms"), ("120000", Source::Static));
    assert_eq!(entry("cleanup.policy"), ("delete", Source::Default));
    let config = TopicConfig::resolve(&layers).unwrap();
    assert_eq!((config.segment_bytes, config.segment_ms), (1048577, 3_600_000));
    assert_eq!((config.durability(), config.retention_ms), (Durability::PageCache, Some(120_000)));
}

#[test]
fn kafka_4_3_lists_these_topic_configs_and_no_internal_ones() {
    let none = Overrides::new();
    let entries = Layers::fixed(&none, &none).entries();
    assert_eq!(entries.len(), 33);
    assert!(entries.iter().all(|entry| entry.name != "internal.segment.bytes"));
    let with = overrides(&[("internal.segment.bytes", "4096")]);
    let layers = Layers { topic: &with, ..Layers::fixed(&none, &none) };
    assert_eq!(layers.entries().len(), 34);
    assert_eq!(TopicConfig::resolve(&layers).unwrap().segment_bytes, 4096);
}

#[test]
fn refusals_say_what_was_wrong_as_kafka_says_it() {
    refused(&[("no.such.config", "1")], "Unknown topic config name: no.such.config");
    refused(&[("log.segment.bytes", "1048576")], "Unknown topic config name: log.segment.bytes");
    refused(
        &[("segment.bytes", "many")],
        "Invalid value many for configuration segment.bytes: Not a number of type INT",
    );
    refused(
        &[("segment.bytes", "2147483648")],
        "Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT",
    );
    refused(
        &[("segment.bytes", "10")],
        "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576",
    );
    refused(
        &[("min.cleanable.dirty.ratio", "1.5")],
        "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
    );
    refused(
        &[("compression.gzip.level", "0")],
        "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
    );
    refused(
        &[("preallocate", "yes")],
        "Invalid value yes for configuration preallocate: Expected value to be either true or false",
    );
    refused(
        &[("message.timestamp.type", "Whenever")],
        "Invalid value Whenever for configuration message.timestamp.type: String must be one of: CreateTime, \
         LogAppendTime",
    );
    refused(
        &[("cleanup.policy", "delete,shred")],
        "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete",
    );
    refused(
        &[("cleanup.policy", "delete,delete")],
        "Configuration 'cleanup.policy' values must not be duplicated.",
    );
    refused(&[("cleanup.policy", "delete,")], "Configuration 'cleanup.policy' values must not be empty.");
    refused(
        &[("min.compaction.lag.ms", "5"), ("max.compaction.lag.ms", "4")],
        "conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)",
    );
    refused(
        &[("remote.storage.enable", "true")],
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log \
         storage.",
    );
}

#[test]
fn values_are_read_as_java_reads_them() {
    let none = Overrides::new();
    let given = overrides(&[
        ("segment.bytes", " +1048576\t"),
        ("preallocate", "TRUE"),
        ("cleanup.policy", " compact , delete "),
        ("leader.replication.throttled.replicas", "0:1,1:2"),
        ("follower.replication.throttled.replicas", "*"),
        ("retention.ms", "-1"),
    ]);
    let config = TopicConfig::validate(&given, Layers::fixed(&none, &none)).unwrap();
    assert_eq!((config.segment_bytes, config.preallocate, config.retention_ms), (1 << 20, true, None));
    assert_eq!(config.cleanup, Cleanup { compact: true, delete: true });
    let kept_for_ever = overrides(&[("cleanup.policy", "")]);
    let config = TopicConfig::validate(&kept_for_ever, Layers::fixed(&none, &none)).unwrap();
    assert_eq!(config.cleanup, Cleanup { compact: false, delete: false });
}

#[test]
fn types_have_kafkas_numbers() {
    let kinds = [Kind::Bool, Kind::Text, Kind::Int, Kind::Short, Kind::Long, Kind::Double, Kind::List];
    assert_eq!(kinds.map(Kind::code), [1, 2, 3, 4, 5, 6, 7]);
}
