//! Record batches, format version 2 (Kafka's `DefaultRecordBatch`): the unit that is produced, stored, synced,
//! replicated and fetched, always as the same bytes.
//!
//! The broker works on the 61-byte header alone; nothing here opens compressed data unless [`records`] is
//! called. A batch looks like this, all integers big-endian:
//!
//! ```text
//!  0 base offset i64 | 8 length i32 | 12 leader epoch i32 | 16 magic i8 = 2 | 17 crc u32
//! 21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64
//! 43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 record count i32 | 61 records
//! ```
//!
//! `length` counts what follows it. The CRC-32C covers everything from the attributes on, so that a leader can
//! stamp base offset and leader epoch without reading the records again.

mod attributes;
mod builder;
mod copied;
mod crc;
mod error;
mod framing;
mod header;
mod produced;
mod record;
mod timeline;

pub use attributes::{Attributes, Compression};
pub use builder::{BatchBuilder, HeaderRef};
pub use copied::{Place, Unfit, check_copied};
pub use crc::{crc32c, crc32c_append};
pub use error::{BatchError, RecordProblem};
pub use framing::{Batches, frame, split};
pub use header::{BatchHeader, check_crc};
pub use model::config::TimestampType;
pub use produced::{ProduceRefusal, ProduceRules, Produced, check_produced};
pub use record::{DECOMPRESSED_BYTES_MAX, Header, Record, Records, records, records_capped};
pub use timeline::Timeline;

/// Bytes of a batch before its records.
pub const HEADER_LEN: usize = 61;
/// Bytes of a batch before what its length field counts: base offset and the length itself.
pub const LENGTH_PREFIX_LEN: usize = 12;
/// Where the bytes covered by the CRC begin.
pub const CRC_COVERS_FROM: usize = 21;
/// The only format version that is written or accepted.
pub const MAGIC: i8 = 2;

#[cfg(test)]
#[path = "batch_golden_test.rs"]
mod golden;
#[cfg(test)]
#[path = "batch_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "batch_test.rs"]
mod tests;
