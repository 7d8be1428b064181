//! Fetches that are refused before the quorum is asked, and responses that say nothing.

use super::super::batches::Unfit;
use super::super::tests::{PORTIONS, local};
use super::*;
use bytes::Bytes;
use model::{BrokerId, Timestamp};
use raft::{Rejection, ReplicaKey};
use records::batch::BatchBuilder;

const FETCH: Fetch = Fetch {
    replica: ReplicaKey { id: BrokerId(2), directory: None },
    epoch: LeaderEpoch(5),
    from: Offset(100),
    last_epoch: LeaderEpoch(4),
    high_watermark: Some(Offset(90)),
    wait: Duration::from_millis(500),
};

/// What becomes of a request that was changed on its way.
fn changed(version: i16, change: impl FnOnce(&mut FetchRequest)) -> Result<Asked, ErrorCode> {
    let mut request = request(&local(2, None), version, &FETCH);
    change(&mut request);
    read(&local(1, Some(1)), version, request)
}

fn partition(request: &mut FetchRequest) -> &mut FetchPartition {
    &mut request.topics[0].partitions[0]
}

#[test]
fn a_fetch_of_another_cluster_or_topic_is_refused() {
    let asked = Asked { fetch: FETCH, bytes_max: PORTIONS.log as usize };
    assert_eq!(changed(18, |_| {}), Ok(asked));
    let cluster = changed(18, |request| request.cluster_id = Some("that".into()));
    assert_eq!(cluster, Err(ErrorCode::InconsistentClusterId));
    assert_eq!(changed(18, |request| request.cluster_id = None), Ok(asked));
    for change in [
        (|request| request.topics.clear()) as fn(&mut FetchRequest),
        |request| request.topics.push(request.topics[0].clone()),
        |request| request.topics[0].topic_id = Uuid([7; 16]),
        |request| request.topics[0].topic_id = Uuid::ZERO,
        |request| request.topics[0].partitions.clear(),
        |request| partition(request).partition = 1,
        |request| request.replica_state.replica_id = -1,
        |request| request.max_wait_ms = -1,
        |request| partition(request).fetch_offset = -1,
        |request| partition(request).last_fetched_epoch = -1,
        |request| partition(request).last_fetched_epoch = 6,
        |request| partition(request).current_leader_epoch = -1,
    ] {
        assert_eq!(changed(18, change), Err(ErrorCode::InvalidRequest));
    }
}

#[test]
fn version_12_goes_by_name_and_earlier_ones_say_too_little() {
    assert_eq!(request(&local(2, None), 12, &FETCH).topics[0].topic, "__cluster_metadata");
    assert!(changed(12, |_| {}).is_ok());
    let other = changed(12, |request| request.topics[0].topic = "t".into());
    assert_eq!(other, Err(ErrorCode::InvalidRequest));
    assert_eq!(changed(12, |request| request.replica_id = -1), Err(ErrorCode::InvalidRequest));
    for version in [11, 19] {
        assert_eq!(changed(version, |_| {}), Err(ErrorCode::UnsupportedVersion));
    }
}

#[test]
fn who_does_not_tell_its_high_watermark_is_not_told_another() {
    let told =
        |version, change: fn(&mut FetchRequest)| changed(version, change).unwrap().fetch.high_watermark;
    assert_eq!(told(18, |_| {}), Some(Offset(90)));
    assert_eq!(told(18, |request| partition(request).high_watermark = -1), None);
    assert_eq!(told(18, |request| partition(request).high_watermark = i64::MAX), Some(Offset(i64::MAX)));
}

#[test]
fn no_more_is_read_than_is_asked_for_or_allowed() {
    let bytes_max = |asked| changed(18, |request| request.max_bytes = asked).unwrap().bytes_max;
    assert_eq!(bytes_max(i32::MAX), BYTES_MAX);
    assert_eq!(bytes_max(1000), 1000);
    assert_eq!(bytes_max(-1), 0);
}

fn sent(body: Result<Answer, Rejection>, records: Bytes) -> FetchResponse {
    let response = Response { epoch: LeaderEpoch(5), leader: Some(BrokerId(1)), body };
    let read = Read { records: records.into(), log_start: Offset(10) };
    super::response(18, &response, read, None)
}

fn records() -> Result<Answer, Rejection> {
    Ok(Answer::Records(Records { from: FETCH.from, high_watermark: Some(Offset(95)), batches: None }))
}

fn batch(base: i64, epoch: i32) -> Bytes {
    let mut batch = BatchBuilder::new(Offset(base), LeaderEpoch(epoch));
    batch.push(Timestamp(0), None, Some(b"v"));
    batch.build()
}

#[test]
fn an_error_goes_without_records_and_with_the_leader() {
    let sent = sent(Err(Rejection::NotLeader), batch(100, 5));
    let told = &sent.responses[0].partitions[0];
    assert_eq!((sent.error_code, told.error_code, told.high_watermark), (0, 6, -1));
    assert!(told.records.is_empty());
    assert_eq!((told.current_leader.leader_id, told.current_leader.leader_epoch), (1, 5));
    assert_eq!(answer(18, &FETCH, sent).unwrap().body, Err(Rejection::NotLeader));
    let refused = refused(ErrorCode::InconsistentClusterId);
    assert_eq!((refused.error_code, refused.responses.len()), (104, 0));
    let said = answer(18, &FETCH, refused);
    assert_eq!(said, Err(Senseless::Refused(ErrorCode::InconsistentClusterId)));
}

#[test]
fn a_response_about_something_else_is_senseless() {
    let said = |change: fn(&mut FetchResponse)| {
        let mut sent = sent(records(), Bytes::new());
        change(&mut sent);
        answer(18, &FETCH, sent).map(|response| response.body)
    };
    assert_eq!(said(|_| {}), Ok(records()));
    assert_eq!(said(|sent| sent.responses.clear()), Err(Senseless::Partition));
    assert_eq!(said(|sent| sent.responses[0].topic_id = Uuid::ZERO), Err(Senseless::Partition));
    assert_eq!(said(|sent| sent.responses[0].partitions[0].partition_index = 1), Err(Senseless::Partition));
    // What a broker answers that knows nothing of quorums.
    let unled = said(|sent| sent.responses[0].partitions[0].current_leader = LeaderIdAndEpoch::default());
    assert_eq!(unled, Err(Senseless::Number("leader epoch")));
}

#[test]
fn half_an_epoch_or_snapshot_is_senseless() {
    let said = |diverging: (i32, i64), snapshot: (i32, i64)| {
        let mut sent = sent(records(), Bytes::new());
        let told = &mut sent.responses[0].partitions[0];
        told.diverging_epoch = EpochEndOffset { epoch: diverging.0, end_offset: diverging.1 };
        told.snapshot_id = WireSnapshotId { end_offset: snapshot.1, epoch: snapshot.0 };
        answer(18, &FETCH, sent).map(|response| response.body.unwrap())
    };
    let none = (-1, -1);
    let (epoch, end) = (LeaderEpoch(3), Offset(50));
    assert_eq!(said((3, 50), none), Ok(Answer::Diverging(EpochEnd { epoch, end })));
    assert_eq!(said(none, (3, 50)), Ok(Answer::Snapshot(SnapshotId { epoch, end })));
    assert_eq!(said((3, 50), (2, 40)), Ok(Answer::Diverging(EpochEnd { epoch, end })));
    for half in [(3, -1), (-1, 50), (-2, -1)] {
        assert_eq!(said(half, none), Err(Senseless::Number("diverging epoch")), "{half:?}");
        assert_eq!(said(none, half), Err(Senseless::Number("snapshot id")), "{half:?}");
    }
}

#[test]
fn records_are_checked_against_what_was_asked() {
    let said = |records_sent| {
        let response = answer(18, &FETCH, sent(records(), records_sent))?;
        let Ok(Answer::Records(Records { batches, .. })) = response.body else { panic!("{response}") };
        Ok(batches.map(|batches| batches.end))
    };
    assert_eq!(said(Bytes::new()), Ok(None));
    assert_eq!(said(batch(100, 4)), Ok(Some(Offset(101))));
    let gap = Unfit::Gap { expected: Offset(100), found: Offset(101) };
    assert_eq!(said(batch(101, 4)), Err(Senseless::Records(gap)));
    for epoch in [3, 6] {
        let unfit = Unfit::Epoch(LeaderEpoch(epoch));
        assert_eq!(said(batch(100, epoch)), Err(Senseless::Records(unfit)));
    }
}
