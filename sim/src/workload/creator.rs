//! Clients that create topics, and delete some of them, while everything else goes on.

use super::{Client, Session, code};
use crate::history::{Call, Reply};
use client::single;
use protocol::ErrorCode;
use protocol::messages::create_topics::CreateTopicsRequest;
use protocol::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};

/// How long the broker may take, in milliseconds.
const CREATE_MS: u64 = 5_000;

pub(super) async fn run(mut client: Client, topics: u32, deletes_percent: u32) {
    let mut next = 0;
    // Topics that should be there, and names that should be free.
    let (mut here, mut gone) = (Vec::new(), Vec::new());
    while let Some(mut session) = Session::open(&mut client).await {
        while next < topics {
            client.next_operation().await;
            if client.over() {
                return;
            }
            let deletes = deletes_percent > 0 && client.stream.chance(10_000 * deletes_percent);
            if deletes && !here.is_empty() {
                let name: String = here.remove(client.stream.index(here.len()));
                let deleted = delete(&client, &mut session, &name).await;
                gone.push(name);
                match deleted {
                    Deleted::Told => continue,
                    Deleted::Broken => break,
                }
            }
            let again = !gone.is_empty() && client.stream.chance(500_000);
            let name = match again {
                true => gone.remove(client.stream.index(gone.len())),
                false => format!("{}-{next}", client.name),
            };
            let partitions = client.stream.between(1, 3) as i32;
            let durable = client.stream.chance(700_000);
            next += u32::from(!again);
            let created = create(&client, &mut session, &name, partitions, durable, &[]).await;
            here.push(name);
            match created {
                Created::Yes | Created::Exists | Created::No => {}
                Created::Broken => break,
            }
        }
        if next >= topics {
            return;
        }
    }
}

/// How a deletion ended.
enum Deleted {
    /// It was answered, whatever the answer.
    Told,
    /// The connection is of no more use.
    Broken,
}

/// Deletes a topic, written down.
async fn delete(client: &Client, session: &mut Session, name: &str) -> Deleted {
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
    match session.connection.call(version, &request, client.after_ms(CREATE_MS + 500)).await {
        Ok(response) => {
            match response.responses.first().map(|told| told.error_code) {
                Some(0) => client.ok(op, Reply::Done),
                Some(told) => client.info(op, code(told)),
                None => client.info(op, "an answer about nothing"),
            }
            Deleted::Told
        }
        Err(e) => {
            client.info(op, e.to_string());
            Deleted::Broken
        }
    }
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
pub async fn create(
    client: &Client,
    session: &mut Session,
    name: &str,
    partitions: i32,
    durable: bool,
    configs: &[(String, String)],
) -> Created {
    let call = Call::CreateTopic { topic: name.to_string(), partitions, durable };
    let op = client.invoke(call);
    let mut configs = configs.to_vec();
    let flush = if durable { "1".to_string() } else { i64::MAX.to_string() };
    configs.push(("flush.messages".to_string(), flush));
    let request = single::create_topic(name, partitions, &configs, CREATE_MS as i32);
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
