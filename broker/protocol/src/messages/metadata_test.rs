//! Metadata: what "all topics" is, version by version.

use records::codec::{EncodeError, Reader, Writer};
use records::message::Message;

use super::*;

fn decoded(bytes: &'static [u8], version: i16) -> MetadataRequest {
    MetadataRequest::decode(&mut Reader::new(bytes.into()), version).unwrap()
}

/// Trap: an empty list means all topics in version 0, none later, when null means all.
#[test]
fn all_topics_is_an_empty_list_in_version_0_and_null_later() {
    assert_eq!(decoded(&[0, 0, 0, 0], 0).asked(0), None);
    assert_eq!(decoded(&[0, 0, 0, 0], 1).asked(1), Some(&[][..]));
    assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff], 1).asked(1), None);
    assert_eq!(decoded(&[0, 1, 0, 0, 0], 12).asked(12), None);
    assert_eq!(decoded(&[1, 1, 0, 0, 0], 12).asked(12), Some(&[][..]));
}

/// Before version 4 a client could not forbid that a topic is created.
#[test]
fn topics_may_be_created_unless_the_client_can_and_does_say_no() {
    assert!(decoded(&[0, 0, 0, 0], 3).allow_auto_topic_creation);
    assert!(!decoded(&[0, 0, 0, 0, 0], 4).allow_auto_topic_creation);
}

/// A topic asked for by an id that is not known has no name; older versions can't say so.
#[test]
fn a_topic_without_a_name_needs_version_12() {
    let topic = MetadataResponseTopic { name: None, ..MetadataResponseTopic::default() };
    let response = MetadataResponse { topics: vec![topic], ..MetadataResponse::default() };
    assert!(response.encode(&mut Writer::new(), 12).is_ok());
    let refused = response.encode(&mut Writer::new(), 11);
    assert_eq!(refused, Err(EncodeError::UnexpectedNull { field: "name", version: 11 }));
}
