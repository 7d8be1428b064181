//! Everything that is declared, behind one type, so that a test is a loop.

use bytes::Bytes;
use protocol::messages::{
    allocate_producer_ids, alter_partition, api_versions, begin_quorum_epoch, broker_heartbeat,
    broker_registration, controller_registration, create_partitions, create_topics, delete_topics,
    describe_cluster, describe_configs, describe_quorum, describe_topic_partitions, elect_leaders,
    end_quorum_epoch, envelope, fetch, fetch_snapshot, incremental_alter_configs, init_producer_id,
    list_offsets, list_partition_reassignments, metadata, offset_for_leader_epoch, produce,
    unregister_broker, vote,
};
use protocol::{ApiKey, BodyError, Request};
use records::codec::{DecodeError, EncodeError, Reader, Writer};
use records::message::{Message, Schema};
use records::{control, metadata as log};

/// A declared message.
#[derive(Clone, Copy)]
pub struct Subject {
    /// The folder of its schema.
    pub folder: &'static str,
    /// Its table.
    pub schema: &'static Schema,
    /// Reads it, to be looked at.
    pub decode: fn(Bytes, i16) -> Result<Decoded, DecodeError>,
    /// Reads it and drops it: no memory but the decoder's.
    pub decode_only: fn(Bytes, i16) -> Result<(), DecodeError>,
}

/// A message that was read.
pub struct Decoded {
    /// Bytes that were left over.
    pub left: usize,
    /// Writes it at a version.
    pub encode: Box<dyn Fn(i16) -> Result<Bytes, EncodeError>>,
    /// True when the bytes of this version read as the same message.
    pub reads_as: Box<dyn Fn(Bytes, i16) -> bool>,
}

fn subject<M: Message>(folder: &'static str) -> Subject {
    let decode_only = |bytes, version| M::decode(&mut Reader::new(bytes), version).map(drop);
    Subject { folder, schema: M::SCHEMA, decode: decode::<M>, decode_only }
}

fn decode<M: Message>(bytes: Bytes, version: i16) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new(bytes);
    let message = M::decode(&mut reader, version)?;
    let other = message.clone();
    Ok(Decoded {
        left: reader.remaining(),
        encode: Box::new(move |version| {
            let mut writer = Writer::new();
            message.encode(&mut writer, version)?;
            Ok(writer.into_bytes())
        }),
        reads_as: Box::new(move |bytes, version| {
            M::decode(&mut Reader::new(bytes), version).as_ref() == Ok(&other)
        }),
    })
}

/// A request as a broker reads it.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Its API.
    pub key: ApiKey,
    /// Its table.
    pub schema: &'static Schema,
    /// Reads its body and drops it.
    pub decode_only: fn(Bytes, i16) -> Result<(), BodyError>,
}

fn asked<R: Request>() -> Asked {
    Asked {
        key: R::KEY,
        schema: R::SCHEMA,
        decode_only: |body, version| R::decode_body(body, version).map(drop),
    }
}

/// Requests.
pub fn requests() -> Vec<Asked> {
    vec![
        asked::<api_versions::ApiVersionsRequest>(),
        asked::<create_topics::CreateTopicsRequest>(),
        asked::<delete_topics::DeleteTopicsRequest>(),
        asked::<describe_configs::DescribeConfigsRequest>(),
        asked::<fetch::FetchRequest>(),
        asked::<list_offsets::ListOffsetsRequest>(),
        asked::<metadata::MetadataRequest>(),
        asked::<vote::VoteRequest>(),
        asked::<begin_quorum_epoch::BeginQuorumEpochRequest>(),
        asked::<end_quorum_epoch::EndQuorumEpochRequest>(),
        asked::<fetch_snapshot::FetchSnapshotRequest>(),
        asked::<describe_quorum::DescribeQuorumRequest>(),
        asked::<envelope::EnvelopeRequest>(),
        asked::<broker_registration::BrokerRegistrationRequest>(),
        asked::<broker_heartbeat::BrokerHeartbeatRequest>(),
        asked::<unregister_broker::UnregisterBrokerRequest>(),
        asked::<allocate_producer_ids::AllocateProducerIdsRequest>(),
        asked::<controller_registration::ControllerRegistrationRequest>(),
        asked::<describe_cluster::DescribeClusterRequest>(),
        asked::<init_producer_id::InitProducerIdRequest>(),
        asked::<offset_for_leader_epoch::OffsetForLeaderEpochRequest>(),
        asked::<elect_leaders::ElectLeadersRequest>(),
        asked::<alter_partition::AlterPartitionRequest>(),
        asked::<create_partitions::CreatePartitionsRequest>(),
        asked::<list_partition_reassignments::ListPartitionReassignmentsRequest>(),
        asked::<describe_topic_partitions::DescribeTopicPartitionsRequest>(),
        asked::<incremental_alter_configs::IncrementalAlterConfigsRequest>(),
        asked::<produce::ProduceRequest>(),
    ]
}

/// Requests and responses.
pub fn messages() -> Vec<Subject> {
    vec![
        subject::<api_versions::ApiVersionsRequest>("clients"),
        subject::<api_versions::ApiVersionsResponse>("clients"),
        subject::<create_topics::CreateTopicsRequest>("clients"),
        subject::<create_topics::CreateTopicsResponse>("clients"),
        subject::<delete_topics::DeleteTopicsRequest>("clients"),
        subject::<delete_topics::DeleteTopicsResponse>("clients"),
        subject::<describe_configs::DescribeConfigsRequest>("clients"),
        subject::<describe_configs::DescribeConfigsResponse>("clients"),
        subject::<fetch::FetchRequest>("clients"),
        subject::<fetch::FetchResponse>("clients"),
        subject::<list_offsets::ListOffsetsRequest>("clients"),
        subject::<list_offsets::ListOffsetsResponse>("clients"),
        subject::<metadata::MetadataRequest>("clients"),
        subject::<metadata::MetadataResponse>("clients"),
        subject::<vote::VoteRequest>("clients"),
        subject::<vote::VoteResponse>("clients"),
        subject::<begin_quorum_epoch::BeginQuorumEpochRequest>("clients"),
        subject::<begin_quorum_epoch::BeginQuorumEpochResponse>("clients"),
        subject::<end_quorum_epoch::EndQuorumEpochRequest>("clients"),
        subject::<end_quorum_epoch::EndQuorumEpochResponse>("clients"),
        subject::<fetch_snapshot::FetchSnapshotRequest>("clients"),
        subject::<fetch_snapshot::FetchSnapshotResponse>("clients"),
        subject::<describe_quorum::DescribeQuorumRequest>("clients"),
        subject::<describe_quorum::DescribeQuorumResponse>("clients"),
        subject::<envelope::EnvelopeRequest>("clients"),
        subject::<envelope::EnvelopeResponse>("clients"),
        subject::<broker_registration::BrokerRegistrationRequest>("clients"),
        subject::<broker_registration::BrokerRegistrationResponse>("clients"),
        subject::<broker_heartbeat::BrokerHeartbeatRequest>("clients"),
        subject::<broker_heartbeat::BrokerHeartbeatResponse>("clients"),
        subject::<unregister_broker::UnregisterBrokerRequest>("clients"),
        subject::<unregister_broker::UnregisterBrokerResponse>("clients"),
        subject::<allocate_producer_ids::AllocateProducerIdsRequest>("clients"),
        subject::<allocate_producer_ids::AllocateProducerIdsResponse>("clients"),
        subject::<controller_registration::ControllerRegistrationRequest>("clients"),
        subject::<controller_registration::ControllerRegistrationResponse>("clients"),
        subject::<describe_cluster::DescribeClusterRequest>("clients"),
        subject::<describe_cluster::DescribeClusterResponse>("clients"),
        subject::<init_producer_id::InitProducerIdRequest>("clients"),
        subject::<init_producer_id::InitProducerIdResponse>("clients"),
        subject::<offset_for_leader_epoch::OffsetForLeaderEpochRequest>("clients"),
        subject::<offset_for_leader_epoch::OffsetForLeaderEpochResponse>("clients"),
        subject::<elect_leaders::ElectLeadersRequest>("clients"),
        subject::<elect_leaders::ElectLeadersResponse>("clients"),
        subject::<alter_partition::AlterPartitionRequest>("clients"),
        subject::<alter_partition::AlterPartitionResponse>("clients"),
        subject::<create_partitions::CreatePartitionsRequest>("clients"),
        subject::<create_partitions::CreatePartitionsResponse>("clients"),
        subject::<list_partition_reassignments::ListPartitionReassignmentsRequest>("clients"),
        subject::<list_partition_reassignments::ListPartitionReassignmentsResponse>("clients"),
        subject::<describe_topic_partitions::DescribeTopicPartitionsRequest>("clients"),
        subject::<describe_topic_partitions::DescribeTopicPartitionsResponse>("clients"),
        subject::<incremental_alter_configs::IncrementalAlterConfigsRequest>("clients"),
        subject::<incremental_alter_configs::IncrementalAlterConfigsResponse>("clients"),
        subject::<produce::ProduceRequest>("clients"),
        subject::<produce::ProduceResponse>("clients"),
    ]
}

/// Control records.
pub fn control_records() -> Vec<Subject> {
    vec![
        subject::<control::LeaderChangeMessage>("clients"),
        subject::<control::SnapshotHeaderRecord>("clients"),
        subject::<control::SnapshotFooterRecord>("clients"),
        subject::<control::KRaftVersionRecord>("clients"),
        subject::<control::VotersRecord>("clients"),
        subject::<control::EndTxnMarker>("clients"),
    ]
}

/// Records of the metadata log, without their frames.
pub fn metadata_records() -> Vec<Subject> {
    vec![
        subject::<log::RegisterBrokerRecord>("metadata"),
        subject::<log::UnregisterBrokerRecord>("metadata"),
        subject::<log::TopicRecord>("metadata"),
        subject::<log::PartitionRecord>("metadata"),
        subject::<log::ConfigRecord>("metadata"),
        subject::<log::PartitionChangeRecord>("metadata"),
        subject::<log::FenceBrokerRecord>("metadata"),
        subject::<log::UnfenceBrokerRecord>("metadata"),
        subject::<log::RemoveTopicRecord>("metadata"),
        subject::<log::DelegationTokenRecord>("metadata"),
        subject::<log::UserScramCredentialRecord>("metadata"),
        subject::<log::FeatureLevelRecord>("metadata"),
        subject::<log::ClientQuotaRecord>("metadata"),
        subject::<log::ProducerIdsRecord>("metadata"),
        subject::<log::BrokerRegistrationChangeRecord>("metadata"),
        subject::<log::AccessControlEntryRecord>("metadata"),
        subject::<log::RemoveAccessControlEntryRecord>("metadata"),
        subject::<log::NoOpRecord>("metadata"),
        subject::<log::ZkMigrationStateRecord>("metadata"),
        subject::<log::RemoveUserScramCredentialRecord>("metadata"),
        subject::<log::BeginTransactionRecord>("metadata"),
        subject::<log::EndTransactionRecord>("metadata"),
        subject::<log::AbortTransactionRecord>("metadata"),
        subject::<log::RemoveDelegationTokenRecord>("metadata"),
        subject::<log::RegisterControllerRecord>("metadata"),
        subject::<log::ClearElrRecord>("metadata"),
        subject::<log::UnregisterControllerRecord>("metadata"),
    ]
}

/// All of them.
pub fn all() -> Vec<Subject> {
    [messages(), control_records(), metadata_records()].concat()
}
