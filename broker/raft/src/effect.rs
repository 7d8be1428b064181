//! What goes into the quorum and what comes out.

use crate::ElectionState;
use model::{DurableEnd, LeaderEpoch, LogEnd, Offset};
use records::control::LeaderChangeMessage;
use std::fmt;

/// Something that happened. (Proposals have an answer of their own: [`crate::Quorum::propose`].)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The process is ready: stand for election.
    Start,
    /// This state, which [`Effect::Persist`] asked for, is durable: the file and its name.
    Persisted(ElectionState),
    /// Records were appended to the log, everything below `end` is in it.
    Appended {
        /// One past the last record.
        end: LogEnd,
    },
    /// Records that the quorum had placed could not be appended.
    AppendFailed,
    /// A sync of the log finished.
    Synced {
        /// One past the last durable record.
        end: DurableEnd,
    },
    /// The process is about to stop: give leadership up.
    Resign,
}

/// Something to do, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make this state durable, then say [`Input::Persisted`]. Nothing that relies on it has left yet.
    Persist(ElectionState),
    /// Append this control record in a batch of its own, at this offset and in this epoch, and sync the log.
    AppendLeaderChange {
        /// Where: the end of the log.
        base: Offset,
        /// The new epoch.
        epoch: LeaderEpoch,
        /// The record.
        message: LeaderChangeMessage,
    },
    /// This node leads from now on: records may be proposed, but none of the new epoch is committed.
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
    /// Everything below this offset is committed.
    HighWatermark {
        /// One past the last committed record.
        to: Offset,
    },
    /// This node does not lead any more: what was proposed and is not committed may be lost.
    Resigned {
        /// In which epoch it did.
        epoch: LeaderEpoch,
    },
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Persist(state) => write!(f, "persist {state}"),
            Effect::AppendLeaderChange { base, epoch, message } => {
                let ids = |voters: &[records::control::LeaderChangeVoter]| {
                    voters.iter().map(|voter| voter.voter_id.to_string()).collect::<Vec<_>>().join(",")
                };
                let (voters, granting) = (ids(&message.voters), ids(&message.granting_voters));
                let leader = message.leader_id;
                write!(f, "append leader-change leader={leader} voters={voters} granting={granting}")?;
                write!(f, " at {base} in epoch {epoch}")
            }
            Effect::BecameLeader { epoch, start } => write!(f, "became leader of epoch {epoch} from {start}"),
            Effect::LeaderAccepted { epoch } => write!(f, "leader of epoch {epoch} accepted"),
            Effect::HighWatermark { to } => write!(f, "high watermark {to}"),
            Effect::Resigned { epoch } => write!(f, "resigned from epoch {epoch}"),
        }
    }
}
