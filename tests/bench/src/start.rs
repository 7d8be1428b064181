//! From exec of a broker to its first acknowledged message, and what it holds in memory when it then idles.

use crate::arguments::Arguments;
use crate::deliveries::{Counting, Deliveries};
use crate::usage::memory;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::producer::{BaseRecord, ThreadedProducer};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The slowest start that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it idles before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// `--brokers A -- COMMAND…`: starts the command, whose broker will listen at A, and stops it again.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let brokers = arguments.text("brokers")?;
    let addr: SocketAddr = brokers.parse().map_err(|_| format!("{brokers:?} is no address"))?;
    let (program, words) = arguments.command.split_first().ok_or("no command after --")?;
    let began = Instant::now();
    let child = Command::new(program).args(words).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut broker = Running(child.map_err(|error| format!("{program}: {error}"))?);
    let listening = loop {
        match TcpStream::connect_timeout(&addr, Duration::from_millis(100)) {
            Ok(_) => break began.elapsed(),
            Err(_) if began.elapsed() > PATIENCE => return Err("it does not listen".to_string()),
            Err(_) => std::thread::sleep(Duration::from_micros(500)),
        }
        if let Ok(Some(status)) = broker.0.try_wait() {
            return Err(format!("it ended with {status}"));
        }
    };
    // The client's own start belongs to the measure: a user's first message waits for it too. Metadata are asked
    // for again at once, because the topic is created by asking.
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("acks", "-1")
        .set("linger.ms", "0")
        .set("reconnect.backoff.ms", "1")
        .set("retry.backoff.ms", "1")
        .set("topic.metadata.refresh.fast.interval.ms", "1");
    let deliveries = Deliveries::default();
    let producer: Counting = ThreadedProducer::from_config_and_context(&config, deliveries.clone())
        .map_err(|error| error.to_string())?;
    let record: BaseRecord<'_, (), [u8]> = BaseRecord::to("first").payload(b"first");
    producer.send(record).map_err(|(error, _)| error.to_string())?;
    deliveries.wait(1, PATIENCE)?;
    let acked = began.elapsed();
    drop(producer);
    std::thread::sleep(IDLE);
    let (rss, peak) = memory(broker.0.id())?;
    Ok(json!({
        "listen_ms": listening.as_secs_f64() * 1e3,
        "first_ack_ms": acked.as_secs_f64() * 1e3,
        "rss": rss,
        "rss_peak": peak,
    }))
}

/// A broker that is ended when the measurement is over, however it went.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
