//! One direction between two hosts: what a packet that enters it has to go through, as a pure function of time and draws.
//!
//! ```text
//! offer ─▶ cut? lost? full? ─▶ dropped
//!            └─▶ sent at the link's rate ─▶ under way: delay + jitter, never before the one ahead ─▶ due
//! ```
//!
//! A cut takes along what is under way. Everything else that changes counts for what is under way, too: what waits in a
//! link that is healed is not held up any longer, and still comes out in order.

use crate::random::MILLION;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// Bytes under way on one link. What does not fit is dropped, as a switch does.
pub const QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// What a link does to packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Nothing passes.
    pub cut: bool,
    /// How long each packet is under way, at least.
    pub delay: Duration,
    /// And at most so much longer.
    pub jitter: Duration,
    /// At most so many bytes a second.
    pub rate: Option<NonZeroU32>,
    /// Of a million packets so many are lost.
    pub loss_ppm: u32,
}

impl Condition {
    /// Nothing passes.
    pub const CUT: Condition =
        Condition { cut: true, delay: Duration::ZERO, jitter: Duration::ZERO, rate: None, loss_ppm: 0 };

    /// What two disturbances make of a link together: the worst of each.
    pub fn and(&self, other: &Condition) -> Condition {
        Condition {
            cut: self.cut || other.cut,
            delay: self.delay.max(other.delay),
            jitter: self.jitter.max(other.jitter),
            rate: self.rate.into_iter().chain(other.rate).min(),
            loss_ppm: self.loss_ppm.max(other.loss_ppm),
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is under way.
    Taken,
    /// The link is cut.
    Cut,
    /// The link has lost it.
    Lost,
    /// Too much is under way.
    Full,
}

/// What chance decides about a packet: whether it is lost, and its share of the jitter. Each within [`MILLION`].
#[derive(Clone, Copy, Debug)]
pub struct Luck {
    /// Below the link's loss: lost.
    pub loss: u32,
    /// Parts per million of the link's jitter.
    pub jitter: u32,
}

/// A packet under way.
#[derive(Debug)]
struct UnderWay {
    due: Duration,
    packet: Box<[u8]>,
}

/// One direction between two hosts. Times are since some moment that all links share.
#[derive(Debug, Default)]
pub struct Link {
    condition: Condition,
    /// In the order in which they came; their due times never descend.
    queue: VecDeque<UnderWay>,
    /// Bytes in the queue, [`QUEUE_BYTES_MAX`] at most.
    bytes: usize,
    /// Until then the link is busy sending.
    busy_until: Duration,
}

impl Link {
    /// Changes what the link does to packets from now on.
    pub fn set(&mut self, now: Duration, condition: Condition) {
        self.condition = condition;
        if condition.cut {
            self.queue.clear();
            self.bytes = 0;
        }
        let latest = now + condition.delay + condition.jitter;
        for waiting in &mut self.queue {
            waiting.due = waiting.due.min(latest);
        }
        self.busy_until = self.busy_until.min(now);
        self.assert_invariants();
    }

    /// A packet enters.
    pub fn offer(&mut self, now: Duration, packet: &[u8], luck: Luck) -> Offered {
        assert!(luck.loss < MILLION && luck.jitter < MILLION, "parts per million");
        if self.condition.cut {
            return Offered::Cut;
        }
        if luck.loss < self.condition.loss_ppm {
            return Offered::Lost;
        }
        if self.bytes + packet.len() > QUEUE_BYTES_MAX {
            return Offered::Full;
        }
        self.busy_until = self.busy_until.max(now) + self.sending(packet.len());
        let jitter = self.condition.jitter * luck.jitter / MILLION;
        let due = self.busy_until + self.condition.delay + jitter;
        let ahead = self.queue.back().map_or(Duration::ZERO, |last| last.due);
        self.queue.push_back(UnderWay { due: due.max(ahead), packet: packet.into() });
        self.bytes += packet.len();
        self.assert_invariants();
        Offered::Taken
    }

    /// When the next packet comes out.
    pub fn next_due(&self) -> Option<Duration> {
        self.queue.front().map(|next| next.due)
    }

    /// A packet that has come out by now.
    pub fn due(&mut self, now: Duration) -> Option<Box<[u8]>> {
        if self.next_due()? > now {
            return None;
        }
        let out = self.queue.pop_front()?;
        self.bytes -= out.packet.len();
        self.assert_invariants();
        Some(out.packet)
    }

    /// How long it takes to send so many bytes.
    fn sending(&self, bytes: usize) -> Duration {
        match self.condition.rate {
            Some(rate) => Duration::from_nanos(bytes as u64 * 1_000_000_000 / u64::from(rate.get())),
            None => Duration::ZERO,
        }
    }

    fn assert_invariants(&self) {
        assert!(self.bytes <= QUEUE_BYTES_MAX, "{} bytes are under way", self.bytes);
        assert!(self.bytes > 0 || self.queue.iter().all(|waiting| waiting.packet.is_empty()));
        assert!(!self.condition.cut || self.queue.is_empty(), "a cut link holds packets");
    }
}

#[cfg(test)]
#[path = "link_test.rs"]
mod tests;

#[cfg(test)]
#[path = "link_prop.rs"]
mod properties;
