//! What lower floors refuse, as Kafka's error codes.

use crate::shard::inbox::Refused;
use controller::{Reason, Refusal};
use log::ReadError;
use log::producers;
use model::PartitionKey;
use protocol::ErrorCode;
use records::batch::{BatchError, ProduceRefusal, RecordProblem};
use tracing::{error, warn};

/// A read that failed.
pub fn read(partition: PartitionKey, error: &ReadError) -> ErrorCode {
    match error {
        // The log's start has moved past it since the read was planned.
        ReadError::Gone => ErrorCode::OffsetOutOfRange,
        ReadError::Disk(error) => {
            warn!(%partition, %error, "a read failed");
            ErrorCode::KafkaStorageError
        }
        ReadError::Corrupt { .. } => {
            error!(%partition, %error, "the log is corrupt");
            ErrorCode::CorruptMessage
        }
    }
}

/// A request to the controller that it refused.
pub fn controller(reason: Reason) -> ErrorCode {
    match reason {
        Reason::NotController => ErrorCode::NotController,
        Reason::InvalidTopic => ErrorCode::InvalidTopicException,
        Reason::TopicExists => ErrorCode::TopicAlreadyExists,
        Reason::InvalidRequest => ErrorCode::InvalidRequest,
        Reason::InvalidPartitions => ErrorCode::InvalidPartitions,
        Reason::InvalidReplicationFactor => ErrorCode::InvalidReplicationFactor,
        Reason::InvalidReplicaAssignment => ErrorCode::InvalidReplicaAssignment,
        Reason::InvalidConfig => ErrorCode::InvalidConfig,
        Reason::PolicyViolation => ErrorCode::PolicyViolation,
        Reason::InconsistentClusterId => ErrorCode::InconsistentClusterId,
        Reason::DuplicateBrokerRegistration => ErrorCode::DuplicateBrokerRegistration,
        Reason::InvalidRegistration => ErrorCode::InvalidRegistration,
        Reason::UnsupportedVersion => ErrorCode::UnsupportedVersion,
        Reason::StaleBrokerEpoch => ErrorCode::StaleBrokerEpoch,
        Reason::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
        Reason::UnknownTopicId => ErrorCode::UnknownTopicId,
        Reason::TopicDeletionDisabled => ErrorCode::TopicDeletionDisabled,
        Reason::BrokerIdNotRegistered => ErrorCode::BrokerIdNotRegistered,
        Reason::ElectionNotNeeded => ErrorCode::ElectionNotNeeded,
        Reason::PreferredLeaderNotAvailable => ErrorCode::PreferredLeaderNotAvailable,
        Reason::EligibleLeadersNotAvailable => ErrorCode::EligibleLeadersNotAvailable,
        Reason::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
        Reason::InvalidUpdateVersion => ErrorCode::InvalidUpdateVersion,
        Reason::IneligibleReplica => ErrorCode::IneligibleReplica,
        Reason::Unexpected => ErrorCode::UnknownServerError,
        Reason::Storage => ErrorCode::KafkaStorageError,
    }
}

/// Whether the controller's answer only says that another node is the active one.
pub fn is_not_controller<T>(outcome: &Result<T, Refusal>) -> bool {
    outcome.as_ref().is_err_and(|refusal| refusal.reason == Reason::NotController)
}

/// A partition in which too few replicas are in sync.
pub fn admission(why: replica::Refusal) -> ErrorCode {
    match why {
        replica::Refusal::NotEnoughReplicas { .. } => ErrorCode::NotEnoughReplicas,
    }
}

/// A follower that is none of this leader's, as far as it knows: one of the two is behind.
pub fn stranger(why: replica::Stranger) -> ErrorCode {
    match why {
        replica::Stranger::NotAReplica => ErrorCode::UnknownLeaderEpoch,
        replica::Stranger::Replaced => ErrorCode::NotLeaderOrFollower,
    }
}

/// A batch that a leader does not append.
///
/// Bytes that can't be told apart into batches, and a wrong checksum, are CORRUPT_MESSAGE, which producers send
/// again; a batch that arrived as it was sent and breaks a rule is INVALID_RECORD, which they give up on. A batch
/// cut short counts as none at all, and records malformed under a right checksum were written so: both break a rule.
pub fn produce(why: ProduceRefusal) -> Refused {
    let code = match why {
        ProduceRefusal::Corrupt(
            BatchError::Truncated { .. }
            | BatchError::NegativeLastOffsetDelta(_)
            | BatchError::OffsetOverflow
            | BatchError::Record { .. }
            | BatchError::BytesAfterRecords { .. },
        ) => ErrorCode::InvalidRecord,
        ProduceRefusal::Corrupt(_) => ErrorCode::CorruptMessage,
        ProduceRefusal::TooLarge { .. } => ErrorCode::MessageTooLarge,
        // The formats before 2 exist, but not in the versions of Produce served here.
        ProduceRefusal::Magic(0 | 1) => ErrorCode::InvalidRecord,
        ProduceRefusal::Magic(_) => ErrorCode::CorruptMessage,
        ProduceRefusal::ZstdTooEarly | ProduceRefusal::UnknownCompression(_) => {
            ErrorCode::UnsupportedCompressionType
        }
        ProduceRefusal::Timestamp(_) => ErrorCode::InvalidTimestamp,
        ProduceRefusal::NoBatch
        | ProduceRefusal::MoreThanOneBatch
        | ProduceRefusal::BaseOffset(_)
        | ProduceRefusal::NoRecords
        | ProduceRefusal::CountMismatch { .. }
        | ProduceRefusal::TooManyRecords { .. }
        | ProduceRefusal::ControlBatch
        | ProduceRefusal::LogAppendTime
        | ProduceRefusal::DeleteHorizon
        | ProduceRefusal::Sequence { .. }
        | ProduceRefusal::TransactionWithoutProducer
        | ProduceRefusal::NoKey { .. } => ErrorCode::InvalidRecord,
    };
    Refused { code, why: Some(why) }
}

/// A batch that an idempotent producer may not send now.
pub fn producer(why: producers::Refusal) -> Refused {
    let code = match why {
        producers::Refusal::StaleEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        producers::Refusal::OutOfOrder { .. } => ErrorCode::OutOfOrderSequenceNumber,
        producers::Refusal::NoTransaction | producers::Refusal::InTransaction => ErrorCode::InvalidTxnState,
    };
    code.into()
}

/// The index of the record for whose sake alone a batch was refused, if there is one: a producer then tells it from
/// the others, which it may send again (KIP-467).
pub fn record(why: ProduceRefusal) -> Option<i32> {
    match why {
        ProduceRefusal::NoKey { index }
        | ProduceRefusal::Corrupt(BatchError::Record { index, problem: RecordProblem::Offset }) => {
            i32::try_from(index).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "refusal_test.rs"]
mod tests;
