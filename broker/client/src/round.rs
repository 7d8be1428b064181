//! Whom to ask what any broker can answer: everybody who can be reached once before anybody twice.
//!
//! An open connection says little. Behind it there may be a process that is stopped, or a broker that is cut off from the
//! controller and can't give what only that has. So a question that is put again is put to somebody else.

use crate::cluster::Peer;
use std::collections::BTreeSet;

/// Who has been asked in this round.
#[derive(Debug, Default)]
pub struct Round(BTreeSet<Peer>);

impl Round {
    /// Whether it is somebody else's turn.
    pub(crate) fn has(&self, peer: &Peer) -> bool {
        self.0.contains(peer)
    }

    /// These have been asked: a broker, by all of its names.
    pub(crate) fn asked(&mut self, names: impl IntoIterator<Item = Peer>) {
        self.0.extend(names);
    }

    /// Begins anew when none of those is left who can be reached, or might be.
    pub(crate) fn go_on(&mut self, mut hopeful: impl Iterator<Item = Peer>) {
        if hopeful.all(|peer| self.has(&peer)) {
            self.0.clear();
        }
    }
}

#[cfg(test)]
#[path = "round_test.rs"]
mod tests;
