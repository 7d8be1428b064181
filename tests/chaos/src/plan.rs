//! What is done when: an endless stream of faults that follows from the seed and the number of nodes alone.
//!
//! Where two nodes may be disturbed at once there are two such streams, side by side, each a *lane* of its own.

use crate::fabric::HostId;
use crate::fault::{Fault, Reach, Whom};
use crate::random::Stream;
use std::num::NonZeroU32;
use std::time::Duration;

/// How many topics there are, each with as many partitions as there are nodes.
pub const TOPICS: u32 = 2;

/// Nothing is done for at most so long between two faults.
const PAUSE_MS_MAX: u32 = 8_000;

/// One fault and the time before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Nothing is done for so long.
    pub pause: Duration,
    /// Then this.
    pub fault: Fault,
    /// For so long.
    pub lasts: Duration,
}

/// A lane's faults.
pub struct Plan {
    random: Stream,
    nodes: u8,
}

/// How many nodes may be disturbed at once: fewer than half.
pub fn lanes(nodes: u8) -> u8 {
    nodes.saturating_sub(1) / 2
}

impl Plan {
    /// The faults of one lane.
    pub fn new(seed: u64, nodes: u8, lane: u8) -> Plan {
        assert!(nodes >= 3 && lane < lanes(nodes), "a minority is disturbed, or nobody");
        Plan { random: Stream::new(seed, &format!("plan {lane}")), nodes }
    }

    fn node(&mut self) -> HostId {
        1 + self.random.below(u32::from(self.nodes)) as HostId
    }

    fn whom(&mut self) -> Whom {
        match self.random.below(4) {
            0 => Whom::Controller,
            1 => Whom::Node(self.node()),
            _ => self.leader(),
        }
    }

    fn leader(&mut self) -> Whom {
        Whom::Leader { topic: self.random.below(TOPICS), partition: self.random.below(u32::from(self.nodes)) }
    }

    /// A duration in milliseconds.
    fn ms(&mut self, min: u32, max: u32) -> Duration {
        Duration::from_millis(self.random.between(min, max).into())
    }

    fn slow(&mut self) -> Fault {
        let (whom, delay) = (self.whom(), self.ms(10, 200));
        let jitter = delay * self.random.below(100) / 100;
        // From what a busy producer needs to what nobody notices.
        let rate = match self.random.chance(500_000) {
            true => NonZeroU32::new(1 << self.random.between(18, 23)),
            false => None,
        };
        Fault::Slow { whom, delay, jitter, rate }
    }

    /// A fault and how long it lasts.
    fn fault(&mut self) -> (Fault, Duration) {
        match self.random.below(100) {
            0..20 => (Fault::Kill(self.leader()), self.ms(0, 10_000)),
            20..28 => (Fault::Kill(Whom::Controller), self.ms(0, 10_000)),
            28..34 => (Fault::Kill(Whom::Node(self.node())), self.ms(0, 10_000)),
            34..49 => (Fault::Pause(self.whom()), self.ms(1_000, 15_000)),
            49..56 => (Fault::CutOff(self.whom(), Reach::Everybody), self.ms(1_000, 15_000)),
            56..61 => (Fault::CutOff(self.whom(), Reach::Nodes), self.ms(1_000, 15_000)),
            61..71 => {
                let (from, next) = (self.node(), 1 + self.random.below(u32::from(self.nodes) - 1) as u8);
                let to = 1 + (from - 1 + next) % self.nodes;
                (Fault::OneWay(from, to), self.ms(1_000, 15_000))
            }
            71..80 => (self.slow(), self.ms(3_000, 20_000)),
            80..88 => {
                let (whom, loss_ppm) = (self.whom(), self.random.between(10_000, 50_000));
                (Fault::Lossy { whom, loss_ppm }, self.ms(3_000, 20_000))
            }
            88..96 => (Fault::DiskFull(self.whom()), self.ms(2_000, 10_000)),
            _ => (Fault::Rolling, Duration::ZERO),
        }
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let pause = self.ms(0, PAUSE_MS_MAX);
        let (fault, lasts) = self.fault();
        Some(Step { pause, fault, lasts })
    }
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
