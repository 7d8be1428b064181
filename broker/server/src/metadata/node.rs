//! The task that owns this node's part of the metadata: quorum, controller and log, and nobody else touches them.
//!
//! It takes what has happened, lets the quorum say what follows (`effects`), lets the controller decide (`decisions`),
//! and then settles: everything appended meanwhile is synced in one round, which is what commits it. Behind a raised
//! fence nothing is written, whoever raised it.

use super::applier::Applied;
use super::decisions::Pending;
use super::handle::{INBOX_MAX, Request, Seen};
use super::peers::Peers;
use super::replay::ReplayError;
use super::shelf::Shelf;
use super::snapshots::Taking;
use crate::checkpoints::{Checkpoints, Points};
use crate::descriptors::Descriptors;
use crate::fence::Fences;
use crate::full::Full;
use bytes::Bytes;
use controller::{Controller, Decision};
use log::snapshot::{Snapshots, Writer};
use log::{AppendError, Log, PartitionName, TruncateError};
use model::config::BrokerSettings;
use model::time::Duration;
use model::{BrokerId, Instant, LeaderEpoch, Offset, PartitionIndex, PartitionKey, Timestamp, TopicId, Uuid};
use raft::{Failure, Input, Quorum, RequestId, Response, Token};
use runtime::{DiskError, DiskErrorKind, Event, Fence, Runtime};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::{error, warn};

/// What may wait to be heard of the quorum; whoever brings more waits.
pub(super) const HEARD_MAX: usize = 256;

/// How long a leader that stops goes on telling the others.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// No turn takes so long: half of the time between a broker's heartbeats.
const HELD_UP_MIN: Duration = Duration::from_secs(1);

/// The metadata log's one partition, as events name it.
pub(super) const METADATA: PartitionKey =
    PartitionKey { topic: TopicId(Uuid::METADATA_TOPIC), index: PartitionIndex(0) };

/// This node's metadata.
pub struct Node<R: Runtime> {
    pub(super) rt: R,
    pub(super) settings: BrokerSettings,
    pub(super) name: PartitionName,
    pub(super) log: Log<R::Disk>,
    pub(super) quorum: Quorum,
    pub(super) controller: Controller,
    /// The snapshots' files.
    pub(super) snapshots: Snapshots<R::Disk>,
    /// Which there are, and when the next is due.
    pub(super) shelf: Shelf,
    /// The one that is being taken here.
    pub(super) taking: Option<Taking>,
    /// The one that comes from the leader.
    pub(super) incoming: Option<Writer<R::Disk>>,
    /// Whom to tell what is committed.
    pub(super) applied: Applied,
    pub(super) checkpoints: Checkpoints,
    pub(super) fences: Fences,
    pub(super) descriptors: Descriptors,
    /// Answers that wait to be committed.
    pub(super) pending: Pending,
    /// What a new active controller has to write before anything else is decided.
    pub(super) activation: VecDeque<Decision<()>>,
    pub(super) requests: mpsc::Receiver<Request>,
    /// Told when a stop has been requested, for a task that does not get to the request.
    pub(super) stopping: Arc<Notify>,
    /// What is told of a full disk.
    pub(super) full: Full,
    /// Since when the metadata log has not gone on here for want of space. Read by the lifecycle.
    pub(super) stuck: Arc<Snapshot<Option<Instant>>>,
    /// What is heard of the quorum. Comes first: who leads must not wait for what is to be decided.
    pub(super) heard: mpsc::Receiver<Heard>,
    pub(super) peers: Peers,
    /// Whom to tell the quorum's answers. Bound: fetches that wait, one of each replica.
    pub(super) asked: BTreeMap<Token, Asked>,
    pub(super) next_token: u64,
    pub(super) leadership: Arc<Snapshot<Leadership>>,
}

/// A question that is not answered yet.
pub(super) struct Asked {
    pub(super) bytes_max: usize,
    pub(super) reply: oneshot::Sender<Told>,
}

/// Who leads the quorum, as far as this node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// In which epoch.
    pub epoch: LeaderEpoch,
    /// Who; this node itself only once it may decide.
    pub leader: Option<BrokerId>,
}

/// What the task hears of the quorum.
pub(super) enum Heard {
    /// A replica asks.
    Question(Question),
    /// A voter has answered.
    Answer(RequestId, Response),
    /// A voter has not.
    Failure(RequestId, Failure),
}

/// Another replica's question.
pub(super) struct Question {
    /// What it asks.
    pub(super) request: raft::Request,
    /// Most bytes of what it fetches, but for a first batch.
    pub(super) bytes_max: usize,
    /// Whom to tell.
    pub(super) reply: oneshot::Sender<Told>,
}

/// What another replica is told.
#[derive(Debug)]
pub struct Told {
    /// The quorum's answer, without what it is to be read from the log or from a snapshot.
    pub response: Response,
    /// Batches of the log, or a piece of a snapshot: as many bytes as fit.
    pub bytes: Bytes,
    /// The first offset kept.
    pub log_start: Offset,
}

/// Why the task can't go on.
#[derive(Debug)]
pub enum NodeError {
    /// The disk failed.
    Disk(DiskError),
    /// The node is to end, and there is still no space for what has to be written first.
    Full(DiskError),
    /// Somebody has fenced the directory.
    Fenced,
    /// The log could not be appended to. Behind [`AppendError::NoSpace`] everything is as it was before the append.
    Append(AppendError),
    /// The log could not be cut.
    Truncate(TruncateError),
    /// The log can't be read.
    Replay(ReplayError),
    /// What the controller decided does not fit its own image: a bug, told before it is committed.
    Decision(controller::ReplayError),
    /// The controller decided though the quorum has no leader here: a bug, too.
    NotLeader,
}

impl<R: Runtime> Node<R> {
    /// Takes part until told to stop, or until the directory is fenced: then requests go unanswered.
    pub async fn run(mut self) {
        match self.serve().await {
            Ok(Some(stopped)) => self.close(stopped).await,
            Ok(None) => {}
            Err(error) => self.fail(&error),
        }
    }

    /// Serves until somebody wants it stopped; nobody does once all handles are gone.
    async fn serve(&mut self) -> Result<Option<oneshot::Sender<()>>, NodeError> {
        // Opening the log has synced what it kept.
        self.take(Input::Synced { end: self.log.durable_end() }).await?;
        self.take(Input::Start).await?;
        self.settle().await?;
        self.trim().await?;
        let mut drained = Vec::with_capacity(INBOX_MAX);
        let mut heard = Vec::with_capacity(HEARD_MAX);
        let mut woken = self.rt.now();
        loop {
            let mut held_up = self.has_waited_since(woken);
            // Of snapshots there is one at a time.
            let snapshot = self.shelf.deadline().filter(|_| self.taking.is_none() && self.incoming.is_none());
            // Nobody is taken for silent who has not been heard.
            let silence = self.controller.next_deadline().filter(|_| !self.pending.is_full());
            let deadlines = [self.quorum.next_deadline(), silence, snapshot];
            let deadline = deadlines.into_iter().flatten().min();
            let sleep = self.rt.sleep_until(deadline.unwrap_or_default());
            tokio::select! { biased;
                _ = self.heard.recv_many(&mut heard, HEARD_MAX) => {}
                taken = self.requests.recv_many(&mut drained, INBOX_MAX), if !self.pending.is_full() => {
                    if taken == 0 {
                        return Ok(None);
                    }
                }
                () = taken(&mut self.taking), if self.taking.is_some() => {}
                () = sleep, if deadline.is_some() => {}
            }
            woken = self.rt.now();
            held_up |= silence.is_some_and(|due| woken.since(due) >= HELD_UP_MIN);
            self.unfenced()?;
            self.drain(&mut drained);
            for heard in heard.drain(..) {
                self.hear(heard).await?;
            }
            if self.quorum.next_deadline().is_some_and(|deadline| deadline <= self.rt.now()) {
                self.take(Input::Tick).await?;
            }
            for request in drained.drain(..) {
                match request {
                    Request::Decide(decide) => self.decide(decide).await?,
                    Request::Look(look) => {
                        let (quorum, controller) = (&self.quorum, &self.controller);
                        look(&Seen { quorum, controller, now: self.rt.now(), wall: self.wall() });
                    }
                    Request::Stop(stopped) => {
                        self.resign().await?;
                        return Ok(Some(stopped));
                    }
                }
            }
            // After whatever has arrived: a node that was held up must not take it for silence.
            if held_up || self.has_waited_since(woken) {
                self.controller.held_up(self.rt.now());
            }
            if self.requests.is_empty() && !self.pending.is_full() {
                self.expire().await?;
            }
            self.settle().await?;
            self.see_to_snapshots().await?;
        }
    }

    /// Whether so much time has passed as no turn takes, unless the disk or the whole process stands still.
    fn has_waited_since(&self, then: Instant) -> bool {
        self.rt.now().since(then) >= HELD_UP_MIN
    }

    /// Takes what has been requested by now, if anything may be.
    fn drain(&mut self, into: &mut Vec<Request>) {
        while !self.pending.is_full()
            && into.len() < INBOX_MAX
            && let Ok(request) = self.requests.try_recv()
        {
            into.push(request);
        }
    }

    async fn hear(&mut self, heard: Heard) -> Result<(), NodeError> {
        let input = match heard {
            Heard::Question(Question { request, bytes_max, reply }) => {
                let token = Token(self.next_token);
                self.next_token += 1;
                self.asked.insert(token, Asked { bytes_max, reply });
                Input::Request(token, request)
            }
            Heard::Answer(id, response) => Input::Response(id, response),
            Heard::Failure(id, failure) => Input::Failed(id, failure),
        };
        self.take(input).await
    }

    /// Gives leadership up, and waits a moment until the other voters know.
    async fn resign(&mut self) -> Result<(), NodeError> {
        self.take(Input::Resign).await?;
        self.settle().await?;
        let end = self.rt.now() + LAST_WORDS;
        while self.quorum.is_telling() {
            let sleep = self.rt.sleep_until(end);
            let heard = tokio::select! { biased;
                heard = self.heard.recv() => heard,
                () = sleep => None,
            };
            let Some(heard) = heard else { break };
            self.hear(heard).await?;
        }
        Ok(())
    }

    /// Lets something happen, and everything that follows at once.
    pub(super) async fn take(&mut self, input: Input) -> Result<(), NodeError> {
        self.perform(input).await?;
        self.activate().await
    }

    /// Makes durable what was appended, and lets happen what follows from that.
    async fn settle(&mut self) -> Result<(), NodeError> {
        while let Some(end) = self.sync().await? {
            self.take(Input::Synced { end }).await?;
        }
        self.tell();
        Ok(())
    }

    /// Tells this process who leads.
    fn tell(&self) {
        let me = self.settings.node_id;
        let active = self.controller.active().is_some();
        assert!(active || self.pending.is_empty(), "answers wait for commits by another leader");
        let leader = self.quorum.leader().filter(|leader| *leader != me || active);
        let leadership = Leadership { epoch: self.quorum.epoch(), leader };
        if *self.leadership.load() != leadership {
            self.leadership.publish(leadership);
        }
    }

    /// How far the metadata log needs no recovery: damage below is told, not taken for a torn tail.
    pub(super) fn points(&self) -> Points {
        let (recovery_point, log_start) = (self.log.recovery_point(), self.log.start());
        Points { name: self.name.clone(), recovery_point, log_start }
    }

    /// Whether anything may be written.
    pub(super) fn unfenced(&self) -> Result<(), NodeError> {
        if self.fences.is_fenced() { Err(NodeError::Fenced) } else { Ok(()) }
    }

    pub(super) fn wall(&self) -> Timestamp {
        Timestamp(self.rt.wall_ms())
    }

    fn fail(&mut self, error: &NodeError) {
        let why = match error {
            // Whoever raised it has told why.
            NodeError::Fenced => return,
            NodeError::Full(error) => {
                warn!(%error, "the disk is full: the metadata log is left as it is");
                return;
            }
            NodeError::Disk(_) => Fence::SyncFailed,
            NodeError::Append(_) | NodeError::Truncate(_) => Fence::WriteFailed,
            NodeError::Replay(_) | NodeError::Decision(_) | NodeError::NotLeader => Fence::MetadataFailed,
        };
        error!(%error, "this node can't follow the cluster's metadata any more");
        self.fence(why);
    }

    fn fence(&self, why: Fence) {
        if self.fences.fence(why) {
            self.rt.observe(Event::Fenced(why));
        }
    }

    async fn close(mut self, stopped: oneshot::Sender<()>) {
        // Nobody writes to the directory when it is vouched for.
        taken(&mut self.taking).await;
        if let Err(error) = self.give_incoming_up().await {
            return self.fail(&error);
        }
        let (log_start, name) = (self.log.start(), self.name.clone());
        let (rt, fences, checkpoints) = (self.rt, self.fences, self.checkpoints);
        if fences.is_fenced() {
            return;
        }
        match self.log.close().await {
            Ok(recovery_point) => {
                checkpoints.note_closed(Points { name, recovery_point, log_start }).await;
                let _ = stopped.send(());
            }
            Err(error) if error.kind == DiskErrorKind::NoSpace => {
                warn!(%error, "the disk is full: the metadata log is left for the next start to recover");
            }
            Err(error) => {
                error!(%error, "the metadata log can't be closed");
                if fences.fence(Fence::SyncFailed) {
                    rt.observe(Event::Fenced(Fence::SyncFailed));
                }
            }
        }
    }
}

/// Waits until the snapshot that is being taken is, or is not.
async fn taken(taking: &mut Option<Taking>) {
    if let Some(taking) = taking {
        taking.ended().await;
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Disk(error) | NodeError::Full(error) => error.fmt(f),
            NodeError::Fenced => f.write_str("the data directory is fenced"),
            NodeError::Append(error) => write!(f, "metadata log: {error}"),
            NodeError::Truncate(error) => write!(f, "metadata log: {error}"),
            NodeError::Replay(error) => error.fmt(f),
            NodeError::Decision(error) => write!(f, "a decision that can't be replayed: {error}"),
            NodeError::NotLeader => f.write_str("decided without leading the metadata quorum"),
        }
    }
}
