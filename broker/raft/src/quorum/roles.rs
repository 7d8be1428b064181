//! From role to role: the transitions of the table at the head of `quorum`, and nothing else changes the role, the epoch
//! or what is in the file.

use super::{Quorum, share};
use crate::canvass::Canvass;
use crate::effect::Effect;
use crate::election::ElectionState;
use crate::message::Rejection;
use crate::role::{Fetching, Follower, Leader, Prospective, Resigned, Role, RoleName, Unattached};
use crate::voters::ReplicaKey;
use model::{BrokerId, LeaderEpoch};

impl Quorum {
    /// Takes in that `epoch` is the current one and who leads it. What contradicts the own knowledge is told by an
    /// error and changes nothing.
    pub(super) fn learn(
        &mut self,
        epoch: LeaderEpoch,
        leader: Option<BrokerId>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let leader = leader.filter(|leader| *leader != self.config.me.id);
        if leader.is_some_and(|leader| self.config.voters.iter().all(|voter| voter.id != leader)) {
            return Err(Rejection::NotVoter);
        }
        if epoch < self.epoch || !self.running {
            return Ok(());
        }
        let leader = leader.filter(|_| self.may_follow());
        match (leader, self.role.elected(self.config.me)) {
            (Some(leader), Some(known)) if epoch == self.epoch && leader != known => Err(Rejection::Invalid),
            // Nothing new: whoever stands because that leader is silent goes on.
            (Some(_), Some(_)) if epoch == self.epoch => Ok(()),
            (Some(leader), _) => {
                self.follow(epoch, leader, effects);
                Ok(())
            }
            (None, _) => {
                if epoch > self.epoch {
                    self.detach(epoch, None, effects);
                }
                Ok(())
            }
        }
    }

    /// Becomes a follower of `leader` in `epoch`.
    pub(super) fn follow(&mut self, epoch: LeaderEpoch, leader: BrokerId, effects: &mut Vec<Effect>) {
        let voted = self.role.voted(self.config.me).filter(|_| epoch == self.epoch);
        let follower = Follower {
            leader,
            voted,
            deadline: self.now + self.config.timeouts.fetch,
            content: false,
            told_committed: None,
            fetching: Fetching::NotBefore(self.now),
        };
        self.take_role(epoch, Role::Follower(follower), effects);
        effects.push(Effect::BecameFollower { epoch, leader });
    }

    /// Becomes unattached in `epoch`, having voted for `voted` in it. What was left of its patience is left.
    pub(super) fn detach(
        &mut self,
        epoch: LeaderEpoch,
        voted: Option<ReplicaKey>,
        effects: &mut Vec<Effect>,
    ) {
        let patience = share(self.config.timeouts.election, self.draw);
        let fresh = self.now + self.config.timeouts.election + patience;
        let deadline = match &self.role {
            // Granting a vote buys the candidate time; a mere new epoch does not.
            _ if voted.is_some() => fresh,
            Role::Unattached(role) => role.deadline.unwrap_or(fresh),
            Role::Follower(Follower { deadline, .. }) | Role::Prospective(Prospective { deadline, .. }) => {
                *deadline
            }
            Role::Candidate(_) | Role::Leader(_) | Role::Resigned(_) => fresh,
        };
        let voted = voted.or_else(|| self.role.voted(self.config.me).filter(|_| epoch == self.epoch));
        let unattached = Unattached {
            voted,
            deadline: self.config.is_voter().then_some(deadline),
            discovery: Canvass::new(self.config.peers().map(|peer| peer.id)),
        };
        self.take_role(epoch, Role::Unattached(unattached), effects);
    }

    /// Gives leadership of the epoch up, and tells the others.
    pub(super) fn resign(&mut self, effects: &mut Vec<Effect>) {
        let Role::Leader(leader) = &self.role else { unreachable!("only a leader resigns") };
        let patience = self.config.timeouts.election + share(self.config.timeouts.election, self.draw);
        let resigned = Resigned {
            successors: leader.successors(&self.config),
            end: Canvass::new(self.config.peers().map(|peer| peer.id)),
            deadline: Some(self.now + patience),
        };
        self.take_role(self.epoch, Role::Resigned(resigned), effects);
    }

    /// Becomes leader of `epoch`, elected by `granting`.
    pub(super) fn lead(&mut self, epoch: LeaderEpoch, granting: Vec<BrokerId>, effects: &mut Vec<Effect>) {
        // Nothing is left of what an earlier leadership placed: it ended in another role.
        let base = self.log.end().0;
        self.placed_end = base.plus(1);
        let leader = Leader::new(epoch, base, granting, &self.config, self.now);
        let message = leader.leader_change(&self.config);
        self.take_role(epoch, Role::Leader(leader), effects);
        effects.push(Effect::BecameLeader { epoch, start: base });
        effects.push(Effect::AppendLeaderChange { base, epoch, message });
    }

    /// The only writer of the role and the epoch: the table at the head of this file. What has to be remembered is
    /// made durable first, and what the old role still owes is given.
    pub(super) fn take_role(&mut self, epoch: LeaderEpoch, role: Role, effects: &mut Vec<Effect>) {
        let (from, to) = (self.role.name(), role.name());
        let later = epoch > self.epoch;
        assert!(epoch >= self.epoch, "{from} of epoch {} can't become {to} of {epoch}", self.epoch);
        let allowed = match (from, to) {
            (RoleName::Candidate, RoleName::Leader) | (RoleName::Leader, RoleName::Resigned) => !later,
            (RoleName::Prospective, RoleName::Candidate) => later,
            // A quorum of one needs to ask nobody.
            (RoleName::Unattached, RoleName::Leader) => later && self.config.voters.is_only(self.config.me),
            (_, RoleName::Leader | RoleName::Candidate | RoleName::Resigned) => false,
            (RoleName::Unattached | RoleName::Follower | RoleName::Candidate, RoleName::Prospective) => {
                !later
            }
            (_, RoleName::Prospective) => false,
            (RoleName::Leader, RoleName::Unattached | RoleName::Follower) => later,
            (RoleName::Follower, RoleName::Unattached) => {
                later || !self.config.is_voter() || self.doubt.is_some()
            }
            (RoleName::Follower | RoleName::Resigned, RoleName::Follower) => later,
            (_, RoleName::Unattached | RoleName::Follower) => true,
        };
        assert!(allowed, "{from} of epoch {} can't become {to} of {epoch}", self.epoch);
        if !later && let Some(voted) = self.role.voted(self.config.me) {
            let still = role.voted(self.config.me);
            assert_eq!(still, Some(voted), "a vote in epoch {epoch} is forgotten by {from} becoming {to}");
        }
        let left = std::mem::replace(&mut self.role, role);
        let before = std::mem::replace(&mut self.epoch, epoch);
        let state = ElectionState {
            epoch,
            leader: self.role.elected(self.config.me),
            voted: self.role.voted(self.config.me),
        };
        // A pre-vote changes nothing durable, nor does giving up a leader that may come back.
        let forgets = state.leader.is_none() && state == ElectionState { leader: None, ..self.persisted };
        if state != self.persisted && !forgets {
            self.persisted = state;
            if self.doubt.is_none() {
                effects.push(Effect::Persist(state));
            }
        }
        if let Role::Leader(leader) = left {
            self.placed_end = self.log.end().0;
            effects.push(Effect::Resigned { epoch: before });
            for parked in leader.parked.into_values() {
                effects.push(self.reply(parked.token, Err(Rejection::NotLeader)));
            }
        }
    }

    /// From here on this voter votes.
    pub(super) fn end_doubt(&mut self, effects: &mut Vec<Effect>) {
        if self.doubt.take().is_some() {
            effects.push(Effect::Persist(self.persisted));
        }
    }
}
