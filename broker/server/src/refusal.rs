//! What lower floors refuse, as Kafka's error codes.

use crate::shard::inbox::Refused;
use controller::Reason;
use log::ReadError;
use model::PartitionKey;
use protocol::ErrorCode;
use records::batch::ProduceRefusal;
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
    }
}

/// A batch that a leader does not append.
pub fn produce(why: ProduceRefusal) -> Refused {
    let code = match why {
        ProduceRefusal::Corrupt(_) => ErrorCode::CorruptMessage,
        ProduceRefusal::TooLarge { .. } => ErrorCode::MessageTooLarge,
        ProduceRefusal::Magic(_) => ErrorCode::UnsupportedForMessageFormat,
        ProduceRefusal::ZstdTooEarly | ProduceRefusal::UnknownCompression(_) => {
            ErrorCode::UnsupportedCompressionType
        }
        ProduceRefusal::Timestamp(_) => ErrorCode::InvalidTimestamp,
        ProduceRefusal::NoBatch
        | ProduceRefusal::MoreThanOneBatch
        | ProduceRefusal::BaseOffset(_)
        | ProduceRefusal::NoRecords
        | ProduceRefusal::CountMismatch { .. }
        | ProduceRefusal::ControlBatch
        | ProduceRefusal::LogAppendTime
        | ProduceRefusal::DeleteHorizon
        | ProduceRefusal::Sequence { .. }
        | ProduceRefusal::TransactionWithoutProducer
        | ProduceRefusal::NoKey { .. } => ErrorCode::InvalidRecord,
    };
    Refused { code, why: Some(why) }
}
