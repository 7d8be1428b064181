//! Which topics a request means, and what old clients are told.

use super::*;

const ID: Uuid = Uuid([7; 16]);

fn request() -> DeleteTopicsRequest {
    DeleteTopicsRequest {
        topics: vec![
            DeleteTopicState { name: Some("a".to_owned()), topic_id: Uuid::ZERO },
            DeleteTopicState { name: None, topic_id: ID },
        ],
        topic_names: vec!["old".to_owned()],
        ..DeleteTopicsRequest::default()
    }
}

fn told(reason: Reason, version: i16) -> (i16, Option<String>) {
    let outcome = Err(Refusal { reason, message: "no".to_owned() });
    let told = result(DeletedTopic { name: None, id: TopicId(ID), outcome }, version);
    assert_eq!((told.name, told.topic_id), (None, ID));
    (told.error_code, told.error_message)
}

#[test]
fn names_are_meant_before_version_6_and_names_or_ids_from_there_on() {
    let named = TopicToDelete { name: Some("old".to_owned()), id: TopicId(Uuid::ZERO) };
    assert_eq!(meant(request(), 5), [named]);
    let by_name = TopicToDelete { name: Some("a".to_owned()), id: TopicId(Uuid::ZERO) };
    let by_id = TopicToDelete { name: None, id: TopicId(ID) };
    assert_eq!(meant(request(), 6), [by_name, by_id]);
}

#[test]
fn versions_without_a_code_for_it_know_disabled_deletion_as_an_invalid_request() {
    assert_eq!(told(Reason::TopicDeletionDisabled, 2).0, ErrorCode::InvalidRequest as i16);
    assert_eq!(told(Reason::TopicDeletionDisabled, 3).0, ErrorCode::TopicDeletionDisabled as i16);
    let unknown = (ErrorCode::UnknownTopicId as i16, Some("no".to_owned()));
    assert_eq!(told(Reason::UnknownTopicId, 6), unknown);
}
