//! What a replica must not forget about elections: the epoch, its vote in it, and who leads.
//!
//! Stored in the file `quorum-state`, one line of JSON as Kafka's `FileQuorumStateStore` writes it
//! (`QuorumStateData.json`): data_version 0, that of static voters; version 1, of KIP-853's dynamic ones, is read as well.
//!
//! The file is replaced, never changed: written beside, synced, renamed, and the directory synced. Reading
//! and writing files is the server's.

use crate::json::{self, JsonError, Value};
use crate::voters::ReplicaKey;
use model::{BrokerId, DirectoryId, LeaderEpoch, Uuid};
use std::fmt;

/// Name of the file in the metadata log's partition directory.
pub const ELECTION_FILE_NAME: &str = "quorum-state";
/// More than a sane file has: a version 0 file lists its voters.
pub const ELECTION_FILE_BYTES_MAX: usize = 64 * 1024;

/// A replica's durable knowledge of the current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElectionState {
    /// The highest epoch that this replica has heard of.
    pub epoch: LeaderEpoch,
    /// Who leads in it, once known.
    pub leader: Option<BrokerId>,
    /// Whom this replica voted for in it.
    pub voted: Option<ReplicaKey>,
}

/// The file is not a quorum state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionError {
    /// Longer than [`ELECTION_FILE_BYTES_MAX`].
    TooLong,
    /// Not JSON, or JSON that Kafka would not write.
    Json(JsonError),
    /// A field that its version needs is missing, or of the wrong type or out of range.
    Field(&'static str),
    /// A version that this program does not know.
    DataVersion(i64),
}

impl ElectionState {
    /// Before any election.
    pub const NONE: ElectionState = ElectionState { epoch: LeaderEpoch(0), leader: None, voted: None };

    /// The file's content, without a line end. Of whom this replica voted for the id remains: static voters have no more.
    pub fn encode(&self, voters: impl IntoIterator<Item = BrokerId>) -> String {
        let leader = self.leader.unwrap_or(BrokerId::NONE);
        let voted = self.voted.map_or(BrokerId::NONE, |voted| voted.id);
        let voters: Vec<String> = voters.into_iter().map(|id| format!("{{\"voterId\":{id}}}")).collect();
        format!(
            "{{\"clusterId\":\"\",\"leaderId\":{leader},\"leaderEpoch\":{},\"votedId\":{voted},\"appliedOffset\":0,\
             \"currentVoters\":[{}],\"data_version\":0}}",
            self.epoch,
            voters.join(",")
        )
    }

    /// Reads the file's content. As Kafka, looks at the first line only.
    pub fn decode(text: &str) -> Result<ElectionState, ElectionError> {
        if text.len() > ELECTION_FILE_BYTES_MAX {
            return Err(ElectionError::TooLong);
        }
        let line = text.lines().next().unwrap_or_default();
        let fields = Fields(json::object(line).map_err(ElectionError::Json)?);
        let data_version = fields.integer("data_version")?;
        let directory = match data_version {
            0 => None,
            1 => Some(fields.uuid("votedDirectoryId")?).filter(|uuid| *uuid != Uuid::ZERO).map(DirectoryId),
            version => return Err(ElectionError::DataVersion(version)),
        };
        let voted = fields.id("votedId")?.map(|id| ReplicaKey { id, directory });
        Ok(ElectionState { epoch: fields.epoch("leaderEpoch")?, leader: fields.id("leaderId")?, voted })
    }
}

struct Fields(Vec<(String, Value)>);

impl Fields {
    /// The last field of this name, as JSON libraries have it.
    fn get(&self, name: &'static str) -> Result<&Value, ElectionError> {
        let field = self.0.iter().rev().find(|(key, _)| key == name);
        field.map(|(_, value)| value).ok_or(ElectionError::Field(name))
    }

    fn integer(&self, name: &'static str) -> Result<i64, ElectionError> {
        match self.get(name)? {
            Value::Integer(integer) => Ok(*integer),
            _ => Err(ElectionError::Field(name)),
        }
    }

    fn uuid(&self, name: &'static str) -> Result<Uuid, ElectionError> {
        match self.get(name)? {
            Value::Text(text) => text.parse().map_err(|_| ElectionError::Field(name)),
            _ => Err(ElectionError::Field(name)),
        }
    }

    /// A node's id, or none for -1.
    fn id(&self, name: &'static str) -> Result<Option<BrokerId>, ElectionError> {
        match i32::try_from(self.integer(name)?) {
            Ok(-1) => Ok(None),
            Ok(id) if id >= 0 => Ok(Some(BrokerId(id))),
            _ => Err(ElectionError::Field(name)),
        }
    }

    fn epoch(&self, name: &'static str) -> Result<LeaderEpoch, ElectionError> {
        match i32::try_from(self.integer(name)?) {
            Ok(epoch) if epoch >= 0 => Ok(LeaderEpoch(epoch)),
            _ => Err(ElectionError::Field(name)),
        }
    }
}

impl fmt::Display for ElectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch={}", self.epoch)?;
        match self.voted {
            Some(voted) => write!(f, " voted={voted}")?,
            None => write!(f, " voted=none")?,
        }
        match self.leader {
            Some(leader) => write!(f, " leader={leader}"),
            None => write!(f, " leader=none"),
        }
    }
}

impl fmt::Display for ElectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElectionError::TooLong => write!(f, "longer than {ELECTION_FILE_BYTES_MAX} bytes"),
            ElectionError::Json(error) => error.fmt(f),
            ElectionError::Field(name) => write!(f, "field {name} is missing or malformed"),
            ElectionError::DataVersion(version) => write!(f, "data_version {version} is unknown"),
        }
    }
}

impl std::error::Error for ElectionError {}

#[cfg(test)]
#[path = "election_test.rs"]
mod tests;
