//! Fetches answered by the leader: what comes next in the log, or where the asker's log went another way.

use super::Quorum;
use crate::effect::{Effect, Token};
use crate::log_view::Fit;
use crate::message::{Answer, Fetch, FetchSnapshot, Records, Rejection, SnapshotPiece};
use crate::role::{Parked, Role};
use bytes::Bytes;
use model::{LeaderEpoch, Offset};

impl Quorum {
    /// A replica asks what comes next. `None`: it is answered later.
    pub(super) fn fetch_asked(
        &mut self,
        token: Token,
        fetch: Fetch,
        effects: &mut Vec<Effect>,
    ) -> Option<Result<Answer, Rejection>> {
        let Fetch { replica, from, last_epoch, .. } = fetch;
        if let Err(rejection) = self.check_leader(fetch.epoch) {
            return Some(Err(rejection));
        }
        if replica.id == self.config.me.id {
            return Some(Err(Rejection::Invalid));
        }
        let fit = self.log.fit(from, last_epoch);
        let (now, leader_end) = (self.now, self.log.end().0);
        let Role::Leader(leader) = &mut self.role else { unreachable!("checked above") };
        // A newer fetch completes the older one: its asker has given it up.
        let older = leader.parked.remove(&replica);
        let durable = if fit == Fit::Valid { from } else { Offset::ZERO };
        leader.heard_of(replica, durable, leader_end, &self.config, now);
        if let Some(older) = older {
            effects.push(self.reply(older.token, Ok(self.records(&older.fetch))));
        }
        match fit {
            Fit::Diverging(end) => return Some(Ok(Answer::Diverging(end))),
            Fit::Snapshot(id) => return Some(Ok(Answer::Snapshot(id))),
            Fit::Valid => {}
        }
        self.advance_as_leader(effects);
        if self.is_news(&fetch) || fetch.wait.is_zero() {
            return Some(Ok(self.records(&fetch)));
        }
        let wait = fetch.wait.min(self.config.timeouts.park);
        let parked = Parked { token, fetch, deadline: now + wait };
        if let Role::Leader(leader) = &mut self.role {
            leader.parked.insert(replica, parked);
        }
        None
    }

    /// A replica asks for a piece of a snapshot. One that is older than the latest may be there or not: whoever carries the
    /// answer sees that.
    pub(super) fn snapshot_asked(&mut self, fetch: FetchSnapshot) -> Result<Answer, Rejection> {
        let FetchSnapshot { replica, epoch, id, position } = fetch;
        self.check_leader(epoch)?;
        if self.log.snapshot() < Some(id) {
            return Err(Rejection::SnapshotNotFound);
        }
        let (now, leader_end) = (self.now, self.log.end().0);
        if let Role::Leader(leader) = &mut self.role {
            leader.heard_of(replica, Offset::ZERO, leader_end, &self.config, now);
        }
        Ok(Answer::SnapshotPiece(SnapshotPiece { id, size: 0, position, bytes: Bytes::new() }))
    }

    /// Whether this replica leads the asker's epoch.
    fn check_leader(&self, epoch: LeaderEpoch) -> Result<(), Rejection> {
        if epoch < self.epoch {
            return Err(Rejection::FencedEpoch);
        }
        if epoch > self.epoch {
            return Err(Rejection::UnknownEpoch);
        }
        match self.role {
            Role::Leader(_) => Ok(()),
            _ => Err(Rejection::NotLeader),
        }
    }

    /// Whether there is something that the asker does not know.
    fn is_news(&self, fetch: &Fetch) -> bool {
        fetch.from < self.log.end().0 || self.high_watermark > fetch.high_watermark
    }

    fn records(&self, fetch: &Fetch) -> Answer {
        Answer::Records(Records { from: fetch.from, high_watermark: self.high_watermark, batches: None })
    }

    /// Answers the parked fetches for which there are news.
    pub(super) fn answer_parked(&mut self, effects: &mut Vec<Effect>) {
        let Role::Leader(leader) = &self.role else { return };
        let ready: Vec<Parked> =
            leader.parked.values().filter(|parked| self.is_news(&parked.fetch)).copied().collect();
        self.answer(ready, effects);
    }

    /// Answers the parked fetches whose time is up.
    pub(super) fn expire_parked(&mut self, effects: &mut Vec<Effect>) {
        let Role::Leader(leader) = &self.role else { return };
        let over = leader.parked.values().filter(|parked| parked.deadline <= self.now).copied().collect();
        self.answer(over, effects);
    }

    fn answer(&mut self, ready: Vec<Parked>, effects: &mut Vec<Effect>) {
        for parked in ready {
            if let Role::Leader(leader) = &mut self.role {
                leader.parked.remove(&parked.fetch.replica);
            }
            effects.push(self.reply(parked.token, Ok(self.records(&parked.fetch))));
        }
    }
}
