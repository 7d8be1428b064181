//! End-to-end latency at a fixed rate: from the moment a message should have been sent to its receipt.
//!
//! The schedule's time is in the payload, not the time of the send, so that a stall that delays later sends is
//! counted against each of them (no coordinated omission).

use crate::arguments::Arguments;
use crate::consume::consumer;
use crate::topic;
use crate::usage::Meter;
use rdkafka::Message;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long both ends are given to find the broker before the schedule starts.
const SETTLE: Duration = Duration::from_secs(3);
/// How long after the last send a message may still be on its way.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages at the start that are sent but not counted: connections, metadata, a cold code path.
const UNCOUNTED: u64 = 200;

/// `--brokers A --topic T [--broker-pid P] [--rate 1000] [--count 10000] [--size 1024] [--acks -1]`
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let (brokers, name) = (arguments.text("brokers")?, arguments.text("topic")?);
    let rate: u64 = arguments.or("rate", 1000)?;
    let count = arguments.or("count", 10_000)? + UNCOUNTED;
    let size: usize = arguments.or("size", 1024)?;
    topic::create(brokers, name, 1)?;
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", arguments.or("acks", "-1".to_string())?)
        .set("linger.ms", "0")
        .create()
        .map_err(|error| error.to_string())?;
    let consumer = consumer(brokers)?;
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(name, 0, Offset::End).map_err(|error| error.to_string())?;
    consumer.assign(&assignment).map_err(|error| error.to_string())?;
    let settled = Instant::now() + SETTLE;
    while Instant::now() < settled {
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(100)) {
            eprintln!("tidemark-bench latency: {error}");
        }
    }

    let meter = Meter::start(arguments.maybe("broker-pid")?)?;
    let began = Instant::now() + Duration::from_millis(10);
    let interval = Duration::from_nanos(1_000_000_000 / rate);
    let topic = name.to_string();
    let sending = std::thread::spawn(move || send(&producer, &topic, began, interval, count, size));
    let received = receive(&consumer, began, count, interval * count as u32 + PATIENCE);
    let sent = sending.join().map_err(|_| "the sender panicked")?;
    sent.and(received.map(|mut nanos| {
        nanos.sort_unstable();
        let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize] as f64 / 1e6;
        let mut result = meter.stop(count, count * size as u64)?;
        result["p50_ms"] = json!(at(0.5));
        result["p99_ms"] = json!(at(0.99));
        result["p999_ms"] = json!(at(0.999));
        result["max_ms"] = json!(at(1.0));
        Ok(result)
    }))?
}

fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topic: &str,
    began: Instant,
    interval: Duration,
    count: u64,
    size: usize,
) -> Result<(), String> {
    let mut payload = vec![b'x'; size.max(16)];
    for n in 0..count {
        let scheduled = interval * n as u32;
        std::thread::sleep((began + scheduled).saturating_duration_since(Instant::now()));
        payload[..8].copy_from_slice(&(scheduled.as_nanos() as u64).to_be_bytes());
        payload[8..16].copy_from_slice(&n.to_be_bytes());
        let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(topic).payload(&payload[..]).partition(0);
        producer.send(record).map_err(|(error, _)| error.to_string())?;
    }
    producer.flush(PATIENCE).map_err(|error| error.to_string())
}

/// Nanoseconds from schedule to receipt of every counted message.
fn receive(consumer: &BaseConsumer, began: Instant, count: u64, limit: Duration) -> Result<Vec<u64>, String> {
    let mut nanos = Vec::with_capacity(count as usize);
    let mut next = 0;
    while next < count {
        if began.elapsed() > limit {
            return Err(format!("{next} of {count} messages came in time"));
        }
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                let arrived = began.elapsed().as_nanos() as u64;
                let payload = message.payload().ok_or("a message without payload")?;
                let word = |at: usize| payload[at..at + 8].try_into().map(u64::from_be_bytes);
                let (Ok(scheduled), Ok(n)) = (word(0), word(8)) else {
                    return Err("a short message".to_string());
                };
                if n != next {
                    return Err(format!("message {n} came where {next} was due"));
                }
                next += 1;
                if n >= UNCOUNTED {
                    nanos.push(arrived.saturating_sub(scheduled));
                }
            }
            Some(Err(error)) => eprintln!("tidemark-bench latency: {error}"),
            None => {}
        }
    }
    Ok(nanos)
}
