//! A follower's view of its partition: what it may ask for, what is to be done with the answer, and what it knows to be
//! committed.
//!
//! ```text
//!           position() is Some                    records
//! resting ───────────────────▶ asked ──────────────────────▶ Append ─▶ appended ─▶ (durable mode: synced) ─▶ resting
//!    ▲                           ├─ the logs part ──────────▶ Cut ─▶ cut ─────────────────────────────────▶ resting
//!    │                           ├─ the leader's log begins later, or ends before ─▶ StartOver or Cut ────▶ resting
//!    └───────────────────────────┴─ nothing new, or an error
//! ```
//!
//! In durable mode a fetch's offset says "durable up to here": while something is appended and not synced there is no
//! position to fetch from. Nothing here is asked about an epoch that is over: a later epoch makes another follower.

use crate::divergence;
use crate::leader::{Advance, Ends};
use model::config::Durability;
use model::{BrokerId, DurableEnd, EpochEnd, LeaderEpoch, LogEnd, Offset};

/// A leader's answer about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where the fetch began that it answers.
    pub from: Offset,
    /// What the leader knows to be committed.
    pub high_watermark: Offset,
    /// Its log's first offset.
    pub start: Offset,
    /// What it has to say.
    pub found: Found,
}

/// What a leader has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Whole batches from the offset on, or nothing new.
    Records {
        /// Whether there are any.
        any: bool,
    },
    /// The logs part.
    Diverges {
        /// Where the leader's epoch ends.
        theirs: EpochEnd,
        /// Where this log's last epoch up to that one ends.
        ours: Option<EpochEnd>,
    },
    /// There is nothing at that offset: the leader's log ends before it, or begins behind it.
    OutOfRange {
        /// One past the leader's last record.
        end: Offset,
    },
}

/// What is to be done with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Nothing.
    Nothing,
    /// Append the records, then tell [`Follower::appended`].
    Append,
    /// Remove everything from here on, then tell [`Follower::cut`].
    Cut(Offset),
    /// Replace the log by an empty one that begins here, then tell [`Follower::started_over`].
    StartOver(Offset),
}

/// One partition followed in one leader epoch.
#[derive(Clone, Debug)]
pub struct Follower {
    epoch: LeaderEpoch,
    leader: Option<BrokerId>,
    durability: Durability,
    /// Invariant: `durable <= log`.
    ends: Ends,
    /// What the leader has told, as far as this log goes. Invariant: `start <= high_watermark <= log`.
    high_watermark: Offset,
}

impl Follower {
    /// Follows a leader, or waits for one to be elected. What was known to be committed still is.
    pub fn new(
        epoch: LeaderEpoch,
        leader: Option<BrokerId>,
        durability: Durability,
        ends: Ends,
        high_watermark: Offset,
    ) -> Follower {
        let high_watermark = high_watermark.clamp(ends.start, ends.log.0);
        let follower = Follower { epoch, leader, durability, ends, high_watermark };
        follower.assert_invariants();
        follower
    }

    /// The epoch.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Whom it follows, if anybody leads.
    pub fn leader(&self) -> Option<BrokerId> {
        self.leader
    }

    /// The ends of its log, as last told.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// One past the last record that is known to be committed, and is here.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Where the next fetch begins; `None` while there is nobody to ask, or nothing may be promised.
    pub fn position(&self) -> Option<Offset> {
        let firm = match self.durability {
            Durability::Durable => self.ends.durable.0 == self.ends.log.0,
            Durability::PageCache => true,
        };
        self.leader.filter(|_| firm).map(|_| self.ends.log.0)
    }

    /// What is to be done with an answer to a fetch in this epoch. One to a fetch from elsewhere than the log's end is old.
    pub fn answered(&self, answer: &Answer) -> Todo {
        if self.position() != Some(answer.from) {
            return Todo::Nothing;
        }
        match answer.found {
            Found::Records { any: true } => Todo::Append,
            Found::Records { any: false } => Todo::Nothing,
            Found::Diverges { theirs, ours } => {
                let at = divergence::cut(theirs, ours, self.ends.log.0);
                if at <= self.ends.start { Todo::StartOver(self.ends.start) } else { Todo::Cut(at) }
            }
            Found::OutOfRange { .. } if answer.start > self.ends.log.0 => Todo::StartOver(answer.start),
            Found::OutOfRange { end } if end < self.ends.log.0 && end > self.ends.start => Todo::Cut(end),
            Found::OutOfRange { end } if end < self.ends.log.0 => Todo::StartOver(end),
            Found::OutOfRange { .. } => Todo::Nothing,
        }
    }

    /// What the leader told of its lines, once its records are appended: how far this replica knows what is committed, and
    /// from where on its log is to be kept, if that has moved.
    pub fn learned(&mut self, answer: &Answer) -> (Option<Advance>, Option<Offset>) {
        let from = self.high_watermark;
        let to = answer.high_watermark.min(self.ends.log.0).max(from);
        self.high_watermark = to;
        let start = answer.start.min(to);
        self.assert_invariants();
        ((to > from).then_some(Advance { from, to }), (start > self.ends.start).then_some(start))
    }

    /// Records were appended.
    pub fn appended(&mut self, end: LogEnd) {
        assert!(end >= self.ends.log, "a log shrank from {} to {end}", self.ends.log);
        self.ends.log = end;
        self.assert_invariants();
    }

    /// A sync of the log finished.
    pub fn synced(&mut self, end: DurableEnd) {
        assert!(end >= self.ends.durable, "the durable end went back from {} to {end}", self.ends.durable);
        self.ends.durable = end;
        self.assert_invariants();
    }

    /// The log was cut. How far what was known to be committed went back: not at all, unless a leader was elected that may
    /// lack some of it.
    pub fn cut(&mut self, ends: Ends) -> Option<Offset> {
        assert!(ends.log <= self.ends.log, "a log that was cut ends at {}, not {}", ends.log, self.ends.log);
        self.ends = ends;
        let lost = self.high_watermark > ends.log.0;
        self.high_watermark = self.high_watermark.clamp(ends.start, ends.log.0);
        self.assert_invariants();
        lost.then_some(self.high_watermark)
    }

    /// The log was replaced by an empty one.
    pub fn started_over(&mut self, ends: Ends) {
        assert_eq!(ends.start, ends.log.0, "an empty log");
        self.ends = ends;
        self.high_watermark = ends.start;
        self.assert_invariants();
    }

    /// The log's first records are gone.
    pub fn start_moved(&mut self, start: Offset) {
        assert!(start >= self.ends.start, "a log's start went back from {} to {start}", self.ends.start);
        self.ends.start = start;
        self.high_watermark = self.high_watermark.max(start);
        self.assert_invariants();
    }

    /// The topic has another mode.
    pub fn durability_changed(&mut self, durability: Durability) {
        self.durability = durability;
    }

    fn assert_invariants(&self) {
        assert!(self.ends.durable.0 <= self.ends.log.0, "durable beyond the log's end: {:?}", self.ends);
        assert!(self.ends.start <= self.high_watermark, "watermark below the log's start: {self:?}");
        assert!(self.high_watermark <= self.ends.log.0, "watermark beyond the log's end: {self:?}");
    }
}

#[cfg(test)]
#[path = "follower_test.rs"]
mod tests;
