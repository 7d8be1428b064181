//! DeleteTopics (key 20): topics go, through the controller.
//!
//! * By name up to version 5, by name or by id from 6 on (KIP-516). A topic that is meant twice is not deleted.
//! * Where `delete.topic.enable` is off, versions below 3 know that as INVALID_REQUEST.
//! * The answer leaves when the deletion is committed and the topic is gone from this broker's metadata, its directories
//!   renamed; their files go afterwards.

use super::{Asked, Outcome, encode_of_controller};
use crate::metadata::Handle;
use crate::refusal;
use controller::{DeletedTopic, Reason, Refusal, TopicToDelete};
use model::{TopicId, Uuid};
use protocol::ErrorCode;
use protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

/// The first version that knows TOPIC_DELETION_DISABLED.
const KNOWS_DISABLED: i16 = 3;
/// The first version with ids.
const HAS_IDS: i16 = 6;

pub(super) async fn apply(
    metadata: &Handle,
    asked: Asked,
    request: DeleteTopicsRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|_| 0).chain(request.topic_names.iter().map(|_| 0)))?;
    let topics = meant(request, asked.version);
    let outcome = metadata.delete_topics(topics.clone()).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let outcomes = outcome.unwrap_or_else(|refusal| {
        let refused = |topic: TopicToDelete| {
            let TopicToDelete { name, id } = topic;
            DeletedTopic { name, id, outcome: Err(refusal.clone()) }
        };
        topics.into_iter().map(refused).collect()
    });
    let responses = outcomes.into_iter().map(|topic| result(topic, asked.version)).collect();
    let response = DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}

/// Which topics a request means.
fn meant(request: DeleteTopicsRequest, version: i16) -> Vec<TopicToDelete> {
    if version >= HAS_IDS {
        let meant = |DeleteTopicState { name, topic_id }| TopicToDelete { name, id: TopicId(topic_id) };
        return request.topics.into_iter().map(meant).collect();
    }
    let named = |name| TopicToDelete { name: Some(name), id: TopicId(Uuid::ZERO) };
    request.topic_names.into_iter().map(named).collect()
}

fn result(topic: DeletedTopic, version: i16) -> DeletableTopicResult {
    let (error_code, error_message) = match topic.outcome {
        Ok(()) => (ErrorCode::None, None),
        Err(Refusal { reason: Reason::TopicDeletionDisabled, .. }) if version < KNOWS_DISABLED => {
            let message = "This version does not support topic deletion.".to_owned();
            (ErrorCode::InvalidRequest, Some(message))
        }
        Err(Refusal { reason, message }) => (refusal::controller(reason), Some(message)),
    };
    DeletableTopicResult {
        name: topic.name,
        topic_id: topic.id.0,
        error_code: error_code as i16,
        error_message,
    }
}

#[cfg(test)]
#[path = "delete_topics_test.rs"]
mod tests;
