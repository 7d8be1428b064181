//! DescribeTopicPartitions (key 75): topics and their partitions page by page, from the image this broker has applied.
//!
//! * Version 0 (KIP-966). Topics come by name, each once; no topics asked for means all of them.
//! * A page holds as many partitions as the request wants, at least 1 and at most 2,000 (Kafka's
//!   `max.request.partition.size.limit`). Where it ends, the next begins: `next_cursor`. The topics of pages before
//!   need not be asked for again, those named before the cursor are passed over.
//! * A cursor at a topic that is not among those asked for, or before partition 0, makes the whole request an
//!   INVALID_REQUEST, told with each topic. One beyond the last partition goes on with the next topic.
//! * Unknown topics are told among the others, and take no room on the page. They are never created.
//! * Authorized operations are all there are: there is no authorizer yet.

use super::shown::{self, TOPIC_OPERATIONS};
use super::{Asked, Outcome, when_leaving};
use crate::context::Context;
use controller::{ClusterImage, INTERNAL_TOPICS, Partition, Topic, check_topic_name};
use model::{BrokerId, PartitionIndex};
use protocol::ErrorCode;
use protocol::messages::describe_topic_partitions::{
    AnsweredCursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic, RequestedCursor,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Partitions on a page.
const PARTITIONS_MAX: usize = 2000;

pub(super) fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: DescribeTopicPartitionsRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|_| 0))?;
    Ok(when_leaving(context, asked, move |context| respond(&context.image(), request)))
}

fn respond(image: &ClusterImage, request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let DescribeTopicPartitionsRequest { topics, response_partition_limit, cursor } = request;
    let names: BTreeSet<String> = topics.into_iter().map(|topic| topic.name).collect();
    let begin = match begin(&names, cursor) {
        Ok(begin) => begin,
        Err(code) => {
            let refused = names.into_iter().map(|name| failed(name, code)).collect();
            return DescribeTopicPartitionsResponse {
                topics: refused,
                ..DescribeTopicPartitionsResponse::default()
            };
        }
    };
    let room = usize::try_from(response_partition_limit).unwrap_or(0).clamp(1, PARTITIONS_MAX);
    let mut page = Page { image, begin, room, topics: Vec::new() };
    let next_cursor = if names.is_empty() {
        page.fill(image.topics_from(&page.begin.0.clone()).map(|topic| (topic.name.to_string(), Some(topic))))
    } else {
        let from = names.range(page.begin.0.clone()..);
        page.fill(from.map(|name| (name.clone(), image.topic_named(name))))
    };
    DescribeTopicPartitionsResponse {
        topics: page.topics,
        next_cursor,
        ..DescribeTopicPartitionsResponse::default()
    }
}

/// The topic and the partition at which the page begins.
fn begin(
    names: &BTreeSet<String>,
    cursor: Option<RequestedCursor>,
) -> Result<(String, PartitionIndex), ErrorCode> {
    let Some(RequestedCursor { topic_name, partition_index }) = cursor else {
        return Ok((String::new(), PartitionIndex(0)));
    };
    let among = names.is_empty() || names.contains(&topic_name);
    if !among || partition_index < 0 {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok((topic_name, PartitionIndex(partition_index)))
}

/// A page that is being filled.
struct Page<'a> {
    image: &'a ClusterImage,
    begin: (String, PartitionIndex),
    /// Partitions that fit yet.
    room: usize,
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
}

impl<'a> Page<'a> {
    /// Puts topics on the page until it is full. Then there is a place where the next begins.
    fn fill(
        &mut self,
        topics: impl Iterator<Item = (String, Option<&'a Arc<Topic>>)>,
    ) -> Option<AnsweredCursor> {
        for (name, topic) in topics {
            if self.room == 0 {
                return Some(AnsweredCursor { topic_name: name, partition_index: 0 });
            }
            let Some(topic) = topic else {
                let code = match check_topic_name(&name) {
                    Ok(()) => ErrorCode::UnknownTopicOrPartition,
                    Err(_) => ErrorCode::InvalidTopicException,
                };
                self.topics.push(failed(name, code));
                continue;
            };
            if let Some(next) = self.put(topic) {
                return Some(AnsweredCursor { topic_name: name, partition_index: next.0 });
            }
        }
        None
    }

    /// Puts a topic on the page, from the cursor's partition on if it is the cursor's. The partition that does not fit any
    /// more, if one does not.
    fn put(&mut self, topic: &Topic) -> Option<PartitionIndex> {
        let from = if *topic.name == self.begin.0 { self.begin.1 } else { PartitionIndex(0) };
        let mut rest = topic.partitions.range(from..);
        let image = self.image;
        let partitions: Vec<_> = rest
            .by_ref()
            .take(self.room)
            .map(|(index, partition)| describe(image, *index, partition))
            .collect();
        self.room -= partitions.len();
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            name: Some(topic.name.to_string()),
            topic_id: topic.id.0,
            is_internal: INTERNAL_TOPICS.contains(&&*topic.name),
            partitions,
            topic_authorized_operations: TOPIC_OPERATIONS,
            ..DescribeTopicPartitionsResponseTopic::default()
        });
        rest.next().map(|(index, _)| *index)
    }
}

fn describe(
    image: &ClusterImage,
    index: PartitionIndex,
    partition: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    DescribeTopicPartitionsResponsePartition {
        partition_index: index.0,
        leader_id: shown::leader(image, partition).unwrap_or(BrokerId::NONE).0,
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: shown::ids(&partition.replicas),
        isr_nodes: shown::ids(&partition.isr),
        eligible_leader_replicas: Some(shown::ids(&partition.elr)),
        last_known_elr: Some(shown::ids(&partition.last_known_elr)),
        offline_replicas: shown::offline_replicas(image, partition),
        ..DescribeTopicPartitionsResponsePartition::default()
    }
}

fn failed(name: String, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: code as i16,
        is_internal: INTERNAL_TOPICS.contains(&&*name),
        name: Some(name),
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

#[cfg(test)]
#[path = "describe_topic_partitions_test.rs"]
mod tests;
