//! The wire formats against what others wrote: Kafka's schemas, another implementation, and strangers' bytes.
//!
//! `testdata/schemas` holds Kafka's own schemas of the messages declared so far (data, Apache-2.0, trunk of August
//! 2026). [`schema`] reads them, [`generate`] makes valid messages from them without any of our codec, and [`subject`]
//! lists what is declared. The tests in `tests/`:
//!
//! * `schemas`: every field of every declaration is the schema's.
//! * `round_trips`: a message made from the schema survives decoding and encoding byte for byte, at every version.
//! * `second_opinion`: the kafka-protocol crate reads and writes the same bytes.
//! * `golden`: records that Apache Kafka wrote are read, and written again they are its bytes.
//! * `fuzz`: arbitrary and mutated bytes neither panic nor allocate more than 64 KiB plus 32 times their length, also
//!   as the records of a batch whose checksum is right.
//!   `TIDEMARK_FUZZ_FRAMES=1000000` makes it a million frames.
//! * `readme`: README.md lists the APIs that are offered, no more and no fewer.
//! * `bombs`: batches that decompress to far more than they hold are looked at in fixed memory.

// Tests: schemas are read from files, and the number of fuzzed frames from the environment.
#![allow(clippy::disallowed_methods)]

pub mod allocator;
pub mod generate;
pub mod schema;
pub mod subject;
