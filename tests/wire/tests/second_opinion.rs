//! The kafka-protocol crate, generated from Kafka 4.1's schemas by other people, reads and writes the same bytes.
//!
//! A message made from the schema goes through both codecs; both must give back the same bytes. Versions that the
//! crate does not have are left to `round_trips`.

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable, Message as TheirMessage};
use protocol::messages::{
    allocate_producer_ids, alter_partition, api_versions, begin_quorum_epoch, broker_heartbeat,
    broker_registration, controller_registration, create_partitions, create_topics, delete_topics,
    describe_cluster, describe_configs, describe_quorum, describe_topic_partitions, elect_leaders,
    end_quorum_epoch, envelope, fetch, fetch_snapshot, incremental_alter_configs, init_producer_id,
    list_offsets, list_partition_reassignments, metadata, offset_for_leader_epoch, produce,
    unregister_broker, vote,
};
use protocol::{
    ApiKey, Frame, Message, Request, RequestHeader, request_header_version, response_header_version,
};
use records::codec::{Reader, Writer};
use tidemark_wire_tests::generate::{Draws, Style, message};
use tidemark_wire_tests::schema::load;

/// Messages of each kind and version.
const MESSAGES: usize = 200;

/// Compares the codecs; answers with the versions that both have.
fn agree<Ours: Message, Theirs: TheirMessage + Encodable + Decodable>() -> (i16, i16) {
    agree_on::<Ours, Theirs>(|_, _| {})
}

/// Compares the codecs on messages that `adapt` may change before.
fn agree_on<Ours: Message, Theirs: TheirMessage + Encodable + Decodable>(
    adapt: impl Fn(&mut [u8], i16),
) -> (i16, i16) {
    let name = Ours::SCHEMA.name;
    let schema = &load("clients")[name];
    let min = schema.versions.min.max(Theirs::VERSIONS.min);
    let max = schema.versions.max.min(Theirs::VERSIONS.max);
    let mut draws = Draws::new(3);
    for version in min..=max {
        for _ in 0..MESSAGES {
            let mut bytes = message(schema, version, Style::Random, &mut draws);
            adapt(&mut bytes, version);
            let bytes = Bytes::from(bytes);

            let ours = Ours::decode(&mut Reader::new(bytes.clone()), version).unwrap();
            let mut writer = Writer::new();
            ours.encode(&mut writer, version).unwrap();

            let mut input = bytes.clone();
            let theirs =
                Theirs::decode(&mut input, version).unwrap_or_else(|e| panic!("{name} {version}: {e}"));
            assert!(!input.has_remaining(), "{name} {version}");
            let mut output = BytesMut::new();
            theirs.encode(&mut output, version).unwrap_or_else(|e| panic!("{name} {version}: {e}"));

            assert_eq!(writer.into_bytes(), output.freeze(), "{name} {version}");
        }
    }
    (min, max)
}

#[test]
fn requests_and_responses_are_the_same_bytes() {
    assert_eq!(agree::<api_versions::ApiVersionsRequest, theirs::ApiVersionsRequest>(), (0, 4));
    assert_eq!(agree::<api_versions::ApiVersionsResponse, theirs::ApiVersionsResponse>(), (0, 4));
    assert_eq!(agree::<create_topics::CreateTopicsRequest, theirs::CreateTopicsRequest>(), (2, 7));
    assert_eq!(agree::<create_topics::CreateTopicsResponse, theirs::CreateTopicsResponse>(), (2, 7));
    assert_eq!(agree::<delete_topics::DeleteTopicsRequest, theirs::DeleteTopicsRequest>(), (1, 6));
    assert_eq!(agree::<delete_topics::DeleteTopicsResponse, theirs::DeleteTopicsResponse>(), (1, 6));
    assert_eq!(agree::<describe_configs::DescribeConfigsRequest, theirs::DescribeConfigsRequest>(), (1, 4));
    assert_eq!(agree::<describe_configs::DescribeConfigsResponse, theirs::DescribeConfigsResponse>(), (1, 4));
    assert_eq!(agree::<fetch::FetchRequest, theirs::FetchRequest>(), (4, 18));
    assert_eq!(agree::<fetch::FetchResponse, theirs::FetchResponse>(), (4, 18));
    assert_eq!(agree::<list_offsets::ListOffsetsRequest, theirs::ListOffsetsRequest>(), (1, 10));
    assert_eq!(agree::<list_offsets::ListOffsetsResponse, theirs::ListOffsetsResponse>(), (1, 10));
    assert_eq!(agree::<metadata::MetadataRequest, theirs::MetadataRequest>(), (0, 13));
    assert_eq!(agree::<metadata::MetadataResponse, theirs::MetadataResponse>(), (0, 13));
    assert_eq!(agree::<vote::VoteRequest, theirs::VoteRequest>(), (0, 2));
    assert_eq!(agree::<vote::VoteResponse, theirs::VoteResponse>(), (0, 2));
    assert_eq!(
        agree::<begin_quorum_epoch::BeginQuorumEpochRequest, theirs::BeginQuorumEpochRequest>(),
        (0, 1)
    );
    assert_eq!(
        agree::<begin_quorum_epoch::BeginQuorumEpochResponse, theirs::BeginQuorumEpochResponse>(),
        (0, 1)
    );
    assert_eq!(agree::<end_quorum_epoch::EndQuorumEpochRequest, theirs::EndQuorumEpochRequest>(), (0, 1));
    assert_eq!(agree::<end_quorum_epoch::EndQuorumEpochResponse, theirs::EndQuorumEpochResponse>(), (0, 1));
    assert_eq!(agree::<fetch_snapshot::FetchSnapshotRequest, theirs::FetchSnapshotRequest>(), (0, 1));
    assert_eq!(agree::<fetch_snapshot::FetchSnapshotResponse, theirs::FetchSnapshotResponse>(), (0, 1));
    assert_eq!(agree::<describe_quorum::DescribeQuorumRequest, theirs::DescribeQuorumRequest>(), (0, 2));
    assert_eq!(agree::<describe_quorum::DescribeQuorumResponse, theirs::DescribeQuorumResponse>(), (0, 2));
    assert_eq!(agree::<envelope::EnvelopeRequest, theirs::EnvelopeRequest>(), (0, 0));
    assert_eq!(agree::<envelope::EnvelopeResponse, theirs::EnvelopeResponse>(), (0, 0));
    assert_eq!(
        agree::<broker_registration::BrokerRegistrationRequest, theirs::BrokerRegistrationRequest>(),
        (0, 4)
    );
    assert_eq!(
        agree::<broker_registration::BrokerRegistrationResponse, theirs::BrokerRegistrationResponse>(),
        (0, 4)
    );
    assert_eq!(agree::<broker_heartbeat::BrokerHeartbeatRequest, theirs::BrokerHeartbeatRequest>(), (0, 1));
    assert_eq!(agree::<broker_heartbeat::BrokerHeartbeatResponse, theirs::BrokerHeartbeatResponse>(), (0, 1));
    assert_eq!(
        agree::<unregister_broker::UnregisterBrokerRequest, theirs::UnregisterBrokerRequest>(),
        (0, 0)
    );
    assert_eq!(
        agree::<unregister_broker::UnregisterBrokerResponse, theirs::UnregisterBrokerResponse>(),
        (0, 0)
    );
    assert_eq!(
        agree::<allocate_producer_ids::AllocateProducerIdsRequest, theirs::AllocateProducerIdsRequest>(),
        (0, 0)
    );
    assert_eq!(
        agree::<allocate_producer_ids::AllocateProducerIdsResponse, theirs::AllocateProducerIdsResponse>(),
        (0, 0)
    );
    assert_eq!(
        agree::<controller_registration::ControllerRegistrationRequest, theirs::ControllerRegistrationRequest>(
        ),
        (0, 0)
    );
    assert_eq!(
        agree::<
            controller_registration::ControllerRegistrationResponse,
            theirs::ControllerRegistrationResponse,
        >(),
        (0, 0)
    );
    assert_eq!(agree::<describe_cluster::DescribeClusterRequest, theirs::DescribeClusterRequest>(), (0, 2));
    assert_eq!(agree::<describe_cluster::DescribeClusterResponse, theirs::DescribeClusterResponse>(), (0, 2));
    assert_eq!(agree::<init_producer_id::InitProducerIdRequest, theirs::InitProducerIdRequest>(), (0, 5));
    assert_eq!(agree::<init_producer_id::InitProducerIdResponse, theirs::InitProducerIdResponse>(), (0, 6));
    assert_eq!(
        agree::<offset_for_leader_epoch::OffsetForLeaderEpochRequest, theirs::OffsetForLeaderEpochRequest>(),
        (2, 4)
    );
    assert_eq!(
        agree::<offset_for_leader_epoch::OffsetForLeaderEpochResponse, theirs::OffsetForLeaderEpochResponse>(
        ),
        (2, 4)
    );
    assert_eq!(agree::<elect_leaders::ElectLeadersRequest, theirs::ElectLeadersRequest>(), (0, 2));
    assert_eq!(agree::<elect_leaders::ElectLeadersResponse, theirs::ElectLeadersResponse>(), (0, 2));
    assert_eq!(agree::<alter_partition::AlterPartitionRequest, theirs::AlterPartitionRequest>(), (2, 3));
    assert_eq!(agree::<alter_partition::AlterPartitionResponse, theirs::AlterPartitionResponse>(), (2, 3));
    assert_eq!(
        agree::<create_partitions::CreatePartitionsRequest, theirs::CreatePartitionsRequest>(),
        (0, 3)
    );
    assert_eq!(
        agree::<create_partitions::CreatePartitionsResponse, theirs::CreatePartitionsResponse>(),
        (0, 3)
    );
    assert_eq!(
        agree::<
            list_partition_reassignments::ListPartitionReassignmentsRequest,
            theirs::ListPartitionReassignmentsRequest,
        >(),
        (0, 0)
    );
    assert_eq!(
        agree::<
            list_partition_reassignments::ListPartitionReassignmentsResponse,
            theirs::ListPartitionReassignmentsResponse,
        >(),
        (0, 0)
    );
    assert_eq!(
        agree::<
            describe_topic_partitions::DescribeTopicPartitionsRequest,
            theirs::DescribeTopicPartitionsRequest,
        >(),
        (0, 0)
    );
    assert_eq!(
        agree::<
            describe_topic_partitions::DescribeTopicPartitionsResponse,
            theirs::DescribeTopicPartitionsResponse,
        >(),
        (0, 0)
    );
    assert_eq!(
        agree::<
            incremental_alter_configs::IncrementalAlterConfigsRequest,
            theirs::IncrementalAlterConfigsRequest,
        >(),
        (0, 1)
    );
    assert_eq!(
        agree::<
            incremental_alter_configs::IncrementalAlterConfigsResponse,
            theirs::IncrementalAlterConfigsResponse,
        >(),
        (0, 1)
    );
    assert_eq!(agree::<produce::ProduceRequest, theirs::ProduceRequest>(), (3, 13));
    assert_eq!(agree::<produce::ProduceResponse, theirs::ProduceResponse>(), (3, 13));
}

#[test]
fn control_records_are_the_same_bytes() {
    use records::control as ours;
    // Their decoder takes the field named version for the version to decode parts at, so the two must be the same.
    let same_version = |bytes: &mut [u8], version: i16| bytes[..2].copy_from_slice(&version.to_be_bytes());
    assert_eq!(agree_on::<ours::LeaderChangeMessage, theirs::LeaderChangeMessage>(same_version), (0, 1));
    assert_eq!(agree_on::<ours::VotersRecord, theirs::VotersRecord>(same_version), (0, 0));
    assert_eq!(agree::<ours::SnapshotHeaderRecord, theirs::SnapshotHeaderRecord>(), (0, 0));
    assert_eq!(agree::<ours::SnapshotFooterRecord, theirs::SnapshotFooterRecord>(), (0, 0));
    assert_eq!(agree::<ours::KRaftVersionRecord, theirs::KRaftVersionRecord>(), (0, 0));
    assert_eq!(agree::<ours::EndTxnMarker, theirs::EndTxnMarker>(), (0, 0));
}

#[test]
fn header_versions_are_the_same() {
    for request in tidemark_wire_tests::subject::requests() {
        assert_eq!(request.key.flexible(), Some(request.schema.flexible), "{:?}", request.key);
        let key = theirs::ApiKey::try_from(request.key as i16).unwrap();
        for version in request.schema.versions.min..=request.schema.versions.max {
            let ours = (
                request_header_version(request.key as i16, version),
                response_header_version(request.key, version),
            );
            let theirs = (key.request_header_version(version), key.response_header_version(version));
            assert_eq!(ours, theirs, "{:?} {version}", request.key);
        }
    }
}

#[test]
fn a_header_is_the_same_bytes() {
    for version in [7, 12] {
        for client_id in [None, Some(""), Some("a client")] {
            let frame =
                Frame::request(77, client_id, version, &metadata::MetadataRequest::default()).unwrap();
            let frame = Bytes::from(frame.concat());
            let mut header = theirs::RequestHeader::default();
            header.request_api_key = ApiKey::Metadata as i16;
            header.request_api_version = version;
            header.correlation_id = 77;
            header.client_id =
                client_id.map(|id| kafka_protocol::protocol::StrBytes::from_string(id.to_owned()));
            let mut theirs = BytesMut::new();
            header.encode(&mut theirs, request_header_version(ApiKey::Metadata as i16, version)).unwrap();
            assert_eq!(frame[4..4 + theirs.len()], theirs[..]);

            let (ours, body) = RequestHeader::decode(frame.slice(4..)).unwrap();
            assert_eq!((ours.api_version, ours.client_id.as_deref()), (version, client_id));
            let request = metadata::MetadataRequest::decode_body(body, version).unwrap();
            assert_eq!(request, metadata::MetadataRequest::default());
        }
    }
}
