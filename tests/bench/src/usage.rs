//! What a measurement cost: processor seconds of the broker, of the client and of everybody else, and memory.

use serde_json::{Value, json};
use std::fs;
use std::time::Instant;

/// `/proc` counts processor time in ticks of 10 ms on every Linux that matters (USER_HZ).
const SECONDS_PER_TICK: f64 = 0.01;

/// A running measurement.
pub(crate) struct Meter {
    brokers: Vec<u32>,
    /// Brokers that run because pairs are interleaved: neither measured nor others.
    beside: Vec<u32>,
    began: Instant,
    before: Ticks,
}

struct Ticks {
    client: u64,
    broker: u64,
    beside: u64,
    machine: u64,
}

impl Meter {
    /// Starts measuring; `brokers` are the process ids of the brokers, if there are any.
    pub(crate) fn start(brokers: impl IntoIterator<Item = u32>) -> Result<Meter, String> {
        Meter::start_beside(brokers, Vec::new())
    }

    /// As [`Meter::start`], while the brokers `beside` are idle.
    pub(crate) fn start_beside(
        brokers: impl IntoIterator<Item = u32>,
        beside: Vec<u32>,
    ) -> Result<Meter, String> {
        let brokers: Vec<u32> = brokers.into_iter().collect();
        Ok(Meter { before: Ticks::now(&brokers, &beside)?, brokers, beside, began: Instant::now() })
    }

    /// The result so far, of `messages` of `bytes` together, with the memory of the one broker.
    pub(crate) fn stop(&self, messages: u64, bytes: u64) -> Result<Value, String> {
        let mut result = self.cost()?;
        result["messages"] = json!(messages);
        result["bytes"] = json!(bytes);
        if let [pid] = self.brokers[..] {
            let (rss, peak) = memory(pid)?;
            result["rss"] = json!(rss);
            result["rss_peak"] = json!(peak);
        }
        Ok(result)
    }

    /// Time and processor time so far.
    pub(crate) fn cost(&self) -> Result<Value, String> {
        let seconds = self.began.elapsed().as_secs_f64();
        let after = Ticks::now(&self.brokers, &self.beside)?;
        let client = after.client - self.before.client;
        let broker = after.broker - self.before.broker;
        let beside = after.beside - self.before.beside;
        let machine = after.machine - self.before.machine;
        Ok(json!({
            "seconds": seconds,
            "client_cpu": client as f64 * SECONDS_PER_TICK,
            "broker_cpu": broker as f64 * SECONDS_PER_TICK,
            "other_cpu": machine.saturating_sub(client + broker + beside) as f64 * SECONDS_PER_TICK,
        }))
    }
}

impl Ticks {
    fn now(brokers: &[u32], beside: &[u32]) -> Result<Ticks, String> {
        let all = |pids: &[u32]| -> Result<u64, String> {
            pids.iter().map(|pid| of_process(&pid.to_string())).sum()
        };
        Ok(Ticks {
            client: of_process("self")?,
            broker: all(brokers)?,
            beside: all(beside)?,
            machine: of_machine()?,
        })
    }
}

/// Bytes resident now and at most, of a process.
pub(crate) fn memory(pid: u32) -> Result<(u64, u64), String> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| format!("no {name} of process {pid}"))
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

/// Nanoseconds that the calling thread has run.
pub(crate) fn thread_nanos() -> Result<u64, String> {
    let text = read("/proc/thread-self/schedstat")?;
    let first = text.split_whitespace().next().and_then(|word| word.parse().ok());
    first.ok_or_else(|| "schedstat holds no number".to_string())
}

/// User and system time of a process with all its threads.
fn of_process(pid: &str) -> Result<u64, String> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    // The second field is the name in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')').ok_or("stat holds no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let tick = |at: usize| fields.get(at).and_then(|word| word.parse::<u64>().ok());
    match (tick(11), tick(12)) {
        (Some(user), Some(system)) => Ok(user + system),
        _ => Err(format!("stat of process {pid} holds no times")),
    }
}

/// Time that all processors were not idle.
fn of_machine() -> Result<u64, String> {
    let stat = read("/proc/stat")?;
    let line = stat.lines().next().ok_or("/proc/stat is empty")?;
    // user nice system idle iowait irq softirq; guests are in user, steal is not ours.
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    if ticks.len() < 7 {
        return Err("/proc/stat has fewer fields than expected".to_string());
    }
    Ok(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6])
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}
