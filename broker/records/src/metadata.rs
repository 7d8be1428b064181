//! The records of the metadata log: what the cluster is, change by change (KIP-631).
//!
//! A record is framed by three unsigned varints, frame version 1, type and version, then its fields. All types of
//! Kafka's trunk of August 2026 are read, at every version. What is *written* is what a cluster at `metadata.version`
//! 4.3-IV0 ([`METADATA_VERSION`]) writes: version 4 of RegisterBrokerRecord (cordoned directories), 2 of
//! PartitionRecord and PartitionChangeRecord (eligible leader replicas), 0 of every other type; and of
//! BrokerRegistrationChangeRecord the lowest version that carries what it says, as Kafka's controller does.
//! UnregisterControllerRecord is read only: its feature level is 4.4-IV2.

mod brokers;
mod cluster;
mod security;
mod topics;

use std::fmt;

use bytes::Bytes;

use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::message::Message;

pub use brokers::*;
pub use cluster::*;
pub use security::*;
pub use topics::*;

/// The feature level `metadata.version` that records are written for: 4.3-IV0.
pub const METADATA_VERSION: i16 = 30;

/// The version of the frame around every record. 0 was a preview's; there is no other.
const FRAME_VERSION: u32 = 1;

/// Room that a record starts with.
const RECORD_BYTES: usize = 128;

/// Why bytes of the metadata log are not a record. Nothing after it may be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The frame ends early or holds a number that is too wide.
    Frame(DecodeError),
    /// The frame has a version that is not known.
    FrameVersion(u32),
    /// A type that is not known: the log was written for a newer `metadata.version`.
    UnknownType(u32),
    /// The fields are not what type and version say.
    Body {
        /// The record's name in Kafka's schemas.
        record: &'static str,
        /// Its version.
        version: i16,
        /// The field whose reading began last; empty before any.
        field: &'static str,
        /// What was wrong.
        cause: DecodeError,
    },
    /// Bytes follow the record.
    Garbage(usize),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::Frame(cause) => write!(f, "metadata record frame: {cause}"),
            RecordError::FrameVersion(version) => {
                write!(f, "metadata record frame of unknown version {version}")
            }
            RecordError::UnknownType(ty) => write!(f, "metadata record of unknown type {ty}"),
            RecordError::Body { record, version, field, cause } => {
                write!(f, "{record} version {version}, field {field:?}: {cause}")
            }
            RecordError::Garbage(count) => write!(f, "{count} bytes follow a metadata record"),
        }
    }
}

impl std::error::Error for RecordError {}

macro_rules! metadata_records {
    ($($(#[$doc:meta])* $variant:ident($record:ident) = $ty:literal, written $written:literal;)*) => {
        /// Any record of the metadata log.
        #[derive(Clone, Debug, PartialEq)]
        pub enum MetadataRecord {
            $( $(#[$doc])* $variant($record), )*
        }

        impl MetadataRecord {
            /// The type's number, Kafka's `apiKey`.
            pub fn record_type(&self) -> i16 {
                match self {
                    $( MetadataRecord::$variant(_) => $ty, )*
                }
            }

            /// The version of the type that a cluster at [`METADATA_VERSION`] knows.
            fn newest(&self) -> i16 {
                match self {
                    $( MetadataRecord::$variant(_) => $written, )*
                }
            }

            /// The declarations of all types, with their numbers.
            pub const SCHEMAS: &'static [(i16, &'static crate::message::Schema)] = &[$(($ty, $record::SCHEMA)),*];

            fn encode_body(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {
                match self {
                    $( MetadataRecord::$variant(record) => record.encode(writer, version), )*
                }
            }

            fn decode_body(ty: u32, reader: &mut Reader, version: i16) -> Result<MetadataRecord, RecordError> {
                match ty {
                    $( $ty => body(reader, version).map(MetadataRecord::$variant), )*
                    ty => Err(RecordError::UnknownType(ty)),
                }
            }
        }

        $(
            impl From<$record> for MetadataRecord {
                fn from(record: $record) -> MetadataRecord {
                    MetadataRecord::$variant(record)
                }
            }
        )*
    };
}

metadata_records! {
    /// A broker registers.
    RegisterBroker(RegisterBrokerRecord) = 0, written 4;
    /// A broker's registration ends.
    UnregisterBroker(UnregisterBrokerRecord) = 1, written 0;
    /// A topic is created.
    Topic(TopicRecord) = 2, written 0;
    /// A partition is created, or its whole state told by a snapshot.
    Partition(PartitionRecord) = 3, written 2;
    /// A configuration is set or deleted.
    Config(ConfigRecord) = 4, written 0;
    /// A partition changes.
    PartitionChange(PartitionChangeRecord) = 5, written 2;
    /// A broker is fenced; BrokerRegistrationChange since 3.3.
    FenceBroker(FenceBrokerRecord) = 7, written 0;
    /// A broker is unfenced; BrokerRegistrationChange since 3.3.
    UnfenceBroker(UnfenceBrokerRecord) = 8, written 0;
    /// A topic is deleted.
    RemoveTopic(RemoveTopicRecord) = 9, written 0;
    /// A delegation token.
    DelegationToken(DelegationTokenRecord) = 10, written 0;
    /// A SCRAM credential.
    UserScramCredential(UserScramCredentialRecord) = 11, written 0;
    /// A feature's level.
    FeatureLevel(FeatureLevelRecord) = 12, written 0;
    /// A quota.
    ClientQuota(ClientQuotaRecord) = 14, written 0;
    /// A block of producer ids.
    ProducerIds(ProducerIdsRecord) = 15, written 0;
    /// A broker's registration changes.
    BrokerRegistrationChange(BrokerRegistrationChangeRecord) = 17, written 3;
    /// An access rule.
    AccessControlEntry(AccessControlEntryRecord) = 18, written 0;
    /// An access rule is deleted.
    RemoveAccessControlEntry(RemoveAccessControlEntryRecord) = 19, written 0;
    /// Nothing, so that the log's end moves.
    NoOp(NoOpRecord) = 20, written 0;
    /// Where the migration from ZooKeeper stands.
    ZkMigrationState(ZkMigrationStateRecord) = 21, written 0;
    /// A SCRAM credential is deleted.
    RemoveUserScramCredential(RemoveUserScramCredentialRecord) = 22, written 0;
    /// A transaction of records begins.
    BeginTransaction(BeginTransactionRecord) = 23, written 0;
    /// It ends, and its records count.
    EndTransaction(EndTransactionRecord) = 24, written 0;
    /// It ends, and its records don't count.
    AbortTransaction(AbortTransactionRecord) = 25, written 0;
    /// A delegation token is deleted.
    RemoveDelegationToken(RemoveDelegationTokenRecord) = 26, written 0;
    /// A controller registers.
    RegisterController(RegisterControllerRecord) = 27, written 0;
    /// Eligible leader replicas are forgotten.
    ClearElr(ClearElrRecord) = 28, written 0;
    /// A controller's registration ends.
    UnregisterController(UnregisterControllerRecord) = 29, written 0;
}

impl MetadataRecord {
    /// The version that [`MetadataRecord::encode`] writes.
    pub fn version(&self) -> i16 {
        match self {
            MetadataRecord::BrokerRegistrationChange(record) => record.version(),
            other => other.newest(),
        }
    }

    /// The record as the value of a log record. Fails only on a text beyond 32767 bytes.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        self.encode_at(self.version())
    }

    /// The record at another version: for a cluster whose `metadata.version` is lower.
    pub fn encode_at(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::with_capacity(RECORD_BYTES);
        writer.uvarint(FRAME_VERSION);
        writer.uvarint(self.record_type() as u32);
        writer.uvarint(version as u32);
        self.encode_body(&mut writer, version)?;
        Ok(writer.into_bytes())
    }

    /// Reads the value of a log record: all of it, or it is an error.
    pub fn decode(value: Bytes) -> Result<MetadataRecord, RecordError> {
        let mut reader = Reader::new(value);
        let mut number = || reader.uvarint().map_err(RecordError::Frame);
        let frame_version = number()?;
        if frame_version != FRAME_VERSION {
            return Err(RecordError::FrameVersion(frame_version));
        }
        let ty = number()?;
        // A version beyond int16 is one that no record has.
        let version = i16::try_from(number()?).unwrap_or(i16::MAX);
        let record = MetadataRecord::decode_body(ty, &mut reader, version)?;
        match reader.remaining() {
            0 => Ok(record),
            count => Err(RecordError::Garbage(count)),
        }
    }
}

fn body<M: Message>(reader: &mut Reader, version: i16) -> Result<M, RecordError> {
    M::decode(reader, version).map_err(|cause| RecordError::Body {
        record: M::SCHEMA.name,
        version,
        field: reader.field(),
        cause,
    })
}

#[cfg(test)]
#[path = "metadata_test.rs"]
mod tests;
