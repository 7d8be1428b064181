//! Frames: the bounds of their length, and that records pass through them uncopied.

use bytes::Bytes;

use super::*;
use crate::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::messages::fetch::{FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData};
use crate::messages::metadata::MetadataRequest;
use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::{RequestHeader, supported};

#[test]
fn a_length_is_bounded_below_by_a_header_and_above_by_configuration() {
    let length = |claimed: i32| Frame::length(claimed.to_be_bytes(), REQUEST_BYTES_MAX_DEFAULT);
    assert_eq!(length(8), Ok(8));
    assert_eq!(length(104_857_600), Ok(104_857_600));
    for claimed in [i32::MIN, -1, 0, 7, 104_857_601, i32::MAX] {
        let refused = length(claimed).unwrap_err();
        assert_eq!((refused.claimed, refused.max), (claimed, REQUEST_BYTES_MAX_DEFAULT));
    }
}

/// Trap: Produce is advertised from 0 (KAFKA-18659) though what is below 3 is refused.
#[test]
fn produce_is_advertised_from_version_0_and_served_from_version_3() {
    let produce = supported().iter().find(|range| range.key == ApiKey::Produce).unwrap();
    assert_eq!((produce.min, produce.max), (0, 13));
    assert!(!produce.accepts(2) && produce.accepts(3) && produce.accepts(13) && !produce.accepts(14));
    for version in 0..3 {
        let refused = ProduceRequest::decode_body(Bytes::from_static(&[0; 64]), version).unwrap_err();
        assert_eq!(refused.cause, DecodeError::UnsupportedVersion);
    }
    let others = supported().iter().filter(|range| range.key != ApiKey::Produce);
    others.for_each(|range| assert_eq!(range.min, range.served_min, "{:?}", range.key));
}

/// Trap: an API without a handler is not advertised; telemetry above all, whose absence keeps librdkafka calm.
#[test]
fn what_is_offered_is_what_is_served() {
    let keys: Vec<i16> = supported().iter().map(|range| range.key as i16).collect();
    assert_eq!(keys, [0, 1, 2, 3, 18, 19, 20, 22, 23, 32, 37, 43, 46, 55, 60, 64, 75]);
}

#[test]
fn records_leave_as_they_came() {
    let (first, second) = (Bytes::from(vec![1; 10_000]), Bytes::from(vec![2; 20_000]));
    let data =
        PartitionData { records: vec![first.clone(), second.clone()].into(), ..PartitionData::default() };
    let topic = FetchableTopicResponse { partitions: vec![data], ..FetchableTopicResponse::default() };
    let response = FetchResponse { responses: vec![topic], ..FetchResponse::default() };
    for version in 4..=18 {
        let segments = Frame::response(5, version, &response).unwrap();
        assert_eq!(segments[1].as_ptr(), first.as_ptr());
        assert_eq!(segments[2].as_ptr(), second.as_ptr());
        let frame = Bytes::from(segments.concat());
        assert_eq!(i32::from_be_bytes(*frame.first_chunk().unwrap()) as usize, frame.len() - 4);
        let frame = frame.slice(4..);
        assert_eq!(Frame::correlation_id(&frame), Ok(5));
        assert_eq!(Frame::decode_response::<FetchRequest>(frame, version).unwrap(), (5, response.clone()));
    }
}

#[test]
fn records_arrive_as_slices_of_their_frame() {
    let records = Bytes::from(vec![3; 5000]);
    let data = PartitionProduceData { index: 1, records: Some(records.clone()) };
    let topic = TopicProduceData { partition_data: vec![data], ..TopicProduceData::default() };
    let request = ProduceRequest { acks: -1, topic_data: vec![topic], ..ProduceRequest::default() };
    for version in 3..=13 {
        let segments = Frame::request(6, None, version, &request).unwrap();
        assert_eq!(segments[1].as_ptr(), records.as_ptr());
        let frame = Bytes::from(segments.concat()).slice(4..);
        let (header, body) = RequestHeader::decode(frame.clone()).unwrap();
        assert_eq!((header.correlation_id, header.client_id.as_deref()), (6, None));
        let decoded = ProduceRequest::decode_body(body, version).unwrap();
        assert_eq!(decoded, request);
        let slice = decoded.topic_data[0].partition_data[0].records.as_ref().unwrap();
        assert!(frame.as_ptr_range().contains(&slice.as_ptr()), "version {version} copied the records");
    }
}

#[test]
fn a_body_that_is_damaged_says_where() {
    let refused = MetadataRequest::decode_body(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]), 1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "MetadataRequest version 1, field topics: an array claims more elements than its bytes can hold"
    );
    let refused = MetadataRequest::decode_body(Bytes::new(), 14).unwrap_err();
    assert_eq!(refused.to_string(), "MetadataRequest version 14: the message has no such version");
}

/// Kafka reads what it knows and ignores what follows; so do we.
#[test]
fn bytes_after_a_body_are_ignored() {
    assert_eq!(
        ApiVersionsRequest::decode_body(Bytes::from_static(b"more"), 0),
        Ok(ApiVersionsRequest::default())
    );
}

/// An error message may quote what a client sent; too long a one is refused, not a panic.
#[test]
fn a_text_that_is_too_long_is_an_error() {
    let request =
        ApiVersionsRequest { client_software_name: "x".repeat(40_000), ..ApiVersionsRequest::default() };
    let refused = Frame::request(1, None, 3, &request);
    assert_eq!(refused, Err(EncodeError::TooLong { field: "client_software_name" }));
    let refused = Frame::response(1, 6, &ApiVersionsResponse::default());
    assert_eq!(refused, Err(EncodeError::UnsupportedVersion { message: "ApiVersionsResponse", version: 6 }));
}
