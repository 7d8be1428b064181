//! CreateTopics (key 19): new topics, through the controller.
//!
//! * Versions 2 and up (KIP-896); -1 partitions and replicas mean the defaults from 4 on (KIP-464).
//! * From version 5 on the answer tells the partitions, replicas and configs of what was created (KIP-525), from
//!   7 on its id. With `validate_only` it tells what would be: as in Kafka with an id, drawn and forgotten.
//! * The answer leaves when the topic is committed and can be produced to.

use super::{Asked, Outcome};
use crate::metadata::{Handle, UNDRAWN};
use crate::refusal;
use controller::{CreateTopics, CreatedTopic, NewTopic, Refusal, ReplicaAssignment};
use protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};

pub(super) async fn apply(
    metadata: &Handle,
    asked: Asked,
    request: CreateTopicsRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.assignments.len() + topic.configs.len()))?;
    let names: Vec<String> = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let validate_only = request.validate_only;
    let topics = request.topics.into_iter().map(new_topic).collect();
    let outcome = metadata.create_topics(CreateTopics { topics, validate_only }).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let topics = match outcome {
        Ok(outcomes) => outcomes
            .into_iter()
            .map(|(name, outcome)| match outcome {
                Ok(topic) => created(name, topic),
                Err(refusal) => refused(name, refusal),
            })
            .collect(),
        Err(refusal) => names.into_iter().map(|name| refused(name, refusal.clone())).collect(),
    };
    let response = CreateTopicsResponse { topics, ..CreateTopicsResponse::default() };
    Ok(Outcome::Ready(super::encode_of_controller(&asked, &response, not_controller)))
}

fn new_topic(topic: CreatableTopic) -> NewTopic {
    let assignment = |assignment: protocol::messages::create_topics::CreatableReplicaAssignment| {
        ReplicaAssignment { partition: assignment.partition_index, brokers: assignment.broker_ids }
    };
    NewTopic {
        name: topic.name,
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic.assignments.into_iter().map(assignment).collect(),
        configs: topic.configs.into_iter().map(|config| (config.name, config.value)).collect(),
        draws: UNDRAWN,
    }
}

fn created(name: String, topic: CreatedTopic) -> CreatableTopicResult {
    let config = |entry: model::config::ConfigEntry| CreatableTopicConfigs {
        name: entry.name.to_owned(),
        value: entry.value,
        read_only: entry.read_only,
        config_source: entry.source.code(),
        is_sensitive: entry.sensitive,
    };
    CreatableTopicResult {
        name,
        topic_id: topic.id.0,
        num_partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        configs: Some(topic.configs.into_iter().map(config).collect()),
        error_message: None,
        ..CreatableTopicResult::default()
    }
}

fn refused(name: String, refusal: Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: refusal::controller(refusal.reason) as i16,
        error_message: Some(refusal.message),
        ..CreatableTopicResult::default()
    }
}
