//! A producer: records into batches, batches into the logs of their partitions' leaders, once and in order.
//!
//! ```text
//! handle ──record──▶ task ── core ┬ partitioner   which partition
//!    ▲                 │          ├ lane          one per partition: batches, sequences, what goes again and when
//!    └──its fate───────┘          └ requests      at most five under way per broker
//! ```
//!
//! Everything but `handle` and `task` is pure: time, metadata and random draws are arguments. What the lanes promise, and
//! what `core_prop` holds them to, is this. With idempotence (KIP-98, the default, where acks is all)
//!
//! * a record that is told as delivered is in the log once, and in the order in which records were given;
//! * a record that is told as *not* delivered, for sure, is not there and never will be;
//! * of any other nobody knows: it is there once or not at all.
//!
//! Without it, the first can be broken by what is sent again, as in Kafka.

mod batch;
mod core;
mod handle;
mod lane;
mod partitioner;
mod record;
mod requests;
mod rules;
mod task;
mod verdict;

pub use self::record::{Cause, Delivered, Record, Undelivered};
pub use handle::{Delivery, Producer};
pub use partitioner::murmur2;
pub use records::batch::Compression;
pub use rules::{Acks, ProducerConfig, RulesError};
