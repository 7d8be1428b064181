//! What a replica is told at its start: who it is, with whom it votes, and how patient it is.

use crate::voters::{ReplicaKey, Voters};
use model::time::Duration;

/// Who this replica is and with whom it votes.
#[derive(Clone, Debug)]
pub struct Config {
    /// This replica. One that is not among the voters is an observer: it follows, and has no say.
    pub me: ReplicaKey,
    /// All voters.
    pub voters: Voters,
    /// How long it waits for what.
    pub timeouts: Timeouts,
}

impl Config {
    /// Whether this replica votes.
    pub fn is_voter(&self) -> bool {
        self.voters.contains(self.me)
    }

    /// The voters besides this replica, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = ReplicaKey> + '_ {
        self.voters.iter().filter(|voter| voter.id != self.me.id)
    }
}

/// How long a replica waits. Names in brackets are Kafka's settings, and the defaults are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Without a leader, at least so long and less than twice as long passes before an election
    /// (`controller.quorum.election.timeout.ms`).
    pub election: Duration,
    /// A follower that could not fetch for so long stands for election; a leader that a majority has not fetched
    /// from for half as long again resigns (`controller.quorum.fetch.timeout.ms`).
    pub fetch: Duration,
    /// At most so long passes between a lost election and the next (`controller.quorum.election.backoff.max.ms`).
    pub election_backoff_max: Duration,
    /// Between a failed request and the next try (`controller.quorum.retry.backoff.ms`).
    pub backoff: Duration,
    /// A fetch that finds nothing new waits so long at the leader, at most.
    pub park: Duration,
}

impl Timeouts {
    /// Kafka's defaults.
    pub const DEFAULT: Timeouts = Timeouts {
        election: Duration::from_millis(1000),
        fetch: Duration::from_millis(2000),
        election_backoff_max: Duration::from_millis(1000),
        backoff: Duration::from_millis(20),
        park: Duration::from_millis(500),
    };

    /// After so long no candidate counts the votes that it has got: an election ends after less than twice `election`, by
    /// the candidate's clock, which may be slower by a third.
    pub fn candidacies_over(&self) -> Duration {
        self.election * 3
    }

    /// How long a leader leads without hearing from a majority: long enough for a follower's own patience to end
    /// first, so that two leaders are seldom at work at once.
    pub fn check_quorum(&self) -> Duration {
        self.fetch * 3 / 2
    }

    /// How long a fetch may wait for news: it has to be back before whoever asks takes its leader for dead.
    pub fn wait(&self) -> Duration {
        self.park.min(self.fetch / 2)
    }
}
