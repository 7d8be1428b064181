//! The attribute bits of a batch: compression, whose clock, transactional, control, delete horizon.

use super::BatchError;
use model::config::TimestampType;

/// How the records of a batch are compressed. The number is the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Snappy blocks in the framing of xerial's Java library, or one bare block.
    Snappy = 2,
    /// The LZ4 frame format.
    Lz4 = 3,
    /// RFC 8878.
    Zstd = 4,
}

/// The attribute bits of a batch. Bits without a meaning are kept as they are.
///
/// ```text
/// 7-15 unused | 6 delete horizon | 5 control | 4 transactional | 3 timestamp type | 0-2 compression
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Attributes {
    /// Invariant: the lowest three bits name a known compression.
    bits: i16,
}

const COMPRESSION: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

impl Compression {
    /// The compression with this number, if there is one.
    pub fn from_id(id: u8) -> Option<Compression> {
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
            .get(usize::from(id))
            .copied()
    }

    /// Its name in Kafka's configuration (`compression.type`).
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }
}

impl Attributes {
    /// From the bits on the wire; refuses a compression that nobody has defined.
    pub fn from_bits(bits: i16) -> Result<Attributes, BatchError> {
        let id = (bits & COMPRESSION) as u8;
        if Compression::from_id(id).is_none() {
            return Err(BatchError::UnknownCompression(id));
        }
        Ok(Attributes { bits })
    }

    /// The bits on the wire.
    pub fn bits(self) -> i16 {
        self.bits
    }

    /// How the records are compressed.
    pub fn compression(self) -> Compression {
        Compression::from_id((self.bits & COMPRESSION) as u8).expect("checked when the bits were read")
    }

    /// Whose clock the timestamps are from.
    pub fn timestamp_type(self) -> TimestampType {
        match self.bits & LOG_APPEND_TIME {
            0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(self) -> bool {
        self.bits & TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which consumers never see.
    pub fn is_control(self) -> bool {
        self.bits & CONTROL != 0
    }

    /// Whether the base timestamp says when tombstones may go (KIP-534) instead of when the first record was made.
    pub fn has_delete_horizon(self) -> bool {
        self.bits & DELETE_HORIZON != 0
    }

    /// The same with another compression.
    pub fn with_compression(self, compression: Compression) -> Attributes {
        Attributes { bits: self.bits & !COMPRESSION | compression as i16 }
    }

    /// The same with another clock.
    pub fn with_timestamp_type(self, timestamp_type: TimestampType) -> Attributes {
        self.with(LOG_APPEND_TIME, timestamp_type == TimestampType::LogAppendTime)
    }

    /// The same, within a transaction or not.
    pub fn with_transactional(self, on: bool) -> Attributes {
        self.with(TRANSACTIONAL, on)
    }

    /// The same, holding control records or not.
    pub fn with_control(self, on: bool) -> Attributes {
        self.with(CONTROL, on)
    }

    /// The same, with the delete horizon in the base timestamp or not.
    pub fn with_delete_horizon(self, on: bool) -> Attributes {
        self.with(DELETE_HORIZON, on)
    }

    fn with(self, flag: i16, on: bool) -> Attributes {
        Attributes { bits: if on { self.bits | flag } else { self.bits & !flag } }
    }
}
