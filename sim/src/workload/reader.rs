//! Consumers that stay: the client's own [`Consumer`], which follows leaders by itself, from the first record to the last.
//!
//! Each poll that brings records is an operation for each of their partitions, written down when they are there. Of topics that
//! promise durability only: of those nothing that was served is ever lost, so that a position never has to go back.

use super::Client;
use crate::history::{Call, Reply, Value};
use crate::scenario::{ClientKind, TopicSpec};
use client::consumer::{Consumed, Consumer, ConsumerConfig, Reset, Start, Trouble};
use client::{ClusterConfig, Endpoint};
use model::time::Duration;
use std::collections::BTreeMap;

/// How long one poll waits.
const POLL_MS: u64 = 500;

pub(super) async fn run(mut client: Client, kind: &ClientKind) {
    let ClientKind::Reader { partitions, max_bytes, max_wait_ms, poll_records } = kind else {
        unreachable!("a reader's kind");
    };
    let topics: Vec<TopicSpec> = client.around.topics.iter().filter(|topic| topic.durable).cloned().collect();
    let endpoint = |addr: &std::net::SocketAddr| Endpoint { host: addr.ip().to_string(), port: addr.port() };
    let bootstrap = client.around.brokers.iter().map(endpoint).collect();
    let cluster = ClusterConfig {
        setup_timeout: Duration::from_secs(3),
        request_timeout: Duration::from_secs(5),
        create_topics: false,
        ..ClusterConfig::new(bootstrap, &client.name)
    };
    let config = ConsumerConfig {
        reset: Reset::Error,
        max_wait: Duration::from_millis(u64::from(*max_wait_ms)),
        max_bytes: (*max_bytes).max(1) as i32,
        partition_max_bytes: (*max_bytes).max(1) as i32,
        poll_records_max: (*poll_records).max(1) as usize,
        ..ConsumerConfig::default()
    };
    let mut consumer = Consumer::new(client.runtime.clone(), cluster, config);
    for _ in 0..(*partitions).max(1) {
        let Some(topic) = client.stream.pick(&topics).cloned() else { return };
        let partition = client.stream.below(topic.partitions.max(1) as u64) as i32;
        assert!(consumer.assign(&topic.name, partition, Start::At(0)), "few topics");
    }
    let mut next: BTreeMap<(String, i32), i64> = BTreeMap::new();
    while !client.over() {
        client.next_operation().await;
        match consumer.poll(client.after_ms(POLL_MS)).await {
            Ok(records) => read(&client, &consumer, records, &mut next),
            Err(error) => {
                let from = error.offset;
                let op = client.invoke(Call::Fetch {
                    topic: error.topic.clone(),
                    partition: error.partition,
                    from,
                });
                match &error.trouble {
                    Trouble::Corrupt(why) => client.ok(op, Reply::Corrupt { from, why: why.clone() }),
                    Trouble::OutOfRange | Trouble::Truncated { .. } => {
                        let why = format!("what was there is gone: {error}");
                        client.ok(op, Reply::Corrupt { from, why });
                    }
                    Trouble::Recreated | Trouble::NoTopic | Trouble::Refused(_) => {
                        client.info(op, error.to_string())
                    }
                }
                if error.trouble == Trouble::Recreated {
                    next.remove(&(error.topic.clone(), error.partition));
                }
                // From where it was: nothing that it has read may be missing.
                let from = next.get(&(error.topic.clone(), error.partition)).copied().unwrap_or(0);
                consumer.assign(&error.topic, error.partition, Start::At(from));
            }
        }
    }
}

/// Writes down what a poll has brought.
fn read(
    client: &Client,
    consumer: &Consumer<crate::runtime::SimRuntime>,
    polled: Vec<Consumed>,
    next: &mut BTreeMap<(String, i32), i64>,
) {
    let mut by_partition: BTreeMap<(String, i32), Vec<Consumed>> = BTreeMap::new();
    for record in polled {
        by_partition.entry((record.topic.clone(), record.partition)).or_default().push(record);
    }
    for ((topic, partition), polled) in by_partition {
        let from = next.entry((topic.clone(), partition)).or_insert(0);
        let op = client.invoke(Call::Fetch { topic: topic.clone(), partition, from: *from });
        let high_watermark = consumer.high_watermark(&topic, partition).expect("it was fetched");
        let value = |record: &Consumed| {
            let value = Value::from_record(record.value.as_deref().unwrap_or_default());
            value
                .map(|value| (record.offset, value))
                .map_err(|why| format!("offset {}: {why}", record.offset))
        };
        let records: Result<Vec<(i64, Value)>, String> = polled.iter().map(value).collect();
        match records {
            Ok(records) => {
                *from = records.last().map_or(*from, |(offset, _)| offset + 1);
                client.ok(op, Reply::Fetched { high_watermark, log_start: 0, records });
            }
            Err(why) => client.ok(op, Reply::Corrupt { from: *from, why }),
        }
    }
}
