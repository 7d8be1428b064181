//! BeginQuorumEpoch: a leader tells a voter that its epoch has begun.
//!
//! Version 1 is flexible, names the receiver, and tells where the leader listens.

use super::{
    Local, PARTITION, Senseless, check_top, directory_id, leader_at, leader_id, only, rejection,
    rejection_code, standing,
};
use controller::{METADATA_TOPIC, NodeEndpoint};
use model::{BrokerId, LeaderEpoch};
use protocol::ErrorCode;
use protocol::messages::begin_quorum_epoch::{
    AnsweredPartitionData, AnsweredTopicData, BeginQuorumEpochRequest, BeginQuorumEpochResponse,
    LeaderEndpoint, NodeEndpoint as LeaderAt, RequestedPartitionData, RequestedTopicData,
};
use raft::{Answer, ReplicaKey, Request, Response};
use std::ops::RangeInclusive;

/// The versions that are spoken.
pub const VERSIONS: RangeInclusive<i16> = 0..=1;

/// The first version that tells where the leader listens.
const ENDPOINTS: i16 = 1;

/// As a request to `to`: `leader`, which is this replica, leads `epoch`.
pub fn request(
    local: &Local,
    to: ReplicaKey,
    version: i16,
    epoch: LeaderEpoch,
    leader: BrokerId,
) -> BeginQuorumEpochRequest {
    let partition = RequestedPartitionData {
        partition_index: PARTITION,
        voter_directory_id: directory_id(to.directory),
        leader_id: leader.0,
        leader_epoch: epoch.0,
    };
    let topic = RequestedTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let listener =
        |at: &NodeEndpoint| LeaderEndpoint { name: at.name.clone(), host: at.host.clone(), port: at.port };
    let listeners = local.endpoints.iter().filter(|_| version >= ENDPOINTS);
    BeginQuorumEpochRequest {
        cluster_id: local.cluster_text(),
        voter_id: to.id.0,
        topics: vec![topic],
        leader_endpoints: listeners.map(listener).collect(),
    }
}

/// What a request tells this replica, or the error to [refuse](refused) it with.
pub fn read(local: &Local, request: BeginQuorumEpochRequest) -> Result<Request, ErrorCode> {
    let BeginQuorumEpochRequest { cluster_id, voter_id, topics, .. } = request;
    local.check_cluster(cluster_id.as_deref())?;
    let topic = only(topics).filter(|topic| topic.topic_name == METADATA_TOPIC);
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition_index == PARTITION);
    let partition = partition.ok_or(ErrorCode::InvalidRequest)?;
    local.check_voter(voter_id, partition.voter_directory_id)?;
    if partition.leader_id < 0 || partition.leader_epoch < 0 {
        return Err(ErrorCode::InvalidRequest);
    }
    let (epoch, leader) = (LeaderEpoch(partition.leader_epoch), BrokerId(partition.leader_id));
    Ok(Request::BeginEpoch { epoch, leader })
}

/// The answer of the quorum, with where the leader listens if that is known.
pub fn response(
    version: i16,
    response: &Response,
    leader: Option<&NodeEndpoint>,
) -> BeginQuorumEpochResponse {
    if let Ok(body) = &response.body {
        assert_eq!(*body, Answer::Noted, "the beginning of an epoch was answered");
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
    BeginQuorumEpochResponse {
        topics: vec![topic],
        node_endpoints: node.into_iter().collect(),
        ..BeginQuorumEpochResponse::default()
    }
}

/// The answer to a request that [`read`] has refused.
pub fn refused(code: ErrorCode) -> BeginQuorumEpochResponse {
    BeginQuorumEpochResponse { error_code: code as i16, ..BeginQuorumEpochResponse::default() }
}

/// What a response says.
pub fn answer(response: BeginQuorumEpochResponse) -> Result<Response, Senseless> {
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
#[path = "begin_epoch_test.rs"]
mod tests;
