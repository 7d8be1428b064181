//! ListPartitionReassignments (key 46): partitions that are being moved, from the image this broker has applied.
//!
//! * Version 0. No topics, as null, means all of them; an empty list means none.
//! * Topics and partitions that are not there, or not being moved, are left out, as in Kafka.
//! * Kafka passes the request on to its controller; what this broker has applied is the same, a moment later.

use super::shown;
use super::{Asked, Outcome, when_leaving};
use crate::context::Context;
use controller::{ClusterImage, Partition, Topic};
use model::PartitionIndex;
use protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, ListPartitionReassignmentsTopics,
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use std::sync::Arc;

pub(super) fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: ListPartitionReassignmentsRequest,
) -> Result<Outcome, String> {
    let named = request.topics.as_deref().unwrap_or_default();
    super::check_named(named.iter().map(|topic| topic.partition_indexes.len()))?;
    Ok(when_leaving(context, asked, move |context| respond(&context.image(), request.topics.as_deref())))
}

fn respond(
    image: &ClusterImage,
    wanted: Option<&[ListPartitionReassignmentsTopics]>,
) -> ListPartitionReassignmentsResponse {
    let topics = match wanted {
        None => image.topics().filter_map(|topic| moving(topic, topic.partitions.keys().copied())).collect(),
        Some(wanted) => {
            let known = |wanted: &ListPartitionReassignmentsTopics| {
                let indexes = wanted.partition_indexes.iter().map(|index| PartitionIndex(*index));
                moving(image.topic_named(&wanted.name)?, indexes)
            };
            wanted.iter().filter_map(known).collect()
        }
    };
    ListPartitionReassignmentsResponse {
        topics,
        error_message: None,
        ..ListPartitionReassignmentsResponse::default()
    }
}

/// Those of a topic's partitions that are being moved, if any is.
fn moving(topic: &Topic, wanted: impl Iterator<Item = PartitionIndex>) -> Option<OngoingTopicReassignment> {
    let is_moving = |partition: &Partition| !(partition.adding.is_empty() && partition.removing.is_empty());
    let partitions: Vec<_> = wanted
        .filter_map(|index| Some((index, topic.partition(index).filter(|partition| is_moving(partition))?)))
        .map(|(index, partition)| OngoingPartitionReassignment {
            partition_index: index.0,
            replicas: shown::ids(&partition.replicas),
            adding_replicas: shown::ids(&partition.adding),
            removing_replicas: shown::ids(&partition.removing),
        })
        .collect();
    (!partitions.is_empty()).then(|| OngoingTopicReassignment { name: topic.name.to_string(), partitions })
}

#[cfg(test)]
#[path = "list_partition_reassignments_test.rs"]
mod tests;
