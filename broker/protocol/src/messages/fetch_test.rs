//! Fetch: records are never null, and who asks moves between versions.

use records::codec::{EncodeError, Reader, Writer};
use records::message::Message;

use super::*;

fn answer(data: PartitionData) -> FetchResponse {
    let topic = FetchableTopicResponse { partitions: vec![data], ..FetchableTopicResponse::default() };
    FetchResponse { responses: vec![topic], ..FetchResponse::default() }
}

/// Trap: null records broke a client (estuary/flow#1693). No records is an empty stretch of bytes at every version.
#[test]
fn an_answer_without_records_carries_empty_ones_not_null() {
    for version in 4..=18 {
        let mut writer = Writer::new();
        answer(PartitionData::default()).encode(&mut writer, version).unwrap();
        let bytes = writer.into_bytes();
        // From the end: tagged fields of answer, topic and partition, where there are any; then the length of records.
        let end = bytes.len() - if version >= 12 { 3 } else { 0 };
        let length = if version >= 12 { &bytes[end - 1..end] } else { &bytes[end - 4..end] };
        assert_eq!(length, if version >= 12 { &[1][..] } else { &[0; 4] }, "version {version}");
    }
}

/// Another broker may send null; to us it is the same.
#[test]
fn null_records_are_read_as_none() {
    let mut writer = Writer::new();
    answer(PartitionData::default()).encode(&mut writer, 12).unwrap();
    let mut bytes = writer.into_bytes().to_vec();
    let at = bytes.len() - 4;
    bytes[at] = 0;
    let decoded = FetchResponse::decode(&mut Reader::new(bytes.into()), 12).unwrap();
    assert_eq!(decoded, answer(PartitionData::default()));
}

/// Trap: from version 13 on topics have ids and no names; both may be set, and the version takes its own.
#[test]
fn a_topic_is_named_before_version_13_and_identified_from_then_on() {
    let topic = FetchTopic { topic: "t".into(), topic_id: Uuid([5; 16]), ..FetchTopic::default() };
    let request = FetchRequest { topics: vec![topic], ..FetchRequest::default() };
    let read = |version| {
        let mut writer = Writer::new();
        request.encode(&mut writer, version).unwrap();
        let decoded = FetchRequest::decode(&mut Reader::new(writer.into_bytes()), version).unwrap();
        (decoded.topics[0].topic.clone(), decoded.topics[0].topic_id)
    };
    assert_eq!(read(12), ("t".to_owned(), Uuid::ZERO));
    assert_eq!(read(13), (String::new(), Uuid([5; 16])));
}

/// A follower that would be taken for a consumer, because its version has no place for its id, is refused.
#[test]
fn a_follower_says_who_it_is_in_the_field_of_its_version() {
    let old = FetchRequest { replica_id: 3, ..FetchRequest::default() };
    let replica_state = ReplicaState { replica_id: 3, replica_epoch: 9 };
    let new = FetchRequest { replica_state, ..FetchRequest::default() };
    assert!(old.encode(&mut Writer::new(), 14).is_ok() && new.encode(&mut Writer::new(), 15).is_ok());
    let refused = old.encode(&mut Writer::new(), 15);
    assert_eq!(refused, Err(EncodeError::FieldNotInVersion { field: "replica_id", version: 15 }));
    let refused = new.encode(&mut Writer::new(), 14);
    assert_eq!(refused, Err(EncodeError::FieldNotInVersion { field: "replica_state", version: 14 }));
}
