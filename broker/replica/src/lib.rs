//! One partition's replication as a pure core: who is in sync, what is committed.
//!
//! A replica is told facts (bytes were appended, a sync finished, a follower fetched) and answers with what
//! follows from them. It knows no clock, disk or network, and never asks the log anything.
//!
//! - [`Leader`]: the leader's view of its partition, owner of the high watermark.
//! - [`Follower`]: a follower's view: where it fetches from, and what it does with the answer.
//! - [`Isr`]: the in-sync replicas, and whether they are enough.
//! - [`fit`]: whether two logs agree, told by the ends of their epochs.

mod divergence;
mod follower;
mod isr;
mod leader;
mod membership;
mod remote;

pub use divergence::{Fit, fit};
pub use follower::{Answer, Follower, Found, Todo};
pub use isr::Isr;
pub use leader::{Acks, Advance, Ends, Leader, Leadership, Refusal, Rules, Step, Stranger};
pub use membership::{Proposal, Verdict};
pub use remote::Fetched;

#[cfg(test)]
mod cluster_prop;
