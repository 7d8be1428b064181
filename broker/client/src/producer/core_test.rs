//! One thing at a time: what a producer sends when brokers answer this or that, under which sequences, and what it tells.

use super::*;
use crate::backoff::Backoff;
use crate::metadata::Freshness;
use crate::producer::record::Delivered;
use crate::producer::rules::Acks;
use model::ProducerId;
use model::time::Duration;
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use records::batch::BatchHeader;

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_millis(100) };

/// A producer, what it knows, and its time.
struct Scene {
    core: Core,
    metadata: Metadata,
    now_ms: u64,
    told: BTreeMap<u64, Result<Delivered, Undelivered>>,
    names: i64,
}

/// A batch that was sent: in which request, where, and under which sequence of which producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    request: u64,
    partition: i32,
    producer: (i64, i16),
    sequence: i32,
}

impl Scene {
    /// Of a topic with two partitions, both led by broker 1; each record is a batch.
    fn new() -> Scene {
        Scene::with(ProducerConfig::default())
    }

    fn with(config: ProducerConfig) -> Scene {
        let rules = ProducerConfig { batch_bytes: 1, linger: Duration::ZERO, backoff: BACKOFF, ..config };
        rules.check().unwrap();
        let freshness = Freshness {
            age_max: Duration::from_secs(300),
            patience: Duration::from_millis(500),
            backoff: BACKOFF,
        };
        let metadata = Metadata::new(freshness);
        let mut scene =
            Scene { core: Core::new(rules), metadata, now_ms: 1, told: BTreeMap::new(), names: 0 };
        scene.metadata.want("t");
        scene.learn(1, 0);
        scene
    }

    fn learn(&mut self, leader: i32, epoch: i32) {
        let broker =
            |node_id| MetadataResponseBroker { node_id, host: "b".into(), port: 1, ..Default::default() };
        let partition = |partition_index| MetadataResponsePartition {
            partition_index,
            leader_id: leader,
            leader_epoch: epoch,
            ..Default::default()
        };
        let topic = MetadataResponseTopic {
            name: Some("t".into()),
            partitions: (0..2).map(partition).collect(),
            ..Default::default()
        };
        let answer = MetadataResponse {
            brokers: vec![broker(1), broker(2)],
            topics: vec![topic],
            ..Default::default()
        };
        let moment = self.moment();
        self.metadata.learn(&answer, moment.now, 0);
    }

    fn moment(&self) -> Moment {
        Moment { now: Instant(self.now_ms * 1_000_000), draw: 200 }
    }

    fn push(&mut self, partition: i32) -> u64 {
        self.give(Record { topic: "t".into(), partition: Some(partition), ..Record::default() })
    }

    fn give(&mut self, record: Record) -> u64 {
        let moment = self.moment();
        self.core.push(record, 0, &mut self.metadata, moment)
    }

    /// Everything that is sent now, to this broker.
    fn turn(&mut self, node: i32) -> Vec<Sent> {
        let moment = self.moment();
        self.core.tick(&self.metadata, moment);
        if self.core.wants_name(moment.now) {
            self.core.name_asked(moment.now);
            self.names += 1;
            self.core.named(Ok(Identity { id: ProducerId(self.names), epoch: 0 }), moment);
        }
        let mut sent = Vec::new();
        while let Some(ask) = self.core.request(node, &self.metadata, moment) {
            for ((_, partition), batch) in ask.batches {
                records::batch::check_crc(&batch).unwrap();
                let header = BatchHeader::parse(&batch).unwrap();
                let producer = (header.producer_id.0, header.producer_epoch);
                sent.push(Sent { request: ask.request, partition, producer, sequence: header.base_sequence });
            }
        }
        self.tell();
        sent
    }

    fn answer(&mut self, request: u64, partition: i32, attempt: Attempt) {
        let moment = self.moment();
        let attempts = BTreeMap::from([(("t".to_string(), partition), attempt)]);
        self.core.answered(request, attempts, &Attempt::Lost, moment);
        self.core.tick(&self.metadata, moment);
        self.tell();
    }

    fn refuse(&mut self, request: u64, partition: i32, code: ErrorCode) {
        self.answer(request, partition, Attempt::Refused { code, words: None });
    }

    fn tell(&mut self) {
        self.told.extend(self.core.fates());
    }

    /// A producer of which the brokers have a first record of partition 0.
    fn established() -> Scene {
        let mut scene = Scene::new();
        scene.push(0);
        assert_eq!(scene.turn(1), [Sent { request: 0, partition: 0, producer: (1, 0), sequence: 0 }]);
        scene.answer(0, 0, Attempt::Taken { base: Some(0) });
        scene
    }
}

fn sequences(sent: &[Sent]) -> Vec<(i16, i32)> {
    sent.iter().map(|sent| (sent.producer.1, sent.sequence)).collect()
}

#[test]
fn a_first_batch_goes_alone_and_then_five_are_under_way() {
    let mut scene = Scene::new();
    (0..8).for_each(|_| _ = scene.push(0));
    assert_eq!(sequences(&scene.turn(1)), [(0, 0)]);
    scene.answer(0, 0, Attempt::Taken { base: Some(40) });
    assert_eq!(scene.told[&0], Ok(Delivered { partition: 0, offset: Some(40) }));
    assert_eq!(sequences(&scene.turn(1)), [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]);
    assert_eq!(scene.core.nodes(&scene.metadata, scene.moment()), BTreeSet::new());
    scene.answer(1, 0, Attempt::Taken { base: Some(41) });
    assert_eq!(sequences(&scene.turn(1)), [(0, 6)]);
}

#[test]
fn what_is_refused_for_good_lets_those_behind_it_begin_anew() {
    let mut scene = Scene::established();
    let tickets: Vec<u64> = (0..3).map(|_| scene.push(0)).collect();
    assert_eq!(sequences(&scene.turn(1)), [(0, 1), (0, 2), (0, 3)]);
    scene.refuse(1, 0, ErrorCode::MessageTooLarge);
    assert!(scene.told[&tickets[0]].as_ref().is_err_and(|why| why.definite));
    scene.push(0);
    assert_eq!(scene.turn(1), [], "no broker would take what comes now");
    scene.refuse(2, 0, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(scene.turn(1), [], "another attempt is under way");
    scene.refuse(3, 0, ErrorCode::OutOfOrderSequenceNumber);
    let again = scene.turn(1);
    assert_eq!(again, [Sent { request: 4, partition: 0, producer: (1, 1), sequence: 0 }]);
    scene.answer(4, 0, Attempt::Taken { base: Some(1) });
    assert_eq!(sequences(&scene.turn(1)), [(1, 1), (1, 2)]);
    scene.answer(5, 0, Attempt::Taken { base: Some(2) });
    scene.answer(6, 0, Attempt::Taken { base: Some(3) });
    assert_eq!(scene.told[&tickets[2]], Ok(Delivered { partition: 0, offset: Some(2) }));
    assert_eq!(scene.core.charge(), 0);
}

#[test]
fn what_may_have_been_written_is_not_sent_in_another_epoch() {
    let mut scene = Scene::established();
    let (lost, behind) = (scene.push(0), scene.push(0));
    assert_eq!(sequences(&scene.turn(1)), [(0, 1), (0, 2)]);
    scene.answer(1, 0, Attempt::Lost);
    scene.refuse(2, 0, ErrorCode::OutOfOrderSequenceNumber);
    scene.now_ms += 100;
    assert_eq!(sequences(&scene.turn(1)), [(0, 1)], "under its own sequence, and alone");
    // The broker has lost what it knew.
    scene.refuse(3, 0, ErrorCode::OutOfOrderSequenceNumber);
    let fate = scene.told[&lost].clone().unwrap_err();
    assert_eq!((fate.cause, fate.definite), (Cause::Forgotten, false));
    assert_eq!(sequences(&scene.turn(1)), [(1, 0)]);
    scene.answer(4, 0, Attempt::Taken { base: Some(2) });
    assert!(scene.told[&behind].is_ok());
}

#[test]
fn a_duplicate_is_delivered_nobody_knows_where() {
    let mut scene = Scene::established();
    let ticket = scene.push(0);
    scene.turn(1);
    scene.refuse(1, 0, ErrorCode::DuplicateSequenceNumber);
    assert_eq!(scene.told[&ticket], Ok(Delivered { partition: 0, offset: None }));
}

#[test]
fn a_producer_that_is_not_known_any_more_begins_anew() {
    for code in [ErrorCode::UnknownProducerId, ErrorCode::OutOfOrderSequenceNumber] {
        let mut scene = Scene::established();
        scene.push(0);
        scene.turn(1);
        scene.refuse(1, 0, code);
        assert_eq!(scene.turn(1)[0], Sent { request: 2, partition: 0, producer: (1, 1), sequence: 0 });
    }
}

#[test]
fn a_producer_that_is_fenced_gets_another_id() {
    let mut scene = Scene::established();
    let ticket = scene.push(0);
    scene.turn(1);
    scene.refuse(1, 0, ErrorCode::InvalidProducerEpoch);
    assert_eq!(scene.turn(1)[0], Sent { request: 2, partition: 0, producer: (2, 0), sequence: 0 });
    scene.answer(2, 0, Attempt::Taken { base: Some(9) });
    assert!(scene.told[&ticket].is_ok());
    // Another partition begins with the new one as well.
    scene.push(1);
    assert_eq!(scene.turn(1)[0].producer, (2, 0));
}

#[test]
fn what_is_overdue_is_told_and_what_was_never_sent_is_told_for_sure() {
    let mut scene = Scene::established();
    let (under_way, lost) = (scene.push(0), scene.push(0));
    scene.turn(1);
    scene.answer(2, 0, Attempt::Lost);
    let waiting = scene.push(1);
    scene.now_ms += 120_000;
    scene.turn(2);
    let definite = |scene: &Scene, ticket| scene.told[&ticket].clone().unwrap_err().definite;
    assert_eq!((definite(&scene, under_way), definite(&scene, lost)), (false, false));
    assert!(definite(&scene, waiting));
    // The one under way keeps its place, and whether it was written decides how it goes on.
    let next = scene.push(0);
    assert_eq!(scene.turn(1), []);
    scene.answer(1, 0, Attempt::Lost);
    assert_eq!(sequences(&scene.turn(1)), [(1, 0)]);
    scene.answer(3, 0, Attempt::Taken { base: Some(5) });
    assert!(scene.told[&next].is_ok());
}

#[test]
fn a_later_batch_that_is_taken_vouches_for_those_before_it() {
    let mut scene = Scene::established();
    (0..2).for_each(|_| _ = scene.push(0));
    scene.turn(1);
    scene.answer(1, 0, Attempt::Lost);
    scene.now_ms += 120_000;
    // The first is given up, and the second is taken: sequences go on.
    scene.turn(2);
    scene.answer(2, 0, Attempt::Taken { base: Some(2) });
    scene.push(0);
    assert_eq!(sequences(&scene.turn(1)), [(0, 3)]);
}

#[test]
fn another_leader_is_asked_at_once_and_the_silent_one_is_given_up() {
    let mut scene = Scene::established();
    let ticket = scene.push(0);
    scene.turn(1);
    assert!(scene.core.suspects(scene.moment().now).is_empty());
    scene.now_ms += 500;
    assert_eq!(scene.core.suspects(scene.moment().now), BTreeSet::from([1]));
    scene.learn(2, 1);
    assert_eq!(sequences(&scene.turn(2)), [(0, 1)], "the same sequence, elsewhere");
    scene.answer(2, 0, Attempt::Taken { base: Some(1) });
    // What the silent one says after all says nothing any more.
    scene.refuse(1, 0, ErrorCode::NotLeaderOrFollower);
    assert_eq!(scene.told[&ticket], Ok(Delivered { partition: 0, offset: Some(1) }));
    assert_eq!(scene.core.charge(), 0);
}

#[test]
fn a_refusal_that_may_pass_is_waited_out() {
    let mut scene = Scene::established();
    let ticket = scene.push(0);
    scene.turn(1);
    scene.refuse(1, 0, ErrorCode::NotEnoughReplicas);
    scene.push(0);
    assert_eq!(scene.turn(1), [], "nothing overtakes it");
    assert_eq!(scene.core.wake(scene.moment().now), Some(Instant((scene.now_ms + 100) * 1_000_000)));
    scene.now_ms += 100;
    assert_eq!(sequences(&scene.turn(1)), [(0, 1), (0, 2)]);
    scene.now_ms += 120_000;
    scene.refuse(2, 0, ErrorCode::NotEnoughReplicas);
    let fate = scene.told[&ticket].clone().unwrap_err();
    assert_eq!(fate.cause, Cause::Overdue { last: Some(ErrorCode::NotEnoughReplicas) });
    assert!(fate.definite, "every attempt was refused before anything was written");
}

#[test]
fn without_idempotence_there_is_no_producer() {
    let config = ProducerConfig { idempotent: false, acks: Acks::Leader, ..ProducerConfig::default() };
    let mut scene = Scene::with(config);
    (0..3).for_each(|_| _ = scene.push(0));
    assert_eq!(sequences(&scene.turn(1)), [(-1, -1), (-1, -1), (-1, -1)]);
    assert_eq!(scene.names, 0);
    scene.refuse(0, 0, ErrorCode::MessageTooLarge);
    scene.answer(1, 0, Attempt::Taken { base: Some(0) });
    scene.answer(2, 0, Attempt::Taken { base: Some(1) });
    assert_eq!(scene.told.values().filter(|fate| fate.is_ok()).count(), 2);
}

#[test]
fn records_wait_for_their_topic_and_hear_when_it_can_never_be() {
    let mut scene = Scene::new();
    let record = |topic: &str| Record { topic: topic.into(), ..Record::default() };
    let (waiting, invalid) = (scene.give(record("later")), scene.give(record("in valid")));
    let topic = |name: &str, code: ErrorCode| MetadataResponseTopic {
        name: Some(name.into()),
        error_code: code as i16,
        ..Default::default()
    };
    let topics = vec![
        topic("later", ErrorCode::UnknownTopicOrPartition),
        topic("in valid", ErrorCode::InvalidTopicException),
    ];
    let brokers = vec![MetadataResponseBroker { host: "b".into(), port: 1, ..Default::default() }];
    let moment = scene.moment();
    scene.metadata.learn(&MetadataResponse { brokers, topics, ..Default::default() }, moment.now, 0);
    scene.turn(1);
    assert_eq!(
        scene.told[&invalid].clone().unwrap_err().cause,
        Cause::Refused { code: ErrorCode::InvalidTopicException, words: None }
    );
    assert!(!scene.told.contains_key(&waiting));
    scene.now_ms += 120_000;
    scene.turn(1);
    let cause = Cause::Overdue { last: Some(ErrorCode::UnknownTopicOrPartition) };
    assert_eq!(scene.told[&waiting], Err(Undelivered { cause, definite: true }));
    assert_eq!(scene.core.charge(), 0);
}

#[test]
fn what_can_never_be_sent_is_told_at_once() {
    let mut scene = Scene::new();
    let ticket = scene.push(7);
    let record = Record { topic: "t".into(), value: Some(vec![0; 2 << 20].into()), ..Record::default() };
    let large = scene.give(record);
    scene.tell();
    assert_eq!(scene.told[&ticket].clone().unwrap_err().cause, Cause::NoPartition);
    assert!(matches!(scene.told[&large].clone().unwrap_err().cause, Cause::TooLarge { .. }));
}

#[test]
fn brokers_that_give_no_id_end_it_with_that_reason() {
    let mut scene = Scene::new();
    let ticket = scene.push(0);
    let moment = scene.moment();
    scene.core.tick(&scene.metadata, moment);
    assert!(scene.core.wants_name(moment.now));
    scene.core.name_asked(moment.now);
    scene.core.named(Err(Some(ErrorCode::CoordinatorLoadInProgress)), moment);
    assert!(!scene.core.wants_name(moment.now));
    scene.now_ms += 100;
    let moment = scene.moment();
    assert!(scene.core.wants_name(moment.now));
    scene.core.name_asked(moment.now);
    scene.core.named(Err(Some(ErrorCode::UnsupportedVersion)), moment);
    scene.turn(1);
    let cause = Cause::NoProducerId(ErrorCode::UnsupportedVersion);
    assert_eq!(scene.told[&ticket], Err(Undelivered { cause, definite: true }));
}

/// Any broker can give an id, and one may hang: another one is asked beside it, and whoever answers first has named it.
#[test]
fn nobody_waits_for_one_broker_alone_to_be_named() {
    let mut scene = Scene::new();
    scene.push(0);
    let moment = scene.moment();
    scene.core.tick(&scene.metadata, moment);
    scene.core.name_asked(moment.now);
    assert!(!scene.core.wants_name(moment.now));
    scene.now_ms += 250;
    assert_eq!(scene.core.wake(moment.now), Some(scene.moment().now));
    let moment = scene.moment();
    assert!(scene.core.wants_name(moment.now));
    scene.core.name_asked(moment.now);
    let name = |id| Ok(Identity { id: ProducerId(id), epoch: 0 });
    scene.core.named(name(7), moment);
    for late in [name(8), Err(None), Err(Some(ErrorCode::UnsupportedVersion))] {
        scene.core.named(late, moment);
        assert!(!scene.core.wants_name(moment.now));
    }
    assert_eq!(scene.turn(1), [Sent { request: 0, partition: 0, producer: (7, 0), sequence: 0 }]);
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let check = |config: ProducerConfig| config.check().is_ok();
    let base = ProducerConfig::default;
    assert!(check(base()));
    assert!(!check(ProducerConfig { acks: Acks::Leader, ..base() }));
    assert!(!check(ProducerConfig { in_flight_max: 6, ..base() }));
    assert!(!check(ProducerConfig { in_flight_max: 0, ..base() }));
    assert!(!check(ProducerConfig { batch_bytes: 2 << 20, ..base() }));
}
