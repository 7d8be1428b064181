//! A consumer against a model of a log that leaders change under, also such as lack what was read (an unclean election).
//!
//! In the end, what the consumer has read last at each offset is what is there; it never skips, and it goes back only where a
//! log was truncated. Answers come late or not at all, and brokers that do not lead any more, or not yet, say so.

use super::*;
use crate::backoff::Backoff;
use crate::consumer::rules::Reset;
use crate::metadata::Freshness;
use model::time::Duration;
use model::{Offset, Timestamp};
use proptest::prelude::*;
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use records::batch::BatchBuilder;

const NODES: i32 = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Records of one batch.
    Append {
        records: usize,
    },
    /// A batch of control records.
    Mark,
    /// Another broker leads, whose log ends so many batches earlier.
    Lead {
        node: i32,
        lost: usize,
    },
    Learn,
    Turn,
    /// The oldest request is served, and its answer kept.
    Serve,
    /// The oldest answer arrives, or it never does.
    Answer {
        lost: bool,
    },
    Poll,
    Wait {
        ms: u64,
    },
}

/// A batch: epoch, values, whether it is of control records.
#[derive(Clone, Debug)]
struct Entry {
    base: i64,
    epoch: i32,
    values: Vec<u64>,
    control: bool,
}

struct World {
    core: Core,
    metadata: Metadata,
    log: Vec<Entry>,
    leader: i32,
    epoch: i32,
    requests: VecDeque<(i32, Ask)>,
    answers: VecDeque<(u64, BTreeMap<Place, Told>)>,
    now: u64,
    draw: u64,
    values: u64,
    /// The latest reading of each offset.
    seen: BTreeMap<i64, u64>,
    next: i64,
    /// Whether a log has been truncated since the consumer last went back.
    truncated: bool,
}

impl World {
    fn new() -> World {
        let backoff = Backoff { first: Duration::from_millis(10), most: Duration::from_millis(10) };
        let config = ConsumerConfig {
            reset: Reset::Earliest,
            poll_records_max: 3,
            backoff,
            ..ConsumerConfig::default()
        };
        let freshness = Freshness { age_max: Duration::from_secs(300), patience: Duration::ZERO, backoff };
        let mut world = World {
            core: Core::new(config),
            metadata: Metadata::new(freshness),
            log: Vec::new(),
            leader: 0,
            epoch: 0,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            now: 0,
            draw: 0,
            values: 0,
            seen: BTreeMap::new(),
            next: 0,
            truncated: false,
        };
        world.metadata.want("t");
        world.core.assign(("t".into(), 0), Start::Earliest);
        world.step(Step::Learn);
        world
    }

    fn end(&self) -> i64 {
        self.log.last().map_or(0, |last| last.base + last.values.len() as i64)
    }

    fn now(&self) -> Instant {
        Instant(self.now * 1_000_000)
    }

    fn step(&mut self, step: Step) {
        self.draw += 7;
        match step {
            Step::Append { records } => self.append(records, false),
            Step::Mark => self.append(1, true),
            Step::Lead { node, lost } => {
                self.log.truncate(self.log.len().saturating_sub(lost));
                self.truncated |= lost > 0;
                (self.leader, self.epoch) = (node, self.epoch + 1);
            }
            Step::Learn => self.learn(),
            Step::Turn => {
                let ready = self.core.nodes(&self.metadata, self.now()).into_iter().collect();
                self.requests.extend(self.core.asks(&self.metadata, self.now(), &ready));
            }
            Step::Serve => {
                if let Some((node, ask)) = self.requests.pop_front() {
                    let told = self.serve(node, ask.what);
                    self.answers.push_back((ask.request, told));
                }
            }
            Step::Answer { lost } => {
                if let Some((request, told)) = self.answers.pop_front() {
                    let told = if lost { BTreeMap::new() } else { told };
                    self.core.answered(request, told, self.now(), self.draw);
                }
            }
            Step::Poll => self.poll(),
            Step::Wait { ms } => self.now += ms,
        }
        assert_eq!(self.core.next_error(), None);
        let at = self.core.position(&("t".to_string(), 0)).and_then(Position::offset);
        if let Some(at) = at.filter(|at| *at < self.next) {
            assert!(std::mem::take(&mut self.truncated), "it went back to {at} without need");
            // What was read of a log that is gone is gone with it.
            self.seen.split_off(&at);
            self.next = at;
        }
    }

    fn append(&mut self, records: usize, control: bool) {
        let values = (0..records as u64).map(|n| self.values + n).collect();
        self.values += records as u64;
        self.log.push(Entry { base: self.end(), epoch: self.epoch, values, control });
    }

    fn learn(&mut self) {
        let broker =
            |node_id| MetadataResponseBroker { node_id, host: "b".into(), port: 1, ..Default::default() };
        let partition = MetadataResponsePartition {
            leader_id: self.leader,
            leader_epoch: self.epoch,
            ..Default::default()
        };
        let topic = MetadataResponseTopic {
            name: Some("t".into()),
            partitions: vec![partition],
            ..Default::default()
        };
        let answer = MetadataResponse {
            brokers: (0..NODES).map(broker).collect(),
            topics: vec![topic],
            ..Default::default()
        };
        self.metadata.learn(&answer, self.now(), 0);
    }

    fn serve(&self, node: i32, what: Wanted) -> BTreeMap<Place, Told> {
        let (place, epoch) = match &what {
            Wanted::Offsets(wanted) | Wanted::Records(wanted) => (wanted[0].0.clone(), wanted[0].1),
            Wanted::Ends(wanted) => (wanted[0].0.clone(), wanted[0].1),
        };
        let told = if node != self.leader {
            Told::Error(ErrorCode::NotLeaderOrFollower)
        } else if epoch.0 < self.epoch {
            Told::Error(ErrorCode::FencedLeaderEpoch)
        } else {
            match what {
                Wanted::Offsets(_) => Told::Offset { offset: Some(0), epoch: LeaderEpoch::UNKNOWN },
                Wanted::Ends(wanted) => Told::End(self.end_of(wanted[0].2)),
                Wanted::Records(wanted) => self.records(wanted[0].2),
            }
        };
        BTreeMap::from([(place, told)])
    }

    fn end_of(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, i64)> {
        let last = self.log.iter().rposition(|entry| entry.epoch <= epoch.0)?;
        let end = self.log.get(last + 1).map_or(self.end(), |next| next.base);
        Some((LeaderEpoch(self.log[last].epoch), end))
    }

    fn records(&self, from: i64) -> Told {
        if from > self.end() {
            return Told::Error(ErrorCode::OffsetOutOfRange);
        }
        let wanted = self.log.iter().filter(|entry| entry.base + entry.values.len() as i64 > from).take(2);
        let mut bytes = Vec::new();
        for entry in wanted {
            let mut builder = BatchBuilder::new(Offset(entry.base), LeaderEpoch(entry.epoch));
            if entry.control {
                builder = builder.control();
            }
            for value in &entry.values {
                builder.push(Timestamp(0), None, Some(value.to_string().as_bytes()));
            }
            bytes.extend_from_slice(&builder.build());
        }
        Told::Records { records: bytes.into(), high_watermark: self.end() }
    }

    fn poll(&mut self) {
        for record in self.core.poll() {
            let value = std::str::from_utf8(&record.value.unwrap()).unwrap().parse().unwrap();
            assert!(record.offset >= self.next, "it went back while it was polled");
            self.seen.insert(record.offset, value);
            self.next = record.offset + 1;
        }
    }

    fn settle(&mut self) {
        for _ in 0..80 {
            [
                Step::Learn,
                Step::Turn,
                Step::Serve,
                Step::Answer { lost: false },
                Step::Poll,
                Step::Wait { ms: 20 },
            ]
            .into_iter()
            .for_each(|step| self.step(step));
        }
    }

    fn check(&self) {
        let place = ("t".to_string(), 0);
        assert_eq!(self.core.position(&place).and_then(Position::offset), Some(self.end()));
        let mut there = BTreeMap::new();
        for entry in self.log.iter().filter(|entry| !entry.control) {
            there.extend(entry.values.iter().enumerate().map(|(at, value)| (entry.base + at as i64, *value)));
        }
        let seen: BTreeMap<i64, u64> =
            self.seen.range(..self.end()).map(|(at, value)| (*at, *value)).collect();
        assert_eq!(seen, there);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (1..4usize).prop_map(|records| Step::Append { records }),
        1 => Just(Step::Mark),
        2 => (0..NODES, prop_oneof![2 => Just(0), 1 => 1..4usize]).prop_map(|(node, lost)| Step::Lead { node, lost }),
        3 => Just(Step::Learn),
        6 => Just(Step::Turn),
        6 => Just(Step::Serve),
        6 => prop::bool::weighted(0.15).prop_map(|lost| Step::Answer { lost }),
        5 => Just(Step::Poll),
        4 => (0..25u64).prop_map(|ms| Step::Wait { ms }),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_was_read_last_is_what_is_there(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.check();
    }
}
