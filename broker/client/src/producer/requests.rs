//! Produce requests and answers, between what the core means and what goes over the wire.

use super::core::{Ask, Place};
use super::rules::ProducerConfig;
use super::verdict::{Attempt, is_about_metadata};
use crate::metadata::Metadata;
use crate::several;
use crate::single::Topic;
use model::{LeaderEpoch, PartitionIndex, TopicId};
use protocol::ErrorCode;
use protocol::messages::produce::{PartitionProduceResponse, ProduceRequest, ProduceResponse};
use std::collections::BTreeMap;

/// The last version that names topics by name: for topics whose id nobody has told.
const NAMED_VERSION: i16 = 12;

/// The request, and the newest version that it may have.
pub(super) fn question(ask: Ask, rules: &ProducerConfig, metadata: &Metadata) -> (ProduceRequest, i16) {
    let mut newest = i16::MAX;
    let mut place = |(name, partition): Place| {
        let id = metadata.topic(&name).map_or(TopicId::default(), |topic| topic.id);
        if id == TopicId::default() {
            newest = NAMED_VERSION;
        }
        several::Place { topic: Topic { name, id }, partition: PartitionIndex(partition) }
    };
    let batches: Vec<_> = ask.batches.into_iter().map(|(at, batch)| (place(at), batch)).collect();
    let timeout_ms = i32::try_from(rules.replicas_timeout.as_millis()).unwrap_or(i32::MAX);
    (several::produce(&batches, rules.acks.wire(), timeout_ms), newest)
}

/// What became of each batch that the answer speaks of. Metadata take the hints about who leads, and are stale where
/// there are none.
pub(super) fn read(answer: &ProduceResponse, metadata: &mut Metadata) -> BTreeMap<Place, Attempt> {
    for node in &answer.node_endpoints {
        metadata.hint_node(node.node_id, &node.host, node.port);
    }
    let mut attempts = BTreeMap::new();
    for topic in &answer.responses {
        let name = match topic.name.as_str() {
            "" => metadata.name(TopicId(topic.topic_id)).map(str::to_string),
            name => Some(name.to_string()),
        };
        // Of a topic that has been deleted meanwhile: nobody knows.
        let Some(name) = name else { continue };
        for told in &topic.partition_responses {
            attempts.insert((name.clone(), told.index), attempt(told));
            let leader = &told.current_leader;
            let news = metadata.hint(&name, told.index, leader.leader_id, LeaderEpoch(leader.leader_epoch));
            if !news && is_about_metadata(ErrorCode::from_code(told.error_code)) {
                metadata.stale();
            }
        }
    }
    attempts
}

fn attempt(told: &PartitionProduceResponse) -> Attempt {
    match ErrorCode::from_code(told.error_code) {
        ErrorCode::None => Attempt::Taken { base: (told.base_offset >= 0).then_some(told.base_offset) },
        code => Attempt::Refused { code, words: told.error_message.clone() },
    }
}

#[cfg(test)]
#[path = "requests_test.rs"]
mod tests;
