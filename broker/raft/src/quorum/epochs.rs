//! The beginning and the end of epochs, told and heard (BeginQuorumEpoch, EndQuorumEpoch).

use super::{Quorum, share};
use crate::effect::{Effect, RequestId};
use crate::message::{Answer, Rejection, Request};
use crate::role::Role;
use model::time::Duration;
use model::{BrokerId, LeaderEpoch};

impl Quorum {
    /// Somebody leads.
    pub(super) fn epoch_begun(
        &mut self,
        epoch: LeaderEpoch,
        leader: BrokerId,
        effects: &mut Vec<Effect>,
    ) -> Result<Answer, Rejection> {
        self.told_of_leader(epoch, leader, effects)?;
        let deadline = self.now + self.config.timeouts.fetch;
        if let Role::Follower(follower) = &mut self.role {
            // It lives, though it may be a fetch's turn to say so.
            follower.deadline = deadline;
            follower.content = true;
        }
        Ok(Answer::Noted)
    }

    /// Somebody does not lead any more.
    pub(super) fn epoch_ended(
        &mut self,
        epoch: LeaderEpoch,
        leader: BrokerId,
        successors: &[BrokerId],
        effects: &mut Vec<Effect>,
    ) -> Result<Answer, Rejection> {
        self.told_of_leader(epoch, leader, effects)?;
        let place = successors.iter().position(|id| *id == self.config.me.id);
        let patience = self.succession(place.unwrap_or(successors.len()));
        let deadline = self.now + patience;
        if let Role::Follower(follower) = &mut self.role {
            follower.deadline = follower.deadline.min(deadline);
            follower.content = false;
        }
        Ok(Answer::Noted)
    }

    fn told_of_leader(
        &mut self,
        epoch: LeaderEpoch,
        leader: BrokerId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        if epoch < self.epoch {
            return Err(Rejection::FencedEpoch);
        }
        if leader == self.config.me.id {
            return Err(Rejection::Invalid);
        }
        self.learn(epoch, Some(leader), effects)
    }

    /// How long whoever is number `place` of the successors leaves the others the precedence.
    fn succession(&self, place: usize) -> Duration {
        let step = self.config.timeouts.backoff * 2;
        match u32::try_from(place) {
            Ok(0) => Duration::ZERO,
            place => step.saturating_mul(place.unwrap_or(u32::MAX)) + share(step, self.draw),
        }
    }

    /// Tells a voter that this replica leads, or does not any more.
    pub(super) fn tell_epoch(&mut self, peer: BrokerId, effects: &mut Vec<Effect>) -> RequestId {
        let (epoch, leader) = (self.epoch, self.config.me.id);
        let request = match &self.role {
            Role::Resigned(resigned) => {
                Request::EndEpoch { epoch, leader, successors: resigned.successors.clone() }
            }
            _ => Request::BeginEpoch { epoch, leader },
        };
        self.send(peer, request, effects)
    }

    /// Whoever was told, or asked who leads, has answered: the news have been taken in.
    pub(super) fn told(
        &mut self,
        id: RequestId,
        epoch: LeaderEpoch,
        body: Result<Answer, Rejection>,
        effects: &mut Vec<Effect>,
    ) {
        let later = match &self.role {
            Role::Leader(_) if body.is_ok() => self.now + self.silence(),
            Role::Unattached(_) => self.now + self.config.timeouts.backoff * 5,
            _ => self.now + self.config.timeouts.backoff,
        };
        let resigned = matches!(self.role, Role::Resigned(_));
        let Some(canvass) = self.role.canvass() else { return };
        let Some(peer) = canvass.whom(id) else { return };
        match resigned {
            true => canvass.done(peer),
            false => canvass.again(peer, later),
        }
        // Who is in epoch 0 has never voted. When all are, or were since this process started, nothing was ever
        // committed.
        if let Some(doubt) = &mut self.doubt
            && epoch == LeaderEpoch(0)
        {
            doubt.later.remove(&peer);
            if doubt.later.is_empty() {
                self.end_doubt(effects);
            }
        }
    }

    /// A voter that has not fetched for so long is told again who leads.
    pub(super) fn silence(&self) -> Duration {
        self.config.timeouts.fetch / 2
    }
}
