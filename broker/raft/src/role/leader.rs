//! Leader of an epoch: gives offsets to proposals, answers fetches, and knows how far each replica's log is durable.

use crate::canvass::Canvass;
use crate::config::Config;
use crate::effect::Token;
use crate::message::Fetch;
use crate::voters::{ReplicaKey, Voters};
use model::{BrokerId, DurableEnd, Instant, LeaderEpoch, Offset};
use records::control::{LeaderChangeMessage, LeaderChangeVoter};
use std::collections::BTreeMap;

/// Observers whose progress is kept. One more drives out the one not heard for the longest.
const OBSERVERS_MAX: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Leader {
    epoch: LeaderEpoch,
    /// Offset of the epoch's first record, the leader change.
    start: Offset,
    /// Who elected it.
    granting: Vec<BrokerId>,
    /// How far the other voters are, as far as they have told in this epoch.
    voters: BTreeMap<BrokerId, Progress>,
    /// How far observers are. Bound: `OBSERVERS_MAX`.
    observers: BTreeMap<ReplicaKey, Progress>,
    /// When it gives up, unless a majority fetches before; `None` in a quorum of one.
    pub(crate) check_quorum: Option<Instant>,
    /// Tells the voters that the epoch has begun, until they fetch.
    pub(crate) begin: Canvass,
    /// Fetches that wait for news: at most one of each replica.
    pub(crate) parked: BTreeMap<ReplicaKey, Parked>,
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its log is durable up to here.
    pub end: DurableEnd,
    /// When it fetched last.
    pub fetched: Instant,
    /// When it last had everything that the leader had at its fetch before; `None`: never.
    pub caught_up: Option<Instant>,
    /// Where the leader's log ended at its last fetch.
    leader_end: Offset,
}

/// A fetch that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) token: Token,
    pub(crate) fetch: Fetch,
    pub(crate) deadline: Instant,
}

impl Leader {
    /// The leader of `epoch`, which starts at `start`, elected by `granting`.
    pub(crate) fn new(
        epoch: LeaderEpoch,
        start: Offset,
        granting: Vec<BrokerId>,
        config: &Config,
        now: Instant,
    ) -> Leader {
        let alone = config.voters.is_only(config.me);
        Leader {
            epoch,
            start,
            granting,
            voters: BTreeMap::new(),
            observers: BTreeMap::new(),
            check_quorum: (!alone).then(|| now + config.timeouts.check_quorum()),
            begin: Canvass::new(config.peers().map(|peer| peer.id)),
            parked: BTreeMap::new(),
        }
    }

    pub(crate) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    pub(crate) fn start(&self) -> Offset {
        self.start
    }

    /// A replica has fetched from `end` on: everything below is durable with it.
    pub(crate) fn heard_of(
        &mut self,
        replica: ReplicaKey,
        end: Offset,
        leader_end: Offset,
        config: &Config,
        now: Instant,
    ) {
        let voter = config.voters.contains(replica) && replica.id != config.me.id;
        let before = match voter {
            true => self.voters.get(&replica.id),
            false => self.observers.get(&replica),
        };
        let caught_up = match before {
            _ if end >= leader_end => Some(now),
            Some(before) if end >= before.leader_end => Some(before.fetched).max(before.caught_up),
            Some(before) => before.caught_up,
            None => None,
        };
        // Taken at its word even when it tells of less than before: its disk may have been replaced.
        let progress = Progress { end: DurableEnd(end), fetched: now, caught_up, leader_end };
        if voter {
            self.voters.insert(replica.id, progress);
            return;
        }
        if self.observers.len() >= OBSERVERS_MAX && !self.observers.contains_key(&replica) {
            let oldest = self.observers.iter().min_by_key(|(_, progress)| progress.fetched);
            let oldest = *oldest.expect("a full map has an oldest").0;
            self.observers.remove(&oldest);
            self.parked.remove(&oldest);
        }
        self.observers.insert(replica, progress);
    }

    /// When a majority, this leader included, was last heard: the time at which the last of them fetched.
    pub(crate) fn majority_heard(&self, config: &Config) -> Option<Instant> {
        let mut heard: Vec<Instant> = self.voters.values().map(|progress| progress.fetched).collect();
        heard.sort_unstable_by(|a, b| b.cmp(a));
        // The leader itself makes one.
        heard.get(config.voters.majority().checked_sub(2)?).copied()
    }

    /// Whether a voter has fetched since `since`.
    pub(crate) fn has_fetched_since(&self, voter: BrokerId, since: Instant) -> bool {
        self.voters.get(&voter).is_some_and(|voter| voter.fetched >= since)
    }

    /// What is committed, `own` being how far the leader's own log is durable: durable at a majority of the voters,
    /// once the epoch's first record is. Before that, a majority's records of earlier epochs prove nothing, as
    /// another leader could still replace them (Raft, section 5.4.2).
    pub(crate) fn committed_end(&self, own: DurableEnd, voters: &Voters, me: BrokerId) -> Option<Offset> {
        let end = |voter: ReplicaKey| match voter.id == me {
            true => own,
            false => self.voters.get(&voter.id).map_or(DurableEnd::default(), |progress| progress.end),
        };
        let mut ends: Vec<DurableEnd> = voters.iter().map(end).collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let majority_end = ends[voters.majority() - 1].0;
        (majority_end > self.start).then_some(majority_end)
    }

    /// The other voters, the one that has most first.
    pub(crate) fn successors(&self, config: &Config) -> Vec<BrokerId> {
        let mut peers: Vec<BrokerId> = config.peers().map(|peer| peer.id).collect();
        let end = |peer: &BrokerId| self.voters.get(peer).map(|progress| progress.end);
        peers.sort_by_key(|peer| std::cmp::Reverse(end(peer)));
        peers
    }

    /// How far the other voters are.
    pub(crate) fn voters(&self) -> &BTreeMap<BrokerId, Progress> {
        &self.voters
    }

    /// How far observers are.
    pub(crate) fn observers(&self) -> &BTreeMap<ReplicaKey, Progress> {
        &self.observers
    }

    /// The epoch's first record.
    pub(crate) fn leader_change(&self, config: &Config) -> LeaderChangeMessage {
        // Version 0, the only one that Kafka writes and reads: ids without directories.
        let voter = |id: BrokerId| LeaderChangeVoter { voter_id: id.0, ..LeaderChangeVoter::default() };
        LeaderChangeMessage {
            version: 0,
            leader_id: config.me.id.0,
            voters: config.voters.iter().map(|key| voter(key.id)).collect(),
            granting_voters: self.granting.iter().copied().map(voter).collect(),
        }
    }
}

#[cfg(test)]
#[path = "leader_test.rs"]
mod tests;
