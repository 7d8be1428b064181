//! Offsets, and the two ends that a log has.
//!
//! A record is *appended* when a reader of the file would see it and *durable* when a power cut can't take it
//! back. The two ends are different types: a watermark computed from the wrong one does not compile.

use std::fmt;

/// The position of a record in its partition, counted from 0. Kafka's int64; -1 means "none" on the wire only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub i64);

impl Offset {
    /// The first offset of a log that never lost its beginning.
    pub const ZERO: Offset = Offset(0);

    /// The offset `records` further on. Panics on overflow: offsets come from appends, never from a request.
    pub fn plus(self, records: i64) -> Offset {
        Offset(self.0.checked_add(records).expect("offset overflow"))
    }
}

/// One past the last record appended: where the next one goes. What a kill (not a power cut) leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogEnd(pub Offset);

/// One past the last record that was synced *in this incarnation of the process*. Never beyond `LogEnd`.
///
/// What recovery reads back after a kill may live in the page cache only, so it counts from its first sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DurableEnd(pub Offset);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LogEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DurableEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
