//! Votes that are refused before the quorum is asked, and responses that say nothing.

use super::super::tests::local;
use super::*;
use model::{BrokerId, DirectoryId, Uuid};
use raft::Rejection;

const VOTE: Vote = Vote {
    epoch: LeaderEpoch(5),
    candidate: ReplicaKey { id: BrokerId(2), directory: Some(DirectoryId(Uuid([2; 16]))) },
    last: EpochEnd { epoch: LeaderEpoch(4), end: Offset(100) },
    pre_vote: false,
};

/// What becomes of a request that was changed on its way.
fn changed(change: impl FnOnce(&mut VoteRequest)) -> Result<Vote, ErrorCode> {
    let (from, to) = (local(2, Some(2)), local(1, Some(1)));
    let mut request = request(&from, to.me, 2, &VOTE).unwrap();
    change(&mut request);
    read(&to, request)
}

fn partition(request: &mut VoteRequest) -> &mut RequestedPartitionData {
    &mut request.topics[0].partitions[0]
}

#[test]
fn a_vote_of_another_cluster_topic_or_voter_is_refused() {
    assert_eq!(changed(|_| {}), Ok(VOTE));
    let cluster = changed(|request| request.cluster_id = Some("that".into()));
    assert_eq!(cluster, Err(ErrorCode::InconsistentClusterId));
    assert_eq!(changed(|request| request.cluster_id = None), Ok(VOTE));
    for change in [
        (|request| request.topics.clear()) as fn(&mut VoteRequest),
        |request| request.topics.push(request.topics[0].clone()),
        |request| request.topics[0].topic_name = "t".into(),
        |request| request.topics[0].partitions.clear(),
        |request| {
            let again = request.topics[0].partitions[0].clone();
            request.topics[0].partitions.push(again);
        },
        |request| partition(request).partition_index = 1,
        |request| partition(request).replica_id = -1,
    ] {
        assert_eq!(changed(change), Err(ErrorCode::InvalidRequest));
    }
    assert_eq!(changed(|request| request.voter_id = 3), Err(ErrorCode::InvalidVoterKey));
    let other_disk = changed(|request| partition(request).voter_directory_id = Uuid([9; 16]));
    assert_eq!(other_disk, Err(ErrorCode::InvalidVoterKey));
    assert_eq!(changed(|request| request.voter_id = -1), Ok(VOTE));
}

#[test]
fn a_candidate_is_past_its_last_record_and_who_only_asks_need_not_be() {
    let invalid = Err(ErrorCode::InvalidRequest);
    assert_eq!(changed(|request| partition(request).last_offset = -1), invalid);
    assert_eq!(changed(|request| partition(request).last_offset_epoch = -1), invalid);
    assert_eq!(changed(|request| partition(request).last_offset_epoch = 5), invalid);
    assert_eq!(changed(|request| partition(request).replica_epoch = -7), invalid);
    let same = |request: &mut VoteRequest| {
        partition(request).last_offset_epoch = 5;
        partition(request).pre_vote = true;
    };
    let last = EpochEnd { epoch: LeaderEpoch(5), end: Offset(100) };
    assert_eq!(changed(same), Ok(Vote { last, pre_vote: true, ..VOTE }));
    let later = |request: &mut VoteRequest| {
        partition(request).last_offset_epoch = 6;
        partition(request).pre_vote = true;
    };
    assert_eq!(changed(later), invalid);
}

#[test]
fn a_refused_vote_tells_no_epoch() {
    let refused = refused(ErrorCode::InvalidVoterKey);
    assert_eq!((refused.error_code, refused.topics.len()), (125, 0));
    assert_eq!(answer(refused), Err(Senseless::Refused(ErrorCode::InvalidVoterKey)));
}

#[test]
fn a_rejected_vote_tells_who_leads_which_epoch() {
    let rejected =
        Response { epoch: LeaderEpoch(9), leader: Some(BrokerId(3)), body: Err(Rejection::FencedEpoch) };
    let at = NodeEndpoint { name: "C".into(), host: "c3".into(), port: 9093, security_protocol: 0 };
    let sent = response(2, &rejected, Some(&at));
    assert_eq!(sent.error_code, 0, "the request as a whole was taken");
    let told = &sent.topics[0].partitions[0];
    assert_eq!((told.error_code, told.leader_id, told.leader_epoch, told.vote_granted), (74, 3, 9, false));
    assert_eq!((sent.node_endpoints[0].node_id, &*sent.node_endpoints[0].host), (3, "c3"));
    assert_eq!(answer(sent), Ok(rejected));
}

#[test]
fn a_response_about_something_else_is_senseless() {
    let granted = Response { epoch: LeaderEpoch(5), leader: None, body: Ok(Answer::Vote { granted: true }) };
    let sent = || response(2, &granted, None);
    assert_eq!(answer(sent()), Ok(granted.clone()));
    assert_eq!(answer(VoteResponse::default()), Err(Senseless::Partition));
    for change in [
        (|sent| sent.topics[0].topic_name = "t".into()) as fn(&mut VoteResponse),
        |sent| sent.topics[0].partitions[0].partition_index = 1,
        |sent| sent.topics.push(sent.topics[0].clone()),
    ] {
        let mut sent = sent();
        change(&mut sent);
        assert_eq!(answer(sent), Err(Senseless::Partition));
    }
    let mut negative = sent();
    negative.topics[0].partitions[0].leader_epoch = -1;
    assert_eq!(answer(negative), Err(Senseless::Number("leader epoch")));
    // A Kafka replica says so beside the partition, with an epoch that may be anything.
    let mut misdirected = sent();
    misdirected.topics[0].partitions[0].error_code = ErrorCode::InvalidVoterKey as i16;
    assert_eq!(answer(misdirected), Err(Senseless::Refused(ErrorCode::InvalidVoterKey)));
}
