//! What can be wrong with the bytes of a batch.

use crate::compression::CompressionError;
use std::fmt;

/// The bytes are not a batch that Tidemark can store or read. Nothing here is a bug of the broker: bytes come
/// from clients, peers and disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// Fewer bytes than the batch says it has, or than any batch has.
    Truncated {
        /// Bytes needed, as far as known.
        needed: usize,
        /// Bytes at hand.
        have: usize,
    },
    /// More bytes than the batch says it has.
    TrailingBytes {
        /// How many more.
        extra: usize,
    },
    /// Another format version than 2. Versions 0 and 1 are what producers sent before Kafka 0.11.
    UnsupportedMagic(i8),
    /// The length field counts less than a header.
    LengthTooSmall(i32),
    /// A base offset below zero.
    NegativeBaseOffset(i64),
    /// The last offset is not an int64.
    OffsetOverflow,
    /// A last offset delta below zero.
    NegativeLastOffsetDelta(i32),
    /// A record count below zero, or of more records than the batch has offsets.
    CountOutOfRange {
        /// Records claimed.
        count: i32,
        /// Highest offset within the batch, counted from its base.
        last_offset_delta: i32,
    },
    /// A number for the compression that nobody has defined.
    UnknownCompression(u8),
    /// The checksum does not match: bits changed on the way or on the disk.
    CrcMismatch {
        /// In the header.
        stored: u32,
        /// Of the bytes.
        computed: u32,
    },
    /// The compressed records can't be decompressed.
    Compression(CompressionError),
    /// One record is malformed.
    Record {
        /// Its index within the batch.
        index: u32,
        /// What is wrong with it.
        problem: RecordProblem,
    },
    /// Bytes are left after the last record.
    BytesAfterRecords {
        /// How many.
        extra: usize,
    },
}

/// What is wrong with one record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordProblem {
    /// The batch ends within it.
    Truncated,
    /// A variable-length integer is wider than its type.
    Varint,
    /// Its length is negative, or a field runs past it, or it ends before its length.
    Length,
    /// A header has no key, or there are more headers (or fewer than none) than bytes for them.
    Headers,
    /// Its timestamp is not an int64.
    Timestamp,
    /// Its offset lies outside the batch, or not behind the record before it.
    Offset,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BatchError::Truncated { needed, have } => {
                write!(f, "batch truncated: {needed} bytes needed, {have} at hand")
            }
            BatchError::TrailingBytes { extra } => write!(f, "{extra} bytes after the batch"),
            BatchError::UnsupportedMagic(magic) => {
                write!(f, "record format version {magic} is not supported")
            }
            BatchError::LengthTooSmall(length) => write!(f, "batch length {length} is less than a header"),
            BatchError::NegativeBaseOffset(offset) => write!(f, "base offset {offset} is negative"),
            BatchError::OffsetOverflow => f.write_str("the last offset is beyond the highest offset"),
            BatchError::NegativeLastOffsetDelta(delta) => write!(f, "last offset delta {delta} is negative"),
            BatchError::CountOutOfRange { count, last_offset_delta } => {
                write!(f, "{count} records can't be in a batch with last offset delta {last_offset_delta}")
            }
            BatchError::UnknownCompression(id) => write!(f, "compression {id} is unknown"),
            BatchError::CrcMismatch { stored, computed } => {
                write!(f, "checksum mismatch: stored {stored:#010x}, computed {computed:#010x}")
            }
            BatchError::Compression(error) => write!(f, "records can't be decompressed: {error}"),
            BatchError::Record { index, problem } => write!(f, "record {index} of the batch: {problem}"),
            BatchError::BytesAfterRecords { extra } => write!(f, "{extra} bytes after the last record"),
        }
    }
}

impl std::error::Error for BatchError {}

impl fmt::Display for RecordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordProblem::Truncated => "the batch ends within it",
            RecordProblem::Varint => "an integer is wider than its type",
            RecordProblem::Length => "its length does not match its fields",
            RecordProblem::Headers => "its headers are malformed",
            RecordProblem::Timestamp => "its timestamp is out of range",
            RecordProblem::Offset => "its offset is out of order",
        })
    }
}
