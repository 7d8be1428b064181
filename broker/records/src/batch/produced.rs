//! What a leader demands of a batch that a client sends: Kafka's `ProduceRequest.validateRecords`,
//! `UnifiedLog.analyzeAndValidateRecords` and `LogValidator`, for format version 2.
//!
//! Kafka opens compressed batches here to look at every record. Tidemark does not: the header is believed as far
//! as it agrees with itself, and the records of a compressed batch are the consumer's to decode. Records that are
//! not compressed are walked, without allocating.

use super::record::RawRecord;
use super::{
    BatchError, BatchHeader, Compression, HEADER_LEN, RecordProblem, TimestampType, check_crc, frame,
};
use bytes::Bytes;
use model::{Offset, Timestamp};
use std::fmt;

/// Records that one produced batch may claim: what 100 MB of the shortest records hold uncompressed. A claim
/// costs offsets, of which a log's segment has 2^31.
pub const RECORDS_MAX: i32 = 1 << 24;

/// What a topic and a request's version demand of a produced batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProduceRules {
    /// The wall clock, against which timestamps are judged.
    pub now: Timestamp,
    /// `max.message.bytes`: the size of a whole batch.
    pub batch_bytes_max: usize,
    /// `message.timestamp.type`: with the broker's clock, the producer's timestamps don't matter.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub after_max_ms: i64,
    /// Whether the request's version may carry zstd: Produce 7 and above.
    pub zstd: bool,
    /// Whether each record needs a key (`cleanup.policy=compact`). Seen in uncompressed batches only.
    pub keys: bool,
}

/// A batch that a leader may append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced {
    /// Its header: what to write in place of the first 61 bytes of `batch`. It differs from them where the
    /// client told a wrong max timestamp, which Kafka corrects as well.
    pub header: BatchHeader,
    /// All of its bytes, as they came.
    pub batch: Bytes,
}

/// Why a produced batch is not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProduceRefusal {
    /// No batch at all.
    NoBatch,
    /// More than one batch for a partition.
    MoreThanOneBatch,
    /// Not a batch, or one whose checksum does not match, or malformed records.
    Corrupt(BatchError),
    /// A format version that a producer may no longer send.
    Magic(i8),
    /// Larger than the topic allows.
    TooLarge {
        /// Bytes of the batch.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A compression that nobody has defined.
    UnknownCompression(u8),
    /// zstd in a request too old for it.
    ZstdTooEarly,
    /// A base offset other than 0: the leader assigns offsets.
    BaseOffset(i64),
    /// No records.
    NoRecords,
    /// More records than a batch may claim: a compressed one's claim can't be checked without opening it.
    TooManyRecords {
        /// Records claimed.
        count: i32,
    },
    /// Another number of records than of offsets.
    CountMismatch {
        /// Records claimed.
        count: i32,
        /// Highest offset within the batch, counted from its base.
        last_offset_delta: i32,
    },
    /// Control records are the broker's.
    ControlBatch,
    /// The time of the append is the broker's to set.
    LogAppendTime,
    /// A delete horizon is the log cleaner's to set.
    DeleteHorizon,
    /// An idempotent producer's batch without sequence number or epoch.
    Sequence {
        /// The producer's epoch.
        epoch: i16,
        /// Sequence number of the first record.
        base_sequence: i32,
    },
    /// A transaction without a producer to own it.
    TransactionWithoutProducer,
    /// A timestamp below -1, or too far from now.
    Timestamp(i64),
    /// A record without a key where compaction needs one.
    NoKey {
        /// Its index within the batch.
        index: u32,
    },
}

/// Checks what one partition of a Produce request carries: exactly one batch, whole and worth appending.
///
/// The order of the checks is Kafka's where it shows: what is too large or corrupt is said to be that first.
pub fn check_produced(bytes: &Bytes, rules: &ProduceRules) -> Result<Produced, ProduceRefusal> {
    if bytes.is_empty() {
        return Err(ProduceRefusal::NoBatch);
    }
    let total = frame(bytes).map_err(ProduceRefusal::from)?;
    if total < bytes.len() {
        return Err(match frame(&bytes[total..]) {
            Ok(_) => ProduceRefusal::MoreThanOneBatch,
            Err(_) => ProduceRefusal::Corrupt(BatchError::TrailingBytes { extra: bytes.len() - total }),
        });
    }
    if total > rules.batch_bytes_max {
        return Err(ProduceRefusal::TooLarge { bytes: total, max: rules.batch_bytes_max });
    }
    check_crc(bytes).map_err(ProduceRefusal::from)?;
    let mut header = BatchHeader::parse(bytes).map_err(ProduceRefusal::from)?;
    check_header(&header, rules)?;
    if header.compression() == Compression::None {
        let records = &bytes[HEADER_LEN..];
        let max_timestamp = walk(&header, records, rules)?;
        if max_timestamp != header.max_timestamp {
            header.max_timestamp = max_timestamp;
            header.crc = header.computed_crc(records);
        }
    }
    Ok(Produced { header, batch: bytes.clone() })
}

/// Checks what the header alone says.
fn check_header(header: &BatchHeader, rules: &ProduceRules) -> Result<(), ProduceRefusal> {
    let (count, last_offset_delta) = (header.record_count, header.last_offset_delta);
    if header.compression() == Compression::Zstd && !rules.zstd {
        return Err(ProduceRefusal::ZstdTooEarly);
    }
    if header.base_offset != Offset::ZERO {
        return Err(ProduceRefusal::BaseOffset(header.base_offset.0));
    }
    if count == 0 {
        return Err(ProduceRefusal::NoRecords);
    }
    if count > RECORDS_MAX {
        return Err(ProduceRefusal::TooManyRecords { count });
    }
    if i64::from(count) != i64::from(last_offset_delta) + 1 {
        return Err(ProduceRefusal::CountMismatch { count, last_offset_delta });
    }
    if header.is_control() {
        return Err(ProduceRefusal::ControlBatch);
    }
    if header.attributes.has_delete_horizon() {
        return Err(ProduceRefusal::DeleteHorizon);
    }
    if header.timestamp_type() == TimestampType::LogAppendTime {
        return Err(ProduceRefusal::LogAppendTime);
    }
    check_producer(header)?;
    check_timestamp(header.base_timestamp, rules)?;
    check_timestamp(header.max_timestamp, rules)
}

/// A producer id comes with an epoch and a sequence number, and a transaction with a producer id.
fn check_producer(header: &BatchHeader) -> Result<(), ProduceRefusal> {
    let (epoch, base_sequence) = (header.producer_epoch, header.base_sequence);
    if !header.has_producer_id() {
        return if header.is_transactional() {
            Err(ProduceRefusal::TransactionWithoutProducer)
        } else {
            Ok(())
        };
    }
    if epoch < 0 || base_sequence < 0 {
        return Err(ProduceRefusal::Sequence { epoch, base_sequence });
    }
    Ok(())
}

fn check_timestamp(timestamp: Timestamp, rules: &ProduceRules) -> Result<(), ProduceRefusal> {
    if timestamp == Timestamp::NONE || rules.timestamp_type == TimestampType::LogAppendTime {
        return Ok(());
    }
    let ahead_ms = timestamp.0.saturating_sub(rules.now.0);
    let behind_ms = rules.now.0.saturating_sub(timestamp.0);
    if timestamp < Timestamp::NONE || ahead_ms > rules.after_max_ms || behind_ms > rules.before_max_ms {
        return Err(ProduceRefusal::Timestamp(timestamp.0));
    }
    Ok(())
}

/// Walks over uncompressed records without allocating, and returns their highest timestamp.
fn walk(header: &BatchHeader, mut rest: &[u8], rules: &ProduceRules) -> Result<Timestamp, ProduceRefusal> {
    let mut max_timestamp = Timestamp::NONE;
    for index in 0..header.record_count as u32 {
        let malformed = |problem| ProduceRefusal::Corrupt(BatchError::Record { index, problem });
        let record = RawRecord::read(&mut rest).map_err(malformed)?;
        record.check_headers().map_err(malformed)?;
        if record.offset_delta != index as i32 {
            return Err(malformed(RecordProblem::Offset));
        }
        let timestamp = record.timestamp(header).map_err(malformed)?;
        check_timestamp(timestamp, rules)?;
        max_timestamp = max_timestamp.max(timestamp);
        if rules.keys && record.key.is_none() {
            return Err(ProduceRefusal::NoKey { index });
        }
    }
    if !rest.is_empty() {
        return Err(ProduceRefusal::Corrupt(BatchError::BytesAfterRecords { extra: rest.len() }));
    }
    Ok(max_timestamp)
}

impl From<BatchError> for ProduceRefusal {
    fn from(error: BatchError) -> ProduceRefusal {
        match error {
            BatchError::UnsupportedMagic(magic) => ProduceRefusal::Magic(magic),
            BatchError::UnknownCompression(id) => ProduceRefusal::UnknownCompression(id),
            BatchError::NegativeBaseOffset(offset) => ProduceRefusal::BaseOffset(offset),
            BatchError::CountOutOfRange { count, last_offset_delta } => {
                ProduceRefusal::CountMismatch { count, last_offset_delta }
            }
            error => ProduceRefusal::Corrupt(error),
        }
    }
}

impl fmt::Display for ProduceRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ProduceRefusal::NoBatch => f.write_str("no record batch"),
            ProduceRefusal::MoreThanOneBatch => f.write_str("more than one record batch for a partition"),
            ProduceRefusal::Corrupt(error) => error.fmt(f),
            ProduceRefusal::Magic(magic) => write!(f, "record format version {magic} is no longer accepted"),
            ProduceRefusal::TooLarge { bytes, max } => write!(f, "batch of {bytes} bytes, {max} allowed"),
            ProduceRefusal::UnknownCompression(id) => write!(f, "compression {id} is unknown"),
            ProduceRefusal::ZstdTooEarly => f.write_str("zstd needs Produce version 7 or above"),
            ProduceRefusal::BaseOffset(offset) => write!(f, "base offset {offset}, 0 expected"),
            ProduceRefusal::NoRecords => f.write_str("batch without records"),
            ProduceRefusal::TooManyRecords { count } => write!(f, "{count} records in one batch"),
            ProduceRefusal::CountMismatch { count, last_offset_delta } => {
                write!(f, "{count} records with last offset delta {last_offset_delta}")
            }
            ProduceRefusal::ControlBatch => f.write_str("clients may not write control records"),
            ProduceRefusal::LogAppendTime => f.write_str("clients may not set LogAppendTime"),
            ProduceRefusal::DeleteHorizon => f.write_str("clients may not set a delete horizon"),
            ProduceRefusal::Sequence { epoch, base_sequence } => {
                write!(f, "producer id with epoch {epoch} and sequence number {base_sequence}")
            }
            ProduceRefusal::TransactionWithoutProducer => f.write_str("transactional without producer id"),
            ProduceRefusal::Timestamp(timestamp) => write!(f, "timestamp {timestamp} is out of range"),
            ProduceRefusal::NoKey { index } => write!(f, "record {index} has no key in a compacted topic"),
        }
    }
}

impl std::error::Error for ProduceRefusal {}
