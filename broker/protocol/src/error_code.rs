//! Kafka's error codes: numbers that clients act upon, so that a wrong one makes them retry what can't succeed or
//! give up what would have.
//!
//! Numbers, names and what may be retried are Kafka's (`Errors.java` and the exceptions it names, trunk of August
//! 2026); the sentences are ours and travel in `error_message` fields.

use std::fmt;

macro_rules! error_codes {
    ($($name:ident = $code:literal $($retriable:ident)?, $description:literal;)*) => {
        /// An error code of the protocol. `ErrorCode::X as i16` is its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $( #[doc = $description] $name = $code, )*
        }

        impl ErrorCode {
            /// Every code, by ascending number.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),*];

            /// One sentence for people.
            pub fn description(self) -> &'static str {
                match self {
                    $( ErrorCode::$name => $description, )*
                }
            }

            /// True when the same request may succeed later, perhaps after new metadata.
            pub fn is_retriable(self) -> bool {
                match self {
                    $( ErrorCode::$name => error_codes!(@retriable $($retriable)?), )*
                }
            }

            /// The code of a number; as in Kafka a number that is not known is an unknown server error.
            pub fn from_code(code: i16) -> ErrorCode {
                match code {
                    $( $code => ErrorCode::$name, )*
                    _ => ErrorCode::UnknownServerError,
                }
            }
        }
    };
    (@retriable) => { false };
    (@retriable retriable) => { true };
}

error_codes! {
    UnknownServerError = -1, "The server met a condition that it did not expect.";
    None = 0, "There is no error.";
    OffsetOutOfRange = 1, "The offset lies outside the partition's log.";
    CorruptMessage = 2 retriable, "The records are damaged: a checksum, a length or a required key is wrong.";
    UnknownTopicOrPartition = 3 retriable, "This broker knows no such topic or partition.";
    InvalidFetchSize = 4, "The size to fetch is not valid.";
    LeaderNotAvailable = 5 retriable, "The partition has no leader at the moment.";
    NotLeaderOrFollower = 6 retriable, "This broker is not the partition's leader, or holds no replica of it.";
    RequestTimedOut = 7 retriable, "The request was not done within its time.";
    BrokerNotAvailable = 8, "The broker is not available.";
    ReplicaNotAvailable = 9 retriable, "The replica is not available here.";
    MessageTooLarge = 10, "The batch is larger than the topic or the broker accepts.";
    StaleControllerEpoch = 11, "The controller has moved to another node.";
    OffsetMetadataTooLarge = 12, "The text that goes with a committed offset is too long.";
    NetworkException = 13 retriable, "The connection ended before the answer came.";
    CoordinatorLoadInProgress = 14 retriable, "The coordinator is still reading its state.";
    CoordinatorNotAvailable = 15 retriable, "There is no coordinator at the moment.";
    NotCoordinator = 16 retriable, "This broker is not the coordinator.";
    InvalidTopicException = 17, "The topic's name is not valid, or the operation is not allowed on it.";
    RecordListTooLarge = 18, "The records are larger than a segment of the log.";
    NotEnoughReplicas = 19 retriable, "Fewer replicas are in sync than the topic requires; nothing was written.";
    NotEnoughReplicasAfterAppend = 20 retriable, "The records were written, but to fewer replicas than required.";
    InvalidRequiredAcks = 21, "The number of acknowledgements asked for is not 0, 1 or -1.";
    IllegalGeneration = 22, "The group is not in the generation that the request names.";
    InconsistentGroupProtocol = 23, "The member and the group have no protocol in common.";
    InvalidGroupId = 24, "The group's id is not valid.";
    UnknownMemberId = 25, "The group has no such member.";
    InvalidSessionTimeout = 26, "The session timeout lies outside what the broker allows.";
    RebalanceInProgress = 27, "The group is rebalancing; the member has to join again.";
    InvalidCommitOffsetSize = 28, "The offsets to commit are too large.";
    TopicAuthorizationFailed = 29, "Access to the topic is denied.";
    GroupAuthorizationFailed = 30, "Access to the group is denied.";
    ClusterAuthorizationFailed = 31, "The operation on the cluster is denied.";
    InvalidTimestamp = 32, "A record's timestamp lies outside what the topic allows.";
    UnsupportedSaslMechanism = 33, "The broker does not offer this SASL mechanism.";
    IllegalSaslState = 34, "The request does not fit the state of authentication.";
    UnsupportedVersion = 35, "The broker does not offer this version of the API.";
    TopicAlreadyExists = 36, "A topic of this name exists.";
    InvalidPartitions = 37, "The number of partitions is not valid.";
    InvalidReplicationFactor = 38, "The replication factor is below one or above the number of brokers.";
    InvalidReplicaAssignment = 39, "The replicas are not assigned in a valid way.";
    InvalidConfig = 40, "A configuration is not valid.";
    NotController = 41 retriable, "This node is not the active controller.";
    InvalidRequest = 42, "The request contradicts itself or the protocol.";
    UnsupportedForMessageFormat = 43, "The format of the records does not allow the operation.";
    PolicyViolation = 44, "A policy of the cluster forbids the request.";
    OutOfOrderSequenceNumber = 45, "The batch does not follow the producer's last one.";
    DuplicateSequenceNumber = 46, "The batch was written before.";
    InvalidProducerEpoch = 47, "The producer's epoch is out of date.";
    InvalidTxnState = 48, "The transaction is not in a state that allows this.";
    InvalidProducerIdMapping = 49, "The producer id does not belong to the transactional id.";
    InvalidTransactionTimeout = 50, "The transaction timeout is above what the broker allows.";
    ConcurrentTransactions = 51 retriable, "Another operation on the transaction is still going on.";
    TransactionCoordinatorFenced = 52, "A newer transaction coordinator has taken over.";
    TransactionalIdAuthorizationFailed = 53, "Access to the transactional id is denied.";
    SecurityDisabled = 54, "Security is not enabled.";
    OperationNotAttempted = 55, "Another part of the request failed, so this one was not tried.";
    KafkaStorageError = 56 retriable, "The disk that holds the log failed.";
    LogDirNotFound = 57, "The broker has no such log directory.";
    SaslAuthenticationFailed = 58, "Authentication failed.";
    UnknownProducerId = 59, "Nothing is known of the producer any more.";
    ReassignmentInProgress = 60, "The partition is being reassigned.";
    DelegationTokenAuthDisabled = 61, "Delegation tokens are not enabled.";
    DelegationTokenNotFound = 62, "There is no such delegation token.";
    DelegationTokenOwnerMismatch = 63, "The delegation token belongs to someone else.";
    DelegationTokenRequestNotAllowed = 64, "Delegation tokens can't be handled on this kind of connection.";
    DelegationTokenAuthorizationFailed = 65, "Access to the delegation token is denied.";
    DelegationTokenExpired = 66, "The delegation token has expired.";
    InvalidPrincipalType = 67, "The type of principal is not known.";
    NonEmptyGroup = 68, "The group has members.";
    GroupIdNotFound = 69, "There is no such group.";
    FetchSessionIdNotFound = 70 retriable, "There is no such fetch session.";
    InvalidFetchSessionEpoch = 71 retriable, "The request does not follow the fetch session's last one.";
    ListenerNotFound = 72 retriable, "The partition's leader has no listener like the one that was asked.";
    TopicDeletionDisabled = 73, "Topics can't be deleted in this cluster.";
    FencedLeaderEpoch = 74 retriable, "The leader epoch in the request is older than the broker's.";
    UnknownLeaderEpoch = 75 retriable, "The leader epoch in the request is newer than the broker's.";
    UnsupportedCompressionType = 76, "The version of the request can't carry records compressed in this way.";
    StaleBrokerEpoch = 77, "The broker has registered anew since.";
    OffsetNotAvailable = 78 retriable, "The new leader's high watermark is not certain yet.";
    MemberIdRequired = 79, "The member has to join again with the id that this answer gives.";
    PreferredLeaderNotAvailable = 80 retriable, "The preferred leader is not available.";
    GroupMaxSizeReached = 81, "The group is full.";
    FencedInstanceId = 82, "Another member has taken over the static instance id.";
    EligibleLeadersNotAvailable = 83 retriable, "No replica that could lead is available.";
    ElectionNotNeeded = 84 retriable, "The partition needs no election.";
    NoReassignmentInProgress = 85, "The partition is not being reassigned.";
    GroupSubscribedToTopic = 86, "The group still reads the topic, so its offsets can't be deleted.";
    InvalidRecord = 87, "A record does not pass the broker's checks.";
    UnstableOffsetCommit = 88 retriable, "Offsets of an open transaction are not decided yet.";
    ThrottlingQuotaExceeded = 89 retriable, "A quota is used up.";
    ProducerFenced = 90, "A newer producer has the same transactional id.";
    ResourceNotFound = 91, "The request names something that does not exist.";
    DuplicateResource = 92, "The request names something twice.";
    UnacceptableCredential = 93, "The credential does not meet the requirements.";
    InconsistentVoterSet = 94, "Sender and receiver do not agree on who votes.";
    InvalidUpdateVersion = 95, "The version of the update is not valid.";
    FeatureUpdateFailed = 96, "The features could not be updated.";
    PrincipalDeserializationFailure = 97, "The principal of a forwarded request can't be read.";
    SnapshotNotFound = 98, "There is no such snapshot.";
    PositionOutOfRange = 99, "The position lies outside the snapshot.";
    UnknownTopicId = 100 retriable, "This broker knows no topic with this id.";
    DuplicateBrokerRegistration = 101, "Another live broker has this id.";
    BrokerIdNotRegistered = 102, "No broker with this id is registered.";
    InconsistentTopicId = 103 retriable, "The log belongs to another topic id than the request names.";
    InconsistentClusterId = 104, "The request is meant for another cluster.";
    TransactionalIdNotFound = 105, "There is no such transactional id.";
    FetchSessionTopicIdError = 106 retriable, "The fetch session mixes topic names and topic ids.";
    IneligibleReplica = 107, "A replica of the new in-sync set may not be in it.";
    NewLeaderElected = 108, "The partition was changed as asked, and has another leader by now.";
    OffsetMovedToTieredStorage = 109, "The offset is in tiered storage.";
    FencedMemberEpoch = 110, "The member's epoch is fenced; it has to give up its partitions and join again.";
    UnreleasedInstanceId = 111, "Another member still uses the static instance id.";
    UnsupportedAssignor = 112, "The group does not offer this assignor.";
    StaleMemberEpoch = 113, "The member's epoch is old; a heartbeat gives the new one.";
    MismatchedEndpointType = 114, "The request went to the wrong kind of endpoint.";
    UnsupportedEndpointType = 115, "The kind of endpoint is not supported.";
    UnknownControllerId = 116, "There is no controller with this id.";
    UnknownSubscriptionId = 117, "The telemetry subscription is not known or out of date.";
    TelemetryTooLarge = 118, "The telemetry is larger than the broker accepts.";
    InvalidRegistration = 119, "The controller refuses the broker's registration.";
    TransactionAbortable = 120, "The transaction failed; after an abort the producer can go on.";
    InvalidRecordState = 121, "The record is not in a state that can be acknowledged.";
    ShareSessionNotFound = 122 retriable, "There is no such share session.";
    InvalidShareSessionEpoch = 123 retriable, "The request does not follow the share session's last one.";
    FencedStateEpoch = 124, "The state epoch is not the one that the coordinator has.";
    InvalidVoterKey = 125, "The voter's key is not the receiver's.";
    DuplicateVoter = 126, "The node is a voter already.";
    VoterNotFound = 127, "The node is not a voter.";
    InvalidRegularExpression = 128, "The regular expression is not valid.";
    RebootstrapRequired = 129, "The client's metadata is out of date; it has to bootstrap again.";
    StreamsInvalidTopology = 130, "The topology is not valid.";
    StreamsInvalidTopologyEpoch = 131, "The topology's epoch is not valid.";
    StreamsTopologyFenced = 132, "The topology's epoch is out of date.";
    ShareSessionLimitReached = 133 retriable, "The broker has as many share sessions as it may.";
    GroupDeletionFailed = 134, "The group could not be deleted; its result says why.";
    StreamsTopologyDescriptionUpdateFailed = 135, "The topology's description could not be stored.";
    ControllerIdNotRegistered = 136, "No controller with this id is registered.";
}

impl From<ErrorCode> for i16 {
    fn from(code: ErrorCode) -> i16 {
        code as i16
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}({})", *self as i16)
    }
}

#[cfg(test)]
#[path = "error_code_test.rs"]
mod tests;
