//! A client's hold on a cluster: metadata that is kept fresh, and a connection to each broker that is needed.
//!
//! It belongs to one task, which waits for [`Cluster::event`] among other things, gives each event to
//! [`Cluster::handle`] and then calls [`Cluster::turn`]. What is asked is sent at once, in order, and the answer comes as
//! an event: nothing here waits for a broker.
//!
//! ```text
//! down ──ready()──▶ opening ──▶ open ──ended, or an answer is overdue──▶ down
//!   ▲                  │ failed: not again before a backoff
//!   └──────────────────┘
//! ```
//!
//! A connection on which an answer is overdue is closed, as Kafka's clients do: answers come in order, so nothing behind it
//! would come sooner, and what was sent again elsewhere must not be overtaken by it.

use crate::backoff::Backoff;
use crate::endpoint::Endpoint;
use crate::error::{CallError, Ending};
use crate::link::{Link, LinkError};
use crate::metadata::{Freshness, Metadata};
use crate::round::Round;
use model::time::{Duration, Instant};
use protocol::Request;
use protocol::messages::metadata::MetadataResponse;
use runtime::Runtime;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

/// Events that have happened and are not handled yet; tasks that have more to tell wait.
const EVENTS_MAX: usize = 256;
/// When a connection takes so long to open, another broker is tried as well.
const OPENING_PATIENCE: Duration = Duration::from_millis(300);

/// How a client deals with a cluster.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Where to begin; also when no broker that is known can be reached (KIP-899).
    pub bootstrap: Vec<Endpoint>,
    /// What the client calls itself.
    pub client_id: String,
    /// How long a connection may take to be opened, its first question included (`socket.connection.setup.timeout.ms`).
    pub setup_timeout: Duration,
    /// How long an answer may take (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// Between tries, of connections and of questions alike.
    pub backoff: Backoff,
    /// Metadata is never older (`metadata.max.age.ms`).
    pub metadata_age_max: Duration,
    /// Topics that do not exist may be created by asking for them (`allow.auto.create.topics`).
    pub create_topics: bool,
}

impl ClusterConfig {
    /// With Kafka's defaults, but for waits between tries, which begin at a half of its 100 ms.
    pub fn new(bootstrap: Vec<Endpoint>, client_id: &str) -> ClusterConfig {
        ClusterConfig {
            bootstrap,
            client_id: client_id.to_string(),
            setup_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_millis(1_000) },
            metadata_age_max: Duration::from_secs(300),
            create_topics: true,
        }
    }

    fn freshness(&self) -> Freshness {
        let patience = Duration::from_millis(300).min(self.request_timeout);
        Freshness { age_max: self.metadata_age_max, patience, backoff: self.backoff }
    }
}

/// A broker: by its place among those to begin with, or by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// One of [`ClusterConfig::bootstrap`].
    Seed(usize),
    /// One that metadata tell of.
    Node(i32),
}

/// Something has happened; for [`Cluster::handle`].
pub struct Event<R: Runtime, T>(Happened<R, T>);

enum Happened<R: Runtime, T> {
    Opened { peer: Peer, opening: u64, result: Result<Link<R>, LinkError> },
    Told { peer: Peer, opening: u64, result: Result<MetadataResponse, CallError> },
    Answered { peer: Peer, opening: u64, broken: bool, answer: T },
}

/// A line to a broker.
enum Line<R: Runtime> {
    /// Not before then; so many failures in a row.
    Down {
        until: Instant,
        failures: u32,
    },
    Opening {
        opening: u64,
        since: Instant,
        endpoint: Endpoint,
        failures: u32,
    },
    Open {
        opening: u64,
        endpoint: Endpoint,
        link: Link<R>,
    },
}

/// The hold. `T` is what answers to the owner's own questions become.
pub struct Cluster<R: Runtime, T> {
    runtime: R,
    config: ClusterConfig,
    metadata: Metadata,
    lines: BTreeMap<Peer, Line<R>>,
    /// Tells connections of one broker apart.
    next_opening: u64,
    /// Who has been asked for metadata since they came last, or is not worth asking.
    asked: BTreeSet<Peer>,
    /// Why the last connection failed, for people.
    trouble: Option<(Endpoint, LinkError)>,
    sender: mpsc::Sender<Event<R, T>>,
    events: mpsc::Receiver<Event<R, T>>,
}

impl<R: Runtime, T: Send + 'static> Cluster<R, T> {
    /// Connects to nobody yet.
    pub fn new(runtime: R, config: ClusterConfig) -> Cluster<R, T> {
        assert!(!config.bootstrap.is_empty(), "a cluster to begin with");
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        Cluster {
            metadata: Metadata::new(config.freshness()),
            runtime,
            config,
            lines: BTreeMap::new(),
            next_opening: 0,
            asked: BTreeSet::new(),
            trouble: None,
            sender,
            events,
        }
    }

    /// What is known.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What is known, to want topics, take hints and call it stale.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// How it deals with the cluster.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// Why the last connection failed that did, in words; for whoever gives up.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.as_ref().map(|(endpoint, why)| format!("{endpoint}: {why}"))
    }

    /// The next thing that happens. Nothing is lost when the wait for it is given up.
    pub async fn event(&mut self) -> Event<R, T> {
        self.events.recv().await.expect("this side has a sender too")
    }

    /// Takes an event in. An answer to a question of the owner is handed on.
    pub fn handle(&mut self, event: Event<R, T>) -> Option<T> {
        let now = self.runtime.now();
        match event.0 {
            Happened::Opened { peer, opening, result } => {
                self.opened(peer, opening, result, now);
                None
            }
            Happened::Told { peer, opening, result } => {
                match result {
                    Ok(answer) => {
                        self.asked.clear();
                        self.metadata.learn(&answer, now, self.runtime.draw());
                        self.forget_moved();
                    }
                    Err(_) => {
                        self.metadata.failed(now, self.runtime.draw());
                        self.close(peer, opening, now);
                    }
                }
                None
            }
            Happened::Answered { peer, opening, broken, answer } => {
                if broken {
                    self.close(peer, opening, now);
                }
                Some(answer)
            }
        }
    }

    /// Keeps metadata fresh. Called whenever something has happened, or [`Cluster::wake`] is over.
    pub fn turn(&mut self) {
        let now = self.runtime.now();
        if self.metadata.due() > now {
            return;
        }
        if self.peers().all(|peer| self.asked.contains(&peer)) {
            self.asked.clear();
        }
        let asked = self.asked.clone();
        let Some(peer) = self.ready_among(|peer| !asked.contains(peer)) else { return };
        let question = self.metadata.question(self.config.create_topics);
        let told = |peer, opening, result| Happened::Told { peer, opening, result };
        match self.put(peer, i16::MAX, &question, told) {
            Ok(()) => {
                self.asked.insert(peer);
                self.metadata.asked(now);
            }
            Err(_) => self.metadata.failed(now, self.runtime.draw()),
        }
    }

    /// These brokers have been silent for long: others are asked who leads.
    pub fn suspect(&mut self, silent: impl IntoIterator<Item = i32>) {
        for node in silent {
            self.asked.extend(self.names(Peer::Node(node)));
        }
        self.metadata.stale();
    }

    /// When [`Cluster::turn`] has something to do.
    pub fn wake(&self) -> Instant {
        let due = self.metadata.due();
        if due > self.runtime.now() {
            return due;
        }
        self.retry_any_at()
    }

    /// When a connection is worth another try, though nothing happens, for whoever waits for any of them: that one opens is
    /// an event; that one takes long, or may be tried again, is not.
    pub fn retry_any_at(&self) -> Instant {
        let next = self.lines.values().filter_map(|line| match line {
            Line::Down { until, .. } => Some(*until),
            Line::Opening { since, .. } => Some(*since + OPENING_PATIENCE),
            Line::Open { .. } => None,
        });
        let now = self.runtime.now();
        next.filter(|at| *at > now).min().unwrap_or(now + OPENING_PATIENCE)
    }

    /// Whether a broker can be asked now. If not, a connection is being opened, or it will be when this is called after
    /// a backoff.
    pub fn ready(&mut self, node: i32) -> bool {
        self.ready_peer(Peer::Node(node))
    }

    /// When a broker that is not ready is worth another [`Cluster::ready`], though nothing happens.
    pub fn retry_at(&self, node: i32) -> Option<Instant> {
        match self.lines.get(&Peer::Node(node)) {
            Some(Line::Down { until, .. }) => Some(*until),
            _ => None,
        }
    }

    /// A broker that can be asked now and has not been in this round; it has from now on. If there is none, a connection is
    /// being opened to one.
    pub fn ready_in(&mut self, round: &mut Round) -> Option<Peer> {
        let now = self.runtime.now();
        let hopeful = |peer: &Peer| match self.lines.get(peer) {
            None | Some(Line::Open { .. }) => true,
            Some(Line::Opening { since, .. }) => *since + OPENING_PATIENCE > now,
            Some(Line::Down { until, .. }) => *until <= now,
        };
        round.go_on(self.peers().filter(hopeful));
        let peer = self.ready_among(|peer| !round.has(peer))?;
        round.asked(self.names(peer));
        Some(peer)
    }

    /// Asks a broker that is ready, at the newest version that both speak, up to `newest`. What `become_event` makes of the
    /// answer comes as an event. An error: nothing was sent, and no event comes.
    pub fn ask<Q: Request>(
        &mut self,
        peer: Peer,
        newest: i16,
        question: &Q,
        become_event: impl FnOnce(Result<Q::Response, CallError>) -> T + Send + 'static,
    ) -> Result<(), CallError> {
        self.put(peer, newest, question, |peer, opening, result| Happened::Answered {
            peer,
            opening,
            broken: result.is_err(),
            answer: become_event(result),
        })
    }

    /// Tells a broker that is ready something that is never answered.
    pub fn tell<Q: Request>(&mut self, peer: Peer, newest: i16, words: &Q) -> Result<(), CallError> {
        let (_, link, version) = self.line::<Q>(peer, newest)?;
        link.post_unanswered(version, words)
    }

    fn put<Q: Request>(
        &mut self,
        peer: Peer,
        newest: i16,
        question: &Q,
        happened: impl FnOnce(Peer, u64, Result<Q::Response, CallError>) -> Happened<R, T> + Send + 'static,
    ) -> Result<(), CallError> {
        let (opening, link, version) = self.line::<Q>(peer, newest)?;
        let pending = link.post(version, question)?;
        let deadline = self.runtime.now() + self.config.request_timeout;
        let sender = self.sender.clone();
        self.runtime.spawn_detached("client-answer", async move {
            let result = pending.answer(deadline).await;
            // Gone with its cluster.
            let _ = sender.send(Event(happened(peer, opening, result))).await;
        });
        Ok(())
    }

    /// Everything that a broker is called here: where one begins is one of those that metadata tell of, too.
    fn names(&self, peer: Peer) -> Vec<Peer> {
        let nodes = self.metadata.nodes();
        let endpoint = match peer {
            Peer::Seed(at) => self.config.bootstrap.get(at),
            Peer::Node(node) => nodes.get(&node),
        };
        let same = |other: &Endpoint| Some(other) == endpoint;
        let seeds = self.config.bootstrap.iter().enumerate().filter(|(_, seed)| same(seed));
        let seeds = seeds.map(|(at, _)| Peer::Seed(at));
        let nodes = nodes.iter().filter(|(_, at)| same(at)).map(|(node, _)| Peer::Node(*node));
        seeds.chain(nodes).chain([peer]).collect()
    }

    /// Everybody that could be asked.
    fn peers(&self) -> impl Iterator<Item = Peer> {
        let nodes = self.metadata.nodes().keys().map(|node| Peer::Node(*node));
        nodes.chain((0..self.config.bootstrap.len()).map(Peer::Seed))
    }

    /// An open line, and the version that is spoken there.
    fn line<Q: Request>(&mut self, peer: Peer, newest: i16) -> Result<(u64, &mut Link<R>, i16), CallError> {
        match self.lines.get_mut(&peer) {
            Some(Line::Open { opening, link, .. }) => {
                let version = link.version::<Q>(newest).ok_or(CallError::Unspoken)?;
                Ok((*opening, link, version))
            }
            _ => Err(CallError::Closed(Ending::There)),
        }
    }

    /// An open line to one that `fits`; if there is none, one is being opened.
    fn ready_among(&mut self, fits: impl Fn(&Peer) -> bool) -> Option<Peer> {
        let now = self.runtime.now();
        let open = |line: &Line<R>| matches!(line, Line::Open { link, .. } if link.is_open());
        let ready: Vec<Peer> = self
            .lines
            .iter()
            .filter(|(peer, line)| open(line) && fits(peer))
            .map(|(peer, _)| *peer)
            .collect();
        if !ready.is_empty() {
            return Some(ready[self.index(ready.len())]);
        }
        let hopeful =
            |line: &Line<R>| matches!(line, Line::Opening { since, .. } if *since + OPENING_PATIENCE > now);
        if self.lines.iter().any(|(peer, line)| hopeful(line) && fits(peer)) {
            return None;
        }
        let closed = |peer: &Peer| match self.lines.get(peer) {
            None => true,
            Some(Line::Down { until, .. }) => *until <= now,
            Some(Line::Open { link, .. }) => !link.is_open(),
            Some(Line::Opening { .. }) => false,
        };
        let mut closed: Vec<Peer> = self.peers().filter(|peer| closed(peer) && fits(peer)).collect();
        // Where to begin is for the beginning, and for when nobody else is left.
        if closed.iter().any(|peer| matches!(peer, Peer::Node(_))) {
            closed.retain(|peer| matches!(peer, Peer::Node(_)));
        }
        if !closed.is_empty() {
            let peer = closed[self.index(closed.len())];
            self.ready_peer(peer);
        }
        None
    }

    fn ready_peer(&mut self, peer: Peer) -> bool {
        let now = self.runtime.now();
        let failures = match self.lines.get(&peer) {
            Some(Line::Open { link, .. }) if link.is_open() => return true,
            // Ended by the broker while nothing was asked: as good as new.
            Some(Line::Open { .. }) | None => 0,
            Some(Line::Opening { .. }) => return false,
            Some(Line::Down { until, .. }) if *until > now => return false,
            Some(Line::Down { failures, .. }) => *failures,
        };
        let endpoint = match peer {
            Peer::Seed(at) => self.config.bootstrap.get(at).cloned(),
            Peer::Node(node) => self.metadata.nodes().get(&node).cloned(),
        };
        let Some(endpoint) = endpoint else {
            self.metadata.stale();
            return false;
        };
        let opening = self.next_opening;
        self.next_opening += 1;
        let (runtime, sender) = (self.runtime.clone(), self.sender.clone());
        let (client_id, to) = (self.config.client_id.clone(), endpoint.clone());
        let deadline = now + self.config.setup_timeout;
        self.runtime.spawn_detached("client-opening", async move {
            let result = Link::open(&runtime, &to, &client_id, deadline).await;
            let _ = sender.send(Event(Happened::Opened { peer, opening, result })).await;
        });
        self.lines.insert(peer, Line::Opening { opening, since: now, endpoint, failures });
        false
    }

    fn opened(&mut self, peer: Peer, opening: u64, result: Result<Link<R>, LinkError>, now: Instant) {
        let Some(Line::Opening { opening: awaited, endpoint, failures, .. }) = self.lines.get(&peer) else {
            return;
        };
        if *awaited != opening {
            return;
        }
        let (endpoint, failures) = (endpoint.clone(), *failures);
        let line = match result {
            Ok(link) => Line::Open { opening, endpoint, link },
            Err(why) => {
                self.trouble = Some((endpoint, why));
                let failures = failures.saturating_add(1);
                // Whoever does not answer may lead no more.
                self.metadata.stale();
                Line::Down { until: now + self.config.backoff.after(failures, self.runtime.draw()), failures }
            }
        };
        self.lines.insert(peer, line);
    }

    /// Closes a connection, unless there is another one by now.
    fn close(&mut self, peer: Peer, closed: u64, now: Instant) {
        if matches!(self.lines.get(&peer), Some(Line::Open { opening, .. }) if *opening == closed) {
            let until = now + self.config.backoff.after(1, self.runtime.draw());
            self.lines.insert(peer, Line::Down { until, failures: 1 });
            self.metadata.stale();
        }
    }

    /// Lets go of lines to where brokers no longer are.
    fn forget_moved(&mut self) {
        let nodes = self.metadata.nodes();
        self.lines.retain(|peer, line| match (peer, line) {
            (Peer::Node(node), Line::Open { endpoint, .. } | Line::Opening { endpoint, .. }) => {
                nodes.get(node) == Some(endpoint)
            }
            (Peer::Node(node), Line::Down { .. }) => nodes.contains_key(node),
            (Peer::Seed(_), _) => true,
        });
    }

    fn index(&self, len: usize) -> usize {
        (self.runtime.draw() % len as u64) as usize
    }
}
