//! Metadata (key 3): brokers, topics, partitions and their leaders, from the image this broker has applied.
//!
//! * No topics asked for means all of them in version 0; from 1 on that is null, and an empty list means none.
//! * An unknown name is created when both the broker (`auto.create.topics.enable`) and the client (from version
//!   4 on) allow it, and then answered as it was created. Internal topics are not: they are unknown until their
//!   coordinators create them.
//! * A topic that is named twice is answered once.
//! * Topics by id from version 12 on, and then no names are looked at; 10 and 11 have the field, and its use, or a
//!   name that is null, makes the whole request an INVALID_REQUEST.
//! * The answer is made when it is about to leave: one that waits behind others costs what its question does.
//! * Fenced brokers are not shown, but for a moment after they were lost; and while a leader has just been lost, the answer
//!   waits until the controller has judged it, or a moment is over (`doubts`). The controller told is this broker, as any broker passes requests on (KIP-590), or while
//!   it is fenced another one that is shown.
//! * Authorized operations, when asked for, are all there are: there is no authorizer yet.

use super::shown::{self, CLUSTER_OPERATIONS, TOPIC_OPERATIONS};
use super::{Asked, Outcome, encode, forward};
use crate::context::Context;
use controller::{Broker, ClusterImage, INTERNAL_TOPICS, Partition, Topic, check_topic_name};
use model::time::Duration;
use model::{BrokerId, TopicId, Uuid};
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::{ErrorCode, Message};
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::debug;

/// How long a request may wait for topics to be created; without an active controller it is answered without them.
const AUTO_CREATE_MAX: Duration = Duration::from_secs(2);

/// Between two looks whether it is settled who leads.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: MetadataRequest,
) -> Result<Outcome, String> {
    let named = request.asked(asked.version);
    super::check_named(named.unwrap_or_default().iter().map(|_| 0))?;
    let wanted = match named.map(|topics| wanted(topics, asked.version)).transpose() {
        Ok(wanted) => wanted,
        Err(code) => {
            let response = refuse(named.unwrap_or_default(), code);
            return Ok(Outcome::Ready(encode(&asked, &response, Vec::new())));
        }
    };
    if request.allow_auto_topic_creation && context.settings.auto_create_topics {
        let missing = missing(&context.image(), wanted.as_deref().unwrap_or_default());
        if !missing.is_empty() {
            auto_create(context, missing).await;
        }
    }
    let context = context.clone();
    let include = Include {
        topic: request.include_topic_authorized_operations,
        cluster: request.include_cluster_authorized_operations,
    };
    Ok(Outcome::Later(Box::pin(async move {
        settled(&context).await;
        let response = respond(&context, wanted.as_deref(), include);
        encode(&asked, &response, Vec::new())
    })))
}

/// Has topics created with default settings, because somebody asked for their metadata. Whatever comes of it in time
/// shows in the image.
async fn auto_create(context: &Arc<Context>, names: Vec<String>) {
    let topic = |name| CreatableTopic {
        name,
        num_partitions: -1,
        replication_factor: -1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: names.into_iter().map(topic).collect(),
        ..CreateTopicsRequest::default()
    };
    let version = CreateTopicsRequest::SCHEMA.versions.max;
    let deadline = context.now() + AUTO_CREATE_MAX;
    if let Err(why) = forward::ask(context, version, &request, deadline).await {
        debug!(why, "topics that somebody asked for are not created");
    }
}

/// Waits for a moment while the controller may be about to fence a leader that has just been lost (`doubts`).
async fn settled(context: &Context) {
    loop {
        let (now, image) = (context.now(), context.image());
        if !context.doubts.unjudged(now).into_iter().any(|leader| shown::is_online(&image, leader)) {
            return;
        }
        context.sleep_until(now + LOOK_EVERY).await;
    }
}

/// Which authorized operations an answer tells.
#[derive(Clone, Copy)]
struct Include {
    topic: bool,
    cluster: bool,
}

/// A topic that a request wants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Named(String),
    WithId(TopicId),
}

/// What a request wants, each topic once, in the request's order. If any topic is asked for by id, names count for
/// nothing. An error concerns the whole request.
fn wanted(topics: &[MetadataRequestTopic], version: i16) -> Result<Vec<Wanted>, ErrorCode> {
    let has_id = |topic: &MetadataRequestTopic| topic.topic_id != Uuid::ZERO;
    if version < 12 && topics.iter().any(|topic| topic.name.is_none() || has_id(topic)) {
        return Err(ErrorCode::InvalidRequest);
    }
    let by_id = topics.iter().any(has_id);
    let mut seen = BTreeSet::new();
    let wanted = topics.iter().filter_map(|topic| match &topic.name {
        _ if has_id(topic) => Some(Wanted::WithId(TopicId(topic.topic_id))),
        _ if by_id => None,
        Some(name) => Some(Wanted::Named(name.clone())),
        None => Some(Wanted::WithId(TopicId(Uuid::ZERO))),
    });
    Ok(wanted.filter(|wanted| seen.insert(wanted.clone())).collect())
}

/// The names wanted that are no topics, though they could be. Internal topics are their coordinators' to create.
fn missing(image: &ClusterImage, wanted: &[Wanted]) -> Vec<String> {
    let names = wanted.iter().filter_map(|wanted| match wanted {
        Wanted::Named(name) => Some(name),
        Wanted::WithId(_) => None,
    });
    let may_be = |name: &str| check_topic_name(name).is_ok() && !INTERNAL_TOPICS.contains(&name);
    names.filter(|name| image.topic_named(name).is_none() && may_be(name)).cloned().collect()
}

/// The answer to a request that is refused as a whole. Versions before 13 have room for that with each topic only.
fn refuse(topics: &[MetadataRequestTopic], code: ErrorCode) -> MetadataResponse {
    let refused = |topic: &MetadataRequestTopic| MetadataResponseTopic {
        error_code: code as i16,
        name: Some(topic.name.clone().unwrap_or_default()),
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    };
    MetadataResponse {
        error_code: code as i16,
        topics: topics.iter().map(refused).collect(),
        ..MetadataResponse::default()
    }
}

/// The answer from the image as it is now; `None` wants all topics.
fn respond(context: &Context, wanted: Option<&[Wanted]>, include: Include) -> MetadataResponse {
    let image = context.image();
    let topics = match wanted {
        None => image.topics().map(|topic| describe(&image, topic, include)).collect(),
        Some(wanted) => wanted.iter().map(|wanted| look_up(&image, wanted, include)).collect(),
    };
    let lost = context.doubts.shown(context.now());
    let is_dying = |broker: &Broker| lost.contains(&broker.id) && !broker.in_controlled_shutdown;
    let online = image.brokers().filter(|broker| !broker.fenced || is_dying(broker));
    let brokers: Vec<_> = online.filter_map(|broker| node(context, broker)).collect();
    MetadataResponse {
        controller_id: shown::controller(
            context.settings.node_id,
            brokers.iter().map(|broker| broker.node_id),
        ),
        brokers,
        cluster_id: Some(image.cluster_id().to_string()),
        topics,
        cluster_authorized_operations: if include.cluster { CLUSTER_OPERATIONS } else { i32::MIN },
        ..MetadataResponse::default()
    }
}

fn look_up(image: &ClusterImage, wanted: &Wanted, include: Include) -> MetadataResponseTopic {
    let (topic, name, id, unknown) = match wanted {
        Wanted::Named(name) => {
            let unknown = match check_topic_name(name) {
                Ok(()) => ErrorCode::UnknownTopicOrPartition,
                Err(_) => ErrorCode::InvalidTopicException,
            };
            (image.topic_named(name), Some(name.clone()), Uuid::ZERO, unknown)
        }
        Wanted::WithId(id) => (image.topic(*id), None, id.0, ErrorCode::UnknownTopicId),
    };
    match topic {
        Some(topic) => describe(image, topic, include),
        None => MetadataResponseTopic {
            error_code: unknown as i16,
            is_internal: name.as_deref().is_some_and(|name| INTERNAL_TOPICS.contains(&name)),
            name,
            topic_id: id,
            ..MetadataResponseTopic::default()
        },
    }
}

fn describe(image: &ClusterImage, topic: &Topic, include: Include) -> MetadataResponseTopic {
    let operations = if include.topic { TOPIC_OPERATIONS } else { i32::MIN };
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
    let leader = shown::leader(image, partition);
    MetadataResponsePartition {
        error_code: if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable } as i16,
        leader_id: leader.unwrap_or(BrokerId::NONE).0,
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: shown::ids(&partition.replicas),
        isr_nodes: shown::ids(&partition.isr),
        offline_replicas: shown::offline_replicas(image, partition),
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

#[cfg(test)]
#[path = "metadata_test.rs"]
mod tests;
