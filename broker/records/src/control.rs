//! Control records: what the broker writes into logs for itself, and consumers skip.
//!
//! A control record's key is two int16, version and type; the type says what the value is. Transaction markers
//! (KIP-98) stand in data partitions, the others (KIP-595, 630, 853) in the metadata log and its snapshots. Types
//! unknown to this program are kept apart, not refused: Kafka adds some, and readers must pass over them.
//!
//! The schemas are Kafka's `clients/src/main/resources/common/message/*.json`.

use crate::batch::{BatchBuilder, Record};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::message::Message;
use bytes::Bytes;
use model::{LeaderEpoch, Offset, Timestamp};
use std::fmt;

crate::message! {
    /// The first record of every epoch of the metadata quorum: who leads, and by whose votes.
    pub struct LeaderChangeMessage("0-1", flexible "0+") {
        /// Version of this message; Kafka writes 0.
        version: i16, "0+";
        /// The newly elected leader.
        leader_id: i32, "0+";
        /// The voters of the epoch.
        voters: Vec<LeaderChangeVoter>, "0+";
        /// Those who voted for the leader.
        granting_voters: Vec<LeaderChangeVoter>, "0+";
    }
    /// A voter named by a [`LeaderChangeMessage`].
    pub struct LeaderChangeVoter {
        /// Its node id.
        voter_id: i32, "0+";
        /// Its metadata directory.
        voter_directory_id: model::Uuid, "1+";
    }

    /// The first record of a snapshot.
    pub struct SnapshotHeaderRecord("0", flexible "0+") {
        /// Version of this record.
        version: i16, "0+";
        /// Append time in milliseconds of the last record that the snapshot stands for.
        last_contained_log_timestamp: i64, "0+";
    }

    /// The last record of a snapshot: without it, the snapshot is not whole.
    pub struct SnapshotFooterRecord("0", flexible "0+") {
        /// Version of this record.
        version: i16, "0+";
    }

    /// The feature level `kraft.version` from here on.
    pub struct KRaftVersionRecord("0", flexible "0+") {
        /// Version of this record.
        version: i16, "0+";
        /// The level: 1 means that the voters stand in the log (KIP-853).
        k_raft_version: i16, "0+";
    }

    /// The voters from here on.
    pub struct VotersRecord("0", flexible "0+") {
        /// Version of this record.
        version: i16, "0+";
        /// The whole set.
        voters: Vec<Voter>, "0+";
    }
    /// A voter of a [`VotersRecord`].
    pub struct Voter {
        /// Its node id.
        voter_id: i32, "0+";
        /// Its metadata directory.
        voter_directory_id: model::Uuid, "0+";
        /// Where it listens.
        endpoints: Vec<VoterEndpoint>, "0+";
        /// The levels of `kraft.version` that it can run.
        k_raft_version_feature: KRaftVersionFeature, "0+";
    }
    /// One listener of a [`Voter`].
    pub struct VoterEndpoint {
        /// Name of the listener.
        name: String, "0+";
        /// Host name or address.
        host: String, "0+";
        /// Port.
        port: u16, "0+";
    }
    /// A range of levels, both ends included.
    pub struct KRaftVersionFeature {
        /// The lowest.
        min_supported_version: i16, "0+";
        /// The highest.
        max_supported_version: i16, "0+";
    }

    /// The end of a producer's transaction in a partition.
    pub struct EndTxnMarker("0") {
        /// Epoch of the coordinator that wrote it.
        coordinator_epoch: i32, "0+";
    }
}

/// A control record, by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlRecord {
    /// Type 0: the transaction was aborted.
    Abort(EndTxnMarker),
    /// Type 1: the transaction was committed.
    Commit(EndTxnMarker),
    /// Type 2.
    LeaderChange(LeaderChangeMessage),
    /// Type 3.
    SnapshotHeader(SnapshotHeaderRecord),
    /// Type 4.
    SnapshotFooter(SnapshotFooterRecord),
    /// Type 5.
    KRaftVersion(KRaftVersionRecord),
    /// Type 6.
    Voters(VotersRecord),
    /// A type that this program does not know, to be passed over.
    Unknown(i16),
}

/// The record in a control batch is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// No key, or one shorter than version and type.
    Key,
    /// A key or value version below zero.
    Version(i16),
    /// No value.
    NoValue,
    /// The value does not follow its type's schema.
    Value(DecodeError),
}

/// Version of the key schema, and of every value's.
const VERSION: i16 = 0;

impl ControlRecord {
    /// Reads the record of a control batch. As Kafka does, versions above those known are read as the highest
    /// known one: they may add fields but never take any away.
    pub fn decode(record: &Record) -> Result<ControlRecord, ControlError> {
        let key = record.key.as_deref().ok_or(ControlError::Key)?;
        let (version, rest) = key.split_first_chunk::<2>().ok_or(ControlError::Key)?;
        let kind = i16::from_be_bytes(*rest.first_chunk::<2>().ok_or(ControlError::Key)?);
        let version = i16::from_be_bytes(*version);
        if version < 0 {
            return Err(ControlError::Version(version));
        }
        if !(0..=6).contains(&kind) {
            return Ok(ControlRecord::Unknown(kind));
        }
        let mut reader = Reader::new(record.value.clone().ok_or(ControlError::NoValue)?);
        Ok(match kind {
            0 => ControlRecord::Abort(marker(&mut reader)?),
            1 => ControlRecord::Commit(marker(&mut reader)?),
            2 => ControlRecord::LeaderChange(value(&mut reader)?),
            3 => ControlRecord::SnapshotHeader(value(&mut reader)?),
            4 => ControlRecord::SnapshotFooter(value(&mut reader)?),
            5 => ControlRecord::KRaftVersion(value(&mut reader)?),
            _ => ControlRecord::Voters(value(&mut reader)?),
        })
    }

    /// The number of its type.
    pub fn kind(&self) -> i16 {
        match self {
            ControlRecord::Abort(_) => 0,
            ControlRecord::Commit(_) => 1,
            ControlRecord::LeaderChange(_) => 2,
            ControlRecord::SnapshotHeader(_) => 3,
            ControlRecord::SnapshotFooter(_) => 4,
            ControlRecord::KRaftVersion(_) => 5,
            ControlRecord::Voters(_) => 6,
            ControlRecord::Unknown(kind) => *kind,
        }
    }

    /// The record's key.
    pub fn key(&self) -> [u8; 4] {
        let [v0, v1] = VERSION.to_be_bytes();
        let [k0, k1] = self.kind().to_be_bytes();
        [v0, v1, k0, k1]
    }

    /// The record's value. Fails where a string or list is too long to be written. Panics for an unknown type.
    pub fn value(&self) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        match self {
            ControlRecord::Abort(marker) | ControlRecord::Commit(marker) => {
                // Of all values only this one has its version before it.
                writer.i16(VERSION);
                marker.encode(&mut writer, VERSION)?;
            }
            ControlRecord::LeaderChange(message) => message.encode(&mut writer, VERSION)?,
            ControlRecord::SnapshotHeader(message) => message.encode(&mut writer, VERSION)?,
            ControlRecord::SnapshotFooter(message) => message.encode(&mut writer, VERSION)?,
            ControlRecord::KRaftVersion(message) => message.encode(&mut writer, VERSION)?,
            ControlRecord::Voters(message) => message.encode(&mut writer, VERSION)?,
            ControlRecord::Unknown(kind) => panic!("control record of unknown type {kind} written"),
        }
        Ok(writer.into_bytes())
    }

    /// A control batch of these records, as the metadata log and its snapshots hold them.
    pub fn batch(
        records: &[ControlRecord],
        base_offset: Offset,
        epoch: LeaderEpoch,
        timestamp: Timestamp,
    ) -> Result<Bytes, EncodeError> {
        let mut builder = BatchBuilder::new(base_offset, epoch).control();
        for record in records {
            builder.push(timestamp, Some(&record.key()), Some(&record.value()?));
        }
        Ok(builder.build())
    }
}

fn value<M: Message>(reader: &mut Reader) -> Result<M, ControlError> {
    M::decode(reader, VERSION).map_err(ControlError::Value)
}

fn marker(reader: &mut Reader) -> Result<EndTxnMarker, ControlError> {
    let version = reader.i16().map_err(ControlError::Value)?;
    if version < 0 {
        return Err(ControlError::Version(version));
    }
    value(reader)
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlError::Key => f.write_str("control record without version and type in its key"),
            ControlError::Version(version) => write!(f, "control record of version {version}"),
            ControlError::NoValue => f.write_str("control record without a value"),
            ControlError::Value(error) => write!(f, "control record's value: {error}"),
        }
    }
}

impl std::error::Error for ControlError {}

#[cfg(test)]
#[path = "control_test.rs"]
mod tests;
