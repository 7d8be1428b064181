//! Answers by name and by id, hints taken, and metadata stale where there is no hint.

use super::*;
use crate::backoff::Backoff;
use crate::metadata::Freshness;
use bytes::Bytes;
use model::Uuid;
use model::time::{Duration, Instant};
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::messages::produce::{LeaderIdAndEpoch, NodeEndpoint, TopicProduceResponse};

const ID: Uuid = Uuid([9; 16]);

/// `t`, whose one partition broker 1 leads in epoch 3.
fn metadata(id: Uuid) -> Metadata {
    let backoff = Backoff { first: Duration::ZERO, most: Duration::ZERO };
    let mut metadata =
        Metadata::new(Freshness { age_max: Duration::from_secs(60), patience: Duration::ZERO, backoff });
    metadata.want("t");
    let broker = MetadataResponseBroker { node_id: 1, host: "a".into(), port: 1, ..Default::default() };
    let partition = MetadataResponsePartition { leader_id: 1, leader_epoch: 3, ..Default::default() };
    let topic = MetadataResponseTopic {
        name: Some("t".into()),
        topic_id: id,
        partitions: vec![partition],
        ..Default::default()
    };
    let answer = MetadataResponse { brokers: vec![broker], topics: vec![topic], ..Default::default() };
    metadata.learn(&answer, Instant(0), 0);
    metadata
}

fn answer(code: ErrorCode, leader: Option<(i32, i32)>) -> ProduceResponse {
    let current_leader = leader.map_or(LeaderIdAndEpoch::default(), |(leader_id, leader_epoch)| {
        LeaderIdAndEpoch { leader_id, leader_epoch }
    });
    let told = PartitionProduceResponse {
        error_code: code as i16,
        base_offset: 7,
        current_leader,
        ..Default::default()
    };
    let by_id = TopicProduceResponse { topic_id: ID, partition_responses: vec![told], ..Default::default() };
    let endpoint = NodeEndpoint { node_id: 2, host: "b".into(), port: 2, ..Default::default() };
    ProduceResponse { responses: vec![by_id], node_endpoints: vec![endpoint], ..Default::default() }
}

fn fresh(metadata: &Metadata) -> bool {
    metadata.due() > Instant(0)
}

#[test]
fn a_topic_without_an_id_is_asked_by_name() {
    let ask = || Ask { request: 0, batches: vec![(("t".into(), 0), Bytes::from_static(b"batch"))] };
    let rules = ProducerConfig::default();
    assert_eq!(question(ask(), &rules, &metadata(Uuid::ZERO)).1, 12);
    let (request, newest) = question(ask(), &rules, &metadata(ID));
    assert_eq!((newest, request.acks, request.timeout_ms), (i16::MAX, -1, 30_000));
    assert_eq!((request.topic_data[0].topic_id, request.topic_data[0].name.as_str()), (ID, "t"));
}

#[test]
fn an_answer_by_id_is_about_the_topic_of_that_id() {
    let place = ("t".to_string(), 0);
    let mut known = metadata(ID);
    let attempts = read(&answer(ErrorCode::None, None), &mut known);
    assert_eq!(attempts[&place], Attempt::Taken { base: Some(7) });
    assert!(fresh(&known));
    let attempts = read(&answer(ErrorCode::None, None), &mut metadata(Uuid([8; 16])));
    assert!(attempts.is_empty(), "of another topic of that name");
}

#[test]
fn who_does_not_lead_says_who_does_or_makes_metadata_stale() {
    let code = ErrorCode::NotLeaderOrFollower;
    let mut hinted = metadata(ID);
    read(&answer(code, Some((2, 4))), &mut hinted);
    assert_eq!(hinted.leader("t", 0).unwrap().node, Some(2));
    assert!(fresh(&hinted));
    for leader in [None, Some((2, 3))] {
        let mut stale = metadata(ID);
        let attempts = read(&answer(code, leader), &mut stale);
        assert_eq!(attempts[&("t".to_string(), 0)], Attempt::Refused { code, words: None });
        assert_eq!(stale.leader("t", 0).unwrap().node, Some(1));
        assert!(!fresh(&stale), "{leader:?}");
    }
}
