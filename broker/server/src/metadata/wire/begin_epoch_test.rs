//! Beginnings of epochs that are refused before the quorum hears of them, and responses that say nothing.

use super::super::tests::local;
use super::*;
use model::Uuid;
use raft::Rejection;

/// What becomes of a request that was changed on its way.
fn changed(change: impl FnOnce(&mut BeginQuorumEpochRequest)) -> Result<Request, ErrorCode> {
    let (from, to) = (local(2, Some(2)), local(1, Some(1)));
    let mut request = request(&from, to.me, 1, LeaderEpoch(5), BrokerId(2));
    change(&mut request);
    read(&to, request)
}

#[test]
fn a_beginning_for_another_cluster_topic_or_voter_is_refused() {
    let told = Request::BeginEpoch { epoch: LeaderEpoch(5), leader: BrokerId(2) };
    assert_eq!(changed(|_| {}), Ok(told.clone()));
    let cluster = changed(|request| request.cluster_id = Some("that".into()));
    assert_eq!(cluster, Err(ErrorCode::InconsistentClusterId));
    for change in [
        (|request| request.topics.clear()) as fn(&mut BeginQuorumEpochRequest),
        |request| request.topics.push(request.topics[0].clone()),
        |request| request.topics[0].topic_name = "t".into(),
        |request| request.topics[0].partitions.clear(),
        |request| request.topics[0].partitions[0].partition_index = 1,
        |request| request.topics[0].partitions[0].leader_id = -1,
        |request| request.topics[0].partitions[0].leader_epoch = -1,
    ] {
        assert_eq!(changed(change), Err(ErrorCode::InvalidRequest));
    }
    assert_eq!(changed(|request| request.voter_id = 3), Err(ErrorCode::InvalidVoterKey));
    let other_disk = changed(|request| request.topics[0].partitions[0].voter_directory_id = Uuid([9; 16]));
    assert_eq!(other_disk, Err(ErrorCode::InvalidVoterKey));
    assert_eq!(changed(|request| request.voter_id = -1), Ok(told));
}

#[test]
fn the_leader_tells_where_it_listens() {
    let (from, to) = (local(2, Some(2)), local(1, Some(1)));
    let sent = request(&from, to.me, 1, LeaderEpoch(5), BrokerId(2));
    let at = &sent.leader_endpoints[0];
    assert_eq!((&*at.name, &*at.host, at.port), ("CONTROLLER", "c1", 9093));
}

#[test]
fn a_refusal_tells_no_epoch_and_a_rejection_does() {
    let refused = refused(ErrorCode::InvalidRequest);
    assert_eq!((refused.error_code, refused.topics.len()), (42, 0));
    assert_eq!(answer(refused), Err(Senseless::Refused(ErrorCode::InvalidRequest)));
    let rejected = Response { epoch: LeaderEpoch(9), leader: None, body: Err(Rejection::FencedEpoch) };
    let mut sent = response(1, &rejected, None);
    let told = &sent.topics[0].partitions[0];
    assert_eq!((sent.error_code, told.error_code, told.leader_id, told.leader_epoch), (0, 74, -1, 9));
    assert_eq!(answer(sent.clone()), Ok(rejected));
    sent.topics[0].topic_name = "t".into();
    assert_eq!(answer(sent), Err(Senseless::Partition));
    assert_eq!(answer(BeginQuorumEpochResponse::default()), Err(Senseless::Partition));
}
