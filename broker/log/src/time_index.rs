//! `.timeindex`: a timestamp, and the offset up to which no batch has a higher one. Twelve bytes, big-endian, as
//! Kafka's `TimeIndex`: an entry is written only when the highest timestamp has grown.

use crate::index::IndexEntry;
use model::{Offset, Timestamp};

/// The highest timestamp up to an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    /// The highest timestamp of all batches up to `offset`.
    pub(crate) timestamp: Timestamp,
    /// Last offset of the batch that has it.
    pub(crate) offset: Offset,
}

impl IndexEntry for TimeEntry {
    const LEN: usize = 12;
    const SUFFIX: &'static str = crate::names::TIME_INDEX;

    fn encode(&self, base: Offset, out: &mut Vec<u8>) {
        let relative = i32::try_from(self.offset.0 - base.0).expect("the segment was rolled in time");
        out.extend(self.timestamp.0.to_be_bytes());
        out.extend(relative.to_be_bytes());
    }

    fn decode(base: Offset, bytes: &[u8]) -> TimeEntry {
        let timestamp = i64::from_be_bytes(bytes[..8].try_into().expect("eight bytes"));
        let relative = i32::from_be_bytes(bytes[8..12].try_into().expect("four bytes"));
        TimeEntry { timestamp: Timestamp(timestamp), offset: Offset(base.0.saturating_add(relative.into())) }
    }
}
