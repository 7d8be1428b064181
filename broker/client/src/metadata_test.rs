//! Older epochs lose against newer ones, hints count when they are news, and questions are put in time and not too often.

use super::*;
use protocol::messages::metadata::{MetadataResponseBroker, MetadataResponsePartition};

const MS: Duration = Duration::from_millis(1);

fn freshness() -> Freshness {
    let backoff = Backoff { first: 100 * MS, most: 1_000 * MS };
    Freshness { age_max: 60_000 * MS, patience: 500 * MS, backoff }
}

fn at(ms: u64) -> Instant {
    Instant(ms * 1_000_000)
}

/// A cache that wants `t`.
fn wanting() -> Metadata {
    let mut metadata = Metadata::new(freshness());
    assert!(metadata.want("t"));
    metadata
}

/// An answer about `t`: for each partition leader and epoch.
fn answer(id: u8, partitions: &[(i32, i32)]) -> MetadataResponse {
    let broker = |node_id| MetadataResponseBroker {
        node_id,
        host: format!("b{node_id}"),
        port: 9092,
        ..Default::default()
    };
    let partition = |(index, (leader_id, leader_epoch)): (usize, &(i32, i32))| MetadataResponsePartition {
        partition_index: index as i32,
        leader_id: *leader_id,
        leader_epoch: *leader_epoch,
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some("t".into()),
        topic_id: Uuid([id; 16]),
        partitions: partitions.iter().enumerate().map(partition).collect(),
        ..Default::default()
    };
    MetadataResponse { brokers: (1..=3).map(broker).collect(), topics: vec![topic], ..Default::default() }
}

fn refusal(error: ErrorCode) -> MetadataResponse {
    let mut answer = answer(0, &[]);
    answer.topics[0].error_code = error as i16;
    answer
}

fn leader(metadata: &Metadata, partition: i32) -> (i32, i32) {
    let leader = metadata.leader("t", partition).unwrap();
    (leader.node.unwrap_or(-1), leader.epoch.0)
}

#[test]
fn an_older_epoch_never_replaces_a_newer_one() {
    let mut metadata = wanting();
    metadata.learn(&answer(1, &[(1, 5), (2, 3)]), at(0), 0);
    metadata.learn(&answer(1, &[(3, 4), (3, 4)]), at(1), 0);
    assert_eq!((leader(&metadata, 0), leader(&metadata, 1)), ((1, 5), (3, 4)));
    // The same epoch tells the latest: its leader may have gone.
    metadata.learn(&answer(1, &[(-1, 5), (3, 4)]), at(2), 0);
    assert_eq!(leader(&metadata, 0), (-1, 5));
    // A broker that is behind does not know a partition yet.
    metadata.learn(&answer(1, &[(2, 6)]), at(3), 0);
    assert_eq!((leader(&metadata, 0), leader(&metadata, 1)), ((2, 6), (3, 4)));
}

#[test]
fn a_topic_that_was_created_anew_begins_with_its_own_epochs() {
    let mut metadata = wanting();
    metadata.learn(&answer(1, &[(1, 5), (1, 5)]), at(0), 0);
    metadata.learn(&answer(2, &[(2, 0)]), at(1), 0);
    assert_eq!(leader(&metadata, 0), (2, 0));
    assert_eq!(metadata.leader("t", 1), None);
    assert_eq!(metadata.name(TopicId(Uuid([2; 16]))), Some("t"));
    assert_eq!(metadata.name(TopicId(Uuid([1; 16]))), None);
}

#[test]
fn a_hint_counts_when_it_is_news() {
    let mut metadata = wanting();
    metadata.learn(&answer(1, &[(1, 5)]), at(0), 0);
    for (node, epoch) in [(2, 5), (2, 4), (-1, 6), (9, 6)] {
        assert!(!metadata.hint("t", 0, node, LeaderEpoch(epoch)), "{node} {epoch}");
    }
    assert!(!metadata.hint("t", 7, 2, LeaderEpoch(6)) && !metadata.hint("u", 0, 2, LeaderEpoch(6)));
    assert_eq!(leader(&metadata, 0), (1, 5));
    assert!(metadata.hint("t", 0, 2, LeaderEpoch(6)));
    metadata.hint_node(9, "b9", 9092);
    assert!(metadata.hint("t", 0, 9, LeaderEpoch(7)));
    assert_eq!(leader(&metadata, 0), (9, 7));
    // And no answer of a broker that is behind takes it back.
    metadata.learn(&answer(1, &[(1, 5)]), at(1), 0);
    assert_eq!(leader(&metadata, 0), (9, 7));
}

#[test]
fn what_a_broker_does_not_know_is_asked_again_and_what_it_refuses_is_not() {
    let mut metadata = wanting();
    metadata.learn(&answer(1, &[(1, 5)]), at(0), 200);
    assert_eq!(metadata.due(), at(60_000));
    metadata.learn(&refusal(ErrorCode::UnknownTopicOrPartition), at(1_000), 200);
    assert_eq!((metadata.error("t"), metadata.due()), (Some(ErrorCode::UnknownTopicOrPartition), at(1_100)));
    assert_eq!(leader(&metadata, 0), (1, 5));
    metadata.learn(&refusal(ErrorCode::InvalidTopicException), at(2_000), 200);
    assert_eq!(metadata.due(), at(62_000));
    metadata.learn(&answer(1, &[(-1, 6)]), at(3_000), 200);
    assert_eq!((metadata.error("t"), metadata.due()), (None, at(3_100)));
}

#[test]
fn questions_follow_each_other_at_a_distance() {
    let mut metadata = wanting();
    assert_eq!(metadata.due(), at(0));
    metadata.asked(at(10));
    // Nobody answers: another broker is asked.
    assert_eq!(metadata.due(), at(510));
    metadata.asked(at(510));
    metadata.failed(at(600), 200);
    assert_eq!(metadata.due(), at(700));
    metadata.failed(at(700), 200);
    assert_eq!(metadata.due(), at(900));
    metadata.learn(&answer(1, &[(1, 5)]), at(1_000), 200);
    assert_eq!(metadata.due(), at(61_000));
    metadata.stale();
    assert_eq!(metadata.due(), at(1_100));
    assert!(!metadata.nodes().is_empty() && metadata.is_known());
    // An answer that is an error as a whole is none.
    metadata.learn(
        &MetadataResponse { error_code: ErrorCode::RebootstrapRequired as i16, ..Default::default() },
        at(2_000),
        200,
    );
    assert_eq!((metadata.due(), metadata.nodes().len()), (at(2_100), 3));
}

#[test]
fn there_are_so_many_topics_and_no_more() {
    let mut metadata = Metadata::new(freshness());
    assert!((0..TOPICS_MAX).all(|n| metadata.want(&format!("t{n}"))));
    assert!(!metadata.want("one too many") && metadata.want("t7"));
    let asked = metadata.question(false);
    assert_eq!(asked.topics.map(|topics| topics.len()), Some(TOPICS_MAX));
    assert!(!asked.allow_auto_topic_creation);
}
