//! Cluster metadata: decide records, replay records, image.
//!
//! ```text
//!   request ──► decide (on the speculative image) ──► Decision { records, reply }
//!                                                        │ appended to __cluster_metadata
//!                                                        ▼
//!   ClusterImage ◄── replay(record) ── the log, in order, the same on every node
//! ```
//!
//! [`Controller`] holds both images of the active controller: *committed*, which readers and brokers see, and
//! *speculative*, which also has what was appended and not yet committed, and which decisions are made on. A reply
//! waits until its records are committed; a resignation throws the speculative image away. On every other node
//! the two are one.
//!
//! [`ClusterImage`] changes only by replay, and is made of persistent maps: a clone costs nothing and is what
//! readers, undo and [`ClusterImage::changes_since`] are built on; [`ClusterImage::records`] is what a snapshot of
//! the log holds. Nothing in this crate reads a clock, draws a random number or waits.
//!
//! What the active controller knows and never writes is who is alive ([`Controller::heartbeat`],
//! [`Controller::expire`]): it is lost with the leadership, and the next controller begins anew.
//!
//! **What is finalized, and why** ([`features`]): `metadata.version` 4.3-IV0, because the records are written as
//! Kafka 4.3 writes them, and `eligible.leader.replicas.version` 1, because elections know eligible leader replicas
//! (KIP-966); a log that began without that feature goes on without it. No other feature, because a finalized feature
//! is a promise to clients: not `transaction.version` (there are no transactions), nor `group.version`,
//! `share.version` or `streams.version` (there are no groups). `kraft.version` is not a record of this log but of the
//! quorum's.

mod activation;
mod alter_partition;
mod assignment;
mod broker;
mod brokers;
mod changes;
mod configs;
mod controller;
mod create_partitions;
mod create_topics;
mod decision;
mod delete_topics;
mod directories;
mod elect_leaders;
mod election;
pub mod features;
mod heartbeat;
mod image;
mod partition_change;
mod placement;
mod producer_ids;
mod replay;
#[cfg(test)]
#[path = "scene_test.rs"]
mod scene;
mod sessions;
mod snapshot;
mod topic;
mod topic_name;

pub use alter_partition::{AlterOutcome, AlterPartition, AlterPartitions, AlteredPartition};
pub use broker::{Broker, ControllerNode, FeatureRange, NodeEndpoint};
pub use brokers::{BrokerRegistration, ControllerRegistration};
pub use changes::{Changes, Fate, PartitionChange};
pub use configs::{ConfigResource, ResourceKind};
pub use controller::{Controller, Due, Settings};
pub use create_partitions::{CreatePartitions, MorePartitions, PartitionsOutcome};
pub use create_topics::{
    CreateTopics, CreatedTopic, NewTopic, PARTITIONS_MAX, ReplicaAssignment, TopicDraws, TopicOutcome,
};
pub use decision::{Atomicity, Decision, RECORDS_MAX, Reason, Refusal};
pub use delete_topics::{DeletedTopic, TopicToDelete};
pub use elect_leaders::{BALANCE_MAX, ElectLeaders, ElectionKind, ElectionOutcomes};
pub use heartbeat::{Heartbeat, HeartbeatReply};
pub use image::{ClusterImage, Transaction};
pub use producer_ids::{PRODUCER_ID_BLOCK_SIZE, ProducerIdBlock};
pub use replay::ReplayError;
pub use topic::{LeaderRecovery, Partition, Topic};
pub use topic_name::{INTERNAL_TOPICS, METADATA_TOPIC, check_topic_name};
