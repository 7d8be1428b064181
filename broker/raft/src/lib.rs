//! The metadata quorum (KRaft) as a pure core: inputs in, effects out.
//!
//! [`Quorum::step`] takes what happened (a file is durable, records were appended, a sync finished) and returns
//! what to do about it. It never reads the log: it is told offsets. It knows no clock, disk, network or task, so
//! that every history of it can be written down and replayed (`testdata/`).
//!
//! So far a quorum has one voter; the roles, the election state and the rule for the high watermark are those
//! of the full protocol (KIP-595), in which more voters only take longer to agree.
//!
//! - [`Quorum`]: the state machine; its file opens with the transition table.
//! - [`ElectionState`]: what must be durable, and its form in the file `quorum-state`.
//! - [`Voters`] and [`ReplicaKey`]: who votes.

mod effect;
mod election;
mod json;
mod quorum;
mod role;
mod voters;

pub use effect::{Effect, Input};
pub use election::{ELECTION_FILE_BYTES_MAX, ELECTION_FILE_NAME, ElectionError, ElectionState};
pub use json::JsonError;
pub use quorum::{Config, LogTail, Placement, Quorum, Refusal, Unsupported};
pub use role::RoleName;
pub use voters::{ReplicaKey, Voters};
