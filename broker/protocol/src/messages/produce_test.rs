//! Produce: what a broker of today says to a client of yesterday.

use records::codec::{EncodeError, Reader, Writer};
use records::message::Message;

use super::*;

fn answer(partition: PartitionProduceResponse) -> ProduceResponse {
    let topic = TopicProduceResponse {
        name: "t".into(),
        topic_id: Uuid([5; 16]),
        partition_responses: vec![partition],
    };
    ProduceResponse { responses: vec![topic], ..ProduceResponse::default() }
}

/// An explanation goes to clients that can read it, and the answer to all.
#[test]
fn an_explanation_is_dropped_before_version_8() {
    let partition = PartitionProduceResponse {
        error_code: 87,
        error_message: Some("why".into()),
        record_errors: vec![BatchIndexAndErrorMessage::default()],
        ..PartitionProduceResponse::default()
    };
    let read = |version| {
        let mut writer = Writer::new();
        answer(partition.clone()).encode(&mut writer, version).unwrap();
        let decoded = ProduceResponse::decode(&mut Reader::new(writer.into_bytes()), version).unwrap();
        decoded.responses[0].partition_responses[0].clone()
    };
    assert_eq!((read(7).error_code, read(7).error_message, read(7).record_errors.len()), (87, None, 0));
    assert_eq!((read(8).error_message.as_deref(), read(8).record_errors.len()), (Some("why"), 1));
}

/// Trap: the current leader (KIP-951) is a tag of version 10; a server that sets it before has not looked at the version.
#[test]
fn the_current_leader_is_told_from_version_10_on() {
    let current_leader = LeaderIdAndEpoch { leader_id: 2, leader_epoch: 4 };
    let response = answer(PartitionProduceResponse { current_leader, ..PartitionProduceResponse::default() });
    let mut writer = Writer::new();
    response.encode(&mut writer, 10).unwrap();
    let decoded = ProduceResponse::decode(&mut Reader::new(writer.into_bytes()), 10).unwrap();
    assert_eq!(decoded.responses[0].partition_responses[0].current_leader.leader_id, 2);
    let refused = response.encode(&mut Writer::new(), 9);
    assert_eq!(refused, Err(EncodeError::FieldNotInVersion { field: "current_leader", version: 9 }));
}
