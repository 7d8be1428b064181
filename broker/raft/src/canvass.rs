//! The same question put to several replicas until each has answered: one request at a time to each, and a pause
//! after one that failed.

use crate::effect::RequestId;
use model::{BrokerId, Instant};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Asked {
    /// To be asked, but not before this.
    NotBefore(Instant),
    /// The answer is on its way, or will be told to have failed.
    Waiting(RequestId),
    /// It has answered.
    Done,
}

/// Who has been asked, and who has answered.
#[derive(Clone, Debug)]
pub(crate) struct Canvass {
    peers: BTreeMap<BrokerId, Asked>,
}

impl Canvass {
    /// Everybody is to be asked at once.
    pub(crate) fn new(peers: impl IntoIterator<Item = BrokerId>) -> Canvass {
        let ask = |peer| (peer, Asked::NotBefore(Instant::default()));
        Canvass { peers: peers.into_iter().map(ask).collect() }
    }

    /// Who is to be asked at `now`.
    pub(crate) fn due(&self, now: Instant) -> Vec<BrokerId> {
        let due = |(peer, asked): (&BrokerId, &Asked)| match asked {
            Asked::NotBefore(at) if *at <= now => Some(*peer),
            _ => None,
        };
        self.peers.iter().filter_map(due).collect()
    }

    /// `peer` was asked.
    pub(crate) fn asked(&mut self, peer: BrokerId, id: RequestId) {
        self.peers.insert(peer, Asked::Waiting(id));
    }

    /// Who was asked by this request, if its answer is still waited for.
    pub(crate) fn whom(&self, id: RequestId) -> Option<BrokerId> {
        let waiting = |(peer, asked): (&BrokerId, &Asked)| match asked {
            Asked::Waiting(waiting) if *waiting == id => Some(*peer),
            _ => None,
        };
        self.peers.iter().find_map(waiting)
    }

    /// `peer` needs not be asked any more.
    pub(crate) fn done(&mut self, peer: BrokerId) {
        self.peers.insert(peer, Asked::Done);
    }

    /// `peer` is to be asked, at `at`.
    pub(crate) fn again(&mut self, peer: BrokerId, at: Instant) {
        self.peers.insert(peer, Asked::NotBefore(at));
    }

    /// Whether an answer is waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        self.peers.values().any(|asked| matches!(asked, Asked::Waiting(_)))
    }

    /// When the next question is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let at = |asked: &Asked| match asked {
            Asked::NotBefore(at) => Some(*at),
            _ => None,
        };
        self.peers.values().filter_map(at).min()
    }
}
