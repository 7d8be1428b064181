//! What goes into the quorum and what comes out.

use crate::ElectionState;
use crate::log_view::SnapshotId;
use crate::message::{Batches, Request, Response, SnapshotPiece};
use model::{BrokerId, DurableEnd, LeaderEpoch, LogEnd, Offset};
use records::control::LeaderChangeMessage;
use std::fmt;

/// Names a request that this replica sent, to match its answer with. Never used twice by a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Names a request that this replica received and has to answer. Chosen by whoever received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// Something that happened. (Proposals have an answer of their own: [`crate::Quorum::propose`].)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The process is ready: take part.
    Start,
    /// Time has passed: [`crate::Quorum::next_deadline`] is here.
    Tick,
    /// A replica asks. It is answered by an [`Effect::Reply`] with the same token, at once or later.
    Request(Token, Request),
    /// The answer to an [`Effect::Send`]. Each gets an answer or a failure, once.
    Response(RequestId, Response),
    /// A request was not answered.
    Failed(RequestId, Failure),
    /// Records were appended to the log, everything below `end` is in it: the leader's own, or those of an
    /// [`Effect::Append`].
    Appended {
        /// One past the last record.
        end: LogEnd,
    },
    /// Records that the quorum had placed, or told to append, could not be appended.
    AppendFailed,
    /// A sync of the log finished.
    Synced {
        /// One past the last durable record.
        end: DurableEnd,
    },
    /// A snapshot of this replica's own log was taken, and is durable.
    SnapshotTaken(SnapshotId),
    /// The log's records below the end of this snapshot were removed.
    Trimmed(SnapshotId),
    /// An [`Effect::InstallSnapshot`] was carried out: the log begins, empty, where this snapshot ends.
    SnapshotInstalled(SnapshotId),
    /// A piece of this snapshot could not be written, or all of them together are no snapshot. What was written is
    /// lost, the log is as it was.
    SnapshotFailed(SnapshotId),
    /// The process is about to stop: give leadership up, and take no more part.
    Resign,
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens there: the process is gone.
    Refused,
    /// The connection broke, or could not be made.
    Lost,
    /// No answer came in time.
    TimedOut,
    /// Nor did any to questions that a process answers by itself: it stands still, or can't be reached.
    Mute,
}

/// Something to do. **Effects are carried out one after the other, each to its end before the next begins**: what
/// follows an [`Effect::Persist`] leaves when the state is durable. A process that dies, or whose disk fails, carries
/// out none of the rest.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make this state durable.
    Persist(ElectionState),
    /// Ask another replica, by this node's id. Say [`Input::Response`] or [`Input::Failed`] when that is known.
    Send(BrokerId, RequestId, Request),
    /// Answer a request that was received.
    Reply(Token, Response),
    /// Append this control record in a batch of its own, at this offset and in this epoch; then say
    /// [`Input::Appended`], and sync the log.
    AppendLeaderChange {
        /// Where: the end of the log.
        base: Offset,
        /// The new epoch.
        epoch: LeaderEpoch,
        /// The record.
        message: LeaderChangeMessage,
    },
    /// Append these batches of the leader's as they are; then say [`Input::Appended`], and sync the log.
    Append(Batches),
    /// Remove everything from this offset on from the log, durably: another leader's records come here.
    Truncate(Offset),
    /// Write this piece of a snapshot that is being fetched, in order; the first one begins a new file. Say
    /// [`Input::SnapshotFailed`] if that can't be done.
    WriteSnapshot(SnapshotPiece),
    /// The snapshot is complete: make it durable, replace the whole log by it, and load it; then say
    /// [`Input::SnapshotInstalled`], or [`Input::SnapshotFailed`].
    InstallSnapshot(SnapshotId),
    /// This replica leads from now on: records may be proposed, but none of the new epoch is committed.
    BecameLeader {
        /// In which epoch.
        epoch: LeaderEpoch,
        /// Offset of the epoch's first record.
        start: Offset,
    },
    /// The leader's first record is committed, and with it all before: the controller may take over.
    LeaderAccepted {
        /// In which epoch.
        epoch: LeaderEpoch,
    },
    /// This replica follows a leader from now on.
    BecameFollower {
        /// In which epoch.
        epoch: LeaderEpoch,
        /// Whom.
        leader: BrokerId,
    },
    /// Everything below this offset is committed.
    HighWatermark {
        /// One past the last committed record.
        to: Offset,
    },
    /// This replica does not lead any more: what was proposed and is not committed may be lost.
    Resigned {
        /// In which epoch it did.
        epoch: LeaderEpoch,
    },
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Persist(state) => write!(f, "persist {state}"),
            Effect::Send(to, id, request) => write!(f, "send #{} to {to}: {request}", id.0),
            Effect::Reply(token, response) => write!(f, "reply @{}: {response}", token.0),
            Effect::AppendLeaderChange { base, epoch, message } => {
                let ids = |voters: &[records::control::LeaderChangeVoter]| {
                    voters.iter().map(|voter| voter.voter_id.to_string()).collect::<Vec<_>>().join(",")
                };
                let (voters, granting) = (ids(&message.voters), ids(&message.granting_voters));
                let leader = message.leader_id;
                write!(f, "append leader-change leader={leader} voters={voters} granting={granting}")?;
                write!(f, " at {base} in epoch {epoch}")
            }
            Effect::Append(batches) => write!(f, "append {}..{}", batches.base, batches.end),
            Effect::Truncate(to) => write!(f, "truncate to {to}"),
            Effect::WriteSnapshot(piece) => {
                let SnapshotPiece { id, size, position, bytes } = piece;
                write!(f, "write snapshot {id} {position}..{} of {size}", position + bytes.len() as u64)
            }
            Effect::InstallSnapshot(id) => write!(f, "install snapshot {id}"),
            Effect::BecameLeader { epoch, start } => write!(f, "became leader of epoch {epoch} from {start}"),
            Effect::LeaderAccepted { epoch } => write!(f, "leader of epoch {epoch} accepted"),
            Effect::BecameFollower { epoch, leader } => write!(f, "follows {leader} in epoch {epoch}"),
            Effect::HighWatermark { to } => write!(f, "high watermark {to}"),
            Effect::Resigned { epoch } => write!(f, "resigned from epoch {epoch}"),
        }
    }
}
