//! EndQuorumEpoch: a leader tells a voter that it gives its epoch up, and who should stand for election.
//!
//! Version 1 is flexible, names the successors with their directories, and tells where the leader listens. The directories are
//! left out, which Kafka reads as "any": a node has one.

use super::{
    Local, PARTITION, Senseless, check_top, leader_at, leader_id, only, rejection, rejection_code, standing,
};
use controller::{METADATA_TOPIC, NodeEndpoint};
use model::{BrokerId, LeaderEpoch, Uuid};
use protocol::ErrorCode;
use protocol::messages::end_quorum_epoch::{
    AnsweredPartitionData, AnsweredTopicData, EndQuorumEpochRequest, EndQuorumEpochResponse, LeaderEndpoint,
    NodeEndpoint as LeaderAt, ReplicaInfo, RequestedPartitionData, RequestedTopicData,
};
use raft::{Answer, Request, Response};
use std::ops::RangeInclusive;

/// The versions that are spoken.
pub const VERSIONS: RangeInclusive<i16> = 0..=1;

/// The first version that tells where the leader listens, and names successors as replicas.
const ENDPOINTS: i16 = 1;

/// As a request: `leader`, which is this replica, led `epoch` and gives it up to the best of `successors`.
pub fn request(
    local: &Local,
    version: i16,
    epoch: LeaderEpoch,
    leader: BrokerId,
    successors: &[BrokerId],
) -> EndQuorumEpochRequest {
    let (mut preferred_successors, mut preferred_candidates) = (Vec::new(), Vec::new());
    if version < ENDPOINTS {
        preferred_successors.extend(successors.iter().map(|id| id.0));
    } else {
        let replica = |id: &BrokerId| ReplicaInfo { candidate_id: id.0, candidate_directory_id: Uuid::ZERO };
        preferred_candidates.extend(successors.iter().map(replica));
    }
    let partition = RequestedPartitionData {
        partition_index: PARTITION,
        leader_id: leader.0,
        leader_epoch: epoch.0,
        preferred_successors,
        preferred_candidates,
    };
    let topic = RequestedTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let listener =
        |at: &NodeEndpoint| LeaderEndpoint { name: at.name.clone(), host: at.host.clone(), port: at.port };
    let listeners = local.endpoints.iter().filter(|_| version >= ENDPOINTS);
    EndQuorumEpochRequest {
        cluster_id: local.cluster_text(),
        topics: vec![topic],
        leader_endpoints: listeners.map(listener).collect(),
    }
}

/// What a request tells this replica, or the error to [refuse](refused) it with.
pub fn read(local: &Local, request: EndQuorumEpochRequest) -> Result<Request, ErrorCode> {
    let EndQuorumEpochRequest { cluster_id, topics, .. } = request;
    local.check_cluster(cluster_id.as_deref())?;
    let topic = only(topics).filter(|topic| topic.topic_name == METADATA_TOPIC);
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition_index == PARTITION);
    let partition = partition.ok_or(ErrorCode::InvalidRequest)?;
    if partition.leader_id < 0 || partition.leader_epoch < 0 {
        return Err(ErrorCode::InvalidRequest);
    }
    let (epoch, leader) = (LeaderEpoch(partition.leader_epoch), BrokerId(partition.leader_id));
    // A version has one of the two.
    let candidates = partition.preferred_candidates.iter().map(|replica| replica.candidate_id);
    let successors = partition.preferred_successors.iter().copied().chain(candidates).map(BrokerId).collect();
    Ok(Request::EndEpoch { epoch, leader, successors })
}

/// The answer of the quorum, with where the leader listens if that is known.
pub fn response(version: i16, response: &Response, leader: Option<&NodeEndpoint>) -> EndQuorumEpochResponse {
    if let Ok(body) = &response.body {
        assert_eq!(*body, Answer::Noted, "the end of an epoch was answered");
    }
    let partition = AnsweredPartitionData {
        partition_index: PARTITION,
        error_code: rejection_code(&response.body),
        leader_id: leader_id(response),
        leader_epoch: response.epoch.0,
    };
    let topic = AnsweredTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let node = leader_at(response, leader).filter(|_| version >= ENDPOINTS);
    let node = node.map(|(node_id, at)| LeaderAt { node_id, host: at.host.clone(), port: at.port });
    EndQuorumEpochResponse {
        topics: vec![topic],
        node_endpoints: node.into_iter().collect(),
        ..EndQuorumEpochResponse::default()
    }
}

/// The answer to a request that [`read`] has refused.
pub fn refused(code: ErrorCode) -> EndQuorumEpochResponse {
    EndQuorumEpochResponse { error_code: code as i16, ..EndQuorumEpochResponse::default() }
}

/// What a response says.
pub fn answer(response: EndQuorumEpochResponse) -> Result<Response, Senseless> {
    check_top(response.error_code)?;
    let topic = only(response.topics).filter(|topic| topic.topic_name == METADATA_TOPIC);
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition_index == PARTITION);
    let partition = partition.ok_or(Senseless::Partition)?;
    let body = rejection(partition.error_code)?;
    let (epoch, leader) = standing(partition.leader_id, partition.leader_epoch)?;
    Ok(Response { epoch, leader, body: body.map(|()| Answer::Noted) })
}

#[cfg(test)]
#[path = "end_epoch_test.rs"]
mod tests;
