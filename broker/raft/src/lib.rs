//! The metadata quorum (KRaft) as a pure core: inputs in, effects out.
//!
//! [`Quorum::step`] takes what happened (a file is durable, records were appended, a sync finished) and returns
//! what to do about it. It never reads the log: it is told offsets. It knows no clock, disk, network or task, so
//! that every history of it can be written down and replayed (`testdata/`).
//!
//! - [`Quorum`]: the state machine; its file opens with the transition table.
//! - [`Request`] and [`Response`]: what replicas say to each other (Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch,
//!   FetchSnapshot), as values.
//! - [`LogView`]: what the quorum knows of the log.
//! - [`ElectionState`]: what must be durable, and its form in the file `quorum-state`.
//! - [`Voters`] and [`ReplicaKey`]: who votes. [`Config`] and [`Timeouts`]: what a replica is told at its start.

mod canvass;
mod config;
mod effect;
mod election;
mod json;
mod log_view;
mod message;
mod quorum;
mod role;
mod voters;

pub use config::{Config, Timeouts};
pub use effect::{Effect, Failure, Input, RequestId, Token};
pub use election::{ELECTION_FILE_BYTES_MAX, ELECTION_FILE_NAME, ElectionError, ElectionState};
pub use json::JsonError;
pub use log_view::{EpochEnd, EpochStart, LogView, SnapshotId, UnfitLog};
pub use message::{
    Answer, Batches, Fetch, FetchSnapshot, Records, Rejection, Request, Response, SnapshotPiece, Vote,
};
pub use quorum::{Placement, Quorum, Refusal};
pub use role::{Progress, RoleName};
pub use voters::{ReplicaKey, Voters};

#[cfg(test)]
#[path = "cluster_test.rs"]
mod cluster;
#[cfg(test)]
#[path = "succession_test.rs"]
mod succession;
#[cfg(test)]
#[path = "wiped_test.rs"]
mod wiped;
