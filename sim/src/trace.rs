//! What happened in a simulated world, in order, and the rolling hash that says whether two runs were the same.
//!
//! Brokers speak through `Runtime::observe`; the world adds births and deaths of processes, and the harness its
//! own notes (faults begun and ended). Subscribers (checkers, fault triggers, the story) see every record at the
//! instant it becomes true, outside the world's lock: they may call back into the world, even to kill the very
//! process that is speaking.

use crate::runtime::NodeId;
use ::runtime::Event;
use std::fmt;
use std::hash::{Hash, Hasher};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// True simulated time, nanoseconds since the world began.
    pub at_nanos: u64,
    /// On which machine. `NodeId::WORLD` for what concerns none.
    pub node: NodeId,
    /// The how-manieth process of that machine, from 1; 0 before the first.
    pub incarnation: u32,
    /// What it was.
    pub what: What,
}

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A process told it through `Runtime::observe`.
    Event(Event),
    /// A process was born, died, stopped or went on.
    Process(Life),
    /// A segment met its fate on the wire. Told only while `World::watch_wire(true)`.
    Wire(Wire),
    /// The harness says something about itself: a fault begun, a phase entered.
    Note(String),
}

/// Stations in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// A new incarnation starts.
    Booted,
    /// Its main future returned.
    Exited,
    /// Killed; the machine and its page cache live on.
    Killed,
    /// The machine lost power; what was not synced is gone or torn.
    PowerLost,
    /// Stopped in its tracks, as by SIGSTOP.
    Paused,
    /// Going on after a pause.
    Resumed,
}

/// A segment between two machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// The sending machine.
    pub from: NodeId,
    /// The receiving machine.
    pub to: NodeId,
    /// Number of the connection, unique in a world.
    pub connection: u64,
    /// Payload bytes; 0 for SYN, FIN and RST.
    pub bytes: u32,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It left and will arrive unless the link is cut meanwhile.
    Sent,
    /// It reached the peer's kernel.
    Delivered,
    /// Lost or blocked: it will be sent again.
    Lost,
    /// It was a reset.
    Reset,
}

/// The rolling hash over everything that happened, 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceHash(pub u128);

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// FNV-1a, 128 bits, fed little-endian whatever the machine: the same records give the same hash everywhere.
#[derive(Clone, Debug)]
pub struct Roll {
    state: u128,
}

impl Default for Roll {
    fn default() -> Roll {
        Roll { state: 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d }
    }
}

impl Roll {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        record.hash(self);
    }

    /// Adds a bare number: for what is too frequent to be a record.
    pub fn mix(&mut self, word: u64) {
        self.write(&word.to_le_bytes());
    }

    /// The hash so far.
    pub fn value(&self) -> TraceHash {
        TraceHash(self.state)
    }
}

impl Hasher for Roll {
    fn write(&mut self, bytes: &[u8]) {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        for byte in bytes {
            self.state = (self.state ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    fn finish(&self) -> u64 {
        (self.state >> 64) as u64 ^ self.state as u64
    }

    fn write_u16(&mut self, i: u16) {
        self.write(&i.to_le_bytes());
    }

    fn write_u32(&mut self, i: u32) {
        self.write(&i.to_le_bytes());
    }

    fn write_u64(&mut self, i: u64) {
        self.write(&i.to_le_bytes());
    }

    fn write_u128(&mut self, i: u128) {
        self.write(&i.to_le_bytes());
    }

    fn write_usize(&mut self, i: usize) {
        self.write(&(i as u64).to_le_bytes());
    }

    fn write_i16(&mut self, i: i16) {
        self.write(&i.to_le_bytes());
    }

    fn write_i32(&mut self, i: i32) {
        self.write(&i.to_le_bytes());
    }

    fn write_i64(&mut self, i: i64) {
        self.write(&i.to_le_bytes());
    }

    fn write_i128(&mut self, i: i128) {
        self.write(&i.to_le_bytes());
    }

    fn write_isize(&mut self, i: isize) {
        self.write(&(i as i64).to_le_bytes());
    }
}

#[cfg(test)]
#[path = "trace_test.rs"]
mod tests;
