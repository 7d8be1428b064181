//! DescribeQuorum (key 55): who leads the metadata quorum, and how far its replicas are.
//!
//! * Only the leader knows: others answer NOT_LEADER_OR_FOLLOWER beside the partition, as in Kafka. A broker asks it.
//! * Version 1 tells when replicas fetched and caught up (KIP-836), 2 where the voters listen and the errors in words
//!   (KIP-853).
//! * The leader itself has always just fetched, and is always caught up.

use super::{Asked, Outcome, encode_of_controller};
use crate::context::Context;
use crate::metadata::Seen;
use controller::METADATA_TOPIC;
use model::{BrokerId, Instant, Uuid};
use protocol::ErrorCode;
use protocol::messages::describe_quorum::{
    AnsweredPartitionData, AnsweredTopicData, DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node,
    ReplicaState,
};
use raft::Progress;
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: DescribeQuorumRequest,
) -> Result<Outcome, String> {
    let known = request.topics.iter().all(|topic| topic.topic_name == METADATA_TOPIC)
        && request.topics.iter().flat_map(|topic| &topic.partitions).count() == 1;
    if !known {
        let unknown = ErrorCode::UnknownTopicOrPartition as i16;
        let response = DescribeQuorumResponse { error_code: unknown, ..DescribeQuorumResponse::default() };
        return Ok(Outcome::Ready(encode_of_controller(&asked, &response, false)));
    }
    let partition = context.metadata.look(describe).await.ok_or("the metadata quorum has stopped here")?;
    let elsewhere = partition.error_code != ErrorCode::None as i16;
    let node = |(id, at): (&BrokerId, &controller::NodeEndpoint)| Node {
        node_id: id.0,
        listeners: vec![Listener { name: at.name.clone(), host: at.host.clone(), port: at.port }],
    };
    let nodes = context.replicas.voters.iter().map(node).collect();
    let topic = AnsweredTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let response = DescribeQuorumResponse {
        topics: vec![topic],
        nodes: if asked.version >= 2 { nodes } else { Vec::new() },
        ..DescribeQuorumResponse::default()
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, elsewhere)))
}

/// The quorum as its leader sees it.
fn describe(seen: &Seen<'_>) -> AnsweredPartitionData {
    let quorum = seen.quorum;
    let (Some(voters), Some(observers)) = (quorum.voters(), quorum.observers()) else {
        return AnsweredPartitionData {
            error_code: ErrorCode::NotLeaderOrFollower as i16,
            leader_id: quorum.leader().unwrap_or(BrokerId::NONE).0,
            leader_epoch: quorum.epoch().0,
            high_watermark: -1,
            ..AnsweredPartitionData::default()
        };
    };
    let me = quorum.config().me;
    let state = |id: BrokerId, directory: Uuid, progress: Option<&Progress>| {
        let caught_up = progress.and_then(|progress| progress.caught_up);
        ReplicaState {
            replica_id: id.0,
            replica_directory_id: directory,
            log_end_offset: progress.map_or(-1, |progress| progress.end.0.0),
            last_fetch_timestamp: progress.map_or(-1, |progress| wall(seen, progress.fetched)),
            last_caught_up_timestamp: caught_up.map_or(-1, |at| wall(seen, at)),
        }
    };
    let directory = |key: raft::ReplicaKey| key.directory.map_or(Uuid::ZERO, |directory| directory.0);
    // Voters that are configured by id alone are told without directories, the leader too.
    let own = |key: raft::ReplicaKey| ReplicaState {
        replica_id: key.id.0,
        replica_directory_id: directory(key),
        log_end_offset: quorum.log().end().0.0,
        last_fetch_timestamp: seen.wall.0,
        last_caught_up_timestamp: seen.wall.0,
    };
    let voter = |key: raft::ReplicaKey| match key.id == me.id {
        true => own(key),
        false => state(key.id, directory(key), voters.get(&key.id)),
    };
    let observer =
        |(key, progress): (&raft::ReplicaKey, &Progress)| state(key.id, directory(*key), Some(progress));
    AnsweredPartitionData {
        leader_id: me.id.0,
        leader_epoch: quorum.epoch().0,
        high_watermark: quorum.high_watermark().map_or(-1, |offset| offset.0),
        current_voters: quorum.config().voters.iter().map(voter).collect(),
        observers: observers.iter().map(observer).collect(),
        ..AnsweredPartitionData::default()
    }
}

/// A moment of the past on the wall, as far as that is what the clock showed.
fn wall(seen: &Seen<'_>, at: Instant) -> i64 {
    let ago = i64::try_from(seen.now.since(at).as_millis()).unwrap_or(i64::MAX);
    seen.wall.0.saturating_sub(ago)
}
