//! What an error code says about a batch: whether it goes again, and whether it may be in the log.
//!
//! The second is what a retry under another producer epoch would get wrong. *Definite* is what a broker decides before it
//! appends. Not: a timeout, too few replicas after the append, a failed disk, a leadership that was lost meanwhile.

use protocol::ErrorCode;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It is in the log; at this offset, if the broker told.
    Taken { base: Option<i64> },
    /// The broker says why not.
    Refused { code: ErrorCode, words: Option<String> },
    /// No answer: nobody knows.
    Lost,
    /// It has never left.
    Unsent,
}

/// What follows from an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has been in the log already.
    Duplicate,
    /// It does not follow what the broker has of this producer.
    OutOfOrder,
    /// The broker has nothing of this producer.
    Unknown,
    /// The broker has met a later incarnation of this producer.
    Fenced,
    /// It may succeed later, or elsewhere.
    Again {
        /// It may be in the log.
        doubt: bool,
    },
    /// It never will.
    Never {
        /// It may be in the log.
        doubt: bool,
    },
}

pub(super) fn judge(code: ErrorCode) -> Verdict {
    let doubt = !is_definite(code);
    match code {
        ErrorCode::DuplicateSequenceNumber => Verdict::Duplicate,
        ErrorCode::OutOfOrderSequenceNumber => Verdict::OutOfOrder,
        ErrorCode::UnknownProducerId => Verdict::Unknown,
        ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => Verdict::Fenced,
        code if code.is_retriable() => Verdict::Again { doubt },
        _ => Verdict::Never { doubt },
    }
}

/// Whether a partition's leader has moved, or the topic: metadata had better be asked for.
pub(super) fn is_about_metadata(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::NotLeaderOrFollower
            | E::LeaderNotAvailable
            | E::UnknownTopicOrPartition
            | E::UnknownTopicId
            | E::InconsistentTopicId
            | E::ReplicaNotAvailable
            | E::FencedLeaderEpoch
            | E::UnknownLeaderEpoch
            | E::KafkaStorageError
            | E::ListenerNotFound
            | E::NetworkException
    )
}

/// Whether a produce that was answered with this code has certainly left nothing in the log.
fn is_definite(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::CorruptMessage
            | E::UnknownTopicOrPartition
            | E::LeaderNotAvailable
            | E::ReplicaNotAvailable
            | E::MessageTooLarge
            | E::InvalidTopicException
            | E::RecordListTooLarge
            | E::NotEnoughReplicas
            | E::InvalidRequiredAcks
            | E::TopicAuthorizationFailed
            | E::ClusterAuthorizationFailed
            | E::InvalidTimestamp
            | E::UnsupportedVersion
            | E::InvalidRequest
            | E::UnsupportedForMessageFormat
            | E::PolicyViolation
            | E::OutOfOrderSequenceNumber
            | E::InvalidProducerEpoch
            | E::UnknownProducerId
            | E::FencedLeaderEpoch
            | E::UnknownLeaderEpoch
            | E::UnsupportedCompressionType
            | E::InvalidRecord
            | E::ThrottlingQuotaExceeded
            | E::ProducerFenced
            | E::UnknownTopicId
            | E::InconsistentTopicId
    )
}
