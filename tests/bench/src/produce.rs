//! Throughput into a topic, of one replica or three: how fast messages are acknowledged, and librdkafka's own ceiling.

use crate::arguments::Arguments;
use crate::cluster;
use crate::deliveries::{Counting, Deliveries};
use crate::nodes::{addresses, nodes};
use crate::topic::{self, Admin};
use crate::usage::Meter;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, ThreadedProducer};
use serde_json::Value;
use std::time::Duration;

/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// `--brokers A --topic T [--broker-pid P] [--partitions 1] [--size 1024] [--count N] [--warmup N] [--acks -1]
/// [--idempotence false] [--linger-ms 5]`
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let (brokers, name) = (arguments.text("brokers")?, arguments.text("topic")?);
    topic::create(brokers, name, arguments.or("partitions", 1)?)?;
    let broker: Option<u32> = arguments.maybe("broker-pid")?;
    measure(brokers, name, arguments, || Meter::start(broker))
}

/// `--nodes N --topic T [--beside P]` and the options of [`run`]: the same load on a topic of three replicas.
pub(crate) fn replicated(arguments: &Arguments) -> Result<Value, String> {
    let (nodes, name) = (nodes(arguments)?, arguments.text("topic")?);
    let (brokers, partitions) = (addresses(&nodes), arguments.or("partitions", 1)?);
    Admin::connect(&brokers)?.create_replicated(name, partitions)?;
    cluster::until_in_sync(&nodes, partitions as usize)?;
    measure(&brokers, name, arguments, || cluster::meter(&nodes, arguments))
}

/// The same load on a mock broker inside this process: more than this no broker can show.
pub(crate) fn ceiling(arguments: &Arguments) -> Result<Value, String> {
    let mock = MockCluster::new(1).map_err(|error| error.to_string())?;
    mock.create_topic("ceiling", arguments.or("partitions", 1)?, 1).map_err(|error| error.to_string())?;
    measure(&mock.bootstrap_servers(), "ceiling", arguments, || Meter::start(None))
}

fn measure(
    brokers: &str,
    topic: &str,
    arguments: &Arguments,
    meter: impl FnOnce() -> Result<Meter, String>,
) -> Result<Value, String> {
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
    let deliveries = Deliveries::default();
    let producer: Counting = ThreadedProducer::from_config_and_context(&config, deliveries.clone())
        .map_err(|error| error.to_string())?;
    let payload = vec![b'x'; size];
    send_all(&producer, topic, partitions, &payload, warmup)?;
    deliveries.wait(warmup, PATIENCE)?;
    let meter = meter()?;
    send_all(&producer, topic, partitions, &payload, count)?;
    deliveries.wait(warmup + count, PATIENCE)?;
    meter.stop(count, count * size as u64)
}

/// Hands `count` messages to the client, as fast as it takes them.
fn send_all(
    producer: &Counting,
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
    Ok(())
}
