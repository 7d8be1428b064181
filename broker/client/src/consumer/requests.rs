//! The consumer's questions and their answers, between what the core means and what goes over the wire.

use super::core::{Place, Told, Wanted};
use super::rules::ConsumerConfig;
use crate::metadata::Metadata;
use model::{LeaderEpoch, TopicId};
use protocol::ErrorCode;
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData};
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};
use protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use std::collections::BTreeMap;

/// The last version of Fetch that names topics by name: for topics whose id nobody has told.
const NAMED_VERSION: i16 = 12;
/// A consumer, where a follower would name itself.
const CONSUMER: i32 = -1;

/// A question.
pub(super) enum Question {
    /// With the newest version that it may have.
    Fetch(FetchRequest, i16),
    ListOffsets(ListOffsetsRequest),
    Ends(OffsetForLeaderEpochRequest),
}

pub(super) fn question(wanted: Wanted, config: &ConsumerConfig, metadata: &Metadata) -> Question {
    match wanted {
        Wanted::Records(wanted) => fetch(wanted, config, metadata),
        Wanted::Offsets(wanted) => {
            let partition = |(index, epoch, timestamp): (i32, LeaderEpoch, i64)| ListOffsetsPartition {
                partition_index: index,
                current_leader_epoch: epoch.0,
                timestamp,
            };
            let topics = by_topic(wanted, partition);
            let topics = topics.map(|(name, partitions)| ListOffsetsTopic { name, partitions });
            let topics = topics.collect();
            Question::ListOffsets(ListOffsetsRequest {
                replica_id: CONSUMER,
                topics,
                ..ListOffsetsRequest::default()
            })
        }
        Wanted::Ends(wanted) => {
            let partition = |(partition, epoch, last): (i32, LeaderEpoch, LeaderEpoch)| {
                OffsetForLeaderPartition { partition, current_leader_epoch: epoch.0, leader_epoch: last.0 }
            };
            let topics = by_topic(wanted, partition);
            let topics = topics.map(|(topic, partitions)| OffsetForLeaderTopic { topic, partitions });
            Question::Ends(OffsetForLeaderEpochRequest { replica_id: CONSUMER, topics: topics.collect() })
        }
    }
}

fn fetch(wanted: Vec<(Place, LeaderEpoch, i64)>, config: &ConsumerConfig, metadata: &Metadata) -> Question {
    let mut newest = i16::MAX;
    let partition = |(partition, epoch, offset): (i32, LeaderEpoch, i64)| FetchPartition {
        partition,
        current_leader_epoch: epoch.0,
        fetch_offset: offset,
        partition_max_bytes: config.partition_max_bytes,
        ..FetchPartition::default()
    };
    let mut topics = Vec::new();
    for (topic, partitions) in by_topic(wanted, partition) {
        let id = metadata.topic(&topic).map_or(TopicId::default(), |known| known.id);
        if id == TopicId::default() {
            newest = NAMED_VERSION;
        }
        topics.push(FetchTopic { topic, topic_id: id.0, partitions });
    }
    let request = FetchRequest {
        max_wait_ms: i32::try_from(config.max_wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: config.min_bytes,
        max_bytes: config.max_bytes,
        session_id: 0,
        session_epoch: -1,
        topics,
        ..FetchRequest::default()
    };
    Question::Fetch(request, newest)
}

/// What a fetch brought. Metadata take the hints about who leads.
pub(super) fn fetched(answer: FetchResponse, metadata: &mut Metadata) -> BTreeMap<Place, Told> {
    for node in &answer.node_endpoints {
        metadata.hint_node(node.node_id, &node.host, node.port);
    }
    let mut told = BTreeMap::new();
    if ErrorCode::from_code(answer.error_code) != ErrorCode::None {
        return told;
    }
    for topic in answer.responses {
        let name = match topic.topic.as_str() {
            "" => metadata.name(TopicId(topic.topic_id)).map(str::to_string),
            _ => Some(topic.topic),
        };
        // Of a topic that has been deleted meanwhile.
        let Some(name) = name else { continue };
        for data in topic.partitions {
            let leader = &data.current_leader;
            metadata.hint(&name, data.partition_index, leader.leader_id, LeaderEpoch(leader.leader_epoch));
            told.insert((name.clone(), data.partition_index), records(data));
        }
    }
    told
}

fn records(data: PartitionData) -> Told {
    match ErrorCode::from_code(data.error_code) {
        ErrorCode::None => {
            Told::Records { high_watermark: data.high_watermark, records: data.records.into_bytes() }
        }
        code => Told::Error(code),
    }
}

pub(super) fn listed(answer: ListOffsetsResponse) -> BTreeMap<Place, Told> {
    let mut told = BTreeMap::new();
    for topic in answer.topics {
        for listed in topic.partitions {
            let what = match ErrorCode::from_code(listed.error_code) {
                ErrorCode::None => Told::Offset {
                    offset: (listed.offset >= 0).then_some(listed.offset),
                    epoch: LeaderEpoch(listed.leader_epoch),
                },
                code => Told::Error(code),
            };
            told.insert((topic.name.clone(), listed.partition_index), what);
        }
    }
    told
}

pub(super) fn ended(answer: OffsetForLeaderEpochResponse) -> BTreeMap<Place, Told> {
    let mut told = BTreeMap::new();
    for topic in answer.topics {
        for end in topic.partitions {
            let known = end.end_offset >= 0 && end.leader_epoch >= 0;
            let what = match ErrorCode::from_code(end.error_code) {
                ErrorCode::None => {
                    Told::End(known.then_some((LeaderEpoch(end.leader_epoch), end.end_offset)))
                }
                code => Told::Error(code),
            };
            told.insert((topic.topic.clone(), end.partition), what);
        }
    }
    told
}

/// Partitions by topic, both in the order in which they come first.
fn by_topic<A, B, T>(
    wanted: Vec<(Place, A, B)>,
    partition: impl Fn((i32, A, B)) -> T,
) -> impl Iterator<Item = (String, Vec<T>)> {
    let mut topics: Vec<(String, Vec<T>)> = Vec::new();
    for ((topic, index), a, b) in wanted {
        let entry = partition((index, a, b));
        match topics.iter_mut().find(|(known, _)| *known == topic) {
            Some((_, partitions)) => partitions.push(entry),
            None => topics.push((topic, vec![entry])),
        }
    }
    topics.into_iter()
}
