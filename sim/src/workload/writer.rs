//! Idempotent producers: the client's own [`Producer`], which sends again what may have been lost, by itself.
//!
//! Each record is an operation. To the topics that promise durability only: elsewhere a power cut may take a record that
//! somebody has read, and what is sent again then has another offset. A record that is delivered nobody knows where counts
//! as unknown.

use super::{Client, code};
use crate::history::{Call, Reply, Step, Value};
use crate::runtime::SimTask;
use crate::scenario::{ClientKind, Codec, TopicSpec};
use ::runtime::Runtime;
use client::producer::{Acks, Cause, Compression, Delivered, Producer, ProducerConfig, Record, Undelivered};
use client::{ClusterConfig, Endpoint};
use model::time::Duration;
use std::collections::VecDeque;

/// What of a record is told when its producer gives it up, at the latest, and what is under way then.
const REQUEST_SHARE: u64 = 2;

pub(super) async fn run(mut client: Client, kind: &ClientKind) {
    let ClientKind::Writer {
        number,
        in_flight,
        unanswered,
        batch_bytes,
        linger_ms,
        value_bytes,
        codec,
        delivery_ms,
    } = kind
    else {
        unreachable!("a writer's kind");
    };
    let topics: Vec<TopicSpec> = client.around.topics.iter().filter(|topic| topic.durable).cloned().collect();
    let endpoint = |addr: &std::net::SocketAddr| Endpoint { host: addr.ip().to_string(), port: addr.port() };
    let bootstrap = client.around.brokers.iter().map(endpoint).collect();
    let request_timeout = Duration::from_millis(delivery_ms / REQUEST_SHARE);
    let cluster = ClusterConfig {
        setup_timeout: Duration::from_secs(3),
        request_timeout,
        create_topics: false,
        ..ClusterConfig::new(bootstrap, &client.name)
    };
    let config = ProducerConfig {
        acks: Acks::All,
        idempotent: true,
        linger: Duration::from_millis(*linger_ms),
        batch_bytes: *batch_bytes as usize,
        compression: match codec {
            Codec::None => Compression::None,
            Codec::Gzip => Compression::Gzip,
            Codec::Snappy => Compression::Snappy,
            Codec::Lz4 => Compression::Lz4,
            Codec::Zstd => Compression::Zstd,
        },
        in_flight_max: (*in_flight).clamp(1, 5) as usize,
        delivery_timeout: Duration::from_millis(*delivery_ms),
        replicas_timeout: request_timeout,
        ..ProducerConfig::default()
    };
    let producer = Producer::start(&client.runtime, cluster, config).expect("rules that make sense");
    let mut under_way: VecDeque<SimTask<()>> = VecDeque::new();
    let mut counter = 0;
    loop {
        client.next_operation().await;
        let Some(topic) = client.stream.pick(&topics).cloned().filter(|_| !client.over()) else { break };
        while under_way.len() >= (*unanswered).max(1) as usize {
            let oldest = under_way.pop_front().expect("there is a first one");
            // Aborted tasks are those of a machine that is going down with this one.
            let _ = oldest.await;
        }
        let partition = client.stream.below(topic.partitions.max(1) as u64) as i32;
        let value = Value { client: *number, counter };
        counter += 1;
        let length = client.stream.between(1, u64::from((*value_bytes).max(1))) as usize;
        under_way.push_back(send(&client, &producer, &topic.name, partition, value, length).await);
    }
    producer.flush().await;
    for told in under_way {
        let _ = told.await;
    }
}

/// Gives one record to the producer. What it gives ends when its fate has been written down.
async fn send(
    client: &Client,
    producer: &Producer,
    topic: &str,
    partition: i32,
    value: Value,
    length: usize,
) -> SimTask<()> {
    let mut bytes = value.to_string().into_bytes();
    if bytes.len() < length {
        bytes.push(b' ');
        let filler = b'a' + (value.counter % 26) as u8;
        bytes.resize(length.max(bytes.len()), filler);
    }
    let acks = Acks::All.wire();
    let op = client.invoke(Call::Produce { topic: topic.to_string(), partition, acks, values: vec![value] });
    let record = Record {
        topic: topic.to_string(),
        partition: Some(partition),
        value: Some(bytes.into()),
        ..Record::default()
    };
    let delivery = producer.send(record).await;
    let (hub, name) = (client.around.hub.clone(), client.name.clone());
    client.runtime.spawn("writer-delivery", async move {
        hub.finish(&name, op, outcome(delivery.await));
    })
}

fn outcome(fate: Result<Delivered, Undelivered>) -> Step {
    match fate {
        // Without an offset it came a second time, when its place was forgotten.
        Ok(Delivered { offset, .. }) => Step::Ok { reply: Reply::Produced { base: offset.unwrap_or(-1) } },
        Err(Undelivered { cause, definite }) => {
            let error = match cause {
                Cause::Refused { code: refused, .. } => code(refused as i16),
                cause => cause.to_string(),
            };
            if definite { Step::Fail { error } } else { Step::Info { error } }
        }
    }
}
