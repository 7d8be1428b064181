//! Vote: a voter asks another for its vote, or, before it disturbs anybody, whether it would get it.
//!
//! Version 1 names the asker's and the receiver's directories, 2 knows pre-votes. A peer that does not know them can't be
//! asked: Kafka's replica then stands for election at once.

use super::{
    Local, PARTITION, Senseless, asker, check_top, directory_id, leader_at, leader_id, only, rejection,
    rejection_code, standing,
};
use controller::{METADATA_TOPIC, NodeEndpoint};
use model::{LeaderEpoch, Offset};
use protocol::ErrorCode;
use protocol::messages::vote::{
    AnsweredPartitionData, AnsweredTopicData, NodeEndpoint as LeaderAt, RequestedPartitionData,
    RequestedTopicData, VoteRequest, VoteResponse,
};
use raft::{Answer, EpochEnd, ReplicaKey, Response, Vote};
use std::ops::RangeInclusive;

/// The versions that are spoken.
pub const VERSIONS: RangeInclusive<i16> = 0..=2;

/// The first version with pre-votes.
pub const PRE_VOTE: i16 = 2;

/// The first version that tells where the leader listens.
const ENDPOINTS: i16 = 1;

/// `vote` as a request to `to`. `None` when the version does not know pre-votes.
pub fn request(local: &Local, to: ReplicaKey, version: i16, vote: &Vote) -> Option<VoteRequest> {
    let Vote { epoch, candidate, last, pre_vote } = *vote;
    if pre_vote && version < PRE_VOTE {
        return None;
    }
    let partition = RequestedPartitionData {
        partition_index: PARTITION,
        replica_epoch: epoch.0,
        replica_id: candidate.id.0,
        replica_directory_id: directory_id(candidate.directory),
        voter_directory_id: directory_id(to.directory),
        last_offset_epoch: last.epoch.0,
        last_offset: last.end.0,
        pre_vote,
    };
    let topic = RequestedTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    Some(VoteRequest { cluster_id: local.cluster_text(), voter_id: to.id.0, topics: vec![topic] })
}

/// What a request asks of this replica, or the error to [refuse](refused) it with.
pub fn read(local: &Local, request: VoteRequest) -> Result<Vote, ErrorCode> {
    let VoteRequest { cluster_id, voter_id, topics } = request;
    local.check_cluster(cluster_id.as_deref())?;
    let topic = only(topics).filter(|topic| topic.topic_name == METADATA_TOPIC);
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition_index == PARTITION);
    let partition = partition.ok_or(ErrorCode::InvalidRequest)?;
    local.check_voter(voter_id, partition.voter_directory_id)?;
    let candidate = asker(partition.replica_id, partition.replica_directory_id)?;
    let (epoch, last_epoch, pre_vote) =
        (partition.replica_epoch, partition.last_offset_epoch, partition.pre_vote);
    // A candidate has moved on from the epoch of its last record. Who only asks may still be in it.
    let in_order = last_epoch < epoch || (pre_vote && last_epoch == epoch);
    if partition.last_offset < 0 || last_epoch < 0 || !in_order {
        return Err(ErrorCode::InvalidRequest);
    }
    let last = EpochEnd { epoch: LeaderEpoch(last_epoch), end: Offset(partition.last_offset) };
    Ok(Vote { epoch: LeaderEpoch(epoch), candidate, last, pre_vote })
}

/// The answer of the quorum to a vote, with where the leader listens if that is known.
pub fn response(version: i16, response: &Response, leader: Option<&NodeEndpoint>) -> VoteResponse {
    let vote_granted = match &response.body {
        Ok(Answer::Vote { granted }) => *granted,
        Ok(other) => panic!("a vote was answered with {other:?}"),
        Err(_) => false,
    };
    let partition = AnsweredPartitionData {
        partition_index: PARTITION,
        error_code: rejection_code(&response.body),
        leader_id: leader_id(response),
        leader_epoch: response.epoch.0,
        vote_granted,
    };
    let topic = AnsweredTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let node = leader_at(response, leader).filter(|_| version >= ENDPOINTS);
    let node = node.map(|(node_id, at)| LeaderAt { node_id, host: at.host.clone(), port: at.port });
    VoteResponse {
        topics: vec![topic],
        node_endpoints: node.into_iter().collect(),
        ..VoteResponse::default()
    }
}

/// The answer to a request that [`read`] has refused.
pub fn refused(code: ErrorCode) -> VoteResponse {
    VoteResponse { error_code: code as i16, ..VoteResponse::default() }
}

/// What a response says.
pub fn answer(response: VoteResponse) -> Result<Response, Senseless> {
    check_top(response.error_code)?;
    let topic = only(response.topics).filter(|topic| topic.topic_name == METADATA_TOPIC);
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition_index == PARTITION);
    let partition = partition.ok_or(Senseless::Partition)?;
    let body = rejection(partition.error_code)?;
    let (epoch, leader) = standing(partition.leader_id, partition.leader_epoch)?;
    let granted = partition.vote_granted;
    Ok(Response { epoch, leader, body: body.map(|()| Answer::Vote { granted }) })
}

#[cfg(test)]
#[path = "vote_test.rs"]
mod tests;
