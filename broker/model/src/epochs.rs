//! Epochs: the counters by which Kafka tells the present from the past.
//!
//! Each kind is a type of its own because they are all small integers on the wire and mixing two of them up
//! is how a stale leader comes to be obeyed.

use crate::Offset;
use std::fmt;

/// How many times a partition (or the metadata quorum) has had a leader elected. Written into every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LeaderEpoch(pub i32);

impl LeaderEpoch {
    /// Kafka's "unknown": a request that carries it is not checked against the current epoch (KIP-320).
    pub const UNKNOWN: LeaderEpoch = LeaderEpoch(-1);

    /// The epoch after this one.
    pub fn next(self) -> LeaderEpoch {
        LeaderEpoch(self.0.checked_add(1).expect("leader epoch overflow"))
    }
}

/// The incarnation of a broker: the offset of its registration record in the metadata log (KIP-631).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BrokerEpoch(pub i64);

/// How many times a partition's record in the metadata log has changed; the version for AlterPartition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PartitionEpoch(pub i32);

/// Where a log's records of an epoch begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Offset of its first record, or of where that would go.
    pub start: Offset,
}

/// Where a log's records of an epoch end: what OffsetForLeaderEpoch answers (KIP-101).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochEnd {
    /// The epoch. Compared first: of two logs the one with the later last epoch is ahead, then the longer one.
    pub epoch: LeaderEpoch,
    /// One past its last record: the start of the next epoch, or the end of the log.
    pub end: Offset,
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BrokerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PartitionEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
