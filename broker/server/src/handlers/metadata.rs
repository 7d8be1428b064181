//! Metadata (key 3): brokers, topics, partitions and their leaders, from the image this broker has applied.
//!
//! * No topics asked for means all of them in version 0; from 1 on that is null, and an empty list means none.
//! * An unknown name is created when both the broker (`auto.create.topics.enable`) and the client (from version
//!   4 on) allow it, and then answered as it was created.
//! * Topics by id from version 12 on; 10 and 11 have the field and Kafka refuses its use.
//! * Fenced brokers are not shown. The controller told is this broker: any broker passes requests on (KIP-590).
//! * Authorized operations, when asked for, are all there are: there is no authorizer yet.

use super::{Asked, Outcome, encode};
use crate::context::Context;
use controller::{Broker, ClusterImage, INTERNAL_TOPICS, Partition, Topic, check_topic_name};
use model::{BrokerId, TopicId};
use protocol::ErrorCode;
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use std::sync::Arc;

/// Read, write, create, delete, alter, describe, describe configs and alter configs, by Kafka's bits.
const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// Create, alter, describe, cluster action, describe configs, alter configs and idempotent write.
const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: MetadataRequest,
) -> Result<Outcome, String> {
    let mut image = context.image();
    if request.allow_auto_topic_creation && context.settings.auto_create_topics {
        let missing = missing(&image, request.asked(asked.version).unwrap_or_default());
        if !missing.is_empty() {
            // Whatever comes of it shows in the image.
            context.metadata.auto_create(missing).await;
            image = context.image();
        }
    }
    let topics = match request.asked(asked.version) {
        None => image.topics().map(|topic| describe(&image, topic, &request)).collect(),
        Some(topics) => {
            let find = |asked_for: &MetadataRequestTopic| find(&image, asked_for, asked.version);
            let answer = |asked_for: &MetadataRequestTopic| match find(asked_for) {
                Ok(topic) => describe(&image, topic, &request),
                Err(code) => MetadataResponseTopic {
                    error_code: code as i16,
                    name: asked_for.name.clone().or_else(|| (asked.version < 12).then(String::new)),
                    topic_id: asked_for.topic_id,
                    ..MetadataResponseTopic::default()
                },
            };
            topics.iter().map(answer).collect()
        }
    };
    let response = MetadataResponse {
        brokers: image.brokers().filter(|broker| !broker.fenced).filter_map(|b| node(context, b)).collect(),
        cluster_id: Some(image.cluster_id().to_string()),
        controller_id: context.settings.node_id.0,
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            i32::MIN
        },
        ..MetadataResponse::default()
    };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

/// The names asked for that are no topics, though they could be.
fn missing(image: &ClusterImage, asked: &[MetadataRequestTopic]) -> Vec<String> {
    let names = asked.iter().filter_map(|topic| topic.name.as_deref());
    let missing = names.filter(|name| image.topic_named(name).is_none() && check_topic_name(name).is_ok());
    missing.map(str::to_owned).collect()
}

fn find<'a>(
    image: &'a ClusterImage,
    asked: &MetadataRequestTopic,
    version: i16,
) -> Result<&'a Arc<Topic>, ErrorCode> {
    match &asked.name {
        _ if version < 12 && (asked.name.is_none() || asked.topic_id != model::Uuid::ZERO) => {
            Err(ErrorCode::InvalidRequest)
        }
        Some(name) => match check_topic_name(name) {
            Ok(()) => image.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition),
            Err(_) => Err(ErrorCode::InvalidTopicException),
        },
        None => image.topic(TopicId(asked.topic_id)).ok_or(ErrorCode::UnknownTopicId),
    }
}

fn describe(image: &ClusterImage, topic: &Topic, request: &MetadataRequest) -> MetadataResponseTopic {
    let operations = if request.include_topic_authorized_operations { TOPIC_OPERATIONS } else { i32::MIN };
    MetadataResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id.0,
        is_internal: INTERNAL_TOPICS.contains(&&*topic.name),
        partitions: topic
            .partitions
            .iter()
            .map(|(index, partition)| MetadataResponsePartition {
                partition_index: index.0,
                ..describe_partition(image, partition)
            })
            .collect(),
        topic_authorized_operations: operations,
        ..MetadataResponseTopic::default()
    }
}

fn describe_partition(image: &ClusterImage, partition: &Partition) -> MetadataResponsePartition {
    let online = |id: &BrokerId| image.broker(*id).is_some_and(|broker| !broker.fenced);
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect();
    let leader = partition.leader.filter(online);
    MetadataResponsePartition {
        error_code: if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable } as i16,
        leader_id: leader.unwrap_or(BrokerId::NONE).0,
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: ids(&partition.replicas),
        isr_nodes: ids(&partition.isr),
        offline_replicas: partition.replicas.iter().filter(|id| !online(id)).map(|id| id.0).collect(),
        ..MetadataResponsePartition::default()
    }
}

/// A broker as clients of this listener reach it; none if they can't.
fn node(context: &Context, broker: &Broker) -> Option<MetadataResponseBroker> {
    let endpoint = broker.endpoint(&context.settings.inter_broker_listener)?;
    Some(MetadataResponseBroker {
        node_id: broker.id.0,
        host: endpoint.host.clone(),
        port: i32::from(endpoint.port),
        rack: broker.rack.clone(),
    })
}
