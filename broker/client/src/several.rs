//! Requests about several partitions at once, as producers and consumers of many partitions send them.
//!
//! Partitions of one topic that stand next to each other share its entry. Answers are looked up by place: a broker
//! may answer in any order.

use crate::single::{FetchLimits, Topic};
use bytes::Bytes;
use model::{Offset, PartitionIndex};
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData};
use protocol::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
};

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The topic.
    pub topic: Topic,
    /// The partition's number.
    pub partition: PartitionIndex,
}

/// Appends one batch to each of the places.
pub fn produce(batches: &[(Place, Bytes)], acks: i16, timeout_ms: i32) -> ProduceRequest {
    let mut topic_data: Vec<TopicProduceData> = Vec::new();
    for (Place { topic, partition }, batch) in batches {
        let data = PartitionProduceData { index: partition.0, records: Some(batch.clone()) };
        match topic_data.last_mut().filter(|last| last.name == topic.name) {
            Some(last) => last.partition_data.push(data),
            None => topic_data.push(TopicProduceData {
                name: topic.name.clone(),
                topic_id: topic.id.0,
                partition_data: vec![data],
            }),
        }
    }
    ProduceRequest { transactional_id: None, acks, timeout_ms, topic_data }
}

/// What became of one of them.
pub fn produced<'a>(response: &'a ProduceResponse, place: &Place) -> Option<&'a PartitionProduceResponse> {
    response
        .responses
        .iter()
        // Old versions carry the name and no id, new ones the id and no name.
        .filter(|told| {
            told.name == place.topic.name || (told.name.is_empty() && told.topic_id == place.topic.id.0)
        })
        .flat_map(|told| &told.partition_responses)
        .find(|told| told.index == place.partition.0)
}

/// Reads several partitions, each from its own offset on, outside of a fetch session. The limit by bytes holds for
/// each of them, too.
pub fn fetch(wanted: &[(Place, Offset)], limits: FetchLimits) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (Place { topic, partition }, from) in wanted {
        let wanted = FetchPartition {
            partition: partition.0,
            fetch_offset: from.0,
            partition_max_bytes: limits.max_bytes,
            ..Default::default()
        };
        match topics.last_mut().filter(|last| last.topic == topic.name) {
            Some(last) => last.partitions.push(wanted),
            None => topics.push(FetchTopic {
                topic: topic.name.clone(),
                topic_id: topic.id.0,
                partitions: vec![wanted],
            }),
        }
    }
    FetchRequest {
        max_wait_ms: limits.max_wait_ms,
        min_bytes: limits.min_bytes,
        max_bytes: limits.max_bytes,
        session_id: 0,
        session_epoch: -1,
        topics,
        ..Default::default()
    }
}

/// What was read from one of them.
pub fn fetched<'a>(response: &'a FetchResponse, place: &Place) -> Option<&'a PartitionData> {
    response
        .responses
        .iter()
        .filter(|told| {
            told.topic == place.topic.name || (told.topic.is_empty() && told.topic_id == place.topic.id.0)
        })
        .flat_map(|told| &told.partitions)
        .find(|told| told.partition_index == place.partition.0)
}
