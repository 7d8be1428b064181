//! Which snapshot of the metadata: what the quorum, its files and its messages call one.

use crate::{LeaderEpoch, Offset};
use std::fmt;

/// A snapshot by what it stands for: all records below `end`, the last of them of `epoch` (KIP-630). Later ones are
/// greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId {
    /// One past the last record that it stands for.
    pub end: Offset,
    /// That record's epoch.
    pub epoch: LeaderEpoch,
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.end, self.epoch)
    }
}
