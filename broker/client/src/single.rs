//! Requests about a single partition or topic, and what their answers say about it.
//!
//! Most of what tests, peers and tools ask concerns one partition; the protocol wraps that into lists of lists. An
//! answer that does not speak of what was asked gives `None`: the broker's mistake, for the caller to judge.

use crate::several::{self, Place};
use bytes::Bytes;
use model::{Offset, PartitionIndex, TopicId, Uuid};
use protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use protocol::messages::fetch::{FetchRequest, FetchResponse, PartitionData};
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic,
};
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use protocol::messages::produce::{PartitionProduceResponse, ProduceRequest, ProduceResponse};

/// A topic by both of its names: which one goes over the wire depends on a request's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id; zero when it is not known, which old versions do without.
    pub id: TopicId,
}

/// What a fetch asks for beside the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// How long the broker may wait for `min_bytes`, in milliseconds.
    pub max_wait_ms: i32,
    /// What it waits for.
    pub min_bytes: i32,
    /// What it may send, but for a first batch that is larger.
    pub max_bytes: i32,
}

/// Appends one batch.
pub fn produce(
    topic: &Topic,
    partition: PartitionIndex,
    acks: i16,
    timeout_ms: i32,
    batch: Bytes,
) -> ProduceRequest {
    several::produce(&[(Place { topic: topic.clone(), partition }, batch)], acks, timeout_ms)
}

/// What became of it.
pub fn produced(response: &ProduceResponse) -> Option<&PartitionProduceResponse> {
    response.responses.first()?.partition_responses.first()
}

/// Reads one partition from `from` on, outside of a fetch session.
pub fn fetch(topic: &Topic, partition: PartitionIndex, from: Offset, limits: FetchLimits) -> FetchRequest {
    several::fetch(&[(Place { topic: topic.clone(), partition }, from)], limits)
}

/// What was read. `None` also when the answer as a whole is an error: see its `error_code`.
pub fn fetched(response: &FetchResponse) -> Option<&PartitionData> {
    response.responses.first()?.partitions.first()
}

/// Asks for the offset of a timestamp, or of one of Kafka's names below zero (-1 the end, -2 the beginning).
pub fn list_offsets(topic: &Topic, partition: PartitionIndex, timestamp: i64) -> ListOffsetsRequest {
    let wanted = ListOffsetsPartition { partition_index: partition.0, timestamp, ..Default::default() };
    let topic = ListOffsetsTopic { name: topic.name.clone(), partitions: vec![wanted] };
    ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() }
}

/// The offset.
pub fn listed(response: &ListOffsetsResponse) -> Option<&ListOffsetsPartitionResponse> {
    response.topics.first()?.partitions.first()
}

/// Creates a topic with one replica a partition.
pub fn create_topic(
    name: &str,
    partitions: i32,
    configs: &[(String, String)],
    timeout_ms: i32,
) -> CreateTopicsRequest {
    let configs = configs
        .iter()
        .map(|(name, value)| CreatableTopicConfig { name: name.clone(), value: Some(value.clone()) })
        .collect();
    let topic = CreatableTopic {
        name: name.to_string(),
        num_partitions: partitions,
        replication_factor: 1,
        assignments: Vec::new(),
        configs,
    };
    CreateTopicsRequest { topics: vec![topic], timeout_ms, validate_only: false }
}

/// What became of it.
pub fn created(response: &CreateTopicsResponse) -> Option<&CreatableTopicResult> {
    response.topics.first()
}

/// Asks for all topics (null from version 1 on; an empty list said so in version 0).
pub fn all_topics(version: i16) -> MetadataRequest {
    let topics = (version == 0).then(Vec::new);
    MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() }
}

/// Asks for one topic without creating it. Version 4 or later: the older ones would create it.
pub fn one_topic(name: &str) -> MetadataRequest {
    let topic = MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some(name.to_string()) };
    MetadataRequest { topics: Some(vec![topic]), allow_auto_topic_creation: false, ..Default::default() }
}
