//! The clients of a run: real ones, over simulated sockets, that write down what they did.
//!
//! Each runs on a machine of its own, draws from a stream of its own name, and knows nothing of the others or of the
//! faults. But for writers and repeaters, which number what they send, nothing is ever sent twice: what may have been applied
//! is recorded as unknown.

mod consumer;
mod creator;
mod hostile;
mod lister;
mod producer;
mod reader;
mod repeater;
mod session;
mod writer;

pub(crate) use creator::{Created, create};
pub(crate) use lister::topics;
pub(crate) use producer::LAST_WORDS;
pub(crate) use session::{Poll, Session};

use crate::harness::Hub;
use crate::history::{Call, Reply, Step};
use crate::random::Stream;
use crate::runtime::{SimRuntime, World};
use crate::scenario::{ClientKind, ClientSpec, TopicSpec};
use ::runtime::Runtime;
use model::time::{Duration, Instant};
use std::net::SocketAddr;
use std::sync::Arc;

/// How often a client draws a partition before it looks for another broker.
const LOOKS_MAX: u32 = 16;

/// What every client knows.
#[derive(Clone)]
pub struct Surroundings {
    /// The world, for its true clock.
    pub world: World,
    /// Where it is written down.
    pub hub: Arc<Hub>,
    /// Where the brokers listen.
    pub brokers: Arc<Vec<SocketAddr>>,
    /// Topics that exist from the start.
    pub topics: Arc<Vec<TopicSpec>>,
    /// Brokers whose disks may be empty when they start.
    pub wiped: Arc<Vec<i32>>,
    /// When clients stop, in true nanoseconds.
    pub until: u64,
}

/// One client at work.
pub struct Client {
    around: Surroundings,
    runtime: SimRuntime,
    name: String,
    stream: Stream,
    gap_us: u64,
    burst: u32,
    /// Operations still to come of the present burst.
    burst_left: u64,
    operations_left: u64,
}

/// Runs a client until its time is over: what its machine boots.
pub async fn run(spec: ClientSpec, around: Surroundings, runtime: SimRuntime) {
    let stream = around.world.stream(&format!("client/{}", spec.name));
    let operations_left = spec.operations_max.unwrap_or(u64::MAX);
    let (gap_us, burst) = (spec.gap_us, spec.burst);
    let client =
        Client { around, runtime, name: spec.name, stream, gap_us, burst, burst_left: 0, operations_left };
    match spec.kind {
        ClientKind::Producer { .. } => producer::run(client, &spec.kind).await,
        ClientKind::Consumer { start, max_bytes, max_wait_ms, polls, partitions } => {
            let manner = consumer::Manner { start, max_bytes, max_wait_ms, polls, partitions };
            consumer::run(client, manner).await;
        }
        ClientKind::Reader { .. } => reader::run(client, &spec.kind).await,
        ClientKind::Writer { .. } => writer::run(client, &spec.kind).await,
        ClientKind::Repeater { .. } => repeater::run(client, &spec.kind).await,
        ClientKind::Lister => lister::run(client).await,
        ClientKind::Creator { topics, deletes_percent, grows_percent } => {
            creator::run(client, creator::Manner { topics, deletes_percent, grows_percent }).await;
        }
        ClientKind::Hostile { tricks } => hostile::run(client, &tricks).await,
    }
}

impl Client {
    /// A client outside of any workload: the harness's own.
    pub fn of_harness(name: &str, around: Surroundings, runtime: SimRuntime) -> Client {
        let stream = around.world.stream(&format!("client/{name}"));
        let name = name.to_string();
        let operations_left = u64::MAX;
        Client { around, runtime, name, stream, gap_us: 0, burst: 1, burst_left: 0, operations_left }
    }

    /// Whether its time is over.
    pub fn over(&self) -> bool {
        self.operations_left == 0 || self.around.world.now_nanos() >= self.around.until
    }

    /// So far from now, on its own clock.
    pub fn after_ms(&self, ms: u64) -> Instant {
        self.runtime.now() + Duration::from_millis(ms)
    }

    /// Waits a random while around `ms`.
    pub async fn rest_ms(&mut self, ms: u64) {
        let us = self.stream.between(ms * 500, ms * 1500);
        self.runtime.sleep_until(self.runtime.now() + Duration::from_micros(us)).await;
    }

    /// Waits for the time of the next operation: none within a burst; before one anything up to twice the average.
    pub async fn next_operation(&mut self) {
        self.operations_left = self.operations_left.saturating_sub(1);
        if self.burst_left > 0 {
            self.burst_left -= 1;
            return;
        }
        self.burst_left = self.stream.between(0, u64::from(self.burst.max(1)) - 1);
        let gap_us = self.gap_us * (self.burst_left + 1);
        let gap = Duration::from_micros(self.stream.between(0, 2 * gap_us));
        self.runtime.sleep_until(self.runtime.now() + gap).await;
    }

    /// How many brokers there are.
    pub fn brokers(&self) -> usize {
        self.around.brokers.len()
    }

    /// One of the topics that exist from the start, and one of its partitions: one that is led where `session` leads to.
    /// `None` when there seems to be none.
    pub fn any_partition_led(&mut self, session: &Session) -> Option<(String, i32)> {
        if self.brokers() > LOOKS_MAX as usize {
            // Most looks would be in vain.
            let topics = self.around.topics.iter();
            let led: Vec<(&str, i32)> = topics
                .flat_map(|topic| session.led_here(&topic.name).into_iter().map(|led| (&*topic.name, led)))
                .collect();
            return self.stream.pick(&led).map(|(name, partition)| (name.to_string(), *partition));
        }
        for _ in 0..LOOKS_MAX {
            let (topic, partition) = self.any_partition()?;
            if self.brokers() == 1 || session.is_with_leader(&topic, partition) {
                return Some((topic, partition));
            }
        }
        None
    }

    /// One of the topics that exist from the start, and one of its partitions.
    fn any_partition(&mut self) -> Option<(String, i32)> {
        let topic = self.stream.pick(&self.around.topics)?.clone();
        let partition = self.stream.below(topic.partitions.max(1) as u64) as i32;
        Some((topic.name, partition))
    }

    /// Whether somebody has asked to delete a topic and may be obeyed yet.
    pub fn may_vanish(&self, topic: &str) -> bool {
        self.around.hub.may_vanish(topic)
    }

    /// Writes down that an operation begins.
    pub fn invoke(&self, call: Call) -> u64 {
        self.around.hub.invoke(&self.name, call)
    }

    /// Writes down that it succeeded.
    pub fn ok(&self, op: u64, reply: Reply) {
        self.around.hub.finish(&self.name, op, Step::Ok { reply });
    }

    /// Writes down that it certainly did not happen.
    pub fn fail(&self, op: u64, error: impl Into<String>) {
        self.around.hub.finish(&self.name, op, Step::Fail { error: error.into() });
    }

    /// Writes down that nobody knows.
    pub fn info(&self, op: u64, error: impl Into<String>) {
        self.around.hub.finish(&self.name, op, Step::Info { error: error.into() });
    }
}

/// An error code for people.
pub fn code(number: i16) -> String {
    format!("{:?} ({number})", protocol::ErrorCode::from_code(number))
}
