//! Clients that create topics while everything else goes on.

use super::{Client, Session, code};
use crate::history::{Call, Reply};
use client::single;
use protocol::ErrorCode;
use protocol::messages::create_topics::CreateTopicsRequest;

/// How long the broker may take, in milliseconds.
const CREATE_MS: u64 = 5_000;

pub(super) async fn run(mut client: Client, topics: u32) {
    let mut next = 0;
    while let Some(mut session) = Session::open(&mut client).await {
        while next < topics {
            client.next_operation().await;
            if client.over() {
                return;
            }
            let name = format!("{}-{next}", client.name);
            let partitions = client.stream.between(1, 3) as i32;
            let durable = client.stream.chance(700_000);
            next += 1;
            match create(&client, &mut session, &name, partitions, durable, &[]).await {
                Created::Yes | Created::Exists | Created::No => {}
                Created::Broken => break,
            }
        }
        if next >= topics {
            return;
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
