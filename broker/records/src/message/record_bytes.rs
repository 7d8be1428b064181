//! Record batches in an answer: one stretch of bytes or several, never null and never copied.

use std::fmt;

use bytes::Bytes;

use crate::codec;

/// The records of a Fetch answer: whole batches in one `Bytes` or in several (slices of the tail cache and of
/// segments), written one after the other without a copy.
///
/// Kafka's schema allows null here; a null broke a real client, so null decodes as empty and empty is what is
/// written. Two values are equal when their bytes are, however they are cut.
#[derive(Clone, Default)]
pub struct RecordBytes {
    /// Empty only when there are no records at all: the one stretch that decoding gives costs no allocation.
    first: Bytes,
    /// None of them empty.
    others: Vec<Bytes>,
}

impl RecordBytes {
    /// No records.
    pub fn new() -> RecordBytes {
        RecordBytes::default()
    }

    /// Appends batches that follow those already there.
    pub fn push(&mut self, segment: Bytes) {
        if self.first.is_empty() {
            self.first = segment;
        } else if !segment.is_empty() {
            self.others.push(segment);
        }
    }

    /// Bytes in all segments.
    pub fn len(&self) -> usize {
        self.segments().map(Bytes::len).sum()
    }

    /// True when there are no records.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The segments in order, none of them empty.
    pub fn segments(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.first).filter(|first| !first.is_empty()).chain(&self.others)
    }

    /// One `Bytes`; copies when there are several segments. Decoding gives at most one.
    pub fn into_bytes(self) -> Bytes {
        if self.others.is_empty() {
            return self.first;
        }
        codec::join(self.segments().cloned().collect())
    }
}

impl From<Bytes> for RecordBytes {
    fn from(bytes: Bytes) -> RecordBytes {
        RecordBytes { first: bytes, others: Vec::new() }
    }
}

impl From<Vec<Bytes>> for RecordBytes {
    fn from(segments: Vec<Bytes>) -> RecordBytes {
        let mut records = RecordBytes::new();
        segments.into_iter().for_each(|segment| records.push(segment));
        records
    }
}

impl PartialEq for RecordBytes {
    fn eq(&self, other: &RecordBytes) -> bool {
        self.len() == other.len() && self.segments().flatten().eq(other.segments().flatten())
    }
}

impl fmt::Debug for RecordBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes in {} segments>", self.len(), self.segments().count())
    }
}
