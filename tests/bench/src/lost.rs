//! What a producer notices when its partition's leader is killed or stops: the longest time without an acknowledgement.
//!
//! Stock librdkafka notices the death of a process by its connection. It asks nobody else while a process hangs, for as long
//! as its requests may take: what a cluster can do there shows in a client that asks who leads by now, as `tidemark produce`
//! does, of whatever cluster.

use crate::arguments::Arguments;
use crate::cluster;
use crate::nodes::{Node, addresses, nodes};
use crate::topic::Admin;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Before the leader is lost.
const BEFORE: Duration = Duration::from_secs(2);
/// How long is produced after that.
const AFTER: Duration = Duration::from_secs(10);
/// What is under way at the end may take so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// Topics that are created until one is led by a node that is not the active controller.
const TOPICS_MAX: usize = 20;
const VALUE: &[u8] = &[b'x'; 100];

/// `--nodes N --topic T --signal KILL|STOP [--rate 500] [--client PROGRAM] [--beside P]`: produces to one partition of three
/// replicas, with acks=all and idempotence, while its leader gets a signal. `PROGRAM` is a `tidemark`, else it is librdkafka.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let (nodes, name) = (nodes(arguments)?, arguments.text("topic")?);
    let (signal, rate) = (arguments.text("signal")?, arguments.or("rate", 500u32)?.max(1));
    let program: Option<String> = arguments.maybe("client")?;
    let active = cluster::active_controller(&nodes)?.id;
    let (topic, victim) = led_by_another(&nodes, name, active)?;
    let meter = cluster::meter(&nodes, arguments)?;
    let lose = || victim.signal(signal);
    let pace = Pace { every: Duration::from_secs(1) / rate, lose: &lose };
    let gap = match program {
        Some(program) => with_program(&program, &addresses(&nodes), &topic, pace),
        None => with_librdkafka(&addresses(&nodes), &topic, pace),
    };
    if signal == "STOP" {
        victim.signal("CONT")?;
    }
    let mut result = meter.cost()?;
    result["gap_ms"] = json!(gap?.as_secs_f64() * 1e3);
    result["victim"] = json!(victim.id);
    Ok(result)
}

/// A topic whose partition is led by a node that is not the active controller, and that node.
fn led_by_another<'a>(nodes: &'a [Node], name: &str, active: i32) -> Result<(String, &'a Node), String> {
    let brokers = addresses(nodes);
    let admin = Admin::connect(&brokers)?;
    for n in 0..TOPICS_MAX {
        let topic = format!("{name}-{n}");
        admin.create_replicated(&topic, 1)?;
        cluster::until_in_sync(nodes, 1)?;
        let leader = admin.leader(&topic)?;
        if let Some(victim) = nodes.iter().find(|node| node.id == leader && node.id != active) {
            return Ok((topic, victim));
        }
    }
    Err(format!("of {TOPICS_MAX} topics none is led by another than the active controller"))
}

/// When messages are sent, and what is done in between.
struct Pace<'a> {
    every: Duration,
    lose: &'a dyn Fn() -> Result<(), String>,
}

impl Pace<'_> {
    /// Calls `send` at its times, and loses the leader.
    fn run(&self, mut send: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let began = Instant::now();
        let mut lost = false;
        let mut sent = 0;
        while began.elapsed() < BEFORE + AFTER {
            if !lost && began.elapsed() >= BEFORE {
                (self.lose)()?;
                lost = true;
            }
            send()?;
            sent += 1;
            std::thread::sleep((began + self.every * sent).saturating_duration_since(Instant::now()));
        }
        Ok(())
    }
}

fn with_librdkafka(brokers: &str, topic: &str, pace: Pace<'_>) -> Result<Duration, String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("acks", "-1").set("enable.idempotence", "true");
    config.set("linger.ms", "1").set("message.timeout.ms", PATIENCE.as_millis().to_string());
    let told = Told::default();
    let producer: ThreadedProducer<Told, NoCustomPartitioner> =
        ThreadedProducer::from_config_and_context(&config, told.clone())
            .map_err(|error| error.to_string())?;
    pace.run(|| {
        let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(topic).payload(VALUE).partition(0);
        producer.send(record).map_err(|(error, _)| error.to_string())
    })?;
    producer.flush(PATIENCE).map_err(|error| error.to_string())?;
    told.longest()
}

/// `tidemark produce --report-gaps` tells the gap itself.
fn with_program(program: &str, brokers: &str, topic: &str, pace: Pace<'_>) -> Result<Duration, String> {
    let words = ["produce", topic, "--bootstrap-server", brokers, "--linger-ms", "1", "--report-gaps"];
    let mut command = Command::new(program);
    let child =
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{program}: {error}"))?;
    let mut lines = child.stdin.take().expect("piped above");
    let mut line = VALUE.to_vec();
    line.push(b'\n');
    let sent = pace.run(|| lines.write_all(&line).map_err(|error| format!("{program}: {error}")));
    drop(lines);
    let output = child.wait_with_output().map_err(|error| format!("{program}: {error}"))?;
    sent?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{program} produce: {said}"));
    }
    let longest = said.lines().find_map(|line| line.split_once("without an acknowledgement: "));
    let ms = longest.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    ms.map(Duration::from_millis).ok_or_else(|| format!("{program} produce tells no gap: {said}"))
}

/// When messages were acknowledged. Every clone is told the same.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Acknowledged>>);

#[derive(Default)]
struct Acknowledged {
    last: Option<Instant>,
    longest: Duration,
    failed: Option<String>,
}

impl Told {
    fn longest(&self) -> Result<Duration, String> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.failed.clone().map_or(Ok(told.longest), |why| Err(format!("a message was given up: {why}")))
    }
}

impl ClientContext for Told {}

impl ProducerContext for Told {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        let now = Instant::now();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => {
                let gap = told.last.map_or(Duration::ZERO, |last| now - last);
                told.longest = told.longest.max(gap);
                told.last = Some(now);
            }
            Err((error, _)) => told.failed = Some(error.to_string()),
        }
    }
}
