//! The leader's view of its partition: the high watermark, and what an acknowledgement waits for.
//!
//! ```text
//! input               changes                    may advance the watermark
//! local_appended      log end                    in page-cache mode
//! local_synced        durable end                in durable mode
//! follower_fetched    that follower's end        yes
//! isr_changed         who must have a record     yes: fewer to wait for
//! durability_changed  which end is trusted       yes: to page-cache mode
//! ```
//!
//! Every member of the ISR stands for one offset: the leader for the end that its durability mode trusts, a
//! follower for the offset it fetches from, which in durable mode it raises only after a sync. The watermark is
//! the lowest of them, and never goes back.

use crate::Isr;
use model::config::Durability;
use model::{BrokerId, DurableEnd, LeaderEpoch, LogEnd, Offset};
use std::collections::BTreeMap;

/// What a producer asked to wait for. (`acks=0` waits for nothing and never comes here.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// `acks=1`: the leader has the record.
    Leader,
    /// `acks=all`: every in-sync replica has it, and enough are in sync.
    All,
}

/// The ends of the leader's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// First offset kept.
    pub start: Offset,
    /// One past the last record known to be durable. After a restart that is what the log says, which does not
    /// count what was merely read back.
    pub durable: DurableEnd,
    /// One past the last record.
    pub log: LogEnd,
}

/// The high watermark moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Advance {
    /// Where it was.
    pub from: Offset,
    /// Where it is: one past the last committed record.
    pub to: Offset,
}

/// The leader does not take the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `acks=all`, but fewer replicas are in sync than `min.insync.replicas` asks for.
    NotEnoughReplicas {
        /// In sync.
        have: usize,
        /// Asked for.
        need: usize,
    },
}

/// Leadership of one partition in one epoch.
#[derive(Clone, Debug)]
pub struct Leader {
    me: BrokerId,
    epoch: LeaderEpoch,
    durability: Durability,
    isr: Isr,
    /// Invariant: `durable <= log`, and neither goes back.
    ends: Ends,
    /// The offset that each follower has fetched up to; absent until it fetches in this epoch.
    followers: BTreeMap<BrokerId, Offset>,
    /// Written by `advance_high_watermark` only. Invariant: `start <= high_watermark <= log`.
    high_watermark: Offset,
}

impl Leader {
    /// Takes leadership. The watermark starts at the log's start and advances at once as far as `ends` allow,
    /// which for a sole replica is everything that it trusts.
    pub fn new(me: BrokerId, epoch: LeaderEpoch, durability: Durability, isr: Isr, ends: Ends) -> Leader {
        assert!(isr.contains(me), "leader {me} is not in sync");
        let followers = BTreeMap::new();
        let high_watermark = ends.start;
        let mut leader = Leader { me, epoch, durability, isr, ends, followers, high_watermark };
        let _initial = leader.advance_high_watermark();
        leader.assert_invariants();
        leader
    }

    /// The epoch of this leadership.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The topic's mode.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The in-sync replicas.
    pub fn isr(&self) -> &Isr {
        &self.isr
    }

    /// The ends of the leader's log, as last told.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// One past the last committed record: what consumers may read.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Whether a record may be taken at all.
    pub fn admit(&self, acks: Acks) -> Result<(), Refusal> {
        if acks == Acks::All && self.isr.is_short() {
            return Err(Refusal::NotEnoughReplicas { have: self.isr.len(), need: self.isr.required() });
        }
        Ok(())
    }

    /// Everything below this offset may be acknowledged to a producer that asked for `acks`.
    pub fn acknowledged_below(&self, acks: Acks) -> Offset {
        match acks {
            Acks::Leader => self.own_end(),
            Acks::All => self.high_watermark,
        }
    }

    /// Records were appended to the leader's log.
    pub fn local_appended(&mut self, end: LogEnd) -> Option<Advance> {
        assert!(end >= self.ends.log, "a leader's log shrank from {} to {end}", self.ends.log);
        self.ends.log = end;
        self.after_input()
    }

    /// A sync of the leader's log finished.
    pub fn local_synced(&mut self, end: DurableEnd) -> Option<Advance> {
        assert!(end >= self.ends.durable, "the durable end went back from {} to {end}", self.ends.durable);
        self.ends.durable = end;
        self.after_input()
    }

    /// Records before `start` were deleted, by retention or on request.
    pub fn start_moved(&mut self, start: Offset) {
        assert!(start >= self.ends.start, "a log's start went back from {} to {start}", self.ends.start);
        assert!(start <= self.high_watermark, "records up to {start} deleted before they were committed");
        self.ends.start = start;
        self.assert_invariants();
    }

    /// A follower asked for records from `offset` on: it has everything below, as firmly as the topic's mode
    /// demands. An offset beyond this log is no promise about it, and ignored.
    pub fn follower_fetched(&mut self, follower: BrokerId, offset: Offset) -> Option<Advance> {
        assert_ne!(follower, self.me, "a leader does not follow itself");
        if offset <= self.ends.log.0 {
            self.followers.insert(follower, offset);
        }
        self.after_input()
    }

    /// The controller wrote another ISR.
    pub fn isr_changed(&mut self, isr: Isr) -> Option<Advance> {
        assert!(isr.contains(self.me), "leader {} is not in sync", self.me);
        self.isr = isr;
        self.after_input()
    }

    /// Leads on in a later epoch: what is committed stays so, and followers have to be heard of again.
    pub fn lead_on(&mut self, epoch: LeaderEpoch) {
        assert!(epoch > self.epoch, "epoch {epoch} is not later than {}", self.epoch);
        self.epoch = epoch;
        self.followers.clear();
        self.assert_invariants();
    }

    /// The topic has another mode. What is committed stays so.
    pub fn durability_changed(&mut self, durability: Durability) -> Option<Advance> {
        self.durability = durability;
        self.after_input()
    }

    fn after_input(&mut self) -> Option<Advance> {
        let advance = self.advance_high_watermark();
        self.assert_invariants();
        advance
    }

    /// The only writer of the high watermark.
    fn advance_high_watermark(&mut self) -> Option<Advance> {
        let from = self.high_watermark;
        let to = self.committed_end()?;
        if to <= from {
            // A member that joined the ISR in this epoch may stand below what was committed before.
            return None;
        }
        self.high_watermark = to;
        Some(Advance { from, to })
    }

    /// The offset that all in-sync replicas have reached, if there are enough and all have been heard of.
    fn committed_end(&self) -> Option<Offset> {
        if self.isr.is_short() {
            return None;
        }
        let mut lowest = self.own_end();
        for member in self.isr.members().filter(|member| *member != self.me) {
            lowest = lowest.min(*self.followers.get(&member)?);
        }
        Some(lowest)
    }

    /// The end that the leader itself stands for.
    fn own_end(&self) -> Offset {
        match self.durability {
            Durability::Durable => self.ends.durable.0,
            Durability::PageCache => self.ends.log.0,
        }
    }

    fn assert_invariants(&self) {
        assert!(self.ends.durable.0 <= self.ends.log.0, "durable beyond the log's end: {:?}", self.ends);
        assert!(self.ends.start <= self.high_watermark, "watermark below the log's start: {self:?}");
        assert!(self.high_watermark <= self.ends.log.0, "watermark beyond the log's end: {self:?}");
    }
}

#[cfg(test)]
#[path = "leader_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "leader_test.rs"]
mod tests;
