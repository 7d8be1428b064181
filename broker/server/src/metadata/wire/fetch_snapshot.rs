//! FetchSnapshot: a follower asks for a piece of a snapshot, because what it lacks is not in the log any more.
//!
//! Version 1 names the asker's directory and tells where the leader listens.
//!
//! A leader of Kafka's (4.1) can't write its own errors beside the partition, for want of records there: SNAPSHOT_NOT_FOUND and
//! the others arrive as UNKNOWN_SERVER_ERROR at the top, which says nothing of epochs.

use super::{
    BYTES_MAX, Local, PARTITION, Senseless, asker, check_top, directory_id, leader_at, leader_id, only,
    rejection, rejection_code, standing,
};
use controller::{METADATA_TOPIC, NodeEndpoint};
use model::{LeaderEpoch, Offset};
use protocol::ErrorCode;
use protocol::messages::fetch_snapshot::{
    AnsweredPartitionSnapshot, AnsweredSnapshotId, AnsweredTopicSnapshot, FetchSnapshotRequest,
    FetchSnapshotResponse, LeaderIdAndEpoch, NodeEndpoint as LeaderAt, RequestedPartitionSnapshot,
    RequestedSnapshotId, RequestedTopicSnapshot,
};
use raft::{Answer, FetchSnapshot, Rejection, Response, SnapshotId, SnapshotPiece};
use std::ops::RangeInclusive;

/// The versions that are spoken.
pub const VERSIONS: RangeInclusive<i16> = 0..=1;

/// The first version that tells where the leader listens.
const ENDPOINTS: i16 = 1;

/// A fetch of a snapshot as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub fetch: FetchSnapshot,
    /// Most bytes of the piece: at least 1, at most [`BYTES_MAX`].
    pub bytes_max: usize,
}

/// `fetch` as a request.
pub fn request(local: &Local, fetch: &FetchSnapshot) -> FetchSnapshotRequest {
    let FetchSnapshot { replica, epoch, id, position } = *fetch;
    let partition = RequestedPartitionSnapshot {
        partition: PARTITION,
        current_leader_epoch: epoch.0,
        snapshot_id: RequestedSnapshotId { end_offset: id.end.0, epoch: id.epoch.0 },
        position: signed(position),
        replica_directory_id: directory_id(replica.directory),
    };
    FetchSnapshotRequest {
        cluster_id: local.cluster_text(),
        replica_id: replica.id.0,
        max_bytes: local.portions.snapshot,
        topics: vec![RequestedTopicSnapshot { name: METADATA_TOPIC.to_owned(), partitions: vec![partition] }],
    }
}

/// What a request asks, or the error to [refuse](refused) it with.
pub fn read(local: &Local, request: FetchSnapshotRequest) -> Result<Asked, ErrorCode> {
    local.check_cluster(request.cluster_id.as_deref())?;
    let topic = only(request.topics).ok_or(ErrorCode::InvalidRequest)?;
    let partition = only(topic.partitions).ok_or(ErrorCode::InvalidRequest)?;
    if topic.name != METADATA_TOPIC || partition.partition != PARTITION {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let replica = asker(request.replica_id, partition.replica_directory_id)?;
    let position = u64::try_from(partition.position).map_err(|_| ErrorCode::PositionOutOfRange)?;
    // A piece of nothing would be asked for for ever.
    let bytes_max = usize::try_from(request.max_bytes).ok().filter(|bytes| *bytes > 0);
    let bytes_max = bytes_max.ok_or(ErrorCode::InvalidRequest)?.min(BYTES_MAX);
    let RequestedSnapshotId { end_offset, epoch } = partition.snapshot_id;
    let fetch = FetchSnapshot {
        replica,
        epoch: LeaderEpoch(partition.current_leader_epoch),
        id: SnapshotId { end: Offset(end_offset), epoch: LeaderEpoch(epoch) },
        position,
    };
    Ok(Asked { fetch, bytes_max })
}

/// The answer of the quorum, into which whoever carries it has put the piece, with where the leader listens if that is
/// known.
pub fn response(version: i16, response: &Response, leader: Option<&NodeEndpoint>) -> FetchSnapshotResponse {
    let mut partition = AnsweredPartitionSnapshot {
        index: PARTITION,
        error_code: rejection_code(&response.body),
        current_leader: LeaderIdAndEpoch { leader_id: leader_id(response), leader_epoch: response.epoch.0 },
        ..AnsweredPartitionSnapshot::default()
    };
    match &response.body {
        Ok(Answer::SnapshotPiece(SnapshotPiece { id, size, position, bytes })) => {
            partition.snapshot_id = AnsweredSnapshotId { end_offset: id.end.0, epoch: id.epoch.0 };
            (partition.size, partition.position) = (signed(*size), signed(*position));
            partition.unaligned_records = bytes.clone();
        }
        Ok(other) => panic!("a fetch of a snapshot was answered with {other:?}"),
        Err(_) => {}
    }
    let topic = AnsweredTopicSnapshot { name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let node = leader_at(response, leader).filter(|_| version >= ENDPOINTS);
    let node = node.map(|(node_id, at)| LeaderAt { node_id, host: at.host.clone(), port: at.port });
    FetchSnapshotResponse {
        topics: vec![topic],
        node_endpoints: node.into_iter().collect(),
        ..FetchSnapshotResponse::default()
    }
}

/// The answer to a request that [`read`] has refused.
pub fn refused(code: ErrorCode) -> FetchSnapshotResponse {
    FetchSnapshotResponse { error_code: code as i16, ..FetchSnapshotResponse::default() }
}

/// What a response says.
pub fn answer(response: FetchSnapshotResponse) -> Result<Response, Senseless> {
    check_top(response.error_code)?;
    let topic = only(response.topics).filter(|topic| topic.name == METADATA_TOPIC);
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.index == PARTITION).ok_or(Senseless::Partition)?;
    let rejected = rejection(partition.error_code)?;
    let LeaderIdAndEpoch { leader_id, leader_epoch } = partition.current_leader;
    let (epoch, leader) = standing(leader_id, leader_epoch)?;
    let body = match rejected {
        Ok(()) => piece(partition)?.map(Answer::SnapshotPiece),
        Err(rejection) => Err(rejection),
    };
    Ok(Response { epoch, leader, body })
}

fn piece(partition: AnsweredPartitionSnapshot) -> Result<Result<SnapshotPiece, Rejection>, Senseless> {
    let AnsweredSnapshotId { end_offset, epoch } = partition.snapshot_id;
    if end_offset < 0 || epoch < 0 {
        // Kafka's way to say so without an error.
        return Ok(Err(Rejection::SnapshotNotFound));
    }
    let id = SnapshotId { end: Offset(end_offset), epoch: LeaderEpoch(epoch) };
    let size = u64::try_from(partition.size).map_err(|_| Senseless::Number("size"))?;
    let position = u64::try_from(partition.position).map_err(|_| Senseless::Number("position"))?;
    let bytes = partition.unaligned_records;
    // Both are below 2^63.
    if position + bytes.len() as u64 > size {
        return Err(Senseless::Number("position"));
    }
    Ok(Ok(SnapshotPiece { id, size, position, bytes }))
}

/// No file is longer than an int64 tells.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).expect("a length within a file")
}

#[cfg(test)]
#[path = "fetch_snapshot_test.rs"]
mod tests;
