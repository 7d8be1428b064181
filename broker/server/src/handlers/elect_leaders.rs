//! ElectLeaders (key 43): the preferred replicas lead again, or whoever lives does, through the controller (KIP-460).
//!
//! * Version 0 knows preferred leaders only; an election type that is neither is INVALID_REQUEST.
//! * Null for the partitions means all; then those that need no election are not answered for.
//! * What concerns the request as a whole is told of each partition that it names, and from version 1 on of itself.

use super::{Asked, Outcome, encode_of_controller};
use crate::metadata::Handle;
use crate::refusal;
use controller::{ElectLeaders, ElectionKind, ElectionOutcomes, Reason, Refusal};
use protocol::ErrorCode;
use protocol::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult, TopicPartitions,
};

/// The first version that says which leaders are wanted.
const HAS_KIND: i16 = 1;

pub(super) async fn apply(
    metadata: &Handle,
    asked: Asked,
    request: ElectLeadersRequest,
) -> Result<Outcome, String> {
    let topics = request.topic_partitions.as_deref().unwrap_or_default();
    super::check_named(topics.iter().map(|topic| topic.partitions.len()))?;
    let named = |topic: TopicPartitions| (topic.topic, topic.partitions);
    let partitions: Option<Vec<_>> =
        request.topic_partitions.map(|topics| topics.into_iter().map(named).collect());
    let outcome = match kind(request.election_type, asked.version) {
        Some(kind) => {
            let wanted = ElectLeaders { kind, partitions: partitions.clone() };
            metadata.elect_leaders(wanted).await
        }
        None => {
            let message = format!("Unknown election type {}", request.election_type);
            Err(Refusal { reason: Reason::InvalidRequest, message })
        }
    };
    let not_controller = refusal::is_not_controller(&outcome);
    let (error_code, outcomes) = match outcome {
        Ok(outcomes) => (ErrorCode::None, outcomes),
        Err(refusal) => {
            let outcomes = for_each(partitions.unwrap_or_default(), &refusal);
            (refusal::controller(refusal.reason), outcomes)
        }
    };
    let response = ElectLeadersResponse {
        error_code: if asked.version >= HAS_KIND { error_code as i16 } else { 0 },
        replica_election_results: outcomes.into_iter().map(of_topic).collect(),
        ..ElectLeadersResponse::default()
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}

fn kind(election_type: i8, version: i16) -> Option<ElectionKind> {
    match election_type {
        _ if version < HAS_KIND => Some(ElectionKind::Preferred),
        0 => Some(ElectionKind::Preferred),
        1 => Some(ElectionKind::Unclean),
        _ => None,
    }
}

fn for_each(partitions: Vec<(String, Vec<i32>)>, refusal: &Refusal) -> Vec<ElectionOutcomes> {
    let refused =
        |indexes: Vec<i32>| indexes.into_iter().map(|index| (index, Err(refusal.clone()))).collect();
    partitions.into_iter().map(|(name, indexes)| (name, refused(indexes))).collect()
}

fn of_topic((topic, outcomes): ElectionOutcomes) -> ReplicaElectionResult {
    let result = |(partition_id, outcome): (i32, Result<(), Refusal>)| {
        let (error_code, error_message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err(refusal) => (refusal::controller(refusal.reason), Some(refusal.message)),
        };
        PartitionResult { partition_id, error_code: error_code as i16, error_message }
    };
    ReplicaElectionResult { topic, partition_result: outcomes.into_iter().map(result).collect() }
}

#[cfg(test)]
#[path = "elect_leaders_test.rs"]
mod tests;
