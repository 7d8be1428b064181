//! Configuration: one table of every config that the broker knows, and what reads it.
//!
//! Kafka's names, defaults and messages, as of Kafka 4.3, because the files, tools and habits of its users are
//! the interface. A row of the table says what a config is called, how its text is read and checked, who may
//! change it while the broker runs, and whether Tidemark *obeys* it or merely *accepts* it ([`Effect`]): what
//! is accepted without effect can be listed for the operator instead of being silently ignored.
//!
//! ```text
//!   text of a file ──properties──► pairs ──BrokerSettings::from_pairs──► BrokerSettings (typed) + notices
//!   topic overrides + broker's settings ──Layers──► TopicConfig (typed), ConfigEntry (as DescribeConfigs lists)
//! ```
//!
//! Deliberately different from Kafka: `flush.messages` is 1 by default (durable: README.md, "Durable by default"), the
//! broker listens on loopback and stores below the working directory unless it is told otherwise.

mod broker;
mod broker_table;
mod documentation;
mod entry;
mod kafka_names;
mod layers;
mod listener;
pub mod properties;
mod topic;
mod topic_table;
mod value;

pub use broker::{
    BrokerSettings, Notice, ProducerSettings, QuorumSettings, ReplicationSettings, Roles, SnapshotSettings,
};
pub use documentation::documentation;
pub use entry::{Change, Check, Effect, Entry, Kind, Lookup, Scope, Synonym, Unit, lookup, table};
pub use layers::{ConfigEntry, ConfigSynonym, Layers, Overrides, Source};
pub use listener::{Endpoint, Listener, Voter};
pub use topic::{Cleanup, CompressionType, Durability, ElectionConfig, TimestampType, TopicConfig};
pub use value::{ConfigError, Value};
