//! Clients that create topics, add partitions to some and delete some, while everything else goes on.

use super::{Client, Session, code};
use crate::history::{Call, Reply};
use crate::scenario::TopicSpec;
use client::single;
use protocol::ErrorCode;
use protocol::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use protocol::messages::create_topics::CreateTopicsRequest;
use protocol::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use std::fmt;

/// How long the broker may take, in milliseconds.
const CREATE_MS: u64 = 5_000;

/// Partitions of a topic, at most.
const PARTITIONS_MAX: i32 = 6;

/// What such a client does how often.
pub(super) struct Manner {
    /// So many names, and then it stops.
    pub(super) topics: u32,
    /// Of a hundred operations, how many delete a topic.
    pub(super) deletes_percent: u32,
    /// Of a hundred operations, how many add a partition to a topic.
    pub(super) grows_percent: u32,
}

/// Topics that should be there with so many partitions, and names that should be free.
#[derive(Default)]
struct Topics {
    here: Vec<(String, i32)>,
    gone: Vec<String>,
    /// How many names there have been.
    names: u32,
}

pub(super) async fn run(mut client: Client, manner: Manner) {
    let mut topics = Topics::default();
    while let Some(mut session) = Session::open(&mut client).await {
        loop {
            if topics.names >= manner.topics {
                return;
            }
            client.next_operation().await;
            if client.over() {
                return;
            }
            if !operate(&mut client, &mut session, &manner, &mut topics).await {
                break;
            }
        }
    }
}

/// One operation. Whether the connection is of further use.
async fn operate(client: &mut Client, session: &mut Session, manner: &Manner, topics: &mut Topics) -> bool {
    let Topics { here, gone, names } = topics;
    let mut wants = |percent: u32| percent > 0 && client.stream.chance(10_000 * percent);
    let (deletes, grows) = (wants(manner.deletes_percent), wants(manner.grows_percent));
    if deletes && !here.is_empty() {
        let (name, _) = here.remove(client.stream.index(here.len()));
        let told = delete(client, session, &name).await;
        gone.push(name);
        return told;
    }
    if grows && !here.is_empty() {
        let at = client.stream.index(here.len());
        let (name, partitions) = &mut here[at];
        if *partitions < PARTITIONS_MAX {
            *partitions += 1;
            return grow(client, session, name, *partitions).await;
        }
    }
    let again = !gone.is_empty() && client.stream.chance(500_000);
    let name = match again {
        true => gone.remove(client.stream.index(gone.len())),
        false => format!("{}-{names}", client.name),
    };
    let partitions = client.stream.between(1, 3) as i32;
    let durable = client.stream.chance(700_000);
    *names += u32::from(!again);
    let spec = TopicSpec::plain(&name, partitions, durable);
    let created = create(client, session, &spec).await;
    here.push((name, partitions));
    created != Created::Broken
}

/// Gives a topic so many partitions, written down. False when the connection is of no more use.
async fn grow(client: &Client, session: &mut Session, name: &str, partitions: i32) -> bool {
    let op = client.invoke(Call::GrowTopic { topic: name.to_string(), partitions });
    let topic = CreatePartitionsTopic {
        name: name.to_string(),
        count: partitions,
        ..CreatePartitionsTopic::default()
    };
    let request = CreatePartitionsRequest {
        topics: vec![topic],
        timeout_ms: CREATE_MS as i32,
        ..CreatePartitionsRequest::default()
    };
    let version = session.version::<CreatePartitionsRequest>();
    let told = session.connection.call(version, &request, client.after_ms(CREATE_MS + 500)).await;
    ended(client, op, told.map(|told| told.results.first().map(|told| told.error_code)))
}

/// Deletes a topic, written down. False when the connection is of no more use.
async fn delete(client: &Client, session: &mut Session, name: &str) -> bool {
    let op = client.invoke(Call::DeleteTopic { topic: name.to_string() });
    let version = session.version::<DeleteTopicsRequest>();
    let topics = vec![DeleteTopicState { name: Some(name.to_string()), ..DeleteTopicState::default() }];
    let request = match version {
        6.. => DeleteTopicsRequest { topics, timeout_ms: CREATE_MS as i32, ..Default::default() },
        _ => DeleteTopicsRequest {
            topic_names: vec![name.to_string()],
            timeout_ms: CREATE_MS as i32,
            ..Default::default()
        },
    };
    let told = session.connection.call(version, &request, client.after_ms(CREATE_MS + 500)).await;
    ended(client, op, told.map(|told| told.responses.first().map(|told| told.error_code)))
}

/// Writes down how an operation on one topic ended: with its error code, if the answer speaks of it. False when the
/// connection is of no more use.
fn ended<E: fmt::Display>(client: &Client, op: u64, told: Result<Option<i16>, E>) -> bool {
    match &told {
        Ok(Some(0)) => client.ok(op, Reply::Done),
        Ok(Some(error)) => client.info(op, code(*error)),
        Ok(None) => client.info(op, "an answer about nothing"),
        Err(e) => client.info(op, e.to_string()),
    }
    told.is_ok()
}

/// How a creation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The topic is there.
    Yes,
    /// It was there before: perhaps by an attempt that was thought to have failed.
    Exists,
    /// It is not, or nobody knows.
    No,
    /// The connection is of no more use.
    Broken,
}

/// Creates a topic, written down.
pub async fn create(client: &Client, session: &mut Session, spec: &TopicSpec) -> Created {
    let TopicSpec { name, partitions, replicas, durable, configs } = spec;
    let (partitions, replicas, durable) = (*partitions, *replicas, *durable);
    let min_insync = configs.get("min.insync.replicas").and_then(|min| min.parse().ok()).unwrap_or(1);
    let call = Call::CreateTopic { topic: name.clone(), partitions, durable, replicas, min_insync };
    let op = client.invoke(call);
    let mut configs: Vec<_> = configs.clone().into_iter().collect();
    let flush = if durable { "1".to_string() } else { i64::MAX.to_string() };
    configs.push(("flush.messages".to_string(), flush));
    let mut request = single::create_topic(name, partitions, &configs, CREATE_MS as i32);
    request.topics[0].replication_factor = replicas;
    let version = session.version::<CreateTopicsRequest>();
    let response = match session.connection.call(version, &request, client.after_ms(CREATE_MS + 500)).await {
        Ok(response) => response,
        Err(e) => {
            client.info(op, e.to_string());
            return Created::Broken;
        }
    };
    match single::created(&response) {
        Some(told) if told.error_code == 0 => {
            client.ok(op, Reply::Done);
            Created::Yes
        }
        Some(told) if told.error_code == ErrorCode::TopicAlreadyExists as i16 => {
            client.fail(op, code(told.error_code));
            Created::Exists
        }
        Some(told) => {
            let words = told.error_message.clone().unwrap_or_default();
            client.info(op, format!("{} {words}", code(told.error_code)));
            Created::No
        }
        None => {
            client.info(op, "an answer about nothing");
            Created::No
        }
    }
}
