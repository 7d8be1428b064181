//! What replicas say to each other, as values: Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch and FetchSnapshot
//! (KIP-595, 630, 996) without their wire formats, which are the server's.

use crate::log_view::{EpochEnd, EpochStart, SnapshotId};
use crate::voters::ReplicaKey;
use bytes::Bytes;
use model::time::Duration;
use model::{BrokerId, LeaderEpoch, Offset};
use std::fmt;

/// A question from one replica to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Will you vote for me?
    Vote(Vote),
    /// I lead this epoch.
    BeginEpoch {
        /// The epoch.
        epoch: LeaderEpoch,
        /// Who leads it.
        leader: BrokerId,
    },
    /// I led this epoch and give it up.
    EndEpoch {
        /// The epoch.
        epoch: LeaderEpoch,
        /// Who led it.
        leader: BrokerId,
        /// Who should stand for election, the best first.
        successors: Vec<BrokerId>,
    },
    /// What comes after this in the log?
    Fetch(Fetch),
    /// A piece of a snapshot.
    FetchSnapshot(FetchSnapshot),
}

/// A candidate's plea.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The epoch of the election; of a pre-vote, the epoch that the asker is in.
    pub epoch: LeaderEpoch,
    /// Who asks.
    pub candidate: ReplicaKey,
    /// One past the last record of the asker's log, and that record's epoch.
    pub last: EpochEnd,
    /// Whether it only asks if it would be elected (KIP-996).
    pub pre_vote: bool,
}

/// A follower's question for more, and its word that everything below `from` is durable with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Who asks.
    pub replica: ReplicaKey,
    /// The epoch that the asker is in.
    pub epoch: LeaderEpoch,
    /// One past its last record.
    pub from: Offset,
    /// The epoch of that record; 0 without one.
    pub last_epoch: LeaderEpoch,
    /// What it knows to be committed (KIP-1166): a leader that knows more answers at once.
    pub high_watermark: Option<Offset>,
    /// How long the leader may wait for news.
    pub wait: Duration,
}

/// A follower's question for a piece of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchSnapshot {
    /// Who asks.
    pub replica: ReplicaKey,
    /// The epoch that the asker is in.
    pub epoch: LeaderEpoch,
    /// Which snapshot.
    pub id: SnapshotId,
    /// First byte wanted.
    pub position: u64,
}

/// An answer, with what the answering replica knows about who leads: that is told in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The epoch that the answering replica is in.
    pub epoch: LeaderEpoch,
    /// Who leads it, if known.
    pub leader: Option<BrokerId>,
    /// The answer, or why there is none.
    pub body: Result<Answer, Rejection>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a vote.
    Vote {
        /// Whether it is given.
        granted: bool,
    },
    /// To the beginning or the end of an epoch.
    Noted,
    /// To a fetch: what comes next.
    Records(Records),
    /// To a fetch: the logs differ before `from`. Up to here they may agree.
    Diverging(EpochEnd),
    /// To a fetch: what comes next is in this snapshot.
    Snapshot(SnapshotId),
    /// To a fetch of a snapshot.
    SnapshotPiece(SnapshotPiece),
}

/// The answer to a fetch that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The first offset asked for.
    pub from: Offset,
    /// What the leader knows to be committed.
    pub high_watermark: Option<Offset>,
    /// The batches. `None` as the quorum answers: whoever carries the answer reads them from the log, as many as
    /// fit, from `from` on; and `None` when there are none.
    pub batches: Option<Batches>,
}

/// Batches that follow each other, checked (length, CRC, offsets, epochs in order) by whoever received them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Their bytes.
    pub bytes: Bytes,
    /// First offset.
    pub base: Offset,
    /// One past the last offset.
    pub end: Offset,
    /// Each epoch in them and where it begins, in order.
    pub epochs: Vec<EpochStart>,
}

/// A piece of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPiece {
    /// Of which snapshot.
    pub id: SnapshotId,
    /// Bytes of the whole snapshot.
    pub size: u64,
    /// Where in it the piece begins.
    pub position: u64,
    /// The piece; read, as its size is, by whoever carries the answer, or found to be gone.
    pub bytes: Bytes,
}

/// Why a question is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
    /// The asker's epoch is over (FENCED_LEADER_EPOCH).
    FencedEpoch,
    /// The asker's epoch is not known here yet (UNKNOWN_LEADER_EPOCH).
    UnknownEpoch,
    /// This replica does not lead (NOT_LEADER_OR_FOLLOWER).
    NotLeader,
    /// The asker, or whom it names, is not a voter here (INCONSISTENT_VOTER_SET).
    NotVoter,
    /// It contradicts what is known (INVALID_REQUEST).
    Invalid,
    /// There is no such snapshot any more (SNAPSHOT_NOT_FOUND).
    SnapshotNotFound,
    /// The snapshot is shorter (POSITION_OUT_OF_RANGE).
    PositionOutOfRange,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Vote(Vote { epoch, last, pre_vote, .. }) => {
                let what = if *pre_vote { "pre-vote" } else { "vote" };
                write!(f, "{what} in epoch {epoch}, log ends at {} in {}", last.end, last.epoch)
            }
            Request::BeginEpoch { epoch, leader } => write!(f, "{leader} leads epoch {epoch}"),
            Request::EndEpoch { epoch, leader, successors } => {
                let successors: Vec<String> = successors.iter().map(BrokerId::to_string).collect();
                write!(f, "{leader} gives epoch {epoch} up, next {}", successors.join(","))
            }
            Request::Fetch(Fetch { epoch, from, last_epoch, .. }) => {
                write!(f, "fetch from {from} after {last_epoch} in epoch {epoch}")
            }
            Request::FetchSnapshot(FetchSnapshot { epoch, id, position, .. }) => {
                write!(f, "fetch snapshot {id} from {position} in epoch {epoch}")
            }
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Ok(Answer::Vote { granted: true }) => f.write_str("granted"),
            Ok(Answer::Vote { granted: false }) => f.write_str("not granted"),
            Ok(Answer::Noted) => f.write_str("noted"),
            Ok(Answer::Records(Records { from, high_watermark, .. })) => {
                write!(f, "records from {from}, committed ")?;
                match high_watermark {
                    Some(offset) => write!(f, "{offset}"),
                    None => f.write_str("unknown"),
                }
            }
            Ok(Answer::Diverging(EpochEnd { epoch, end })) => write!(f, "diverging, {epoch} ends at {end}"),
            Ok(Answer::Snapshot(id)) => write!(f, "snapshot {id}"),
            Ok(Answer::SnapshotPiece(SnapshotPiece { id, position, .. })) => {
                write!(f, "snapshot {id} from {position}")
            }
            Err(rejection) => write!(f, "{rejection:?}"),
        }?;
        match self.leader {
            Some(leader) => write!(f, " (epoch {} of {leader})", self.epoch),
            None => write!(f, " (epoch {})", self.epoch),
        }
    }
}
