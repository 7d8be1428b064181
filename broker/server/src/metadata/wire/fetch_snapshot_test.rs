//! Fetches of snapshots that are refused before the quorum is asked, and responses that say nothing.

use super::super::tests::{PORTIONS, local};
use super::*;
use bytes::Bytes;
use model::BrokerId;
use raft::ReplicaKey;

const ID: SnapshotId = SnapshotId { end: Offset(100), epoch: LeaderEpoch(4) };

const FETCH: FetchSnapshot = FetchSnapshot {
    replica: ReplicaKey { id: BrokerId(2), directory: None },
    epoch: LeaderEpoch(5),
    id: ID,
    position: 7,
};

/// What becomes of a request that was changed on its way.
fn changed(change: impl FnOnce(&mut FetchSnapshotRequest)) -> Result<Asked, ErrorCode> {
    let mut request = request(&local(2, None), &FETCH);
    change(&mut request);
    read(&local(1, Some(1)), request)
}

#[test]
fn a_fetch_of_another_cluster_or_topic_is_refused() {
    assert_eq!(changed(|_| {}), Ok(Asked { fetch: FETCH, bytes_max: PORTIONS.snapshot as usize }));
    let cluster = changed(|request| request.cluster_id = Some("that".into()));
    assert_eq!(cluster, Err(ErrorCode::InconsistentClusterId));
    for (change, code) in [
        ((|request| request.topics.clear()) as fn(&mut FetchSnapshotRequest), ErrorCode::InvalidRequest),
        (|request| request.topics.push(request.topics[0].clone()), ErrorCode::InvalidRequest),
        (|request| request.topics[0].partitions.clear(), ErrorCode::InvalidRequest),
        (|request| request.replica_id = -1, ErrorCode::InvalidRequest),
        (|request| request.max_bytes = 0, ErrorCode::InvalidRequest),
        (|request| request.max_bytes = -1, ErrorCode::InvalidRequest),
        (|request| request.topics[0].name = "t".into(), ErrorCode::UnknownTopicOrPartition),
        (|request| request.topics[0].partitions[0].partition = 1, ErrorCode::UnknownTopicOrPartition),
        (|request| request.topics[0].partitions[0].position = -1, ErrorCode::PositionOutOfRange),
    ] {
        assert_eq!(changed(change), Err(code));
    }
    assert_eq!(changed(|request| request.max_bytes = 9).unwrap().bytes_max, 9);
    assert_eq!(changed(|request| request.max_bytes = i32::MAX).unwrap().bytes_max, BYTES_MAX);
}

/// What a response with a piece of five bytes says that was changed on its way.
fn said(change: impl FnOnce(&mut AnsweredPartitionSnapshot)) -> Result<Result<Answer, Rejection>, Senseless> {
    let piece = SnapshotPiece { id: ID, size: 12, position: 7, bytes: Bytes::from_static(b"piece") };
    let body = Ok(Answer::SnapshotPiece(piece));
    let response = Response { epoch: LeaderEpoch(5), leader: Some(BrokerId(1)), body };
    let mut sent = super::response(1, &response, None);
    change(&mut sent.topics[0].partitions[0]);
    answer(sent).map(|response| response.body)
}

#[test]
fn a_piece_lies_within_its_snapshot() {
    assert!(matches!(said(|_| {}), Ok(Ok(Answer::SnapshotPiece(piece))) if piece.bytes == "piece"));
    assert_eq!(said(|piece| piece.position = 8), Err(Senseless::Number("position")));
    assert_eq!(said(|piece| piece.position = i64::MAX), Err(Senseless::Number("position")));
    assert_eq!(said(|piece| piece.position = -1), Err(Senseless::Number("position")));
    assert_eq!(said(|piece| piece.size = -1), Err(Senseless::Number("size")));
    assert_eq!(said(|piece| piece.index = 1), Err(Senseless::Partition));
    assert_eq!(said(|piece| piece.current_leader.leader_epoch = -1), Err(Senseless::Number("leader epoch")));
}

#[test]
fn a_snapshot_that_is_gone_is_told_in_two_ways() {
    let gone = Ok(Err(Rejection::SnapshotNotFound));
    assert_eq!(said(|piece| piece.error_code = 98), gone);
    assert_eq!(said(|piece| piece.snapshot_id.epoch = -1), gone);
    assert_eq!(said(|piece| piece.snapshot_id.end_offset = -1), gone);
}

/// Kafka's replicas say so beside the partition, and leave the leader out: leader 0 of epoch 0 is not meant.
#[test]
fn an_unknown_topic_tells_nothing_of_epochs() {
    let unknown = said(|piece| {
        piece.error_code = 3;
        piece.current_leader = LeaderIdAndEpoch::default();
    });
    assert_eq!(unknown, Err(Senseless::Refused(ErrorCode::UnknownTopicOrPartition)));
    let refused = refused(ErrorCode::UnknownTopicOrPartition);
    assert_eq!(answer(refused), Err(Senseless::Refused(ErrorCode::UnknownTopicOrPartition)));
}
