//! Where everything that happens in a run comes together: the clients' history, the brokers' events, the world's
//! records. It goes into the checkers, the hash, the fault triggers and, when somebody reads along, the story.
//!
//! The hub's lock is never held while the world is called: the world tells its records to the hub.

use super::faults::Triggers;
use super::replay::Replay;
use crate::checkers::{Checkers, Metadata, Rubbish, Seen, Usage, Violation};
use crate::history::{Call, Entry, Note, Step};
use crate::runtime::{NodeId, World};
use crate::scenario::{EventKind, Fault};
use crate::story::Story;
use crate::trace::{Life, Record, Roll, TraceHash, What};
use ::runtime::Event;
use model::TopicId;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the file's header. Shared by everything in the harness.
pub struct Hub {
    world: World,
    inner: Mutex<Inner>,
}

struct Inner {
    checkers: Checkers,
    triggers: Triggers,
    roll: Roll,
    story: Option<Story>,
    brokers: BTreeMap<NodeId, i32>,
    looks: BTreeMap<NodeId, Look>,
    operations: u64,
    /// Deletions of topics that are under way, or of which nobody knows whether they happen: such a topic may vanish.
    deletions: BTreeMap<u64, String>,
    completions: Completions,
    peak: Usage,
    /// Called with the faults that an event triggers, outside the lock.
    strike: Option<Strike>,
    /// When the chaos began, in true nanoseconds.
    chaos_began: u64,
}

/// Reads what a broker's disk says of the cluster's metadata.
pub type Look = Arc<dyn Fn() -> Metadata + Send + Sync>;

/// Takes a fault that is due.
pub type Strike = Arc<dyn Fn(Fault) + Send + Sync>;

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Succeeded.
    pub ok: u64,
    /// Certainly had no effect.
    pub fail: u64,
    /// Nobody knows.
    pub info: u64,
}

impl Hub {
    /// A hub that hears everything that the world records from now on.
    pub fn new(world: &World, checkers: Checkers, triggers: Triggers, story: Option<Story>) -> Arc<Hub> {
        let inner = Inner {
            checkers,
            triggers,
            roll: Roll::default(),
            story,
            brokers: BTreeMap::new(),
            looks: BTreeMap::new(),
            operations: 0,
            deletions: BTreeMap::new(),
            completions: Completions::default(),
            peak: Usage::default(),
            strike: None,
            chaos_began: 0,
        };
        let hub = Arc::new(Hub { world: world.clone(), inner: Mutex::new(inner) });
        // The world holds its subscribers: no strong reference back, or neither would ever be freed.
        let listener = Arc::downgrade(&hub);
        world.subscribe(move |record| {
            if let Some(hub) = listener.upgrade() {
                hub.record(record);
            }
        });
        hub
    }

    /// Says which machine is which broker, and how to look at its disk.
    pub fn name_broker(&self, node: NodeId, broker: i32, look: Look) {
        let mut inner = self.lock();
        inner.brokers.insert(node, broker);
        inner.looks.insert(node, look);
    }

    /// Says what machines are called, for the story.
    pub fn name_machines(&self) {
        for node in self.world.nodes() {
            let name = node.name();
            if let Some(story) = &mut self.lock().story {
                story.name(node.id(), &name);
            }
        }
    }

    /// The chaos begins: faults that an event triggers go to `strike`.
    pub fn arm(&self, strike: Strike) {
        let now = self.world.now_nanos();
        let mut inner = self.lock();
        inner.strike = Some(strike);
        inner.chaos_began = now;
    }

    /// No event triggers anything from now on.
    pub fn disarm(&self) {
        self.lock().strike = None;
    }

    /// The fault of this name strikes a broker: what waits for that begins to count.
    pub fn struck(&self, fault: &str, broker: i32) {
        self.lock().triggers.struck(fault, broker);
    }

    /// The fault of this name has healed: what waits for that begins to count.
    pub fn healed(&self, fault: &str) {
        self.lock().triggers.healed(fault);
    }

    /// A client begins an operation.
    pub fn invoke(&self, client: &str, call: Call) -> u64 {
        let time = self.world.now_nanos();
        let mut inner = self.lock();
        inner.operations += 1;
        let op = inner.operations;
        if let Call::DeleteTopic { topic } = &call {
            inner.deletions.insert(op, topic.clone());
        }
        inner.entry(Entry { time, client: client.to_string(), op, step: Step::Invoke { call } });
        op
    }

    /// It ends.
    pub fn finish(&self, client: &str, op: u64, step: Step) {
        let time = self.world.now_nanos();
        let mut inner = self.lock();
        match &step {
            Step::Ok { .. } => {
                inner.completions.ok += 1;
                inner.deletions.remove(&op);
            }
            Step::Fail { .. } => {
                inner.completions.fail += 1;
                inner.deletions.remove(&op);
            }
            Step::Info { .. } => inner.completions.info += 1,
            Step::Invoke { .. } | Step::Note { .. } => unreachable!("not an end"),
        }
        inner.entry(Entry { time, client: client.to_string(), op, step });
    }

    /// Whether somebody has asked to delete a topic and may be obeyed yet.
    pub fn may_vanish(&self, topic: &str) -> bool {
        self.lock().deletions.values().any(|name| name == topic)
    }

    /// The harness did something that verdicts depend on.
    pub fn note(&self, note: Note) {
        let time = self.world.now_nanos();
        self.lock().note(time, note);
    }

    /// A remark for the story and the hash.
    pub fn remark(&self, text: impl Into<String>) {
        self.world.note(text);
    }

    /// A topic's id has become known.
    pub fn learn(&self, id: TopicId, name: &str) {
        let mut inner = self.lock();
        inner.checkers.learn(id, name);
        if let Some(story) = &mut inner.story {
            story.learn(id, name);
        }
    }

    /// What is on a broker's disk just before it starts.
    pub fn replayed(&self, broker: i32, Replay { logs, metadata }: &Replay) {
        self.observe(&Seen::Replayed { broker, logs, metadata });
    }

    /// What is wrong with a broker's files.
    pub fn scrubbed(&self, broker: i32, rubbish: &[Rubbish]) {
        self.observe(&Seen::Scrubbed { broker, rubbish });
    }

    /// What a broker uses.
    pub fn usage(&self, broker: i32, usage: &Usage) {
        {
            let peak = &mut self.lock().peak;
            *peak = peak.max(usage);
        }
        self.observe(&Seen::Usage { broker, usage });
    }

    /// A phase did not reach its end in time, or could not.
    pub fn stuck(&self, what: &str) {
        self.observe(&Seen::Stuck { what });
    }

    /// Violations found so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().checkers.violations().to_vec()
    }

    /// How operations ended so far.
    pub fn completions(&self) -> Completions {
        self.lock().completions
    }

    /// The most that a broker used so far of each thing.
    pub fn peak(&self) -> Usage {
        self.lock().peak
    }

    /// The hash over the history. The world's own is over the events.
    pub fn hash(&self) -> TraceHash {
        self.lock().roll.value()
    }

    fn observe(&self, seen: &Seen<'_>) {
        let now = self.world.now_nanos();
        self.lock().checkers.observe(now, seen);
    }

    fn record(&self, record: &Record) {
        let mut inner = self.lock();
        let due = inner.record(record);
        let strike = inner.strike.clone();
        let broker = inner.brokers.get(&record.node).copied();
        let look = match &record.what {
            What::Event(Event::SnapshotTaken { .. }) => broker.zip(inner.looks.get(&record.node).cloned()),
            _ => None,
        };
        // What a fault does is told to us in turn, so it is done without the lock, and so is what asks the world.
        drop(inner);
        if let Some((broker, look)) = look {
            self.observe(&Seen::Snapshotted { broker, metadata: &look() });
        }
        for fault in due {
            if let Some(strike) = &strike {
                strike(fault);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn entry(&mut self, entry: Entry) {
        entry.hash(&mut self.roll);
        if let Some(story) = &mut self.story {
            story.entry(&entry);
        }
        self.checkers.entry(&entry);
    }

    fn note(&mut self, time: u64, note: Note) {
        self.entry(Entry { time, client: "harness".into(), op: 0, step: Step::Note { note } });
    }

    /// Takes a record of the world; the faults that it triggers are due.
    fn record(&mut self, record: &Record) -> Vec<Fault> {
        if let Some(story) = &mut self.story {
            story.record(record);
        }
        let Some(broker) = self.brokers.get(&record.node).copied() else { return Vec::new() };
        match &record.what {
            What::Event(event) => {
                self.checkers.observe(record.at_nanos, &Seen::Event { broker, event });
                match (EventKind::of(event), &self.strike) {
                    (Some(kind), Some(_)) => {
                        let at_ms = record.at_nanos.saturating_sub(self.chaos_began) / 1_000_000;
                        return self.triggers.event(broker, kind, at_ms);
                    }
                    _ => return Vec::new(),
                }
            }
            What::Process(Life::Booted) => self.note(record.at_nanos, Note::Starting { broker }),
            What::Process(Life::Exited) => self.note(record.at_nanos, Note::Stopped { broker }),
            What::Process(Life::Killed) => self.note(record.at_nanos, Note::Killed { broker }),
            What::Process(Life::PowerLost) => self.note(record.at_nanos, Note::PowerLost { broker }),
            What::Process(Life::Paused | Life::Resumed) | What::Wire(_) | What::Note(_) => {}
        }
        Vec::new()
    }
}
