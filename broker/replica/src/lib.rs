//! One partition's replication as a pure core: who is in sync, what is committed.
//!
//! A replica is told facts (bytes were appended, a sync finished, a follower fetched) and answers with what
//! follows from them. It knows no clock, disk or network, and never asks the log anything.
//!
//! - [`Leader`]: the leader's view of its partition, owner of the high watermark.
//! - [`Isr`]: the in-sync replicas, and whether they are enough.

mod isr;
mod leader;

pub use isr::Isr;
pub use leader::{Acks, Advance, Ends, Leader, Refusal};
