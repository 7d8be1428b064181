//! Follower: fetches from the epoch's leader.

use crate::effect::RequestId;
use crate::log_view::SnapshotId;
use crate::message::Batches;
use crate::voters::ReplicaKey;
use model::{BrokerId, Instant, Offset};

#[derive(Clone, Debug)]
pub(crate) struct Follower {
    /// Whom it follows.
    pub(crate) leader: BrokerId,
    /// Whom it voted for in this epoch.
    pub(crate) voted: Option<ReplicaKey>,
    /// When it gives the leader up: a fetch timeout after the leader was last heard.
    pub(crate) deadline: Instant,
    /// Whether the leader has been heard in this epoch and there is no sign that it is gone. Then others are told that
    /// they would not be elected.
    pub(crate) content: bool,
    /// What the leader has told to be committed. The own log may not have it yet.
    pub(crate) told_committed: Option<Offset>,
    /// Where the next records come from.
    pub(crate) fetching: Fetching,
}

/// How far the next records have come. Nothing is asked before everything in the log is durable: a fetch tells the
/// leader that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fetching {
    /// To be asked for, but not before this.
    NotBefore(Instant),
    /// Asked for.
    Waiting(RequestId),
    /// They are being appended.
    Appending(Batches),
    /// A snapshot comes first.
    Snapshot(Download),
    /// It is whole, and takes the place of the log.
    Installing(SnapshotId),
}

/// A snapshot that is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Download {
    pub(crate) id: SnapshotId,
    /// Bytes written so far.
    pub(crate) position: u64,
    /// The request on its way, if one is.
    pub(crate) waiting: Option<RequestId>,
    /// When to ask if none is.
    pub(crate) not_before: Instant,
}
