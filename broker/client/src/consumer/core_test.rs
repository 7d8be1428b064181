//! Several partitions and brokers at once: one fetch for each broker, everybody in turn, errors told once.

use super::*;
use crate::backoff::Backoff;
use crate::metadata::Freshness;
use model::time::Duration;
use model::{Offset, Timestamp, Uuid};
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use records::batch::BatchBuilder;

const NOW: Instant = Instant(1_000_000);

/// `t`, whose partitions these brokers lead in epoch 0.
fn metadata(leaders: &[i32]) -> Metadata {
    let backoff = Backoff { first: Duration::ZERO, most: Duration::ZERO };
    let freshness = Freshness { age_max: Duration::from_secs(9), patience: Duration::ZERO, backoff };
    let mut metadata = Metadata::new(freshness);
    metadata.want("t");
    metadata.learn(&answer(leaders, 1), Instant(0), 0);
    metadata
}

/// What brokers tell of `t`, which has this id.
fn answer(leaders: &[i32], id: u8) -> MetadataResponse {
    let broker =
        |node_id| MetadataResponseBroker { node_id, host: "b".into(), port: 1, ..Default::default() };
    let partition = |(index, leader): (usize, &i32)| MetadataResponsePartition {
        partition_index: index as i32,
        leader_id: *leader,
        leader_epoch: 0,
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some("t".into()),
        topic_id: Uuid([id; 16]),
        partitions: leaders.iter().enumerate().map(partition).collect(),
        ..Default::default()
    };
    MetadataResponse { brokers: (1..=2).map(broker).collect(), topics: vec![topic], ..Default::default() }
}

fn place(partition: i32) -> Place {
    ("t".into(), partition)
}

fn core(partitions: i32, poll_records_max: usize) -> Core {
    let mut core = Core::new(ConsumerConfig { poll_records_max, ..ConsumerConfig::default() });
    (0..partitions).for_each(|partition| core.assign(place(partition), Start::At(0)));
    core
}

fn asks(core: &mut Core, metadata: &Metadata) -> Vec<(i32, u64, Vec<i32>)> {
    let ready = core.nodes(metadata, NOW).into_iter().collect();
    let asks = core.asks(metadata, NOW, &ready).into_iter();
    asks.map(|(node, ask)| (node, ask.request, ask.what.places().iter().map(|place| place.1).collect()))
        .collect()
}

fn batch(values: i64) -> Told {
    let mut builder = BatchBuilder::new(Offset(0), LeaderEpoch(0));
    (0..values).for_each(|_| builder.push(Timestamp(1), Some(b"k"), None));
    Told::Records { records: builder.build(), high_watermark: values }
}

#[test]
fn each_broker_is_asked_for_its_partitions_and_one_at_a_time() {
    let (mut core, metadata) = (core(4, 10), metadata(&[1, 2, 1, -1]));
    assert_eq!(asks(&mut core, &metadata), [(1, 0, vec![0, 2]), (2, 1, vec![1])]);
    assert_eq!(asks(&mut core, &metadata), []);
    // A partition that comes later waits for the fetch that is under way.
    core.assign(place(0), Start::At(5));
    assert_eq!(asks(&mut core, &metadata), []);
    core.answered(0, BTreeMap::from([(place(0), batch(1)), (place(2), batch(1))]), NOW, 0);
    assert_eq!(core.poll().len(), 1, "of what was assigned anew nothing has come");
    assert_eq!(asks(&mut core, &metadata), [(1, 2, vec![0, 2])]);
}

#[test]
fn a_poll_ends_at_its_limit_and_the_next_begins_elsewhere() {
    let (mut core, metadata) = (core(2, 2), metadata(&[1, 1]));
    let request = asks(&mut core, &metadata)[0].1;
    core.answered(request, BTreeMap::from([(place(0), batch(3)), (place(1), batch(3))]), NOW, 0);
    let mut polled =
        || core.poll().iter().map(|record| (record.partition, record.offset)).collect::<Vec<_>>();
    assert_eq!(polled(), [(0, 0), (0, 1)]);
    assert_eq!(polled(), [(1, 0), (1, 1)]);
    assert_eq!(polled(), [(0, 2), (1, 2)]);
    assert_eq!(polled(), []);
    assert!(core.is_at_end());
    assert_eq!(core.position(&place(0)).and_then(Position::offset), Some(3));
}

#[test]
fn errors_stop_their_partition_and_are_told_once() {
    let (mut core, metadata) = (core(3, 10), metadata(&[1, 1, 1]));
    let request = asks(&mut core, &metadata)[0].1;
    let damaged = Told::Records { records: Bytes::from(vec![0; 70]), high_watermark: 1 };
    let told = BTreeMap::from([
        (place(0), Told::Error(ErrorCode::TopicAuthorizationFailed)),
        (place(1), damaged),
        (place(2), Told::Error(ErrorCode::NotLeaderOrFollower)),
    ]);
    assert!(core.answered(request, told, NOW, 0), "metadata may be wrong");
    assert_eq!(core.poll(), []);
    let refused = core.next_error().unwrap();
    assert_eq!(
        (refused.partition, refused.trouble),
        (0, Trouble::Refused(ErrorCode::TopicAuthorizationFailed))
    );
    assert!(matches!(core.next_error().unwrap().trouble, Trouble::Corrupt(_)));
    assert_eq!(core.next_error(), None);
    assert!(asks(&mut core, &metadata).is_empty(), "the third waits its time");
    assert!(core.wake(NOW).is_some());
}

#[test]
fn what_an_answer_does_not_speak_of_is_asked_for_again() {
    let (mut core, metadata) = (core(1, 10), metadata(&[1]));
    let request = asks(&mut core, &metadata)[0].1;
    assert!(!core.suspects(NOW + Duration::from_secs(1)).is_empty() && core.suspects(NOW).is_empty());
    assert!(!core.answered(request, BTreeMap::new(), NOW, 200));
    assert_eq!(core.wake(NOW), Some(NOW + Duration::from_millis(50)));
    core.unassign(&place(0));
    assert_eq!(core.wake(NOW), None);
}

#[test]
fn a_topic_that_was_created_anew_is_read_anew() {
    let (mut core, mut metadata) = (core(1, 10), metadata(&[1]));
    asks(&mut core, &metadata);
    metadata.learn(&answer(&[2], 2), NOW, 0);
    let ready = core.nodes(&metadata, NOW).into_iter().collect();
    let (node, ask) = core.asks(&metadata, NOW, &ready).remove(0);
    assert_eq!((node, ask.what), (2, Wanted::Offsets(vec![(place(0), LeaderEpoch(0), -1)])));
}

/// A broker that is behind may not know a topic; all of them, for long, are right.
#[test]
fn a_topic_that_is_gone_is_told_when_it_has_been_for_long() {
    let (mut core, mut metadata) = (core(1, 10), metadata(&[1]));
    let mut gone = answer(&[], 0);
    gone.topics[0].error_code = ErrorCode::UnknownTopicOrPartition as i16;
    let mut learn = |core: &mut Core, answer: &MetadataResponse, seconds: u64| {
        metadata.learn(answer, NOW + Duration::from_secs(seconds), 0);
        core.nodes(&metadata, NOW);
        core.next_error().map(|error| error.trouble)
    };
    assert_eq!(learn(&mut core, &gone, 0), None);
    assert_eq!(learn(&mut core, &gone, 9), None);
    assert_eq!(learn(&mut core, &answer(&[1], 1), 10), None, "it was not");
    assert_eq!(learn(&mut core, &gone, 11), None);
    assert_eq!(learn(&mut core, &gone, 21), Some(Trouble::NoTopic));
    assert_eq!(learn(&mut core, &gone, 22), None, "told once");
}
