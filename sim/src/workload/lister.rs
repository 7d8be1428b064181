//! Clients that only ask: offsets by timestamp and by name, and the list of topics, in every version.

use super::{Client, Session};
use crate::history::{Call, Reply};
use ::runtime::Runtime;
use client::single;
use protocol::messages::metadata::{MetadataRequest, MetadataResponse};

pub(super) async fn run(mut client: Client) {
    while let Some(mut session) = Session::open(&mut client).await {
        while !client.over() {
            client.next_operation().await;
            let fine = if client.stream.chance(500_000) {
                list_topics(&client, &mut session).await
            } else {
                list_offsets(&mut client, &mut session).await
            };
            if !fine {
                break;
            }
        }
    }
}

async fn list_offsets(client: &mut Client, session: &mut Session) -> bool {
    let Some((name, partition)) = client.any_partition() else { return true };
    let Some(topic) = session.topic(&name).cloned() else { return false };
    let timestamp = match client.stream.below(4) {
        0 => -1,
        1 => -2,
        _ => client.runtime.wall_ms() - client.stream.between(0, 60_000) as i64,
    };
    session.offset(client, &topic, partition, timestamp).await.is_some()
}

async fn list_topics(client: &Client, session: &mut Session) -> bool {
    let op = client.invoke(Call::Metadata);
    let version = session.version::<MetadataRequest>();
    match session.connection.call(version, &single::all_topics(version), client.after_ms(3_000)).await {
        Ok(_) if client.brokers() > 1 => {
            client.info(op, "the broker may be behind the controller");
            true
        }
        Ok(response) => {
            client.ok(op, Reply::Topics { topics: topics(&response) });
            true
        }
        Err(e) => {
            client.info(op, e.to_string());
            false
        }
    }
}

/// The topics of an answer that have no error, and how many partitions each has.
pub(crate) fn topics(response: &MetadataResponse) -> Vec<(String, i32)> {
    let mut topics: Vec<(String, i32)> = response
        .topics
        .iter()
        .filter(|topic| topic.error_code == 0)
        .filter_map(|topic| Some((topic.name.clone()?, topic.partitions.len() as i32)))
        .collect();
    topics.sort();
    topics
}
