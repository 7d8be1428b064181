//! A producer against a model of brokers, in a world where requests come late, answers get lost and leaders change.
//!
//! The model is Kafka's idea of a partition's leader: a log, of which a new leader may lack what was not committed, and for
//! each producer the epoch, the last sequence and the last five batches, read from the log. Requests of a connection that
//! broke may still arrive. Whatever happens, in the end
//!
//! * every record has been told one fate,
//! * one that is delivered is in the log once, where it was said to be,
//! * one that is definitely undelivered is not there,
//! * no other is there twice, and all are in the order in which they were given.

use super::*;
use crate::backoff::Backoff;
use crate::metadata::Freshness;
use model::ProducerId;
use model::time::Duration;
use proptest::prelude::*;
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use records::batch::{self, BatchHeader};

const PARTITIONS: usize = 2;
const NODES: usize = 3;
const MS: u64 = 1_000_000;

/// What happens next. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A record is given to the producer.
    Push {
        partition: usize,
    },
    /// The producer sends what it has to send.
    Turn,
    /// A broker takes the oldest request of one of its connections.
    Process {
        connection: usize,
        whim: Whim,
    },
    /// What is in a partition's log is committed.
    Commit {
        partition: usize,
    },
    /// An answer reaches the producer.
    Answer {
        node: usize,
    },
    /// The producer's connection to a broker breaks.
    Break {
        node: usize,
    },
    /// A partition gets another leader, which lacks some of what is not committed.
    Lead {
        partition: usize,
        node: usize,
        lost: usize,
    },
    /// The producer learns who leads.
    Learn,
    Wait {
        ms: u64,
    },
}

/// What a broker does instead of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whim {
    None,
    TooLarge,
    NotEnoughReplicas,
    /// Appends, and says that its disk failed.
    StorageAfterAppend,
    /// Appends, and says that replicas are missing.
    ReplicasAfterAppend,
    /// Does not append, and does not know why.
    Unknown,
    /// Appends, and does not know what happened then.
    UnknownAfterAppend,
}

#[derive(Clone, Copy, Debug)]
struct Written {
    ticket: u64,
    producer: (i64, i16),
    /// The batch's, and where in the batch.
    base_sequence: i32,
    last_sequence: i32,
}

/// A partition.
#[derive(Debug, Default)]
struct Part {
    log: Vec<Written>,
    committed: usize,
    leader: usize,
    epoch: i32,
}

/// An answer that is due, or will be.
#[derive(Clone, Debug)]
enum Due {
    Now(Attempt),
    /// When so much is committed in this epoch.
    Committed {
        epoch: i32,
        base: usize,
        end: usize,
    },
}

#[derive(Debug)]
struct Request {
    request: u64,
    batches: Vec<(usize, Bytes)>,
    /// Empty before it has been processed.
    due: Vec<(usize, Due)>,
}

#[derive(Debug)]
struct Connection {
    node: usize,
    /// The producer still listens.
    open: bool,
    requests: VecDeque<Request>,
    processed: VecDeque<Request>,
}

struct World {
    core: Core,
    metadata: Metadata,
    parts: Vec<Part>,
    connections: Vec<Connection>,
    now: u64,
    draws: u64,
    pushed: Vec<(u64, usize)>,
    fates: BTreeMap<u64, Result<super::super::record::Delivered, Undelivered>>,
}

impl World {
    fn new(in_flight_max: usize, seed: u64) -> World {
        let backoff = Backoff { first: Duration::from_millis(20), most: Duration::from_millis(200) };
        let freshness =
            Freshness { age_max: Duration::from_secs(300), patience: Duration::from_millis(500), backoff };
        let rules = ProducerConfig {
            in_flight_max,
            linger: Duration::from_millis(2),
            batch_bytes: 250,
            delivery_timeout: Duration::from_millis(2_000),
            backoff,
            ..ProducerConfig::default()
        };
        let mut world = World {
            core: Core::new(rules),
            metadata: Metadata::new(freshness),
            parts: (0..PARTITIONS).map(|_| Part::default()).collect(),
            connections: Vec::new(),
            now: 0,
            draws: seed,
            pushed: Vec::new(),
            fates: BTreeMap::new(),
        };
        world.metadata.want("t");
        world.learn();
        world
    }

    fn moment(&mut self) -> Moment {
        self.draws =
            self.draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Moment { now: Instant(self.now * MS), draw: self.draws >> 33 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Push { partition } => self.push(partition),
            Step::Turn => self.turn(),
            Step::Process { connection, whim } => self.process(connection, whim),
            Step::Commit { partition } => {
                let part = &mut self.parts[partition];
                part.committed = part.log.len();
            }
            Step::Answer { node } => self.answer(node),
            Step::Break { node } => self.break_off(node),
            Step::Lead { partition, node, lost } => {
                let part = &mut self.parts[partition];
                part.lose(lost);
                (part.leader, part.epoch) = (node, part.epoch + 1);
            }
            Step::Learn => self.learn(),
            Step::Wait { ms } => self.now += ms,
        }
        self.tick();
    }

    fn tick(&mut self) {
        let moment = self.moment();
        self.core.tick(&self.metadata, moment);
        for (ticket, fate) in self.core.fates() {
            assert!(self.fates.insert(ticket, fate).is_none(), "record {ticket} has two fates");
        }
    }

    fn push(&mut self, partition: usize) {
        let moment = self.moment();
        let ticket = self.pushed.len() as u64;
        let value = ticket.to_string().into_bytes();
        let record = Record {
            topic: "t".into(),
            partition: Some(partition as i32),
            value: Some(value.into()),
            ..Record::default()
        };
        assert_eq!(self.core.push(record, 0, &mut self.metadata, moment), ticket);
        self.pushed.push((ticket, partition));
    }

    fn turn(&mut self) {
        self.tick();
        let moment = self.moment();
        if self.core.wants_name(moment.now) {
            self.core.name_asked(moment.now);
            let id = ProducerId(self.draws as i64 & i64::MAX);
            self.core.named(Ok(Identity { id, epoch: 0 }), moment);
        }
        for node in self.core.nodes(&self.metadata, moment) {
            while let Some(ask) = self.core.request(node, &self.metadata, moment) {
                let batches =
                    ask.batches.into_iter().map(|((_, partition), batch)| (partition as usize, batch));
                let request = Request { request: ask.request, batches: batches.collect(), due: Vec::new() };
                self.connection(node as usize).requests.push_back(request);
            }
        }
    }

    /// The producer's open connection to a broker.
    fn connection(&mut self, node: usize) -> &mut Connection {
        let open = |connection: &Connection| connection.open && connection.node == node;
        let at = self.connections.iter().position(open).unwrap_or_else(|| {
            let (requests, processed) = Default::default();
            self.connections.push(Connection { node, open: true, requests, processed });
            self.connections.len() - 1
        });
        &mut self.connections[at]
    }

    fn process(&mut self, connection: usize, whim: Whim) {
        let busy: Vec<usize> =
            (0..self.connections.len()).filter(|at| !self.connections[*at].requests.is_empty()).collect();
        if busy.is_empty() {
            return;
        }
        let at = busy[connection % busy.len()];
        let node = self.connections[at].node;
        let mut request = self.connections[at].requests.pop_front().expect("it is busy");
        for (partition, batch) in std::mem::take(&mut request.batches) {
            let due = self.parts[partition].append(node, &batch, whim);
            request.due.push((partition, due));
        }
        if self.connections[at].open {
            self.connections[at].processed.push_back(request);
        }
    }

    fn answer(&mut self, node: usize) {
        let open = |connection: &Connection| connection.open && connection.node == node;
        let Some(at) = self.connections.iter().position(open) else { return };
        let Some(first) = self.connections[at].processed.front() else { return };
        let mut attempts = BTreeMap::new();
        for (partition, due) in &first.due {
            let attempt = match due {
                Due::Now(attempt) => attempt.clone(),
                Due::Committed { epoch, base, end } => {
                    let part = &self.parts[*partition];
                    match (part.epoch == *epoch, part.committed >= *end) {
                        (true, true) => Attempt::Taken { base: Some(*base as i64) },
                        (true, false) => return,
                        (false, _) => refused(ErrorCode::NotLeaderOrFollower),
                    }
                }
            };
            attempts.insert(("t".to_string(), *partition as i32), attempt);
        }
        let request = self.connections[at].processed.pop_front().expect("looked at");
        let moment = self.moment();
        self.core.answered(request.request, attempts, &Attempt::Lost, moment);
    }

    /// What was on its way may still arrive; nobody hears of it.
    fn break_off(&mut self, node: usize) {
        let open = |connection: &&mut Connection| connection.open && connection.node == node;
        let Some(connection) = self.connections.iter_mut().find(open) else { return };
        connection.open = false;
        let lost: Vec<u64> = connection
            .processed
            .drain(..)
            .map(|r| r.request)
            .chain(connection.requests.iter().map(|r| r.request))
            .collect();
        for request in lost {
            let moment = self.moment();
            self.core.answered(request, BTreeMap::new(), &Attempt::Lost, moment);
        }
    }

    fn learn(&mut self) {
        let moment = self.moment();
        let broker = |node: usize| MetadataResponseBroker {
            node_id: node as i32,
            host: "b".into(),
            port: 9092,
            ..Default::default()
        };
        let partition = |(index, part): (usize, &Part)| MetadataResponsePartition {
            partition_index: index as i32,
            leader_id: part.leader as i32,
            leader_epoch: part.epoch,
            ..Default::default()
        };
        let topic = MetadataResponseTopic {
            name: Some("t".into()),
            partitions: self.parts.iter().enumerate().map(partition).collect(),
            ..Default::default()
        };
        let answer = MetadataResponse {
            brokers: (0..NODES).map(broker).collect(),
            topics: vec![topic],
            ..Default::default()
        };
        self.metadata.learn(&answer, moment.now, moment.draw);
    }

    /// Everything works, until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            if self.core.charge() == 0 {
                return;
            }
            let requests = self.connections.iter().map(|connection| connection.requests.len()).sum::<usize>();
            let steps = [Step::Learn, Step::Turn].into_iter();
            let steps =
                steps.chain((0..requests + 1).map(|_| Step::Process { connection: 0, whim: Whim::None }));
            let steps = steps.chain((0..PARTITIONS).map(|partition| Step::Commit { partition }));
            let steps = steps.chain((0..5 * NODES).map(|n| Step::Answer { node: n % NODES }));
            steps.chain([Step::Wait { ms: 50 }]).for_each(|step| self.step(step));
        }
        panic!("it does not come to an end: {:?}", self.core);
    }

    fn check(&self) {
        for (ticket, partition) in &self.pushed {
            let log = &self.parts[*partition].log;
            let offsets: Vec<usize> = (0..log.len()).filter(|at| log[*at].ticket == *ticket).collect();
            let fate = self.fates.get(ticket).unwrap_or_else(|| panic!("record {ticket} has no fate"));
            match fate {
                Ok(delivered) => {
                    assert_eq!(offsets.len(), 1, "record {ticket} was delivered and is at {offsets:?}");
                    assert!(delivered.offset.is_none_or(|told| told == offsets[0] as i64), "record {ticket}");
                }
                Err(undelivered) if undelivered.definite => {
                    assert_eq!(offsets, [], "record {ticket} is definitely undelivered: {undelivered:?}");
                }
                Err(_) => assert!(offsets.len() <= 1, "record {ticket} is at {offsets:?}"),
            }
        }
        for part in &self.parts {
            let tickets: Vec<u64> = part.log.iter().map(|written| written.ticket).collect();
            assert!(tickets.is_sorted(), "records in another order than they were given: {tickets:?}");
        }
    }
}

impl Part {
    /// Loses so many batches that are not committed.
    fn lose(&mut self, batches: usize) {
        for _ in 0..batches {
            let Some(last) = self.log.get(self.committed..).and_then(|open| open.last().copied()) else {
                return;
            };
            let of = |written: &Written| {
                written.producer == last.producer && written.base_sequence == last.base_sequence
            };
            let end = self.log.iter().rposition(|written| !of(written)).map_or(0, |at| at + 1);
            self.log.truncate(end);
        }
    }

    /// Kafka's `ProducerAppendInfo` and `UnifiedLog.analyzeAndValidateProducerState`, as far as they matter here.
    fn append(&mut self, node: usize, bytes: &Bytes, whim: Whim) -> Due {
        if node != self.leader {
            return Due::Now(refused(ErrorCode::NotLeaderOrFollower));
        }
        match whim {
            Whim::TooLarge => return Due::Now(refused(ErrorCode::MessageTooLarge)),
            Whim::NotEnoughReplicas => return Due::Now(refused(ErrorCode::NotEnoughReplicas)),
            Whim::Unknown => return Due::Now(refused(ErrorCode::UnknownServerError)),
            _ => {}
        }
        batch::check_crc(bytes).expect("a batch is signed");
        let header = BatchHeader::parse(bytes).unwrap();
        let producer = (header.producer_id.0, header.producer_epoch);
        let (first, last) = (header.base_sequence, header.last_sequence());
        let of = |written: &&Written| written.producer.0 == producer.0;
        let newest = self.log.iter().rev().find(of).copied();
        if let Some(newest) = newest {
            if newest.producer.1 > producer.1 {
                return Due::Now(refused(ErrorCode::InvalidProducerEpoch));
            }
            let due = if newest.producer.1 == producer.1 {
                newest.last_sequence.wrapping_add(1) & i32::MAX
            } else {
                0
            };
            if let Some(base) = self.again(producer, first, last) {
                return self.wait(base, (last - first + 1) as usize, whim);
            }
            if first != due {
                return Due::Now(refused(ErrorCode::OutOfOrderSequenceNumber));
            }
        }
        let base = self.log.len();
        for record in batch::records(bytes) {
            let value = record.unwrap().value.unwrap();
            let ticket = std::str::from_utf8(&value).unwrap().parse().unwrap();
            self.log.push(Written { ticket, producer, base_sequence: first, last_sequence: last });
        }
        self.wait(base, self.log.len() - base, whim)
    }

    /// Where a batch lies that is among the producer's last five.
    fn again(&self, producer: (i64, i16), first: i32, last: i32) -> Option<usize> {
        let mut batches: Vec<(usize, i32, i32)> = Vec::new();
        for (at, written) in self.log.iter().enumerate().filter(|(_, written)| written.producer == producer) {
            if batches.last().is_none_or(|(_, base, _)| *base != written.base_sequence) {
                batches.push((at, written.base_sequence, written.last_sequence));
            }
        }
        let found = batches.iter().rev().take(5).find(|(_, f, l)| (*f, *l) == (first, last));
        found.map(|(at, ..)| *at)
    }

    fn wait(&self, base: usize, count: usize, whim: Whim) -> Due {
        match whim {
            Whim::StorageAfterAppend => Due::Now(refused(ErrorCode::KafkaStorageError)),
            Whim::UnknownAfterAppend => Due::Now(refused(ErrorCode::UnknownServerError)),
            Whim::ReplicasAfterAppend => Due::Now(refused(ErrorCode::NotEnoughReplicasAfterAppend)),
            _ => Due::Committed { epoch: self.epoch, base, end: base + count },
        }
    }
}

fn refused(code: ErrorCode) -> Attempt {
    Attempt::Refused { code, words: None }
}

fn whims() -> impl Strategy<Value = Whim> {
    prop_oneof![
        12 => Just(Whim::None),
        1 => Just(Whim::TooLarge),
        1 => Just(Whim::NotEnoughReplicas),
        1 => Just(Whim::StorageAfterAppend),
        1 => Just(Whim::ReplicasAfterAppend),
        1 => Just(Whim::Unknown),
        1 => Just(Whim::UnknownAfterAppend),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..PARTITIONS).prop_map(|partition| Step::Push { partition }),
        8 => Just(Step::Turn),
        8 => (0..10usize, whims()).prop_map(|(connection, whim)| Step::Process { connection, whim }),
        4 => (0..PARTITIONS).prop_map(|partition| Step::Commit { partition }),
        6 => (0..NODES).prop_map(|node| Step::Answer { node }),
        2 => (0..NODES).prop_map(|node| Step::Break { node }),
        2 => (0..PARTITIONS, 0..NODES, 0..4usize)
            .prop_map(|(partition, node, lost)| Step::Lead { partition, node, lost }),
        3 => Just(Step::Learn),
        5 => (0..60u64).prop_map(|ms| Step::Wait { ms }),
        1 => (0..1_500u64).prop_map(|ms| Step::Wait { ms }),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_delivered_is_there_once_and_in_order(
        steps in steps(),
        in_flight_max in 1..=5usize,
        seed in any::<u64>(),
    ) {
        let mut world = World::new(in_flight_max, seed);
        for step in steps {
            world.step(step);
        }
        world.settle();
        // And it goes on: what comes now is delivered.
        let before = world.pushed.len() as u64;
        (0..6).for_each(|n| world.step(Step::Push { partition: n % PARTITIONS }));
        world.settle();
        world.check();
        assert!(world.fates.range(before..).all(|(_, fate)| fate.is_ok()), "{:?}", world.fates);
    }
}

#[test]
fn without_trouble_everything_is_delivered() {
    let mut world = World::new(5, 1);
    for n in 0..40 {
        world.step(Step::Push { partition: n % PARTITIONS });
        world.step(Step::Turn);
    }
    world.settle();
    world.check();
    assert!(world.fates.values().all(Result::is_ok), "{:?}", world.fates);
}
