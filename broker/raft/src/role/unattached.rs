//! Unattached: the role of every replica when its process starts, whatever it was before. A former leader must
//! not lead on in its old epoch: records of it that were never synced may be gone, and their offsets would be
//! given out a second time under the same epoch (KAFKA-10527).

use super::Candidate;
use crate::quorum::Config;
use model::LeaderEpoch;

#[derive(Clone, Debug)]
pub(crate) struct Unattached;

impl Unattached {
    /// Stands for election in the epoch after `epoch`.
    pub(crate) fn stand(&self, epoch: LeaderEpoch, config: &Config) -> Candidate {
        Candidate::new(epoch.next(), config)
    }
}
