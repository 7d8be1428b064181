//! Votes and pre-votes (KIP-595, KIP-996): asked for, given, counted.

use super::{Quorum, share};
use crate::canvass::Canvass;
use crate::effect::{Effect, RequestId};
use crate::message::{Answer, Rejection, Request, Vote};
use crate::role::{Candidate, Prospective, Role};
use model::time::Duration;
use model::{BrokerId, Instant, LeaderEpoch};
use std::collections::BTreeSet;

impl Quorum {
    /// Somebody wants to lead.
    pub(super) fn vote_asked(&mut self, vote: Vote, effects: &mut Vec<Effect>) -> Result<Answer, Rejection> {
        let Vote { epoch, candidate, last, pre_vote } = vote;
        if epoch < self.epoch {
            return Err(Rejection::FencedEpoch);
        }
        if !self.config.is_voter() || !self.config.voters.contains(candidate) {
            return Err(Rejection::NotVoter);
        }
        if candidate.id == self.config.me.id {
            return Err(Rejection::Invalid);
        }
        if !self.running {
            return Ok(Answer::Vote { granted: false });
        }
        let later = epoch > self.epoch;
        // What was committed is durable at a majority. A candidate that is behind a voter may miss some of it.
        let ahead = last >= self.log.last();
        let free = match &self.role {
            _ if self.doubt.is_some() => false,
            _ if later => true,
            Role::Follower(follower) => pre_vote && !follower.content,
            Role::Leader(_) => false,
            _ if pre_vote => true,
            Role::Unattached(_) | Role::Prospective(_) => {
                let other =
                    self.role.voted(self.config.me).is_some_and(|voted| !voted.is_vote_for(candidate));
                !other && self.role.elected(self.config.me).is_none()
            }
            Role::Candidate(_) | Role::Resigned(_) => false,
        };
        let granted = ahead && free;
        let again = !later && self.role.voted(self.config.me).is_some();
        if granted && !pre_vote && !again {
            self.detach(epoch, Some(candidate), effects);
        } else if later {
            self.detach(epoch, None, effects);
        }
        Ok(Answer::Vote { granted })
    }

    /// Asks whether it would be elected, or in a quorum of one, leads. `lost`: elections lost in a row.
    pub(super) fn stand(&mut self, lost: u32, effects: &mut Vec<Effect>) {
        let me = self.config.me;
        if self.epoch == LeaderEpoch(i32::MAX) {
            // There will be no other epoch. Whoever leads this one may still be found.
            let later = self.now + self.config.timeouts.election;
            match &mut self.role {
                Role::Unattached(role) => role.deadline = Some(later),
                Role::Follower(role) => role.deadline = later,
                Role::Candidate(role) => role.deadline = later,
                Role::Prospective(_) | Role::Leader(_) | Role::Resigned(_) => {
                    unreachable!("{} does not stand", self.role.name())
                }
            }
            return;
        }
        if self.config.voters.is_only(me) {
            // The own vote is the election: vote and outcome become durable in one write, and a leader is never
            // found in the log that is not in the file.
            return self.lead(self.epoch.next(), vec![me.id], effects);
        }
        let prospective = Prospective {
            voted: self.role.voted(me),
            leader: self.role.elected(me),
            granted: BTreeSet::from([me.id]),
            rejected: BTreeSet::new(),
            canvass: Canvass::new(self.config.peers().map(|peer| peer.id)),
            deadline: self.election_deadline(),
            lost,
        };
        self.take_role(self.epoch, Role::Prospective(prospective), effects);
    }

    /// Asks a voter, if this replica stands or thinks of it.
    pub(super) fn ask_for_vote(&mut self, peer: BrokerId, effects: &mut Vec<Effect>) -> RequestId {
        let pre_vote = matches!(self.role, Role::Prospective(_));
        let vote = Vote { epoch: self.epoch, candidate: self.config.me, last: self.log.last(), pre_vote };
        self.send(peer, Request::Vote(vote), effects)
    }

    /// A voter has answered.
    pub(super) fn voted(
        &mut self,
        id: RequestId,
        body: Result<Answer, Rejection>,
        effects: &mut Vec<Effect>,
    ) {
        let (granted, rejected, canvass) = match &mut self.role {
            // However long this process stood still: who voted may have lost its disk since, and rely on this election's
            // being over.
            Role::Candidate(role) if role.deadline <= self.now => return,
            Role::Prospective(role) => (&mut role.granted, &mut role.rejected, &mut role.canvass),
            Role::Candidate(role) => (&mut role.granted, &mut role.rejected, &mut role.canvass),
            _ => return,
        };
        let Some(voter) = canvass.whom(id) else { return };
        canvass.done(voter);
        match body {
            Ok(Answer::Vote { granted: true }) => granted.insert(voter),
            _ => rejected.insert(voter),
        };
        let majority = self.config.voters.majority();
        if granted.len() >= majority {
            self.won(effects);
        } else if rejected.len() > self.config.voters.len() - majority {
            self.lost(effects);
        }
    }

    /// A majority is for it: of a pre-vote, that it stands; of a vote, that it leads.
    fn won(&mut self, effects: &mut Vec<Effect>) {
        match &self.role {
            Role::Prospective(prospective) => {
                let candidate = Candidate {
                    granted: BTreeSet::from([self.config.me.id]),
                    rejected: BTreeSet::new(),
                    canvass: Canvass::new(self.config.peers().map(|peer| peer.id)),
                    deadline: self.election_deadline(),
                    lost: prospective.lost,
                };
                self.take_role(self.epoch.next(), Role::Candidate(candidate), effects);
            }
            Role::Candidate(candidate) => {
                let granting = candidate.granted.iter().copied().collect();
                self.lead(self.epoch, granting, effects);
            }
            _ => unreachable!("only who stands can win"),
        }
    }

    /// A majority is against it, or does not answer.
    pub(super) fn lost(&mut self, effects: &mut Vec<Effect>) {
        match &mut self.role {
            Role::Prospective(prospective) => {
                let (leader, lost) = (prospective.leader, prospective.lost);
                let at = self.now + self.pause(lost);
                match leader {
                    // The others may know better: it goes back to its leader.
                    Some(leader) => self.follow(self.epoch, leader, effects),
                    None => {
                        let Role::Prospective(prospective) = &mut self.role else { unreachable!() };
                        prospective.deadline = at;
                        self.detach(self.epoch, None, effects);
                    }
                }
            }
            Role::Candidate(candidate) => {
                let lost = candidate.lost;
                let at = self.now + self.pause(lost);
                let Role::Candidate(candidate) = &mut self.role else { unreachable!() };
                if candidate.deadline <= self.now {
                    // Nobody was for it and nobody against: it asks again from the start.
                    return self.stand(lost + 1, effects);
                }
                candidate.deadline = candidate.deadline.min(at);
            }
            _ => unreachable!("only who stands can lose"),
        }
    }

    /// Without an outcome an election ends here.
    fn election_deadline(&self) -> Instant {
        self.now + self.config.timeouts.election + share(self.config.timeouts.election, self.draw)
    }

    /// The pause after `lost` elections lost in a row: random, so that two candidates don't meet again.
    fn pause(&self, lost: u32) -> Duration {
        let timeouts = &self.config.timeouts;
        let span = timeouts.backoff.saturating_mul(2 << lost.min(10)).min(timeouts.election_backoff_max);
        timeouts.backoff + share(span, self.draw)
    }
}
