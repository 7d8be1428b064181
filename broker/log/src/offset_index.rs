//! `.index`: the last offset of a batch, relative to the segment's base, and the batch's position in the file.
//! Eight bytes, big-endian, as Kafka's `OffsetIndex`.

use crate::index::{Index, IndexEntry};
use model::Offset;

/// A batch that a search may start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    /// The batch's last offset.
    pub(crate) offset: Offset,
    /// Its first byte.
    pub(crate) position: u32,
}

impl IndexEntry for OffsetEntry {
    const LEN: usize = 8;
    const SUFFIX: &'static str = crate::names::OFFSET_INDEX;

    fn encode(&self, base: Offset, out: &mut Vec<u8>) {
        let relative = i32::try_from(self.offset.0 - base.0).expect("the segment was rolled in time");
        let position = i32::try_from(self.position).expect("a segment is less than 2 GiB");
        out.extend(relative.to_be_bytes());
        out.extend(position.to_be_bytes());
    }

    fn decode(base: Offset, bytes: &[u8]) -> OffsetEntry {
        let field = |at: usize| i32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        OffsetEntry { offset: Offset(base.0.saturating_add(field(0).into())), position: field(4) as u32 }
    }
}

/// Where to start looking for an offset in the segment that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At this batch.
    At(OffsetEntry),
    /// Where the file says, which has so many entries.
    AskFile(u32),
    /// At the segment's beginning.
    Beginning,
}

impl Index<OffsetEntry> {
    /// Where to start looking for `offset`, as far as memory knows.
    pub(crate) fn start_for(&self, offset: Offset) -> Start {
        let within = self.tail().partition_point(|entry| entry.offset <= offset);
        match within.checked_sub(1) {
            Some(index) => Start::At(self.tail()[index]),
            None if self.persisted() > 0 => Start::AskFile(self.persisted()),
            None => Start::Beginning,
        }
    }
}
