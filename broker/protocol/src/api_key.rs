//! The names and numbers of Kafka's APIs, and the few that this broker offers.

use records::codec::ALLOCATION_FACTOR;
use records::message::{Message, Versions};

use crate::messages::{
    allocate_producer_ids, alter_partition, api_versions, begin_quorum_epoch, broker_heartbeat,
    broker_registration, controller_registration, create_partitions, create_topics, delete_topics,
    describe_cluster, describe_configs, describe_quorum, describe_topic_partitions, elect_leaders,
    end_quorum_epoch, envelope, fetch, fetch_snapshot, incremental_alter_configs, init_producer_id,
    list_offsets, list_partition_reassignments, metadata, offset_for_leader_epoch, produce,
    unregister_broker, vote,
};

macro_rules! api_keys {
    ($($name:ident = $key:literal),* $(,)?) => {
        /// An API of Kafka's protocol. `ApiKey::X as i16` is its number. Keys 4 to 7 are gone since Kafka 4.0.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $( #[doc = concat!("Key ", $key, ".")] $name = $key, )*
        }

        impl ApiKey {
            /// Every API, by ascending key.
            pub const ALL: &'static [ApiKey] = &[$(ApiKey::$name),*];

            /// The API of a number, if there is one.
            pub fn from_key(key: i16) -> Option<ApiKey> {
                match key {
                    $( $key => Some(ApiKey::$name), )*
                    _ => None,
                }
            }
        }
    };
}

api_keys! {
    Produce = 0, Fetch = 1, ListOffsets = 2, Metadata = 3, OffsetCommit = 8, OffsetFetch = 9, FindCoordinator = 10,
    JoinGroup = 11, Heartbeat = 12, LeaveGroup = 13, SyncGroup = 14, DescribeGroups = 15, ListGroups = 16,
    SaslHandshake = 17, ApiVersions = 18, CreateTopics = 19, DeleteTopics = 20, DeleteRecords = 21,
    InitProducerId = 22, OffsetForLeaderEpoch = 23, AddPartitionsToTxn = 24, AddOffsetsToTxn = 25, EndTxn = 26,
    WriteTxnMarkers = 27, TxnOffsetCommit = 28, DescribeAcls = 29, CreateAcls = 30, DeleteAcls = 31,
    DescribeConfigs = 32, AlterConfigs = 33, AlterReplicaLogDirs = 34, DescribeLogDirs = 35, SaslAuthenticate = 36,
    CreatePartitions = 37, CreateDelegationToken = 38, RenewDelegationToken = 39, ExpireDelegationToken = 40,
    DescribeDelegationToken = 41, DeleteGroups = 42, ElectLeaders = 43, IncrementalAlterConfigs = 44,
    AlterPartitionReassignments = 45, ListPartitionReassignments = 46, OffsetDelete = 47,
    DescribeClientQuotas = 48, AlterClientQuotas = 49, DescribeUserScramCredentials = 50,
    AlterUserScramCredentials = 51, Vote = 52, BeginQuorumEpoch = 53, EndQuorumEpoch = 54, DescribeQuorum = 55,
    AlterPartition = 56, UpdateFeatures = 57, Envelope = 58, FetchSnapshot = 59, DescribeCluster = 60,
    DescribeProducers = 61, BrokerRegistration = 62, BrokerHeartbeat = 63, UnregisterBroker = 64,
    DescribeTransactions = 65, ListTransactions = 66, AllocateProducerIds = 67, ConsumerGroupHeartbeat = 68,
    ConsumerGroupDescribe = 69, ControllerRegistration = 70, GetTelemetrySubscriptions = 71, PushTelemetry = 72,
    AssignReplicasToDirs = 73, ListConfigResources = 74, DescribeTopicPartitions = 75, ShareGroupHeartbeat = 76,
    ShareGroupDescribe = 77, ShareFetch = 78, ShareAcknowledge = 79, AddRaftVoter = 80, RemoveRaftVoter = 81,
    UpdateRaftVoter = 82, InitializeShareGroupState = 83, ReadShareGroupState = 84, WriteShareGroupState = 85,
    DeleteShareGroupState = 86, ReadShareGroupStateSummary = 87, StreamsGroupHeartbeat = 88,
    StreamsGroupDescribe = 89, DescribeShareGroupOffsets = 90, AlterShareGroupOffsets = 91,
    DeleteShareGroupOffsets = 92, StreamsGroupTopologyDescriptionUpdate = 93, UnregisterController = 94,
}

impl ApiKey {
    /// The flexible versions of the API's messages (KIP-482). `None` for an API that is not declared here.
    pub fn flexible(self) -> Option<Versions> {
        let schema = match self {
            ApiKey::Produce => produce::ProduceRequest::SCHEMA,
            ApiKey::Fetch => fetch::FetchRequest::SCHEMA,
            ApiKey::ListOffsets => list_offsets::ListOffsetsRequest::SCHEMA,
            ApiKey::Metadata => metadata::MetadataRequest::SCHEMA,
            ApiKey::ApiVersions => api_versions::ApiVersionsRequest::SCHEMA,
            ApiKey::CreateTopics => create_topics::CreateTopicsRequest::SCHEMA,
            ApiKey::DeleteTopics => delete_topics::DeleteTopicsRequest::SCHEMA,
            ApiKey::InitProducerId => init_producer_id::InitProducerIdRequest::SCHEMA,
            ApiKey::OffsetForLeaderEpoch => offset_for_leader_epoch::OffsetForLeaderEpochRequest::SCHEMA,
            ApiKey::DescribeConfigs => describe_configs::DescribeConfigsRequest::SCHEMA,
            ApiKey::CreatePartitions => create_partitions::CreatePartitionsRequest::SCHEMA,
            ApiKey::ElectLeaders => elect_leaders::ElectLeadersRequest::SCHEMA,
            ApiKey::IncrementalAlterConfigs => {
                incremental_alter_configs::IncrementalAlterConfigsRequest::SCHEMA
            }
            ApiKey::ListPartitionReassignments => {
                list_partition_reassignments::ListPartitionReassignmentsRequest::SCHEMA
            }
            ApiKey::Vote => vote::VoteRequest::SCHEMA,
            ApiKey::BeginQuorumEpoch => begin_quorum_epoch::BeginQuorumEpochRequest::SCHEMA,
            ApiKey::EndQuorumEpoch => end_quorum_epoch::EndQuorumEpochRequest::SCHEMA,
            ApiKey::DescribeQuorum => describe_quorum::DescribeQuorumRequest::SCHEMA,
            ApiKey::AlterPartition => alter_partition::AlterPartitionRequest::SCHEMA,
            ApiKey::Envelope => envelope::EnvelopeRequest::SCHEMA,
            ApiKey::FetchSnapshot => fetch_snapshot::FetchSnapshotRequest::SCHEMA,
            ApiKey::DescribeCluster => describe_cluster::DescribeClusterRequest::SCHEMA,
            ApiKey::BrokerRegistration => broker_registration::BrokerRegistrationRequest::SCHEMA,
            ApiKey::BrokerHeartbeat => broker_heartbeat::BrokerHeartbeatRequest::SCHEMA,
            ApiKey::UnregisterBroker => unregister_broker::UnregisterBrokerRequest::SCHEMA,
            ApiKey::AllocateProducerIds => allocate_producer_ids::AllocateProducerIdsRequest::SCHEMA,
            ApiKey::ControllerRegistration => controller_registration::ControllerRegistrationRequest::SCHEMA,
            ApiKey::DescribeTopicPartitions => {
                describe_topic_partitions::DescribeTopicPartitionsRequest::SCHEMA
            }
            _ => return None,
        };
        Some(schema.flexible)
    }
}

/// Bytes that decoding a Produce request may allocate for each byte of its body. Batches are slices of the frame, and
/// every partition that a producer names brings one, of 68 bytes at least: names and entries take less than their
/// request is long twice over. What names partitions without batches is no producer.
const PRODUCE_FACTOR: usize = 2;

impl ApiKey {
    /// Bytes that decoding a request may allocate for each byte of its body, beyond
    /// [`records::codec::ALLOCATION_FREE`].
    pub(crate) fn decoded_factor(self) -> usize {
        match self {
            ApiKey::Produce => PRODUCE_FACTOR,
            _ => ALLOCATION_FACTOR,
        }
    }

    /// Most bytes that decoding a request's body allocates, [`records::codec::ALLOCATION_FREE`] not counted: what to
    /// find room for before it is decoded. One that needs more is refused when it is.
    pub fn decoding_bytes_max(self, body_len: usize) -> usize {
        body_len.saturating_mul(self.decoded_factor())
    }
}

/// The versions of one API that a broker offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supported {
    /// The API.
    pub key: ApiKey,
    /// The lowest version to advertise in an ApiVersions answer.
    pub min: i16,
    /// The highest version.
    pub max: i16,
    /// The lowest version that is really served: `min`, but for Produce.
    pub served_min: i16,
}

impl Supported {
    /// True when a request of this version may be decoded and served.
    pub fn accepts(&self, version: i16) -> bool {
        self.served_min <= version && version <= self.max
    }

    const fn of(key: ApiKey, versions: Versions) -> Supported {
        Supported { key, min: versions.min, max: versions.max, served_min: versions.min }
    }
}

/// What this broker offers, by ascending key: every API that has a handler, and no other.
///
/// Produce is advertised from version 0 though versions below 3 are refused (KAFKA-18659): older librdkafka infers
/// from the range which compression it may use.
pub fn supported() -> &'static [Supported] {
    const TABLE: &[Supported] = &[
        Supported { min: 0, ..Supported::of(ApiKey::Produce, produce::ProduceRequest::SCHEMA.versions) },
        Supported::of(ApiKey::Fetch, fetch::FetchRequest::SCHEMA.versions),
        Supported::of(ApiKey::ListOffsets, list_offsets::ListOffsetsRequest::SCHEMA.versions),
        Supported::of(ApiKey::Metadata, metadata::MetadataRequest::SCHEMA.versions),
        Supported::of(ApiKey::ApiVersions, api_versions::ApiVersionsRequest::SCHEMA.versions),
        Supported::of(ApiKey::CreateTopics, create_topics::CreateTopicsRequest::SCHEMA.versions),
        Supported::of(ApiKey::DeleteTopics, delete_topics::DeleteTopicsRequest::SCHEMA.versions),
        // Version 6 is not stable in Kafka 4.3, which does not offer it unless told to.
        Supported {
            max: 5,
            ..Supported::of(ApiKey::InitProducerId, init_producer_id::InitProducerIdRequest::SCHEMA.versions)
        },
        Supported::of(
            ApiKey::OffsetForLeaderEpoch,
            offset_for_leader_epoch::OffsetForLeaderEpochRequest::SCHEMA.versions,
        ),
        Supported::of(ApiKey::DescribeConfigs, describe_configs::DescribeConfigsRequest::SCHEMA.versions),
        Supported::of(ApiKey::CreatePartitions, create_partitions::CreatePartitionsRequest::SCHEMA.versions),
        Supported::of(ApiKey::ElectLeaders, elect_leaders::ElectLeadersRequest::SCHEMA.versions),
        Supported::of(
            ApiKey::ListPartitionReassignments,
            list_partition_reassignments::ListPartitionReassignmentsRequest::SCHEMA.versions,
        ),
        Supported::of(ApiKey::DescribeQuorum, describe_quorum::DescribeQuorumRequest::SCHEMA.versions),
        Supported::of(ApiKey::DescribeCluster, describe_cluster::DescribeClusterRequest::SCHEMA.versions),
        Supported::of(ApiKey::UnregisterBroker, unregister_broker::UnregisterBrokerRequest::SCHEMA.versions),
        Supported::of(
            ApiKey::DescribeTopicPartitions,
            describe_topic_partitions::DescribeTopicPartitionsRequest::SCHEMA.versions,
        ),
    ];
    TABLE
}

/// What a controller's listener offers, by ascending key: the quorum's own questions, those of brokers, and changes that
/// a broker passes on. Fetch is of the metadata log only.
pub fn supported_by_controllers() -> &'static [Supported] {
    const TABLE: &[Supported] = &[
        Supported {
            min: 12,
            served_min: 12,
            ..Supported::of(ApiKey::Fetch, fetch::FetchRequest::SCHEMA.versions)
        },
        Supported::of(ApiKey::ApiVersions, api_versions::ApiVersionsRequest::SCHEMA.versions),
        Supported::of(ApiKey::CreateTopics, create_topics::CreateTopicsRequest::SCHEMA.versions),
        Supported::of(ApiKey::DeleteTopics, delete_topics::DeleteTopicsRequest::SCHEMA.versions),
        Supported::of(ApiKey::DescribeConfigs, describe_configs::DescribeConfigsRequest::SCHEMA.versions),
        Supported::of(ApiKey::CreatePartitions, create_partitions::CreatePartitionsRequest::SCHEMA.versions),
        Supported::of(ApiKey::ElectLeaders, elect_leaders::ElectLeadersRequest::SCHEMA.versions),
        Supported::of(
            ApiKey::ListPartitionReassignments,
            list_partition_reassignments::ListPartitionReassignmentsRequest::SCHEMA.versions,
        ),
        Supported::of(ApiKey::Vote, vote::VoteRequest::SCHEMA.versions),
        Supported::of(ApiKey::BeginQuorumEpoch, begin_quorum_epoch::BeginQuorumEpochRequest::SCHEMA.versions),
        Supported::of(ApiKey::EndQuorumEpoch, end_quorum_epoch::EndQuorumEpochRequest::SCHEMA.versions),
        Supported::of(ApiKey::DescribeQuorum, describe_quorum::DescribeQuorumRequest::SCHEMA.versions),
        Supported::of(ApiKey::AlterPartition, alter_partition::AlterPartitionRequest::SCHEMA.versions),
        Supported::of(ApiKey::Envelope, envelope::EnvelopeRequest::SCHEMA.versions),
        Supported::of(ApiKey::FetchSnapshot, fetch_snapshot::FetchSnapshotRequest::SCHEMA.versions),
        Supported::of(ApiKey::DescribeCluster, describe_cluster::DescribeClusterRequest::SCHEMA.versions),
        Supported::of(
            ApiKey::BrokerRegistration,
            broker_registration::BrokerRegistrationRequest::SCHEMA.versions,
        ),
        Supported::of(ApiKey::BrokerHeartbeat, broker_heartbeat::BrokerHeartbeatRequest::SCHEMA.versions),
        Supported::of(ApiKey::UnregisterBroker, unregister_broker::UnregisterBrokerRequest::SCHEMA.versions),
        Supported::of(
            ApiKey::AllocateProducerIds,
            allocate_producer_ids::AllocateProducerIdsRequest::SCHEMA.versions,
        ),
        Supported::of(
            ApiKey::ControllerRegistration,
            controller_registration::ControllerRegistrationRequest::SCHEMA.versions,
        ),
    ];
    TABLE
}
