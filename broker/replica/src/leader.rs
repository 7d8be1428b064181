//! The leader's view of its partition: the high watermark, who is in sync, and what an acknowledgement waits for.
//!
//! ```text
//! input                changes                     may advance the watermark   may propose another ISR
//! local_appended       log end                     in page-cache mode
//! local_synced         durable end                 in durable mode
//! follower_fetched     that follower               yes                         with it
//! brokers_changed      who may join                yes: fewer to wait for
//! tick                 who is too late             yes: fewer to wait for      without those
//! proposal_answered    the members                 yes                         the same again
//! isr_told             the members                 yes
//! durability_changed   which end is trusted        yes: to page-cache mode
//! ```
//!
//! Every member of the maximal ISR (`membership.rs`) stands for one offset: the leader for the end that its durability mode
//! trusts, a follower for the offset it fetches from, which in durable mode it raises only after a sync. The watermark is
//! the lowest of them, and never goes back. It does not move at all while fewer than `min.insync.replicas` are in sync: those
//! who leave the ISR then have everything that is committed, and may lead later (KIP-966).

use crate::Isr;
use crate::membership::{Membership, Proposal, Verdict};
use crate::remote::{Fetched, Remote};
use model::config::Durability;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, DurableEnd, Instant, LeaderEpoch, LogEnd, Offset, PartitionEpoch};
use std::collections::{BTreeMap, BTreeSet};

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

/// What follows from an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// The high watermark moved.
    pub advance: Option<Advance>,
    /// The controller is to be asked for this; any earlier proposal is void. The answer goes to
    /// [`Leader::proposal_answered`].
    pub propose: Option<Proposal>,
}

impl Step {
    /// This, and then what another input led to.
    pub fn then(self, later: Step) -> Step {
        let advance = match (self.advance, later.advance) {
            (Some(first), Some(second)) => Some(Advance { from: first.from, to: second.to }),
            (first, second) => first.or(second),
        };
        Step { advance, propose: later.propose.or(self.propose) }
    }
}

/// What a broker becomes the leader of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The epoch that begins.
    pub epoch: LeaderEpoch,
    /// Who is in sync.
    pub isr: Isr,
    /// As of which partition epoch.
    pub partition_epoch: PartitionEpoch,
}

/// How the topic and the broker are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The topic's mode.
    pub durability: Durability,
    /// `replica.lag.time.max.ms`.
    pub lag_max: Duration,
}

/// The follower that fetches can't be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// It has no replica of this partition, or not yet.
    NotAReplica,
    /// A later incarnation of its broker has fetched (KIP-903).
    Replaced,
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
    rules: Rules,
    membership: Membership,
    /// Invariant: `durable <= log`, and neither goes back.
    ends: Ends,
    /// Where the log ended when the epoch began: whoever has less may lack what earlier epochs have committed.
    epoch_start: Offset,
    /// Invariant: one for every replica but this one.
    followers: BTreeMap<BrokerId, Remote>,
    /// Written by `advance_high_watermark` only. Invariant: `start <= high_watermark <= log`.
    high_watermark: Offset,
}

impl Leader {
    /// Takes leadership. The watermark starts where this replica knew it, and advances at once as far as `ends` allow,
    /// which for a sole replica is everything that it trusts.
    pub fn new(
        me: BrokerId,
        leadership: Leadership,
        rules: Rules,
        ends: Ends,
        high_watermark: Offset,
        now: Instant,
    ) -> Leader {
        let Leadership { epoch, isr, partition_epoch } = leadership;
        assert!(isr.contains(me), "leader {me} is not in sync");
        let mut leader = Leader {
            me,
            epoch,
            rules,
            membership: Membership::new(isr, partition_epoch),
            ends,
            epoch_start: ends.log.0,
            followers: BTreeMap::new(),
            high_watermark: high_watermark.clamp(ends.start, ends.log.0),
        };
        leader.meet(now);
        let _initial = leader.advance_high_watermark(now);
        leader.assert_invariants();
        leader
    }

    /// The epoch of this leadership.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The topic's mode.
    pub fn durability(&self) -> Durability {
        self.rules.durability
    }

    /// The in-sync replicas, as they are written.
    pub fn isr(&self) -> &Isr {
        self.membership.isr()
    }

    /// The followers in sync that have what begins at `from`, and how far each is known to be.
    pub fn who_has(&self, from: Offset) -> impl Iterator<Item = (BrokerId, Offset)> {
        let in_sync = self.followers.iter().filter(|(id, _)| self.isr().contains(**id));
        let ends = in_sync.filter_map(|(id, remote)| Some((*id, remote.start()?, remote.end()?)));
        ends.filter(move |(_, start, end)| (*start..=*end).contains(&from)).map(|(id, _, end)| (id, end))
    }

    /// As of which partition epoch.
    pub fn partition_epoch(&self) -> PartitionEpoch {
        self.membership.partition_epoch()
    }

    /// The change of the ISR that is under way.
    pub fn proposal(&self) -> Option<&Proposal> {
        self.membership.proposal()
    }

    /// The ends of the leader's log, as last told.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// Where the log ended when the epoch began.
    pub fn epoch_start(&self) -> Offset {
        self.epoch_start
    }

    /// One past the last committed record: what consumers may read.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Whether the watermark is at least as high as any earlier leader can have told: from then on it may be told as the
    /// end of the log (KIP-207).
    pub fn knows_what_is_committed(&self) -> bool {
        self.high_watermark >= self.epoch_start
    }

    /// The lowest first offset of the replicas that have been heard of: what is below is deleted everywhere.
    pub fn lowest_start(&self) -> Offset {
        self.followers.values().filter_map(Remote::start).fold(self.ends.start, Offset::min)
    }

    /// Whether none of the others in sync has been heard of for so long: nothing is committed then, and most probably another
    /// leader has been elected, of which this one can't hear.
    pub fn is_alone(&self, now: Instant, after: Duration) -> bool {
        let mut others = self.followers.iter().filter(|(id, _)| self.isr().contains(**id)).peekable();
        let silent = |remote: &Remote| remote.heard().is_none_or(|heard| now > heard + after);
        others.peek().is_some() && others.all(|(_, remote)| silent(remote))
    }

    /// Whether a record may be taken at all.
    pub fn admit(&self, acks: Acks) -> Result<(), Refusal> {
        let isr = self.isr();
        if acks == Acks::All && isr.is_short() {
            return Err(Refusal::NotEnoughReplicas { have: isr.len(), need: isr.required() });
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
    pub fn local_appended(&mut self, end: LogEnd, now: Instant) -> Step {
        assert!(end >= self.ends.log, "a leader's log shrank from {} to {end}", self.ends.log);
        self.ends.log = end;
        self.after_input(now)
    }

    /// A sync of the leader's log finished.
    pub fn local_synced(&mut self, end: DurableEnd, now: Instant) -> Step {
        assert!(end >= self.ends.durable, "the durable end went back from {} to {end}", self.ends.durable);
        self.ends.durable = end;
        self.after_input(now)
    }

    /// Records before `start` were deleted, by retention or on request.
    pub fn start_moved(&mut self, start: Offset) {
        assert!(start >= self.ends.start, "a log's start went back from {} to {start}", self.ends.start);
        assert!(start <= self.high_watermark, "records up to {start} deleted before they were committed");
        self.ends.start = start;
        self.assert_invariants();
    }

    /// A follower asked for records, in this epoch and of a log that agrees with this one as far as it goes.
    ///
    /// It is taken into the ISR when it has everything that is committed, or that an earlier leader may have committed.
    pub fn follower_fetched(
        &mut self,
        follower: BrokerId,
        fetched: &Fetched,
        now: Instant,
    ) -> Result<Step, Stranger> {
        assert!(fetched.from <= self.ends.log.0, "{follower} has {} of {}", fetched.from, self.ends.log);
        let remote = self.followers.get_mut(&follower).ok_or(Stranger::NotAReplica)?;
        if remote.is_over(fetched.broker) {
            return Err(Stranger::Replaced);
        }
        remote.fetched(fetched, self.ends.log, now);
        let mut step = self.after_input(now);
        let has_all = fetched.from >= self.high_watermark && fetched.from >= self.epoch_start;
        if self.proposal().is_none() && has_all && fetched.eligible && !self.isr().contains(follower) {
            let members = self.isr().members().chain([follower]).collect();
            step.propose = Some(self.propose(members));
            self.assert_invariants();
        }
        Ok(step)
    }

    /// Brokers have come or gone: `eligible` tells of each incarnation whether it may be taken into an ISR.
    pub fn brokers_changed(
        &mut self,
        eligible: impl Fn(BrokerId, Option<BrokerEpoch>) -> bool,
        now: Instant,
    ) -> Step {
        for (id, remote) in &mut self.followers {
            remote.judged(eligible(*id, remote.broker()));
        }
        self.after_input(now)
    }

    /// Time has passed: members that have been behind for longer than `replica.lag.time.max.ms` are to leave.
    pub fn tick(&mut self, now: Instant) -> Step {
        let mut step = self.after_input(now);
        if self.proposal().is_some() {
            return step;
        }
        let stays = |id: &BrokerId| *id == self.me || self.is_caught_up(*id, now);
        let members: BTreeSet<BrokerId> = self.isr().members().filter(stays).collect();
        if members.len() < self.isr().len() {
            step.propose = Some(self.propose(members));
        }
        step
    }

    /// When [`Leader::tick`] is due at the latest for the watermark's sake: whoever is waited for then without being in sync
    /// has not gone on. `tick` is due from time to time for the ISR's sake as well.
    pub fn next_deadline(&self) -> Option<Instant> {
        let joins = |id: &BrokerId| !self.membership.may_contain(*id);
        let waited_for = self.followers.iter().filter(|(id, _)| joins(id));
        waited_for.filter_map(|(_, remote)| remote.joins_before()).min()
    }

    /// The controller has answered a proposal, or was not to be reached.
    pub fn proposal_answered(&mut self, of: PartitionEpoch, verdict: &Verdict, now: Instant) -> Step {
        let again = self.membership.answered(of, verdict);
        Step { propose: again, ..self.after_input(now) }
    }

    /// The metadata log has the ISR so, in this leader's epoch.
    pub fn isr_told(&mut self, isr: Isr, partition_epoch: PartitionEpoch, now: Instant) -> Step {
        assert!(isr.contains(self.me), "leader {} is not in sync", self.me);
        self.membership.told(isr, partition_epoch);
        self.meet(now);
        self.after_input(now)
    }

    /// `min.insync.replicas` is changed.
    pub fn min_changed(&mut self, min: usize, now: Instant) -> Step {
        let isr = self.isr().clone().with_min(min);
        self.membership.told(isr, self.membership.partition_epoch());
        self.after_input(now)
    }

    /// Leads on in a later epoch: what is committed stays so, and followers have to be heard of again.
    pub fn lead_on(&mut self, leadership: Leadership, now: Instant) -> Step {
        let Leadership { epoch, isr, partition_epoch } = leadership;
        assert!(epoch > self.epoch, "epoch {epoch} is not later than {}", self.epoch);
        assert!(isr.contains(self.me), "leader {} is not in sync", self.me);
        self.epoch = epoch;
        self.epoch_start = self.ends.log.0;
        self.membership = Membership::new(isr, partition_epoch);
        self.followers.clear();
        self.meet(now);
        self.after_input(now)
    }

    /// The topic has another mode. What is committed stays so.
    pub fn durability_changed(&mut self, durability: Durability, now: Instant) -> Step {
        self.rules.durability = durability;
        self.after_input(now)
    }

    /// Keeps an account of each replica there is, and of no other.
    fn meet(&mut self, now: Instant) {
        let Leader { me, membership, followers, .. } = self;
        let isr = membership.isr();
        followers.retain(|id, _| isr.has_replica(*id));
        for id in isr.replicas().filter(|id| id != me) {
            followers.entry(id).or_insert_with(|| Remote::unheard(isr.contains(id), now));
        }
    }

    fn propose(&mut self, members: BTreeSet<BrokerId>) -> Proposal {
        let incarnation = |id| self.followers.get(&id).and_then(Remote::broker);
        self.membership.propose(Proposal {
            leader_epoch: self.epoch,
            partition_epoch: self.membership.partition_epoch(),
            isr: members.into_iter().map(|id| (id, incarnation(id))).collect(),
        })
    }

    fn is_caught_up(&self, follower: BrokerId, now: Instant) -> bool {
        let remote = &self.followers[&follower];
        remote.is_caught_up(self.ends.log, now, self.rules.lag_max)
    }

    fn after_input(&mut self, now: Instant) -> Step {
        let advance = self.advance_high_watermark(now);
        self.assert_invariants();
        Step { advance, propose: None }
    }

    /// The only writer of the high watermark.
    fn advance_high_watermark(&mut self, now: Instant) -> Option<Advance> {
        let from = self.high_watermark;
        let to = self.committed_end(now)?;
        if to <= from {
            // A member that joined the ISR in this epoch may stand below what was committed before.
            return None;
        }
        self.high_watermark = to;
        Some(Advance { from, to })
    }

    /// The offset that all in-sync replicas have reached, if there are enough and all have been heard of. One that is about
    /// to join is waited for too, or it would find the watermark ahead of it for ever while records keep coming.
    fn committed_end(&self, now: Instant) -> Option<Offset> {
        if self.isr().is_short() {
            return None;
        }
        let mut lowest = self.own_end();
        for (id, remote) in &self.followers {
            if self.membership.may_contain(*id) || remote.is_about_to_join(now) {
                lowest = lowest.min(remote.end()?);
            }
        }
        Some(lowest)
    }

    /// The end that the leader itself stands for.
    fn own_end(&self) -> Offset {
        match self.rules.durability {
            Durability::Durable => self.ends.durable.0,
            Durability::PageCache => self.ends.log.0,
        }
    }

    fn assert_invariants(&self) {
        assert!(self.ends.durable.0 <= self.ends.log.0, "durable beyond the log's end: {:?}", self.ends);
        assert!(self.ends.start <= self.high_watermark, "watermark below the log's start: {self:?}");
        assert!(self.high_watermark <= self.ends.log.0, "watermark beyond the log's end: {self:?}");
        let others = self.isr().replicas().filter(|id| *id != self.me);
        assert!(others.eq(self.followers.keys().copied()), "an account of each follower: {self:?}");
    }
}

#[cfg(test)]
#[path = "leader_test.rs"]
mod tests;
