//! What one leader is to be asked for, and what it knows of that: a fetch session (KIP-227) from the follower's side.
//!
//! ```text
//!          want             ask                 answered: something     taken: From
//! nothing ─────▶ wanted ──────────▶ in session ─────────────────▶ in hand ─────────▶ wanted, from there
//!    ▲             ▲                    │   ▲                       │ │ └─ Again ─▶ resting ─▶ wanted
//!    │             └── the session is   │   └── answered: nothing ──┘ └─── Later ─▶ out, until it is wanted
//!    └─ unwanted       lost ────────────┘
//! ```
//!
//! What is in hand is out of the session: the leader would send the same once more. Pure: what is sent and heard is told.

use crate::shard::inbox::Position;
use model::{Instant, PartitionKey};
use std::collections::BTreeMap;

/// A fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The session, 0 for none yet.
    pub session: i32,
    /// The request's place in it; 0 begins one.
    pub epoch: i32,
    /// The request's number, ascending: its answer is about what was asked by then.
    pub number: u64,
    /// What is new or has moved.
    pub wanted: Vec<(PartitionKey, Position)>,
    /// What is not wanted any more, or not now.
    pub forgotten: Vec<PartitionKey>,
}

/// See the file's header.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is to be fetched, from where on. Bound: partitions that are followed.
    wanted: BTreeMap<PartitionKey, Position>,
    /// What waits for its pause to be over.
    resting: BTreeMap<PartitionKey, (Instant, Position)>,
    /// What could not be taken though it came, from there, and how often: each time it rests for twice as long.
    refused: BTreeMap<PartitionKey, (Position, u32)>,
    /// What the leader's session has, and since which request.
    session: BTreeMap<PartitionKey, (Position, u64)>,
    id: i32,
    /// Of the next request.
    epoch: i32,
    number: u64,
}

impl Plan {
    /// A partition is to be fetched from there.
    pub fn want(&mut self, key: PartitionKey, position: Position) {
        self.resting.remove(&key);
        if self.refused.get(&key).is_some_and(|(refused, _)| *refused != position) {
            self.refused.remove(&key);
        }
        self.wanted.insert(key, position);
    }

    /// A partition is not to be fetched, or not before it is wanted again.
    pub fn leave(&mut self, key: PartitionKey) {
        self.wanted.remove(&key);
        self.resting.remove(&key);
        self.refused.remove(&key);
    }

    /// What was fetched from there could not be taken: how often in a row before this.
    pub fn refused(&mut self, key: PartitionKey, position: Position) -> u32 {
        let (refused, times) = self.refused.entry(key).or_insert((position, 0));
        if *refused != position {
            (*refused, *times) = (position, 0);
        }
        *times += 1;
        *times - 1
    }

    /// A partition is to be fetched from there, after a pause.
    pub fn rest(&mut self, key: PartitionKey, position: Position, until: Instant) {
        self.wanted.remove(&key);
        self.resting.insert(key, (until, position));
    }

    /// Wakes what has rested.
    pub fn wake(&mut self, now: Instant) {
        let rested: Vec<_> = self.resting.extract_if(.., |_, (until, _)| *until <= now).collect();
        self.wanted.extend(rested.into_iter().map(|(key, (_, position))| (key, position)));
    }

    /// When something has rested.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.resting.values().map(|(until, _)| *until).min()
    }

    /// Whether there is nothing to fetch, now or after a pause.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.resting.is_empty()
    }

    /// Where a partition was asked for by request `number`, if that is where it is wanted from still.
    pub fn asked(&self, key: PartitionKey, number: u64) -> Option<Position> {
        let (position, since) = self.session.get(&key)?;
        let current = *since <= number && self.wanted.get(&key) == Some(position);
        current.then_some(*position)
    }

    /// Whether the leader does not know yet what is wanted, and may be told before it has answered.
    pub fn has_news(&self) -> bool {
        self.id != 0 && self.wanted.iter().any(|(key, position)| self.is_news(*key, *position))
    }

    fn is_news(&self, key: PartitionKey, position: Position) -> bool {
        self.session.get(&key).is_none_or(|(told, _)| *told != position)
    }

    /// What to ask now; `None` when nothing is wanted.
    pub fn ask(&mut self) -> Option<Ask> {
        if self.wanted.is_empty() {
            return None;
        }
        self.number += 1;
        let number = self.number;
        if self.id == 0 {
            self.session.clear();
        }
        let news = self.wanted.iter().filter(|(key, position)| self.is_news(**key, **position));
        let wanted: Vec<_> = news.map(|(key, position)| (*key, *position)).collect();
        let gone = self.session.keys().filter(|key| !self.wanted.contains_key(*key));
        let forgotten: Vec<_> = gone.copied().collect();
        self.session.retain(|key, _| self.wanted.contains_key(key));
        self.session.extend(wanted.iter().map(|(key, position)| (*key, (*position, number))));
        if self.id == 0 {
            return Some(Ask { session: 0, epoch: 0, number, wanted, forgotten });
        }
        let epoch = self.epoch;
        self.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        Some(Ask { session: self.id, epoch, number, wanted, forgotten })
    }

    /// The leader has answered a request that began a session: with its id, or 0 when it keeps none.
    pub fn begun(&mut self, id: i32) {
        (self.id, self.epoch) = (id, 1);
    }

    /// The leader's session is gone, or the connection is.
    pub fn lost(&mut self) {
        self.id = 0;
        self.session.clear();
    }

    /// The leader has answered about a partition something that is to be taken: it is in hand from now on.
    pub fn in_hand(&mut self, key: PartitionKey) {
        self.wanted.remove(&key);
    }
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
