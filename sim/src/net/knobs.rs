//! What a network is like: latencies, loss, bandwidth, as plain numbers that a scenario can print.

use crate::random::Stream;
use serde::{Deserialize, Serialize};

/// A distribution of durations: uniform between two bounds, with a rare long tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The least, in microseconds.
    pub min_us: u64,
    /// The most in the usual case, in microseconds.
    pub max_us: u64,
    /// The most in the rare case, in microseconds. Not below `max_us`.
    pub tail_us: u64,
    /// How rare, in parts per million.
    pub tail_ppm: u32,
}

impl Latency {
    /// Always the same.
    pub const fn fixed(us: u64) -> Latency {
        Latency { min_us: us, max_us: us, tail_us: us, tail_ppm: 0 }
    }

    /// Uniform, without a tail.
    pub const fn uniform(min_us: u64, max_us: u64) -> Latency {
        Latency { min_us, max_us, tail_us: max_us, tail_ppm: 0 }
    }

    /// One duration in nanoseconds.
    pub fn draw(&self, stream: &mut Stream) -> u64 {
        let (min, max, tail) = (self.min_us * 1000, self.max_us * 1000, self.tail_us * 1000);
        if self.tail_ppm > 0 && stream.chance(self.tail_ppm) {
            stream.between(max, tail.max(max))
        } else {
            stream.between(min, max.max(min))
        }
    }
}

/// One direction of a link between two machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkKnobs {
    /// One way.
    pub latency: Latency,
    /// Chance that a transmission is lost, in parts per million. TCP sends it again: loss is delay, never a gap.
    pub loss_ppm: u32,
    /// Bytes per second; 0 means unlimited.
    pub bandwidth: u64,
}

/// The network of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetKnobs {
    /// Links between different machines that have no knobs of their own.
    pub link: LinkKnobs,
    /// Bytes that a sender may have under way: sent, and not yet read by the peer's process.
    pub window_bytes: usize,
    /// Chance that a read or a write moves only a part of what it could, in parts per million.
    pub short_ppm: u32,
    /// Chance that `accept` fails for want of a descriptor, in parts per million.
    pub accept_error_ppm: u32,
    /// Connections that a listener holds before it drops SYNs.
    pub backlog: usize,
    /// First retransmission timeout, in microseconds; it doubles with every try.
    pub rto_min_us: u64,
    /// Largest retransmission timeout, in microseconds.
    pub rto_max_us: u64,
    /// Retransmissions before the connection fails with `TimedOut`.
    pub retransmissions: u32,
}

impl Default for NetKnobs {
    /// A data centre, and Linux's own constants.
    fn default() -> NetKnobs {
        NetKnobs {
            link: LinkKnobs {
                latency: Latency { min_us: 100, max_us: 500, tail_us: 10_000, tail_ppm: 2_000 },
                loss_ppm: 0,
                bandwidth: 0,
            },
            window_bytes: 256 * 1024,
            short_ppm: 100_000,
            accept_error_ppm: 0,
            backlog: 1024,
            rto_min_us: 200_000,
            rto_max_us: 120_000_000,
            retransmissions: 15,
        }
    }
}

/// Within one machine.
pub(super) const LOOPBACK: LinkKnobs =
    LinkKnobs { latency: Latency::uniform(5, 30), loss_ppm: 0, bandwidth: 0 };
