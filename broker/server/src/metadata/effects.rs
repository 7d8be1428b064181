//! The quorum's effects, carried out one after the other, each to its end.
//!
//! So an input that an effect leads to (`Appended`) is always about the latest state. Every append is synced before
//! anything relies on it: by the node when it settles.

use super::node::{Asked, METADATA, Node, NodeError, Told};
use super::replay::{self, ReplayError};
use crate::checkpoints::Points;
use bytes::Bytes;
use log::{AppendBatch, AppendError};
use model::time::Duration;
use model::{DurableEnd, LeaderEpoch, LogEnd, Offset};
use raft::{Answer, ELECTION_FILE_NAME, Effect, ElectionState, Input, Response, Token};
use records::batch::{BatchError, BatchHeader};
use records::control::ControlRecord;
use runtime::{DiskError, DiskErrorKind, Event, Runtime};
use std::collections::VecDeque;
use tracing::{info, warn};

/// How often it is looked whether there is space again.
const SPACE_EVERY: Duration = Duration::from_millis(250);

impl<R: Runtime> Node<R> {
    /// Performs the effects of `input`, and of whatever they lead to.
    pub(super) async fn perform(&mut self, input: Input) -> Result<(), NodeError> {
        let mut effects = VecDeque::from(self.step(input));
        // Told after the effects that came before them: those are what the quorum takes for done.
        let mut failed = VecDeque::new();
        loop {
            let Some(effect) = effects.pop_front() else {
                let Some((id, failure)) = failed.pop_front() else { return Ok(()) };
                effects.extend(self.step(Input::Failed(id, failure)));
                continue;
            };
            match effect {
                Effect::Persist(state) => self.persist(&state).await?,
                Effect::BecameLeader { epoch, .. } => {
                    self.log.begin_epoch(epoch);
                    self.rt.observe(Event::BecameLeader { partition: METADATA, epoch });
                }
                Effect::BecameFollower { epoch, leader } => {
                    info!(%epoch, %leader, "following the metadata quorum's leader");
                    self.rt.observe(Event::BecameFollower { partition: METADATA, epoch, leader });
                }
                Effect::AppendLeaderChange { base, epoch, message } => {
                    let record = ControlRecord::LeaderChange(message);
                    let batch = ControlRecord::batch(&[record], base, epoch, self.wall());
                    let batch = batch.expect("a quorum's voters fit a record");
                    let input = self.append_or_give_up(batch).await?;
                    effects.extend(self.step(input));
                }
                Effect::Append(batches) => {
                    let input = self.append_or_give_up(batches.bytes).await?;
                    effects.extend(self.step(input));
                }
                Effect::Truncate(to) => self.truncate(to).await?,
                Effect::Send(to, id, request) => {
                    if let Err(failure) = self.peers.ask(to, id, request) {
                        failed.push_back((id, failure));
                    }
                }
                Effect::Reply(token, response) => self.reply(token, response).await?,
                Effect::HighWatermark { to } => self.committed(to).await?,
                Effect::LeaderAccepted { epoch } => self.take_over(epoch),
                Effect::Resigned { epoch } => {
                    info!(%epoch, "resigned as controller");
                    self.rt.observe(Event::Resigned { partition: METADATA, epoch });
                    self.controller.resigned();
                    self.activation.clear();
                    self.pending.resigned();
                    self.shelf.resigned();
                }
                Effect::WriteSnapshot(piece) => {
                    if let Some(input) = self.write_piece(piece).await? {
                        effects.extend(self.step(input));
                    }
                }
                Effect::InstallSnapshot(id) => {
                    let input = self.install(id).await?;
                    effects.extend(self.step(input));
                }
            }
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.quorum.step(self.rt.now(), self.rt.draw(), input)
    }

    async fn persist(&mut self, state: &ElectionState) -> Result<(), NodeError> {
        let content = Bytes::from(state.encode(self.quorum.config().voters.iter().map(|voter| voter.id)));
        loop {
            self.unfenced()?;
            match log::replace(self.rt.disk(), self.log.dir(), ELECTION_FILE_NAME, content.clone()).await {
                Ok(()) => break,
                Err(error) => self.wait_for_space(error).await?,
            }
        }
        self.has_space(true);
        if let Some(voted) = state.voted {
            let (epoch, candidate) = (state.epoch, voted.id);
            self.rt.observe(Event::Voted { partition: METADATA, epoch, candidate });
        }
        Ok(())
    }

    /// Appends batches that follow each other, checked or just built, in one write.
    pub(super) async fn append_batches(&mut self, batches: Bytes) -> Result<(), NodeError> {
        self.unfenced()?;
        let whole = |batch: Result<Bytes, BatchError>| {
            let batch = batch.expect("batches that were checked");
            AppendBatch::whole(BatchHeader::parse(&batch).expect("a batch that was checked"), batch)
        };
        let batches: Vec<AppendBatch> = records::batch::split(batches).map(whole).collect();
        self.log.append(&batches).await.map_err(NodeError::Append)?;
        for AppendBatch { header, .. } in &batches {
            self.rt.observe(Event::Appended {
                partition: METADATA,
                epoch: header.leader_epoch,
                base: header.base_offset,
                end: LogEnd(header.next_offset()),
                crc: header.crc,
            });
        }
        Ok(())
    }

    /// Appends what the quorum says, and tells it what came of it: a full disk is no reason to end.
    async fn append_or_give_up(&mut self, batches: Bytes) -> Result<Input, NodeError> {
        match self.append_batches(batches).await {
            Ok(()) => {
                self.has_space(true);
                Ok(Input::Appended { end: self.log.end() })
            }
            Err(NodeError::Append(AppendError::NoSpace(error))) => {
                self.has_space(false);
                if self.full.met(self.rt.now()) {
                    warn!(%error, "the disk is full: the metadata log does not go on here");
                }
                Ok(Input::AppendFailed)
            }
            Err(error) => Err(error),
        }
    }

    /// Cuts the log. What is cut off was never committed, so nobody here has seen it.
    async fn truncate(&mut self, to: Offset) -> Result<(), NodeError> {
        assert!(to >= self.controller.committed().end(), "committed, and cut off at {to}");
        info!(%to, end = %self.log.end(), "the metadata log is cut where the leader's differs");
        // What is written in its place later must not be believed unchecked.
        let Points { name, recovery_point, log_start } = self.points();
        let lowered = Points { name, recovery_point: recovery_point.min(to), log_start };
        loop {
            self.unfenced()?;
            match self.checkpoints.note_durably(lowered.clone()).await {
                Ok(()) => break,
                Err(error) => self.wait_for_space(error).await?,
            }
        }
        self.unfenced()?;
        self.log.truncate(to).await.map_err(NodeError::Truncate)?;
        self.rt.observe(Event::Truncated { partition: METADATA, end: self.log.end() });
        Ok(())
    }

    /// Waits until it is time to try again what there was no space for. The quorum has decided it, and says nothing before it is
    /// done: a node on a full disk is one that is held up. Gives up where the disk has failed, or the node is to end.
    async fn wait_for_space(&mut self, error: DiskError) -> Result<(), NodeError> {
        if error.kind != DiskErrorKind::NoSpace {
            return Err(NodeError::Disk(error));
        }
        if self.full.met(self.rt.now()) {
            warn!(%error, "the disk is full: this node waits for space before it goes on with the quorum");
        }
        self.has_space(false);
        let again = self.rt.now() + SPACE_EVERY;
        tokio::select! { biased;
            () = self.stopping.notified() => Err(NodeError::Full(error)),
            () = self.rt.sleep_until(again) => Ok(()),
        }
    }

    /// Notes whether the disk took what the quorum wanted written.
    fn has_space(&self, taken: bool) {
        let since = *self.stuck.load();
        if taken && since.is_some() {
            self.stuck.publish(None);
        } else if !taken && since.is_none() {
            self.stuck.publish(Some(self.rt.now()));
        }
    }

    /// Answers another replica, with what it is to be given of the log, or of a snapshot.
    async fn reply(&mut self, token: Token, mut response: Response) -> Result<(), NodeError> {
        let Asked { bytes_max, reply } = self.asked.remove(&token).expect("answered once");
        let bytes = match &mut response.body {
            Ok(Answer::Records(records)) if records.from < self.log.end().0 && !reply.is_closed() => {
                let slice = self.log.slice(records.from, self.log.end().0, bytes_max, true);
                slice.read().await.map_err(|error| NodeError::Replay(ReplayError::Read(error)))?
            }
            Ok(Answer::SnapshotPiece(piece)) => match self.piece(piece, bytes_max).await? {
                Ok((bytes, size)) => {
                    piece.size = size;
                    bytes
                }
                Err(rejection) => {
                    response.body = Err(rejection);
                    Bytes::new()
                }
            },
            _ => Bytes::new(),
        };
        // Whoever asked may have gone.
        let _ = reply.send(Told { response, bytes, log_start: self.log.start() });
        Ok(())
    }

    /// Syncs what was appended. `None` when there was nothing to sync.
    pub(super) async fn sync(&mut self) -> Result<Option<DurableEnd>, NodeError> {
        self.unfenced()?;
        let Some(ticket) = self.log.begin_sync() else { return Ok(None) };
        let done = ticket.run(self.rt.disk()).await.map_err(NodeError::Disk)?;
        let end = self.log.finish_sync(done);
        self.rt.observe(Event::Synced { partition: METADATA, end });
        self.checkpoints.note(self.points());
        Ok(Some(end))
    }

    /// Everything below `to` is committed: the controller, whoever waits for it, and this broker are told.
    pub(super) async fn committed(&mut self, to: Offset) -> Result<(), NodeError> {
        self.rt.observe(Event::HighWatermark { partition: METADATA, to });
        let mut replayed = 0;
        if self.controller.active().is_some() {
            self.controller.committed_to(to);
        } else {
            let from = self.controller.committed().end().max(self.log.start());
            let controller = &mut self.controller;
            let followed = replay::replay(&self.log, from, to, |batch| {
                controller.follow(batch.base, &batch.records)?;
                controller.follow_to(batch.end);
                replayed += batch.bytes;
                Ok(())
            });
            followed.await.map_err(NodeError::Replay)?;
        }
        self.shelf.committed(replayed, self.rt.now());
        self.applied.committed(self.controller.committed().clone());
        self.pending.committed(to);
        Ok(())
    }

    /// This node is the active controller, once what a cluster begins with has been appended.
    fn take_over(&mut self, epoch: LeaderEpoch) {
        let decision = self.controller.became_leader(self.rt.now(), epoch);
        if !decision.records.is_empty() {
            self.activation.push_back(decision);
        }
        info!(%epoch, records = %self.log.end(), "active controller");
    }
}
