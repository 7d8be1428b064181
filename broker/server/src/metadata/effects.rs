//! The quorum's effects, carried out one after the other, each to its end.
//!
//! So an input that an effect leads to (`Appended`) is always about the latest state. Every append is synced before
//! anything relies on it: by the node when it settles.

use super::node::{METADATA, Node, NodeError};
use super::replay;
use bytes::Bytes;
use log::AppendBatch;
use model::{DurableEnd, LeaderEpoch, Offset};
use raft::{ELECTION_FILE_NAME, Effect, ElectionState, Input};
use records::batch::BatchHeader;
use records::control::ControlRecord;
use runtime::{Event, Runtime};
use std::collections::VecDeque;
use tracing::info;

impl<R: Runtime> Node<R> {
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
                    let batch = ControlRecord::batch(&[record], base, epoch, self.wall());
                    self.append_batch(batch.expect("a quorum's voters fit a record")).await?;
                    effects.extend(self.step(Input::Appended { end: self.log.end() }));
                }
                Effect::HighWatermark { to } => self.committed(to).await?,
                Effect::LeaderAccepted { epoch } => self.take_over(epoch),
                Effect::Resigned { epoch } => {
                    info!(%epoch, "resigned as controller");
                    self.controller.resigned();
                    self.pending.resigned();
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

    async fn persist(&mut self, state: &ElectionState) -> Result<(), NodeError> {
        self.unfenced()?;
        let content = Bytes::from(state.encode());
        let written = log::replace(self.rt.disk(), self.log.dir(), ELECTION_FILE_NAME, content).await;
        written.map_err(NodeError::Disk)
    }

    pub(super) async fn append_batch(&mut self, batch: Bytes) -> Result<(), NodeError> {
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
        if self.controller.active().is_some() {
            self.controller.committed_to(to);
        } else {
            let from = self.controller.committed().end().max(self.log.start());
            let controller = &mut self.controller;
            let followed = replay::replay(&self.log, from, to, |batch| {
                controller.follow(batch.base, &batch.records)?;
                controller.follow_to(batch.end);
                Ok(())
            });
            followed.await.map_err(NodeError::Replay)?;
        }
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
