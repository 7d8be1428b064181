//! Leader of an epoch: gives offsets to proposals and knows how far each voter's log is durable.

use crate::quorum::Config;
use crate::role::Candidate;
use crate::voters::{ReplicaKey, Voters};
use model::{BrokerId, DurableEnd, LeaderEpoch, Offset};
use records::control::{LeaderChangeMessage, LeaderChangeVoter};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Leader {
    epoch: LeaderEpoch,
    /// Offset of the epoch's first record, the leader change.
    start: Offset,
    /// Who elected it.
    granting: Vec<ReplicaKey>,
    /// How far each voter's log is durable, as far as it has told in this epoch.
    durable_ends: BTreeMap<BrokerId, DurableEnd>,
}

impl Leader {
    /// The leader that `candidate` has become, its epoch starting at `start`.
    pub(crate) fn new(candidate: &Candidate, start: Offset) -> Leader {
        let epoch = candidate.state().epoch;
        Leader { epoch, start, granting: candidate.granted().collect(), durable_ends: BTreeMap::new() }
    }

    pub(crate) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    pub(crate) fn start(&self) -> Offset {
        self.start
    }

    /// A voter's log is durable up to `end`.
    pub(crate) fn heard_of(&mut self, voter: BrokerId, end: DurableEnd) {
        self.durable_ends.insert(voter, end);
    }

    /// What is committed: durable at a majority of the voters, once the epoch's first record is. Before that,
    /// a majority's records of earlier epochs prove nothing, as another leader could still replace them (Raft,
    /// section 5.4.2).
    pub(crate) fn committed_end(&self, voters: &Voters) -> Option<Offset> {
        let mut ends: Vec<DurableEnd> = voters
            .iter()
            .map(|voter| self.durable_ends.get(&voter.id).copied().unwrap_or_default())
            .collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let majority_end = ends[voters.majority() - 1].0;
        (majority_end > self.start).then_some(majority_end)
    }

    /// The epoch's first record.
    pub(crate) fn leader_change(&self, config: &Config) -> LeaderChangeMessage {
        // Version 0, the only one that Kafka writes and reads: ids without directories.
        let voter =
            |key: ReplicaKey| LeaderChangeVoter { voter_id: key.id.0, ..LeaderChangeVoter::default() };
        LeaderChangeMessage {
            version: 0,
            leader_id: config.me.id.0,
            voters: config.voters.iter().map(voter).collect(),
            granting_voters: self.granting.iter().copied().map(voter).collect(),
        }
    }
}

#[cfg(test)]
#[path = "leader_test.rs"]
mod tests;
