//! One partition's batches: which may be sent now, under which sequence, and what an answer means for the others.
//!
//! ```text
//!           take                  taken
//! waiting ────────▶ in flight ───────────▶ delivered
//!    ▲                │   ▲
//!    │          again │   │ take, the first of them, before anything new
//!    │                ▼   │
//!    └─── renew ───── back
//! ```
//!
//! `sent` holds what has a sequence and no certain fate, `waiting` what has none yet. A broker takes sequences of a
//! producer's epoch without gaps, and knows its last five batches again. So:
//!
//! * Nothing overtakes a batch that is back, and no more than five are in `sent`.
//! * When a later batch is taken, so were those before it: their next attempt will be told so.
//! * When a batch is given up, its sequences may be a *gap*, and nothing new is sent. What lies behind it goes again: if that
//!   is taken, there was none. If a broker says that it does not follow, there is one for certain, as when it refuses a
//!   batch for good. Then, when all attempts have ended, the lane is *renewed*: what may have been written is told as
//!   undelivered, perhaps; all else goes again from sequence 0 in the next epoch (KIP-360), in which a broker refuses
//!   what is still on its way from the last one.
//!
//! A broker that has nothing of a producer takes any sequence, also one that follows what it has just refused. So before a
//! first batch of an epoch is taken, no second one is sent.
//!
//! Each lane counts its own epochs, since a broker keeps a producer's state by partition. As Kafka's client does without a
//! transactional id, it counts them by itself: InitProducerId would give another id, which fences nothing.

use super::batch::{Batch, Identity, Stand};
use super::record::{Cause, Delivered, Record, Undelivered};
use super::rules::ProducerConfig;
use super::verdict::{Attempt, Verdict, judge};
use crate::metadata::Leader;
use bytes::Bytes;
use model::ProducerId;
use model::time::Instant;
use protocol::ErrorCode;
use std::collections::VecDeque;

/// The fate of a record, by the ticket that it was given with.
pub(super) type Fate = (u64, Result<Delivered, Undelivered>);

/// Where sequences do not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// A broker has said so.
    Certain,
    /// Behind this batch, of which nobody knows whether it was taken.
    Behind(u64),
}

/// A partition's batches.
#[derive(Debug)]
pub(super) struct Lane {
    partition: i32,
    /// With a sequence, oldest first.
    sent: VecDeque<Batch>,
    /// Without one, oldest first. Only the last is open.
    waiting: VecDeque<Batch>,
    next_batch: u64,
    /// Under which sequences run; none before the first batch is sent.
    identity: Option<Identity>,
    next_sequence: i32,
    /// The brokers have something of this identity.
    established: bool,
    gap: Option<Gap>,
    /// The brokers do not take this identity any more.
    fenced: bool,
    /// The id that has been used up here.
    spent: Option<ProducerId>,
    /// Bytes of the buffer that its batches take.
    charge: usize,
}

/// What a lane is asked about, besides its own state.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) now: Instant,
    pub(super) rules: &'a ProducerConfig,
    /// Nothing waits for more records.
    pub(super) flushing: bool,
    /// Random.
    pub(super) draw: u64,
}

impl Lane {
    pub(super) fn new(partition: i32) -> Lane {
        Lane {
            partition,
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            next_batch: 0,
            identity: None,
            next_sequence: 0,
            established: false,
            gap: None,
            fenced: false,
            spent: None,
            charge: 0,
        }
    }

    /// Takes a record that is small enough for a request.
    pub(super) fn push(&mut self, ticket: u64, record: &Record, wall_ms: i64, around: Around<'_>) {
        let rules = around.rules;
        self.charge += record.bytes_max();
        if let Some(last) = self.waiting.back_mut()
            && last.push(ticket, record, wall_ms, rules.batch_bytes)
        {
            return;
        }
        let mut batch = Batch::new(self.next_batch, rules.compression, around.now);
        self.next_batch += 1;
        assert!(batch.push(ticket, record, wall_ms, rules.batch_bytes), "a new batch takes a record");
        self.waiting.push_back(batch);
    }

    /// Whether nothing is left to do.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.waiting.is_empty()
    }

    /// Bytes of the buffer that its records take.
    pub(super) fn charge(&self) -> usize {
        self.charge
    }

    /// Whether it can send nothing more without an identity from the brokers.
    pub(super) fn needs_identity(&self, rules: &ProducerConfig) -> bool {
        rules.idempotent && self.identity.is_none() && !self.waiting.is_empty()
    }

    /// Whether it can't use this id any more: another one is needed.
    pub(super) fn has_spent(&self, identity: Identity) -> bool {
        self.spent == Some(identity.id)
    }

    /// The batch that is to be sent now, if there is one; its bytes at most.
    pub(super) fn ready(
        &self,
        leader: Leader,
        identity: Option<Identity>,
        around: Around<'_>,
    ) -> Option<usize> {
        if self.gap == Some(Gap::Certain) {
            return None;
        }
        let back = self.sent.iter().position(|batch| !batch.is_in_flight());
        if let Some(at) = back {
            let batch = &self.sent[at];
            let Stand::Back { not_before, epoch } = batch.stand else {
                unreachable!("sent and not in flight")
            };
            let due = not_before <= around.now || leader.epoch > epoch;
            return (at == 0 && due).then(|| batch.bytes_max());
        }
        let first_of_all = around.rules.idempotent && !self.established;
        let most = if first_of_all { 1 } else { around.rules.in_flight_max };
        if self.gap.is_some() || self.sent.len() >= most {
            return None;
        }
        if around.rules.idempotent && self.identity.or(identity).is_none() {
            return None;
        }
        let first = self.waiting.front()?;
        let lingered = first.created + around.rules.linger <= around.now;
        let due =
            lingered || around.flushing || self.waiting.len() > 1 || first.is_full(around.rules.batch_bytes);
        due.then(|| first.bytes_max())
    }

    /// Sends the batch that is [`Lane::ready`] within a request, and tells which it is.
    pub(super) fn take(
        &mut self,
        request: u64,
        node: i32,
        leader: Leader,
        identity: Option<Identity>,
        rules: &ProducerConfig,
    ) -> (u64, Bytes) {
        let again = self.sent.front().is_some_and(|first| !first.is_in_flight());
        if !again {
            let mut batch = self.waiting.pop_front().expect("one that is ready");
            let records = batch.close();
            if rules.idempotent {
                self.identity = self.identity.or(identity);
                batch.sequence = Some(self.next_sequence);
                // Sequences wrap from the highest int32 to 0, as Kafka's do.
                self.next_sequence = self.next_sequence.wrapping_add(records) & i32::MAX;
            }
            self.sent.push_back(batch);
        }
        let identity = self.identity;
        let batch = if again { self.sent.front_mut() } else { self.sent.back_mut() };
        let batch = batch.expect("put there, or found there");
        batch.stand = Stand::InFlight { request, node, epoch: leader.epoch };
        let sent = (batch.id, batch.bytes(identity));
        self.assert_invariants(rules);
        sent
    }

    /// An attempt has ended.
    pub(super) fn ended(
        &mut self,
        (request, id): (u64, u64),
        attempt: Attempt,
        around: Around<'_>,
        fates: &mut Vec<Fate>,
    ) {
        let sent = |batch: &Batch| {
            batch.id == id && matches!(batch.stand, Stand::InFlight { request: of, .. } if of == request)
        };
        // Given up for another attempt, and answered late.
        let Some(at) = self.sent.iter().position(sent) else { return };
        match attempt {
            Attempt::Taken { base } => self.taken(at, base, fates),
            Attempt::Lost => self.back(at, true, None, around),
            Attempt::Unsent => self.back(at, false, None, around),
            Attempt::Refused { code, words } => self.refused(at, code, words, around, fates),
        }
        self.assert_invariants(around.rules);
    }

    /// Gives attempts up that were sent to a broker that no longer leads: what it has not told yet it will not tell in time.
    pub(super) fn abandon(&mut self, leader: Leader, around: Around<'_>) {
        let elsewhere = |batch: &Batch| match batch.stand {
            Stand::InFlight { node, epoch, .. } => epoch < leader.epoch && leader.node != Some(node),
            _ => false,
        };
        while let Some(at) = self.sent.iter().position(elsewhere) {
            self.back(at, true, None, around);
        }
    }

    /// Tells what is overdue, and begins anew where sequences have a gap and every attempt has ended.
    pub(super) fn tick(&mut self, around: Around<'_>, fates: &mut Vec<Fate>) {
        let overdue = |batch: &Batch| batch.created + around.rules.delivery_timeout <= around.now;
        while self.waiting.front().is_some_and(overdue) {
            let batch = self.waiting.pop_front().expect("a first one");
            self.charge -= batch.charge;
            tell_lost(batch, false, fates);
        }
        while let Some(at) = self
            .sent
            .iter()
            .position(|batch| overdue(batch) && !(batch.is_in_flight() && batch.tickets.is_empty()))
        {
            if self.sent[at].is_in_flight() {
                // Its place is kept until the attempt ends: its sequence may be taken.
                let batch = &mut self.sent[at];
                let cause = Cause::Overdue { last: batch.last };
                tell(&mut batch.tickets, &Undelivered { cause, definite: false }, fates);
            } else {
                let batch = self.sent.remove(at).expect("found there");
                self.charge -= batch.charge;
                self.open_gap(Gap::Behind(batch.id), around.rules);
                let doubt = batch.doubt;
                tell_lost(batch, doubt, fates);
            }
        }
        let over = match self.gap {
            None => false,
            Some(Gap::Behind(_)) => self.sent.is_empty(),
            Some(Gap::Certain) => !self.sent.iter().any(Batch::is_in_flight),
        };
        if over {
            self.renew(fates);
        }
        self.assert_invariants(around.rules);
    }

    /// Tells everything as undelivered: the producer ends, or can't go on for this reason.
    pub(super) fn abort(&mut self, cause: &Cause, fates: &mut Vec<Fate>) {
        for mut batch in self.sent.drain(..).chain(self.waiting.drain(..)) {
            let definite = !batch.doubt && !batch.is_in_flight();
            tell(&mut batch.tickets, &Undelivered { cause: cause.clone(), definite }, fates);
        }
        (self.gap, self.charge) = (None, 0);
    }

    /// When [`Lane::tick`] or [`Lane::ready`] may find something new to do, though nothing happens.
    pub(super) fn wakes(&self, rules: &ProducerConfig) -> impl Iterator<Item = Instant> {
        let again = self.sent.front().and_then(|batch| match batch.stand {
            Stand::Back { not_before, .. } => Some(not_before),
            _ => None,
        });
        let untold = self.sent.iter().find(|batch| !batch.tickets.is_empty());
        let overdue = |batch: &Batch| batch.created + rules.delivery_timeout;
        let lingered = self.waiting.front().map(|batch| batch.created + rules.linger);
        [again, untold.map(overdue), self.waiting.front().map(overdue), lingered].into_iter().flatten()
    }

    fn taken(&mut self, at: usize, base: Option<i64>, fates: &mut Vec<Fate>) {
        let batch = self.sent.remove(at).expect("found there");
        self.charge -= batch.charge;
        self.established = true;
        if let Some(Gap::Behind(id)) = self.gap
            && id < batch.id
        {
            // Sequences went on behind it, so it was taken as well.
            self.gap = None;
        }
        for (index, ticket) in batch.tickets.into_iter().enumerate() {
            let offset = base.map(|base| base + index as i64);
            fates.push((ticket, Ok(Delivered { partition: self.partition, offset })));
        }
    }

    fn refused(
        &mut self,
        at: usize,
        code: ErrorCode,
        words: Option<String>,
        around: Around<'_>,
        fates: &mut Vec<Fate>,
    ) {
        match judge(code) {
            Verdict::Duplicate => self.taken(at, None, fates),
            Verdict::Again { doubt } => self.back(at, doubt, Some(code), around),
            // Those before it may still come to be taken.
            Verdict::OutOfOrder if at > 0 => self.back(at, false, Some(code), around),
            Verdict::OutOfOrder | Verdict::Unknown => {
                self.open_gap(Gap::Certain, around.rules);
                self.back(at, false, Some(code), around);
            }
            Verdict::Fenced => {
                self.fenced = around.rules.idempotent;
                self.open_gap(Gap::Certain, around.rules);
                self.back(at, false, Some(code), around);
            }
            Verdict::Never { doubt } => {
                let mut batch = self.sent.remove(at).expect("found there");
                self.charge -= batch.charge;
                let doubt = doubt || batch.doubt;
                let gap = if doubt { Gap::Behind(batch.id) } else { Gap::Certain };
                self.open_gap(gap, around.rules);
                let cause = Cause::Refused { code, words };
                tell(&mut batch.tickets, &Undelivered { cause, definite: !doubt }, fates);
            }
        }
    }

    /// Puts a batch where it is sent again, or drops it if its fate has been told.
    fn back(&mut self, at: usize, doubt: bool, code: Option<ErrorCode>, around: Around<'_>) {
        let batch = &mut self.sent[at];
        let Stand::InFlight { epoch, .. } = batch.stand else { unreachable!("an attempt that ended") };
        batch.doubt |= doubt;
        batch.failures = batch.failures.saturating_add(1);
        batch.last = code;
        let not_before = around.now + around.rules.backoff.after(batch.failures, around.draw);
        batch.stand = Stand::Back { not_before, epoch };
        if batch.tickets.is_empty() {
            let batch = self.sent.remove(at).expect("found there");
            self.charge -= batch.charge;
            self.open_gap(Gap::Behind(batch.id), around.rules);
        }
    }

    fn open_gap(&mut self, gap: Gap, rules: &ProducerConfig) {
        if !rules.idempotent {
            return;
        }
        self.gap = match (self.gap, gap) {
            (Some(Gap::Behind(one)), Gap::Behind(other)) => Some(Gap::Behind(one.max(other))),
            (Some(Gap::Certain), _) | (_, Gap::Certain) => Some(Gap::Certain),
            (None, gap) => Some(gap),
        };
    }

    /// Begins anew: sequences from 0 in another epoch.
    fn renew(&mut self, fates: &mut Vec<Fate>) {
        assert!(!self.sent.iter().any(Batch::is_in_flight), "attempts are under way");
        while let Some(mut batch) = self.sent.pop_back() {
            if batch.doubt {
                // Under another epoch it could be written twice.
                self.charge -= batch.charge;
                tell(&mut batch.tickets, &Undelivered { cause: Cause::Forgotten, definite: false }, fates);
            } else {
                (batch.stand, batch.sequence) = (Stand::Waiting, None);
                self.waiting.push_front(batch);
            }
        }
        self.identity = match self.identity {
            Some(Identity { id, epoch }) if !self.fenced && epoch < i16::MAX => {
                Some(Identity { id, epoch: epoch + 1 })
            }
            // Another id is needed.
            spent => {
                self.spent = spent.map(|spent| spent.id);
                None
            }
        };
        (self.next_sequence, self.gap, self.fenced, self.established) = (0, None, false, false);
    }

    fn assert_invariants(&self, rules: &ProducerConfig) {
        assert!(self.sent.len() <= rules.in_flight_max, "more batches than a broker remembers");
        let ids = self.sent.iter().chain(&self.waiting).map(|batch| batch.id);
        assert!(ids.is_sorted(), "batches in the order of their records");
        if rules.idempotent {
            assert!(self.sent.iter().all(|batch| batch.sequence.is_some()), "what is sent has a sequence");
        }
        assert!(self.waiting.iter().all(|batch| !batch.doubt), "what waits is nowhere");
        let charge: usize = self.sent.iter().chain(&self.waiting).map(|batch| batch.charge).sum();
        debug_assert_eq!(self.charge, charge, "what is charged");
    }
}

/// Tells the records of a batch that its time is over.
fn tell_lost(mut batch: Batch, doubt: bool, fates: &mut Vec<Fate>) {
    let cause = Cause::Overdue { last: batch.last };
    tell(&mut batch.tickets, &Undelivered { cause, definite: !doubt }, fates);
}

fn tell(tickets: &mut Vec<u64>, fate: &Undelivered, fates: &mut Vec<Fate>) {
    fates.extend(tickets.drain(..).map(|ticket| (ticket, Err(fate.clone()))));
}
