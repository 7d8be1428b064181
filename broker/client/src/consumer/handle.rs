//! The consumer at work, driven by its owner's polls.

use super::core::{Core, Place, Told};
use super::reading::Consumed;
use super::requests::{self, Question};
use super::rules::{ConsumeError, ConsumerConfig, Start};
use crate::cluster::{Cluster, ClusterConfig, Event, Peer};
use crate::error::CallError;
use crate::metadata::Metadata;
use model::time::Instant;
use protocol::ErrorCode;
use protocol::messages::fetch::FetchResponse;
use protocol::messages::list_offsets::ListOffsetsResponse;
use protocol::messages::offset_for_leader_epoch::OffsetForLeaderEpochResponse;
use runtime::Runtime;
use std::collections::BTreeMap;

/// An answer to one of its questions.
enum Answer {
    Fetched(u64, Result<FetchResponse, CallError>),
    Listed(u64, Result<ListOffsetsResponse, CallError>),
    Ended(u64, Result<OffsetForLeaderEpochResponse, CallError>),
}

/// A consumer. It does nothing but when it is polled; what was asked for before arrives in between.
pub struct Consumer<R: Runtime> {
    runtime: R,
    cluster: Cluster<R, Answer>,
    core: Core,
    /// When metadata were last asked for because a broker is silent.
    suspected: Instant,
}

impl<R: Runtime> Consumer<R> {
    /// One that reads nothing yet.
    pub fn new(runtime: R, cluster: ClusterConfig, config: ConsumerConfig) -> Consumer<R> {
        let cluster = Cluster::new(runtime.clone(), cluster);
        Consumer { runtime, cluster, core: Core::new(config), suspected: Instant(0) }
    }

    /// Reads a partition from there on, whether it was read before or not. False: it follows too many topics.
    pub fn assign(&mut self, topic: &str, partition: i32, start: Start) -> bool {
        let followed = self.cluster.metadata_mut().want(topic);
        if followed {
            self.core.assign((topic.to_string(), partition), start);
        }
        followed
    }

    /// Finds out where in a partition that is, and reads nothing. [`Consumer::located`] waits for it, and
    /// [`Consumer::position`] tells it.
    pub fn locate(&mut self, topic: &str, partition: i32, start: Start) -> bool {
        let followed = self.cluster.metadata_mut().want(topic);
        if followed {
            self.core.locate((topic.to_string(), partition), start);
        }
        followed
    }

    /// Waits until it is known of every partition where it stands; false when it is not by `deadline`.
    pub async fn located(&mut self, deadline: Instant) -> Result<bool, ConsumeError> {
        loop {
            self.turn();
            if let Some(error) = self.core.next_error() {
                return Err(error);
            }
            if self.core.is_located() {
                return Ok(true);
            }
            if !self.step(deadline).await {
                return Ok(false);
            }
        }
    }

    /// Reads a partition no more.
    pub fn unassign(&mut self, topic: &str, partition: i32) {
        self.core.unassign(&(topic.to_string(), partition));
    }

    /// What is known of the cluster.
    pub fn metadata(&self) -> &Metadata {
        self.cluster.metadata()
    }

    /// Why the last connection failed that did, in words.
    pub fn trouble(&self) -> Option<String> {
        self.cluster.trouble()
    }

    /// The next offset of a partition, where it is assigned and its position is known.
    pub fn position(&self, topic: &str, partition: i32) -> Option<i64> {
        self.core.position(&(topic.to_string(), partition))?.offset()
    }

    /// The high watermark that came with a partition's last records.
    pub fn high_watermark(&self, topic: &str, partition: i32) -> Option<i64> {
        self.core.position(&(topic.to_string(), partition))?.high_watermark()
    }

    /// Whether every partition was at its end when it was last asked for.
    pub fn is_at_end(&self) -> bool {
        self.core.is_at_end()
    }

    /// The partitions of a topic, as soon as they are known; none when they are not by `deadline`, or the error that a broker
    /// told last instead of them.
    pub async fn partitions(
        &mut self,
        topic: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<i32>>, ErrorCode> {
        if !self.cluster.metadata_mut().want(topic) {
            return Err(ErrorCode::InvalidRequest);
        }
        loop {
            self.turn();
            if let Some(known) = self.cluster.metadata().topic(topic) {
                return Ok(Some(known.partitions.keys().copied().collect()));
            }
            let told = self.cluster.metadata().error(topic);
            if let Some(refused) = told.filter(|code| !code.is_retriable()) {
                return Err(refused);
            }
            if !self.step(deadline).await {
                return told.map_or(Ok(None), Err);
            }
        }
    }

    /// Records, as soon as there are some, in order within a partition; none when there are none by `deadline`. An error
    /// stops its partition until it is assigned anew; what has been fetched of others comes with later polls.
    ///
    /// Nothing is lost when the wait is given up.
    pub async fn poll(&mut self, deadline: Instant) -> Result<Vec<Consumed>, ConsumeError> {
        loop {
            let records = self.core.poll();
            // On its way while these are looked at.
            self.turn();
            if !records.is_empty() {
                return Ok(records);
            }
            if let Some(error) = self.core.next_error() {
                return Err(error);
            }
            if !self.step(deadline).await {
                return Ok(Vec::new());
            }
        }
    }

    /// Waits for something to happen, when all has been done that can be. False: it is the deadline that did.
    async fn step(&mut self, deadline: Instant) -> bool {
        let wake = self.wake().min(deadline);
        let runtime = self.runtime.clone();
        tokio::select! {
            biased;
            event = self.cluster.event() => {
                self.happened(event);
                true
            }
            () = runtime.sleep_until(wake) => runtime.now() < deadline,
        }
    }

    fn happened(&mut self, event: Event<R, Answer>) {
        let Some(answer) = self.cluster.handle(event) else { return };
        let (request, told) = match answer {
            Answer::Fetched(request, result) => {
                let metadata = self.cluster.metadata_mut();
                (request, result.map(|answer| requests::fetched(answer, metadata)))
            }
            Answer::Listed(request, result) => (request, result.map(requests::listed)),
            Answer::Ended(request, result) => (request, result.map(requests::ended)),
        };
        // Without an answer every partition is asked for again.
        self.answered(request, told.unwrap_or_default());
    }

    fn answered(&mut self, request: u64, told: BTreeMap<Place, Told>) {
        let (now, draw) = (self.runtime.now(), self.runtime.draw());
        if self.core.answered(request, told, now, draw) {
            self.cluster.metadata_mut().stale();
        }
    }

    /// Asks for everything that can be asked for now.
    fn turn(&mut self) {
        let now = self.runtime.now();
        let silent = self.core.suspects(now);
        if !silent.is_empty() && self.suspected + self.core.config().patience <= now {
            self.suspected = now;
            self.cluster.suspect(silent);
        }
        self.cluster.turn();
        let (core, cluster) = (&mut self.core, &mut self.cluster);
        let nodes = core.nodes(cluster.metadata(), now).into_iter();
        let ready = nodes.filter(|node| cluster.ready(*node)).collect();
        for (node, ask) in core.asks(cluster.metadata(), now, &ready) {
            let (request, peer) = (ask.request, Peer::Node(node));
            let partitions = ask.what.places();
            let sent = match requests::question(ask.what, core.config(), cluster.metadata()) {
                Question::Fetch(question, newest) => {
                    cluster.ask(peer, newest, &question, move |result| Answer::Fetched(request, result))
                }
                Question::ListOffsets(question) => {
                    cluster.ask(peer, i16::MAX, &question, move |result| Answer::Listed(request, result))
                }
                Question::Ends(question) => {
                    cluster.ask(peer, i16::MAX, &question, move |result| Answer::Ended(request, result))
                }
            };
            let told: BTreeMap<Place, Told> = match sent {
                Ok(()) => continue,
                Err(CallError::Unspoken) => {
                    let unspoken = |place| (place, Told::Error(ErrorCode::UnsupportedVersion));
                    partitions.into_iter().map(unspoken).collect()
                }
                Err(_) => BTreeMap::new(),
            };
            core.answered(request, told, now, self.runtime.draw());
        }
    }

    /// When there is something to do though nothing happens.
    fn wake(&self) -> Instant {
        let now = self.runtime.now();
        let silent = self.core.suspects(now);
        let suspicion = (!silent.is_empty()).then(|| self.suspected + self.core.config().patience);
        let nodes = self.cluster.metadata().nodes().keys();
        let retries = nodes.filter_map(|node| self.cluster.retry_at(*node));
        let all =
            self.core.wake(now).into_iter().chain(suspicion).chain(retries).chain([self.cluster.wake()]);
        // What is due already and can't be done waits for an event.
        all.filter(|at| *at > now).min().unwrap_or(Instant(u64::MAX))
    }
}
