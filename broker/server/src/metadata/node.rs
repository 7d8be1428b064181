//! The task that owns this node's part of the metadata: it drives the quorum's effects against the disk.
//!
//! Effects are performed one after the other, each to its end, so an input that an effect leads to (`Persisted`,
//! `Appended`, `Synced`) is always about the latest state. Every append is synced before anything relies on it.
//! Behind a raised fence nothing is written, whoever raised it.

use super::replay::{self, ReplayError};
use super::{INBOX_MAX, Request};
use crate::checkpoints::{Checkpoints, Points};
use crate::context::Shards;
use crate::descriptors::Descriptors;
use crate::fence::Fences;
use crate::shard::inbox::{Lead, Message};
use bytes::Bytes;
use controller::{
    ClusterImage, Controller, CreateTopics, Decision, Reason, Refusal, TopicDraws, TopicOutcome,
};
use log::{AppendBatch, AppendError, Log, PartitionName};
use model::config::BrokerSettings;
use model::{
    BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionIndex, PartitionKey, Timestamp, TopicId, Uuid,
};
use raft::{ELECTION_FILE_NAME, Effect, ElectionState, Input, Quorum};
use records::batch::{BatchBuilder, BatchHeader};
use records::control::ControlRecord;
use records::metadata::MetadataRecord;
use runtime::{DiskError, Event, Fence, Runtime};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

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
    /// What handlers see. Invariant: every partition in it that we lead has been opened by its shard, unless there was
    /// no space; then the shard goes on trying.
    pub(super) published: Arc<Snapshot<ClusterImage>>,
    pub(super) shards: Shards,
    pub(super) checkpoints: Checkpoints,
    pub(super) fences: Fences,
    pub(super) descriptors: Descriptors,
    pub(super) epoch: BrokerEpoch,
}

/// Why the task can't go on.
#[derive(Debug)]
pub enum NodeError {
    /// The disk failed.
    Disk(DiskError),
    /// Somebody has fenced the directory.
    Fenced,
    /// The log could not be appended to. Behind [`AppendError::NoSpace`] everything is as it was before the append.
    Append(AppendError),
    /// The log can't be read.
    Replay(ReplayError),
    /// What the controller decided does not fit its own image: a bug, told before it is committed.
    Decision(controller::ReplayError),
    /// This node may not take part.
    Refused(Refusal),
    /// The quorum has no leader, or another one.
    NotLeader,
    /// A partition could not be opened.
    Partition(PartitionKey),
}

impl<R: Runtime> Node<R> {
    /// Serves the inbox until told to stop, or until the directory is fenced: then requests go unanswered, which
    /// [`super::Handle`] tells as `None`.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut drained = Vec::with_capacity(INBOX_MAX);
        while inbox.recv_many(&mut drained, INBOX_MAX).await > 0 {
            for request in drained.drain(..) {
                if self.fences.is_fenced() {
                    return;
                }
                match request {
                    Request::CreateTopics { request, reply } => match self.create_topics(request).await {
                        Ok(outcome) => {
                            let _ = reply.send(outcome);
                        }
                        Err(error) => return self.fail(&error),
                    },
                    Request::Stop(stopped) => return self.stop(stopped).await,
                }
            }
        }
    }

    async fn create_topics(
        &mut self,
        mut request: CreateTopics,
    ) -> Result<Result<Vec<TopicOutcome>, Refusal>, NodeError> {
        for topic in &mut request.topics {
            topic.draws = TopicDraws { id: [self.rt.draw(), self.rt.draw()], start: self.rt.draw() };
        }
        let decision = match self.decide_topics(request) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match self.decide(decision).await {
            Err(NodeError::Append(AppendError::NoSpace(error))) => {
                warn!(%error, "the disk is full: a metadata change is refused");
                let message = "The disk is full.".to_owned();
                Ok(Err(Refusal { reason: Reason::Storage, message }))
            }
            outcome => outcome.map(Ok),
        }
    }

    /// Decides which topics are created. Those for whose partitions there are no descriptors are refused.
    fn decide_topics(&self, mut request: CreateTopics) -> Result<Decision<Vec<TopicOutcome>>, Refusal> {
        let decision = self.controller.create_topics(&request)?;
        let held = self.published.load().topics().map(|topic| topic.partitions.len()).sum();
        let created =
            |(name, outcome): &'_ TopicOutcome| Some((name.clone(), outcome.as_ref().ok()?.partitions));
        let wanted: Vec<_> = decision.reply.iter().filter_map(created).collect();
        let beyond =
            self.descriptors.beyond(held, wanted.iter().map(|(name, partitions)| (&**name, *partitions)));
        if beyond.is_empty() {
            return Ok(decision);
        }
        warn!(topics = ?beyond, "{}", self.descriptors.refusal(held));
        request.topics.retain(|topic| !beyond.contains(&topic.name));
        let mut decision = self.controller.create_topics(&request)?;
        decision.reply.extend(beyond.into_iter().map(|name| {
            let message = self.descriptors.refusal(held);
            (name, Err(Refusal { reason: Reason::PolicyViolation, message }))
        }));
        Ok(decision)
    }

    /// Appends what was decided, waits until it is committed and applied, and gives the reply.
    pub(super) async fn decide<T>(&mut self, decision: Decision<T>) -> Result<T, NodeError> {
        let Decision { records, reply, .. } = decision;
        if !records.is_empty() {
            self.append(&records).await?;
            self.apply().await?;
        }
        Ok(reply)
    }

    /// Performs the effects of `input`, and of whatever they lead to.
    pub(super) async fn perform(&mut self, input: Input) -> Result<(), NodeError> {
        let mut effects = VecDeque::from(self.step(input));
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Persist(state) => self.persist(&state).await?,
                Effect::BecameLeader { epoch, .. } => {
                    self.log.begin_epoch(epoch);
                    self.rt.observe(Event::BecameLeader { partition: METADATA, epoch });
                }
                Effect::AppendLeaderChange { base, epoch, message } => {
                    let record = ControlRecord::LeaderChange(message);
                    let batch = ControlRecord::batch(&[record], base, epoch, self.now());
                    self.append_batch(batch.expect("a quorum's voters fit a record")).await?;
                    effects.extend(self.step(Input::Appended { end: self.log.end() }));
                    effects.extend(self.sync().await?);
                }
                Effect::HighWatermark { to } => {
                    self.rt.observe(Event::HighWatermark { partition: METADATA, to });
                    self.controller.committed_to(to);
                }
                Effect::LeaderAccepted { epoch } => self.take_over(epoch).await?,
                Effect::Resigned { epoch } => {
                    info!(%epoch, "resigned as controller");
                    self.controller.resigned();
                }
                Effect::Send(..)
                | Effect::Reply(..)
                | Effect::Append(_)
                | Effect::Truncate(_)
                | Effect::WriteSnapshot(_)
                | Effect::InstallSnapshot(_)
                | Effect::BecameFollower { .. } => unreachable!("a quorum of one has no peers: {effect}"),
            }
        }
        Ok(())
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.quorum.step(self.rt.now(), self.rt.draw(), input)
    }

    /// Appends metadata records as one batch, and returns when they are committed. A full disk leaves the log, the
    /// quorum and the controller as they were.
    pub(super) async fn append(&mut self, records: &[MetadataRecord]) -> Result<(), NodeError> {
        let placed = self.quorum.propose(records.len()).map_err(|_| NodeError::NotLeader)?;
        let mut batch = BatchBuilder::new(placed.base, placed.epoch);
        for record in records {
            let value = record.encode().expect("the controller decides records that can be written");
            batch.push(self.now(), None, Some(&value));
        }
        // Replayed before it is written, so that what can't be replayed never gets into the log; and on a copy, which
        // costs little, so that what does not get into the log was never replayed.
        let mut controller = self.controller.clone();
        controller.appended(placed.base, records).map_err(NodeError::Decision)?;
        match self.append_batch(batch.build()).await {
            Ok(()) => self.controller = controller,
            Err(error @ NodeError::Append(AppendError::NoSpace(_))) => {
                self.quorum.withdraw(placed);
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.perform(Input::Appended { end: self.log.end() }).await?;
        let effects = self.sync().await?;
        for effect in effects {
            if let Effect::HighWatermark { to } = effect {
                self.rt.observe(Event::HighWatermark { partition: METADATA, to });
                self.controller.committed_to(to);
            }
        }
        assert!(self.quorum.high_watermark() >= Some(placed.end), "synced alone, and not committed");
        Ok(())
    }

    async fn append_batch(&mut self, batch: Bytes) -> Result<(), NodeError> {
        self.unfenced()?;
        let header = BatchHeader::parse(&batch).expect("a batch that was just built");
        self.log.append(&[AppendBatch::whole(header, batch)]).await.map_err(NodeError::Append)?;
        self.rt.observe(Event::Appended {
            partition: METADATA,
            epoch: header.leader_epoch,
            base: header.base_offset,
            end: self.log.end(),
            crc: header.crc,
        });
        Ok(())
    }

    async fn sync(&mut self) -> Result<Vec<Effect>, NodeError> {
        self.unfenced()?;
        let Some(ticket) = self.log.begin_sync() else { return Ok(Vec::new()) };
        let done = ticket.run(self.rt.disk()).await.map_err(NodeError::Disk)?;
        let end = self.log.finish_sync(done);
        self.rt.observe(Event::Synced { partition: METADATA, end });
        self.checkpoints.note(self.points());
        Ok(self.step(Input::Synced { end }))
    }

    /// How far the metadata log needs no recovery: damage below is told, not taken for a torn tail.
    pub(super) fn points(&self) -> Points {
        let (recovery_point, log_start) = (self.log.recovery_point(), self.log.start());
        Points { name: self.name.clone(), recovery_point, log_start }
    }

    /// Whether anything may be written.
    fn unfenced(&self) -> Result<(), NodeError> {
        if self.fences.is_fenced() { Err(NodeError::Fenced) } else { Ok(()) }
    }

    async fn persist(&self, state: &ElectionState) -> Result<(), NodeError> {
        self.unfenced()?;
        let content = Bytes::from(state.encode());
        let written = log::replace(self.rt.disk(), self.log.dir(), ELECTION_FILE_NAME, content).await;
        written.map_err(NodeError::Disk)
    }

    /// The node leads: it reads what the log says, and adds what a cluster begins with.
    async fn take_over(&mut self, epoch: LeaderEpoch) -> Result<(), NodeError> {
        let (from, below) = (self.controller.committed().end(), self.log.end().0);
        let controller = &mut self.controller;
        let followed = replay::replay(&self.log, from.max(self.log.start()), below, |batch| {
            controller.follow(batch.base, &batch.records)?;
            controller.follow_to(batch.end);
            Ok(())
        });
        followed.await.map_err(NodeError::Replay)?;
        let Decision { records, .. } = self.controller.became_leader(self.rt.now(), epoch);
        if !records.is_empty() {
            Box::pin(self.append(&records)).await?;
        }
        info!(%epoch, records = %self.log.end(), "active controller");
        Ok(())
    }

    /// Makes this broker what the committed image says that it is, then shows the image to handlers.
    pub(super) async fn apply(&mut self) -> Result<(), NodeError> {
        let image = self.controller.committed().visible().clone();
        let me = self.settings.node_id;
        let leads = |partition: &controller::Partition| partition.leader == Some(me);
        let mut opening = Vec::new();
        for change in image.changes_since(&self.published.load()).partitions {
            let Some(partition) = change.after.filter(|partition| leads(partition)) else { continue };
            opening.push((
                change.key,
                self.lead(&image, change.key, change.topic, partition.leader_epoch).await?,
            ));
        }
        for (key, opened) in opening {
            match opened.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(NodeError::Partition(key)),
            }
        }
        self.published.publish(image);
        Ok(())
    }

    /// Asks the shard of a partition to lead it.
    async fn lead(
        &self,
        image: &ClusterImage,
        partition: PartitionKey,
        topic: Arc<str>,
        epoch: LeaderEpoch,
    ) -> Result<oneshot::Receiver<Result<(), protocol::ErrorCode>>, NodeError> {
        let BrokerSettings { node_id, given, .. } = &self.settings;
        let config = image.topic_config(&topic, *node_id, given).unwrap_or_else(|error| {
            error!(%topic, %error, "a topic's configuration is refused: the broker's defaults apply");
            self.settings.topic_defaults()
        });
        let (done, opened) = oneshot::channel();
        let lead = Lead { partition, topic, epoch, config, done };
        if !self.shards.send(self.shards.of(partition), Message::Lead(lead)).await {
            return Err(NodeError::Partition(partition));
        }
        Ok(opened)
    }

    fn fail(&mut self, error: &NodeError) {
        if let NodeError::Fenced = error {
            // Whoever raised it has told why.
            return;
        }
        error!(%error, "metadata can't be written any more");
        let why = if let NodeError::Disk(_) = error { Fence::SyncFailed } else { Fence::WriteFailed };
        if self.fences.fence(why) {
            self.rt.observe(Event::Fenced(why));
        }
    }

    async fn stop(mut self, stopped: oneshot::Sender<BrokerEpoch>) {
        if let Err(error) = self.perform(Input::Resign).await {
            return self.fail(&error);
        }
        if let Err(error) = self.unfenced() {
            return self.fail(&error);
        }
        let (log_start, name) = (self.log.start(), self.name.clone());
        match self.log.close().await {
            Ok(recovery_point) => {
                self.checkpoints.note_closed(Points { name, recovery_point, log_start }).await;
                let _ = stopped.send(self.epoch);
            }
            Err(error) => {
                error!(%error, "the metadata log can't be closed");
                if self.fences.fence(Fence::SyncFailed) {
                    self.rt.observe(Event::Fenced(Fence::SyncFailed));
                }
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.rt.wall_ms())
    }

    /// This node's id.
    pub fn id(&self) -> BrokerId {
        self.settings.node_id
    }

    /// One past the last record that this node has.
    pub fn end(&self) -> Offset {
        self.log.end().0
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Disk(error) => error.fmt(f),
            NodeError::Fenced => f.write_str("the data directory is fenced"),
            NodeError::Append(error) => write!(f, "metadata log: {error}"),
            NodeError::Replay(error) => error.fmt(f),
            NodeError::Decision(error) => write!(f, "a decision that can't be replayed: {error}"),
            NodeError::Refused(refusal) => refusal.fmt(f),
            NodeError::NotLeader => f.write_str("this node does not lead the metadata quorum"),
            NodeError::Partition(key) => write!(f, "partition {key} can't be opened"),
        }
    }
}
