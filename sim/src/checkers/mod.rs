//! The invariants, one per file, fed with everything that was seen in the order in which it was seen.
//!
//! A checker is a pure fold: it takes what was seen, keeps what it needs, and reports violations. It never stops
//! the run and never hides another checker's finding. [`Checkers`] pairs invocations with completions once, for
//! all of them, and keeps the [`Context`] that most verdicts depend on: which topics promise durability, and how
//! often the power went.

mod acked_durable;
mod acked_offset;
mod acked_synced;
mod bounded;
mod committed;
mod complete_leader;
mod definite_error;
mod exposure;
mod image;
mod in_sync;
mod log_matching;
mod metadata;
mod one_leader;
mod one_record;
mod one_vote;
mod only_the_dead;
mod order;
mod partition_epochs;
mod polls;
mod quiet;
mod quorum_epochs;
mod recovered;
mod sequences;
mod snapshot_below;
mod sound_disks;
mod stable_leadership;
mod stale_epochs;
mod watermark;

#[cfg(test)]
mod forge;

pub use bounded::Usage;
pub use committed::Batch;
pub use metadata::{Metadata, Snapshot};
pub use recovered::{Replayed, Rubbish};
pub use sequences::Sequenced;

use crate::history::{Call, Entry, Note, Reply, Step, Value};
use ::runtime::Event;
use exposure::Exposure;
use model::{PartitionKey, TopicId};
use std::collections::BTreeMap;

/// One invariant.
pub trait Checker: Send {
    /// The file's name: what a report and a mutant name it by.
    fn name(&self) -> &'static str;
    /// The invariant's id in the catalogue: `I1`.
    fn invariant(&self) -> &'static str;
    /// Takes one thing seen.
    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report);
}

/// Something seen.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A client began an operation.
    Invoked(&'a Operation),
    /// A client's operation ended. Never given for those that never end.
    Done(&'a Operation, Outcome<'a>),
    /// Something was done to a broker.
    Note(&'a Note),
    /// A broker told what happened.
    Event {
        /// Which broker.
        broker: i32,
        /// What.
        event: &'a Event,
    },
    /// What a power cut or kill left on a broker's disk, replayed by the simulator's own reader, before the
    /// broker starts from it.
    Replayed {
        /// Which broker.
        broker: i32,
        /// Per partition.
        logs: &'a BTreeMap<PartitionKey, Replayed>,
        /// What it says of the cluster's metadata.
        metadata: &'a Metadata,
    },
    /// A broker has just told that a snapshot of the metadata is durable: what its disk says now.
    Snapshotted {
        /// Which broker.
        broker: i32,
        /// What it says.
        metadata: &'a Metadata,
    },
    /// The disk was compared file by file with what it should hold.
    Scrubbed {
        /// Which broker.
        broker: i32,
        /// What is wrong with it.
        rubbish: &'a [Rubbish],
    },
    /// A healed system did not come to rest in time.
    Stuck {
        /// What did not happen.
        what: &'a str,
    },
    /// What a broker uses.
    Usage {
        /// Which broker.
        broker: i32,
        /// How much.
        usage: &'a Usage,
    },
}

/// How an operation ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It succeeded.
    Ok(&'a Reply),
    /// It certainly did not happen.
    Fail(&'a str),
    /// Nobody knows.
    Info(&'a str),
}

/// An operation that a client began.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Who.
    pub client: String,
    /// Its number in the history.
    pub id: u64,
    /// What was asked.
    pub call: Call,
    /// The era of its topic's contents when it began.
    pub era: u32,
}

impl Operation {
    /// The values of a produce, else nothing.
    pub fn values(&self) -> &[Value] {
        match &self.call {
            Call::Produce { values, .. } => values,
            _ => &[],
        }
    }
}

/// A partition by name, as clients know it.
pub type Place = (String, i32);

/// What verdicts depend on.
#[derive(Debug, Default)]
pub struct Context {
    /// Time of what is being seen, in nanoseconds.
    pub now: u64,
    /// Topics by name: whether they promise durability.
    durable: BTreeMap<String, bool>,
    /// Topics with several replicas, and how many of those have to be in sync.
    replicated: BTreeMap<String, usize>,
    /// Topics by id: their names.
    names: BTreeMap<TopicId, String>,
    /// Power cuts so far, of any broker.
    cuts: u32,
    exposure: Exposure,
}

impl Context {
    /// Whether a topic promises durability. A topic that the history never created does.
    pub fn durable(&self, topic: &str) -> bool {
        self.durable.get(topic).copied().unwrap_or(true)
    }

    /// Whether a partition promises durability, by its id. None as long as nobody said which topic that is.
    pub fn durable_by_id(&self, key: PartitionKey) -> Option<bool> {
        self.topic(key).map(|name| self.durable(name))
    }

    /// The topic of a partition, once somebody has said which one that is.
    pub fn topic(&self, key: PartitionKey) -> Option<&str> {
        self.names.get(&key.topic).map(String::as_str)
    }

    /// A partition's name for people.
    pub fn name(&self, key: PartitionKey) -> String {
        match self.names.get(&key.topic) {
            Some(name) => format!("{name}-{}", key.index),
            None => key.to_string(),
        }
    }

    /// Whether a topic has several replicas.
    pub fn replicated(&self, topic: &str) -> bool {
        self.replicated.contains_key(topic)
    }

    /// Whether a promise made by `operation`, which ends now, still stands: when its era does. A leader that is not alone
    /// promises nothing by itself: others may lead without what it has acknowledged (`acks=1`).
    pub fn binding(&self, operation: &Operation, topic: &str) -> bool {
        let leader_alone = matches!(operation.call, Call::Produce { acks, .. } if acks != -1);
        operation.era == self.era(topic) && !(leader_alone && self.replicated(topic))
    }

    /// The era of a topic's contents. In a durable topic there is but one, whatever the power does. In a page-cache topic a
    /// power cut begins a new one; where there are several replicas, one that leaves fewer copies than the topic relies on.
    pub fn era(&self, topic: &str) -> u32 {
        match (self.durable(topic), self.replicated(topic)) {
            (true, _) => 0,
            (false, false) => self.cuts,
            (false, true) => {
                let ids = self.names.iter().filter(|(_, name)| *name == topic);
                ids.map(|(id, _)| self.exposure.losses(*id)).sum()
            }
        }
    }

    /// The era of a topic's partition; none of the metadata log, which `committed` watches.
    pub fn era_by_id(&self, key: PartitionKey) -> Option<u32> {
        self.topic(key).map(|topic| self.era(topic))
    }
}

/// An invariant did not hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Violation {
    /// `I1`.
    pub invariant: String,
    /// The checker's name.
    pub checker: String,
    /// When it was noticed, in nanoseconds.
    pub time: u64,
    /// What is wrong, with names and numbers.
    pub what: String,
}

/// Where checkers put what they find. Keeps the first few of each.
#[derive(Debug, Default)]
pub struct Report {
    violations: Vec<Violation>,
    /// Of the checker at work: invariant, name.
    checker: (&'static str, &'static str),
    now: u64,
}

/// Of each checker, later violations are consequences of the first more often than news.
const VIOLATIONS_PER_CHECKER_MAX: usize = 5;

impl Report {
    /// A violation by the checker at work.
    pub fn violation(&mut self, what: impl Into<String>) {
        let (invariant, checker) = self.checker;
        if self.violations.iter().filter(|v| v.checker == checker).count() < VIOLATIONS_PER_CHECKER_MAX {
            self.violations.push(Violation {
                invariant: invariant.to_string(),
                checker: checker.to_string(),
                time: self.now,
                what: what.into(),
            });
        }
    }

    /// What was found, in order.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

/// What the checkers of a simulation know of it beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// What a broker may use at most.
    pub budget: Usage,
    /// How many vote in the metadata quorum.
    pub voters: usize,
    /// See [`Scenario::is_calm`](crate::scenario::Scenario::is_calm).
    pub calm: bool,
    /// See [`Scenario::has_sound_disks`](crate::scenario::Scenario::has_sound_disks).
    pub sound: bool,
}

/// All checkers at work on one run or one history.
pub struct Checkers {
    checkers: Vec<Box<dyn Checker>>,
    open: BTreeMap<u64, Operation>,
    context: Context,
    report: Report,
}

impl Checkers {
    /// Those that need nothing but a history.
    pub fn of_history() -> Checkers {
        Checkers::with(vec![
            Box::new(acked_durable::AckedDurable::default()),
            Box::new(one_record::OneRecord::default()),
            Box::new(acked_offset::AckedOffset::default()),
            Box::new(order::Order::default()),
            Box::new(watermark::Watermark::default()),
            Box::new(polls::Polls::default()),
            Box::new(definite_error::DefiniteError::default()),
        ])
    }

    /// Those, and the ones that watch the brokers from within.
    pub fn of_simulation(expected: &Expected) -> Checkers {
        let Expected { budget, voters, calm, sound } = *expected;
        let mut all = Checkers::of_history();
        all.checkers.push(Box::new(acked_synced::AckedSynced::default()));
        all.checkers.push(Box::new(log_matching::LogMatching::default()));
        all.checkers.push(Box::new(complete_leader::CompleteLeader::default()));
        all.checkers.push(Box::new(in_sync::InSync::default()));
        all.checkers.push(Box::new(one_leader::OneLeader::default()));
        all.checkers.push(Box::new(one_vote::OneVote::default()));
        all.checkers.push(Box::new(committed::Committed::new(voters)));
        all.checkers.push(Box::new(quorum_epochs::QuorumEpochs::default()));
        all.checkers.push(Box::new(snapshot_below::SnapshotBelow::default()));
        all.checkers.push(Box::new(image::Image::default()));
        all.checkers.push(Box::new(stale_epochs::StaleEpochs::default()));
        all.checkers.push(Box::new(partition_epochs::PartitionEpochs::default()));
        all.checkers.push(Box::new(sequences::Sequences));
        all.checkers.push(Box::new(only_the_dead::OnlyTheDead::new(calm)));
        all.checkers.push(Box::new(recovered::Recovered::default()));
        all.checkers.push(Box::new(quiet::Quiet));
        all.checkers.push(Box::new(sound_disks::SoundDisks::new(sound)));
        all.checkers.push(Box::new(stable_leadership::StableLeadership::default()));
        all.checkers.push(Box::new(bounded::Bounded::new(budget)));
        all
    }

    fn with(checkers: Vec<Box<dyn Checker>>) -> Checkers {
        Checkers { checkers, open: BTreeMap::new(), context: Context::default(), report: Report::default() }
    }

    /// What was found so far.
    pub fn violations(&self) -> &[Violation] {
        self.report.violations()
    }

    /// Tells which topic an id stands for.
    pub fn learn(&mut self, id: TopicId, name: &str) {
        self.context.names.insert(id, name.to_string());
    }

    /// Takes one line of history.
    pub fn entry(&mut self, entry: &Entry) {
        self.context.now = entry.time;
        match &entry.step {
            Step::Invoke { call } => {
                if let Call::CreateTopic { topic, durable, replicas, min_insync, .. } = call {
                    self.context.durable.entry(topic.clone()).or_insert(*durable);
                    if *replicas > 1 {
                        self.context.replicated.entry(topic.clone()).or_insert(*min_insync as usize);
                    }
                }
                let operation = Operation {
                    client: entry.client.clone(),
                    id: entry.op,
                    call: call.clone(),
                    era: call.topic().map_or(0, |topic| self.context.era(topic)),
                };
                self.see(&Seen::Invoked(&operation));
                self.open.insert(entry.op, operation);
            }
            Step::Ok { reply } => self.done(entry.op, Outcome::Ok(reply)),
            Step::Fail { error } => self.done(entry.op, Outcome::Fail(error)),
            Step::Info { error } => self.done(entry.op, Outcome::Info(error)),
            Step::Note { note } => {
                if let Note::PowerLost { broker } = note {
                    self.context.cuts += 1;
                    let Context { names, replicated, exposure, .. } = &mut self.context;
                    let min = |topic| names.get(&topic).and_then(|name| replicated.get(name)).copied();
                    exposure.power_lost(*broker, |topic| min(topic).unwrap_or(1));
                }
                self.see(&Seen::Note(note));
            }
        }
    }

    /// A completion without an invocation is a mistake in the history, not of the broker: it is ignored.
    fn done(&mut self, op: u64, outcome: Outcome<'_>) {
        if let Some(operation) = self.open.remove(&op) {
            self.see(&Seen::Done(&operation, outcome));
        }
    }

    /// Takes something else than a line of history, seen at `now`.
    pub fn observe(&mut self, now: u64, seen: &Seen<'_>) {
        self.context.now = now;
        if let Seen::Event { event: Event::InSync { partition, epoch, members }, .. } = seen {
            self.context.exposure.in_sync(*partition, *epoch, members.iter().map(|id| id.0));
        }
        self.see(seen);
    }

    fn see(&mut self, seen: &Seen<'_>) {
        self.report.now = self.context.now;
        for checker in &mut self.checkers {
            self.report.checker = (checker.invariant(), checker.name());
            checker.see(seen, &self.context, &mut self.report);
        }
    }
}
