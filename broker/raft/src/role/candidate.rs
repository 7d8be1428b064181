//! Candidate: has stood for election in an epoch. Its own vote counts like any other: once it is durable.

use crate::election::ElectionState;
use crate::quorum::Config;
use crate::voters::{ReplicaKey, Voters};
use model::LeaderEpoch;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// What must be durable before the own vote counts.
    state: ElectionState,
    /// Who voted for this candidate.
    granted: BTreeSet<ReplicaKey>,
}

impl Candidate {
    /// A candidate of `epoch`, nobody's vote counted yet.
    pub(crate) fn new(epoch: LeaderEpoch, config: &Config) -> Candidate {
        // Where there is nobody else to ask, the own vote is the election: vote and outcome become durable in
        // one write, and a leader is never found in the log that is not in the file.
        let leader = config.voters.is_only(config.me).then_some(config.me.id);
        let state = ElectionState { epoch, leader, voted: Some(config.me) };
        Candidate { state, granted: BTreeSet::new() }
    }

    /// What must be durable before the own vote counts.
    pub(crate) fn state(&self) -> ElectionState {
        self.state
    }

    /// Counts a vote for this candidate.
    pub(crate) fn grant(&mut self, voter: ReplicaKey) {
        self.granted.insert(voter);
    }

    /// Whether a majority of the voters voted for this candidate.
    pub(crate) fn has_won(&self, voters: &Voters) -> bool {
        self.granted.iter().filter(|voter| voters.contains(**voter)).count() >= voters.majority()
    }

    /// Who voted for this candidate.
    pub(crate) fn granted(&self) -> impl Iterator<Item = ReplicaKey> + '_ {
        self.granted.iter().copied()
    }
}
