//! Throughput into a topic: how fast messages are acknowledged, and librdkafka's own ceiling.

use crate::arguments::Arguments;
use crate::topic;
use crate::usage::Meter;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// `--brokers A --topic T [--broker-pid P] [--partitions 1] [--size 1024] [--count N] [--warmup N] [--acks -1]
/// [--idempotence false] [--linger-ms 5]`
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let (brokers, name) = (arguments.text("brokers")?, arguments.text("topic")?);
    topic::create(brokers, name, arguments.or("partitions", 1)?)?;
    measure(brokers, name, arguments.maybe("broker-pid")?, arguments)
}

/// The same load on a mock broker inside this process: more than this no broker can show.
pub(crate) fn ceiling(arguments: &Arguments) -> Result<Value, String> {
    let mock = MockCluster::new(1).map_err(|error| error.to_string())?;
    mock.create_topic("ceiling", arguments.or("partitions", 1)?, 1).map_err(|error| error.to_string())?;
    measure(&mock.bootstrap_servers(), "ceiling", None, arguments)
}

fn measure(brokers: &str, topic: &str, broker: Option<u32>, arguments: &Arguments) -> Result<Value, String> {
    let size: usize = arguments.or("size", 1024)?;
    let count: u64 = arguments.or("count", 1_000_000)?;
    let warmup: u64 = arguments.or("warmup", 0)?;
    let partitions: i32 = arguments.or("partitions", 1)?;
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("acks", arguments.or("acks", "-1".to_string())?)
        .set("enable.idempotence", arguments.or("idempotence", "false".to_string())?)
        .set("linger.ms", arguments.or("linger-ms", "5".to_string())?)
        .set("batch.size", "1000000")
        .set("batch.num.messages", "10000")
        .set("compression.type", "none")
        .set("queue.buffering.max.messages", "500000")
        .set("message.timeout.ms", "120000");
    let deliveries = Arc::new(Deliveries::default());
    let context = Context(deliveries.clone());
    let producer: ThreadedProducer<Context, NoCustomPartitioner> =
        ThreadedProducer::from_config_and_context(&config, context).map_err(|error| error.to_string())?;
    let payload = vec![b'x'; size];
    if warmup > 0 {
        send_all(&producer, topic, partitions, &payload, warmup)?;
    }
    deliveries.acked.store(0, Ordering::Relaxed);
    let meter = Meter::start(broker)?;
    send_all(&producer, topic, partitions, &payload, count)?;
    let result = meter.stop(count, count * size as u64)?;
    let (acked, failed) =
        (deliveries.acked.load(Ordering::Relaxed), deliveries.failed.load(Ordering::Relaxed));
    if failed > 0 || acked != count {
        return Err(format!("of {count} messages {acked} were acknowledged, {failed} failed"));
    }
    Ok(result)
}

/// Sends `count` messages and waits until the last one is acknowledged (or given up).
fn send_all(
    producer: &ThreadedProducer<Context, NoCustomPartitioner>,
    topic: &str,
    partitions: i32,
    payload: &[u8],
    count: u64,
) -> Result<(), String> {
    for n in 0..count {
        let partition = (n % partitions as u64) as i32;
        let mut record: BaseRecord<'_, (), [u8]> =
            BaseRecord::to(topic).payload(payload).partition(partition);
        while let Err((error, back)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.to_string());
            }
            std::thread::sleep(Duration::from_millis(1));
            record = back;
        }
    }
    producer.flush(PATIENCE).map_err(|error| format!("the last messages: {error}"))
}

/// What the broker said.
#[derive(Default)]
struct Deliveries {
    acked: AtomicU64,
    failed: AtomicU64,
}

struct Context(Arc<Deliveries>);

impl ClientContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        let count = if result.is_ok() { &self.0.acked } else { &self.0.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
