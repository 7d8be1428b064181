//! What a decide function answers: records and a reply, or a refusal.

use records::metadata::MetadataRecord;
use std::fmt;

/// Records to append as one atomic batch, and what to answer once they are committed. Without records the
/// answer may leave when everything before it is committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<T> {
    /// What changes, in the order in which it is to be appended and replayed.
    pub records: Vec<MetadataRecord>,
    /// What to answer.
    pub reply: T,
}

impl<T> Decision<T> {
    /// A decision that changes nothing.
    pub fn nothing(reply: T) -> Decision<T> {
        Decision { records: Vec::new(), reply }
    }
}

/// The kinds of refusals; the server has an error code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The node is not the active controller.
    NotController,
    /// INVALID_TOPIC_EXCEPTION: the name, or that it collides with another.
    InvalidTopic,
    /// TOPIC_ALREADY_EXISTS.
    TopicExists,
    /// INVALID_REQUEST.
    InvalidRequest,
    /// INVALID_PARTITIONS.
    InvalidPartitions,
    /// INVALID_REPLICATION_FACTOR.
    InvalidReplicationFactor,
    /// INVALID_REPLICA_ASSIGNMENT.
    InvalidReplicaAssignment,
    /// INVALID_CONFIG.
    InvalidConfig,
    /// POLICY_VIOLATION: too much for one request.
    PolicyViolation,
    /// INCONSISTENT_CLUSTER_ID.
    InconsistentClusterId,
    /// DUPLICATE_BROKER_REGISTRATION.
    DuplicateBrokerRegistration,
    /// INVALID_REGISTRATION.
    InvalidRegistration,
    /// UNSUPPORTED_VERSION: a finalized feature that the registering node lacks.
    UnsupportedVersion,
    /// STALE_BROKER_EPOCH.
    StaleBrokerEpoch,
    /// KAFKA_STORAGE_ERROR, which clients retry: decided, but the disk has no room for it now.
    Storage,
}

/// Why a request, or one topic of it, is refused: a kind for programs and a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub reason: Reason,
    /// The message, in Kafka's words where it has them.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Refusal {
        Refusal { reason, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Refusal {}
