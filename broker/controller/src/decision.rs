//! What a decide function answers: records and a reply, or a refusal.
//!
//! **Batches.** Most decisions are one batch: all of it is appended, or nothing. Those whose size a broker's
//! partitions give may be too large for that, and can be appended batch by batch, as long as nothing else is appended
//! between them. Their records are in an order in which every prefix leaves an image that can be worked with, and
//! from which whoever leads next comes to the same end by itself:
//!
//! ```text
//!   a broker goes (fence, new incarnation, unregister):  partitions first, the broker's record last
//!       cut short, it is there still and in session, holds less, and is fenced again or registers again
//!   a broker comes, or is on its way down:               the broker's record first, partitions after it
//!       cut short, partitions without a leader, or led by it still, are looked at again with its next heartbeat
//!   leaders move (elections on request, balance):        partitions in any order, each of them by itself
//! ```
//!
//! So no prefix has a leader that is fenced, and none has a broker available that was not when it was decided.

use records::metadata::MetadataRecord;
use std::fmt;

/// Whether a decision stands or falls as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    /// Its records are one batch. No more than [`RECORDS_MAX`] of them.
    Whole,
    /// Any prefix of its records may be appended before the rest, and is safe if the rest never is.
    Prefixes,
}

/// The most records that one batch may have, Kafka's bound.
pub const RECORDS_MAX: usize = 10_000;

/// Records to append, and what to answer once all of them are committed. Without records the answer may leave when
/// everything before it is committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<T> {
    /// What changes, in the order in which it is to be appended and replayed.
    pub records: Vec<MetadataRecord>,
    /// Whether they are one batch.
    pub atomicity: Atomicity,
    /// What to answer.
    pub reply: T,
}

impl<T> Decision<T> {
    /// A decision that changes nothing.
    pub fn nothing(reply: T) -> Decision<T> {
        Decision::whole(Vec::new(), reply)
    }

    /// Records that count together or not at all.
    pub(crate) fn whole(records: Vec<MetadataRecord>, reply: T) -> Decision<T> {
        assert!(records.len() <= RECORDS_MAX, "{} records in one batch", records.len());
        Decision { records, atomicity: Atomicity::Whole, reply }
    }

    /// Records of which every prefix is safe.
    pub(crate) fn prefixes(records: Vec<MetadataRecord>, reply: T) -> Decision<T> {
        Decision { records, atomicity: Atomicity::Prefixes, reply }
    }

    /// The batches to append, one after the other and nothing between them; none when nothing changes. A decision
    /// that is whole is one batch, others are cut after every `records_max` records.
    pub fn batches(&self, records_max: usize) -> impl Iterator<Item = &[MetadataRecord]> {
        assert!(records_max > 0, "a batch has room for a record");
        let size = match self.atomicity {
            Atomicity::Whole => self.records.len().max(1),
            Atomicity::Prefixes => records_max.min(RECORDS_MAX),
        };
        self.records.chunks(size)
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
    /// UNKNOWN_TOPIC_OR_PARTITION.
    UnknownTopicOrPartition,
    /// UNKNOWN_TOPIC_ID.
    UnknownTopicId,
    /// TOPIC_DELETION_DISABLED; versions of DeleteTopics below 3 know it as INVALID_REQUEST.
    TopicDeletionDisabled,
    /// BROKER_ID_NOT_REGISTERED.
    BrokerIdNotRegistered,
    /// ELECTION_NOT_NEEDED.
    ElectionNotNeeded,
    /// PREFERRED_LEADER_NOT_AVAILABLE.
    PreferredLeaderNotAvailable,
    /// ELIGIBLE_LEADERS_NOT_AVAILABLE.
    EligibleLeadersNotAvailable,
    /// FENCED_LEADER_EPOCH.
    FencedLeaderEpoch,
    /// INVALID_UPDATE_VERSION.
    InvalidUpdateVersion,
    /// INELIGIBLE_REPLICA.
    IneligibleReplica,
    /// UNKNOWN_SERVER_ERROR: nothing that the asker could mend.
    Unexpected,
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
