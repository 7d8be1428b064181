//! Throughput out of a topic, from its first message on.

use crate::arguments::Arguments;
use crate::usage::Meter;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long the broker may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// `--brokers A --topic T [--broker-pid P] [--partitions 1] [--count N]`; the topic holds at least N messages.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let count: u64 = arguments.or("count", 1_000_000)?;
    let partitions: i32 = arguments.or("partitions", 1)?;
    let consumer = consumer(arguments.text("brokers")?)?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment
            .add_partition_offset(arguments.text("topic")?, partition, Offset::Beginning)
            .map_err(|error| error.to_string())?;
    }
    consumer.assign(&assignment).map_err(|error| error.to_string())?;
    let mut last = Instant::now();
    let mut meter = None;
    let (mut messages, mut bytes) = (0, 0);
    while messages < count {
        match consumer.poll(Duration::from_secs(1)) {
            Some(Ok(message)) => {
                // Connecting and the first fetch are not throughput.
                if meter.is_none() {
                    meter = Some(Meter::start(arguments.maybe("broker-pid")?)?);
                }
                messages += 1;
                bytes += message.payload_len() as u64;
                if messages % 1024 == 0 {
                    last = Instant::now();
                }
            }
            Some(Err(error)) => eprintln!("tidemark-bench consume: {error}"),
            None if last.elapsed() > PATIENCE => {
                return Err(format!("{messages} of {count} messages came, then nothing"));
            }
            None => {}
        }
    }
    meter.ok_or("nothing to consume")?.stop(messages, bytes)
}

/// A consumer without a group's duties: it is assigned by hand and commits nothing.
pub(crate) fn consumer(brokers: &str) -> Result<BaseConsumer, String> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("queued.min.messages", "1000000");
    config.create().map_err(|error| error.to_string())
}
