//! What replicas of the metadata quorum say to each other, between values of `raft` and Kafka's messages.
//!
//! Pure functions, four for each message: a question becomes a request (`request`), a request becomes a question or an error
//! code (`read`), an answer becomes a response (`response`), a response becomes an answer or is [`Senseless`] (`answer`).
//!
//! | file | message | versions |
//! |---|---|---|
//! | `vote` | Vote | 0 to 2: 1 names directories (KIP-853), 2 knows pre-votes (KIP-996) |
//! | `begin_epoch` | BeginQuorumEpoch | 0 to 1: 1 tells where the leader listens (KIP-853) |
//! | `end_epoch` | EndQuorumEpoch | 0 to 1: the same |
//! | `fetch` | Fetch of `__cluster_metadata` | 12 to 18: 13 names the topic by id, 17 directories, 18 high watermarks (KIP-1166) |
//! | `fetch_snapshot` | FetchSnapshot | 0 to 1: 1 names directories, and tells where the leader listens |
//!
//! An error of the quorum, a [`Rejection`], stands beside the partition, with the epoch and its leader, as Kafka puts it. What is
//! wrong with a request before the quorum is asked (another cluster, another topic, another receiver, a number that can't be)
//! stands at the top of the response, which then says nothing of epochs: Kafka's replicas try again after a pause. Kafka itself
//! puts some of these beside the partition (INVALID_VOTER_KEY, INVALID_REQUEST of numbers, UNKNOWN_TOPIC_OR_PARTITION of a
//! snapshot), after it has taken in the epoch; a request for somebody else changes nothing here. An error at either
//! place is understood.
//!
//! Requests and responses come from strangers: whatever they hold, nothing panics, and nothing is held that the frame did
//! not pay for. Directories: the zero id is "none", as where voters are configured by id alone (`kraft.version` 0).

pub mod batches;
pub mod begin_epoch;
pub mod end_epoch;
pub mod fetch;
pub mod fetch_snapshot;
pub mod vote;

use batches::Unfit;
use controller::NodeEndpoint;
use model::{BrokerId, ClusterId, DirectoryId, LeaderEpoch, Uuid};
use protocol::ErrorCode;
use raft::{Rejection, ReplicaKey, Response};
use std::fmt;

/// The metadata log's one partition.
const PARTITION: i32 = 0;

/// Bytes that are given at most, whatever is asked for, but for a first batch, which comes whole.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;

/// This replica, as others know it.
#[derive(Clone, Debug)]
pub struct Local {
    /// The cluster's id: whoever names another one is refused.
    pub cluster: ClusterId,
    /// Who is addressed when a request comes here, and who asks when one leaves.
    pub me: ReplicaKey,
    /// Where this replica listens for the others.
    pub endpoints: Vec<NodeEndpoint>,
    /// How much it asks for at once.
    pub portions: Portions,
}

/// How much a replica asks its leader for at once, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portions {
    /// Of the log: `controller.quorum.fetch.max.bytes`.
    pub log: i32,
    /// Of a snapshot: `controller.quorum.fetch.snapshot.max.bytes`. At least 1.
    pub snapshot: i32,
}

/// A response that tells nothing. Whoever asked has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senseless {
    /// The question was not taken.
    Refused(ErrorCode),
    /// It is not about the metadata log's one partition.
    Partition,
    /// The number of this name can't be.
    Number(&'static str),
    /// The records are not what comes next in a log.
    Records(Unfit),
}

impl Local {
    fn check_cluster(&self, named: Option<&str>) -> Result<(), ErrorCode> {
        match named {
            Some(named) if *named != *self.cluster.0 => Err(ErrorCode::InconsistentClusterId),
            _ => Ok(()),
        }
    }

    /// Whether a request with this voter's key is meant for this replica. -1 names nobody, the zero directory any.
    fn check_voter(&self, id: i32, directory: Uuid) -> Result<(), ErrorCode> {
        let directory = directory_of(directory);
        let mine = id == self.me.id.0 && (directory.is_none() || directory == self.me.directory);
        if id < 0 || mine { Ok(()) } else { Err(ErrorCode::InvalidVoterKey) }
    }

    fn cluster_text(&self) -> Option<String> {
        Some(self.cluster.0.to_string())
    }
}

fn directory_of(id: Uuid) -> Option<DirectoryId> {
    (id != Uuid::ZERO).then_some(DirectoryId(id))
}

fn directory_id(directory: Option<DirectoryId>) -> Uuid {
    directory.map_or(Uuid::ZERO, |directory| directory.0)
}

/// Who asks. A negative id is nobody: an administrator's tool, which has no place in the quorum.
fn asker(id: i32, directory: Uuid) -> Result<ReplicaKey, ErrorCode> {
    if id < 0 {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(ReplicaKey { id: BrokerId(id), directory: directory_of(directory) })
}

/// The one element, if there is one and no other.
fn only<T>(list: Vec<T>) -> Option<T> {
    let mut list = list.into_iter();
    let first = list.next()?;
    list.next().is_none().then_some(first)
}

fn leader_id(response: &Response) -> i32 {
    response.leader.unwrap_or(BrokerId::NONE).0
}

/// Where the leader listens, if the version of the response has a place for it and the leader is known.
fn leader_at<'a>(response: &Response, endpoint: Option<&'a NodeEndpoint>) -> Option<(i32, &'a NodeEndpoint)> {
    Some((response.leader?.0, endpoint?))
}

/// The error code beside the partition.
fn rejection_code<T>(body: &Result<T, Rejection>) -> i16 {
    let code = match body {
        Ok(_) => ErrorCode::None,
        Err(Rejection::FencedEpoch) => ErrorCode::FencedLeaderEpoch,
        Err(Rejection::UnknownEpoch) => ErrorCode::UnknownLeaderEpoch,
        Err(Rejection::NotLeader) => ErrorCode::NotLeaderOrFollower,
        Err(Rejection::NotVoter) => ErrorCode::InconsistentVoterSet,
        Err(Rejection::Invalid) => ErrorCode::InvalidRequest,
        Err(Rejection::SnapshotNotFound) => ErrorCode::SnapshotNotFound,
        Err(Rejection::PositionOutOfRange) => ErrorCode::PositionOutOfRange,
    };
    code as i16
}

/// What the error code beside the partition says. One that no quorum gives says nothing.
fn rejection(code: i16) -> Result<Result<(), Rejection>, Senseless> {
    Ok(match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        ErrorCode::FencedLeaderEpoch => Err(Rejection::FencedEpoch),
        ErrorCode::UnknownLeaderEpoch => Err(Rejection::UnknownEpoch),
        ErrorCode::NotLeaderOrFollower => Err(Rejection::NotLeader),
        ErrorCode::InconsistentVoterSet => Err(Rejection::NotVoter),
        ErrorCode::InvalidRequest => Err(Rejection::Invalid),
        ErrorCode::SnapshotNotFound => Err(Rejection::SnapshotNotFound),
        ErrorCode::PositionOutOfRange => Err(Rejection::PositionOutOfRange),
        code => return Err(Senseless::Refused(code)),
    })
}

/// Refuses a response with an error at its top.
fn check_top(code: i16) -> Result<(), Senseless> {
    match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        code => Err(Senseless::Refused(code)),
    }
}

/// Who leads which epoch, as a response tells it. Any negative leader is none, as in Kafka.
fn standing(leader_id: i32, leader_epoch: i32) -> Result<(LeaderEpoch, Option<BrokerId>), Senseless> {
    if leader_epoch < 0 {
        return Err(Senseless::Number("leader epoch"));
    }
    Ok((LeaderEpoch(leader_epoch), (leader_id >= 0).then_some(BrokerId(leader_id))))
}

impl fmt::Display for Senseless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Senseless::Refused(code) => write!(f, "the question was refused: {code}"),
            Senseless::Partition => f.write_str("the answer is not about the metadata log"),
            Senseless::Number(name) => write!(f, "the answer's {name} can't be"),
            Senseless::Records(unfit) => write!(f, "the answer's records: {unfit}"),
        }
    }
}

impl std::error::Error for Senseless {}

#[cfg(test)]
#[path = "mod_golden.rs"]
mod golden;
#[cfg(test)]
#[path = "mod_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "mod_test.rs"]
mod tests;
