//! Kafka's primitives, record batches, control records and metadata records.
//!
//! Pure: bytes in, values out and back. Nothing here knows a clock, a disk or a socket, and no decoder allocates
//! more than the bytes at hand pay for.
//!
//! - [`codec`]: [`codec::Reader`] and [`codec::Writer`], Kafka's primitives within bounds and without copies.
//! - [`message!`]: declares a message once; [`message::Message`] reads and writes it at any version.
//! - [`batch`]: record batches (magic 2) and the records in them. [`varint`] is the integers they are made of.
//! - [`control`]: control records, the broker's own notes in a log.
//! - [`metadata`]: the records of the metadata log.
//! - [`snapshot`]: what stands for a metadata log's beginning.

pub mod batch;
pub mod codec;
pub mod compression;
pub mod control;
pub mod message;
pub mod metadata;
pub mod snapshot;
pub mod varint;

pub use message::RecordBytes;
