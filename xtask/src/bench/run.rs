//! Measuring one row: brokers up, warm, then interleaved pairs.

use super::broker::{Broker, Recipe, Who};
use super::machine::{back_page_cache, settle, wait_until_quiet};
use super::rows::{Load, Mode, Row};
use super::sample::Sample;
use super::{Programs, cluster};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// A row's runs.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) tidemark: Vec<Sample>,
    pub(super) kafka: Vec<Sample>,
    /// librdkafka against its own mock broker.
    pub(super) ceiling: Vec<Sample>,
    /// One thread that receives, appends and, in a durable row, syncs.
    pub(super) null: Vec<Sample>,
    /// Pairs discarded because others used the processors.
    pub(super) discarded: usize,
    /// Too many were disturbed to discard them.
    pub(super) noisy: bool,
}

/// Runs before the first pair, so that Kafka's compiler has seen the code: messages of 1 KiB.
pub(super) const WARMUP: u64 = 1_000_000;

pub(super) fn row(row: &Row, programs: &Programs, pairs: usize, quick: u64) -> Result<Measured, String> {
    let load = shortened(row.load, quick);
    let mut measured = Measured::default();
    if load == Load::Start {
        for _ in 0..pairs {
            measured.tidemark.push(start(Who::Tidemark, row.mode, programs)?);
            if programs.kafka.is_some() {
                measured.kafka.push(start(Who::Kafka, row.mode, programs)?);
            }
        }
        return Ok(measured);
    }
    if load.is_of_three() {
        cluster::measure(load, row.mode, programs, pairs, &mut measured)?;
        measured.keep_quiet_pairs();
        return Ok(measured);
    }
    let tidemark = Broker::start(Recipe::new(Who::Tidemark, row.mode, programs)?)?;
    let kafka = match &programs.kafka {
        Some(_) => Some(Broker::start(Recipe::new(Who::Kafka, row.mode, programs)?)?),
        None => None,
    };
    let brokers: Vec<&Broker> = std::iter::once(&tidemark).chain(&kafka).collect();
    for broker in &brokers {
        warm(broker, load, row.mode, programs, quick)?;
    }
    for pair in 1..=pairs {
        eprint!("pair {pair} of {pairs}\r");
        bounds(load, row.mode, programs, &mut measured)?;
        measured.tidemark.push(load_once(&tidemark, load, programs)?);
        if let Some(kafka) = &kafka {
            measured.kafka.push(load_once(kafka, load, programs)?);
        }
    }
    eprintln!();
    measured.keep_quiet_pairs();
    Ok(measured)
}

impl Measured {
    /// Discards the pairs that others disturbed, unless fewer than half would be left.
    fn keep_quiet_pairs(&mut self) {
        let pairs = self.tidemark.len();
        let quiet: Vec<bool> = (0..pairs)
            .map(|pair| self.tidemark[pair].quiet() && self.kafka.get(pair).is_none_or(Sample::quiet))
            .collect();
        let kept = quiet.iter().filter(|quiet| **quiet).count();
        self.noisy = kept * 2 < pairs;
        if self.noisy {
            return;
        }
        self.discarded = pairs - kept;
        for samples in [&mut self.tidemark, &mut self.kafka] {
            let mut pair = quiet.iter();
            samples.retain(|_| *pair.next().expect("a verdict per pair"));
        }
    }
}

/// What one thread and what the client alone can do, in the same minute as the pair.
pub(super) fn bounds(
    load: Load,
    mode: Mode,
    programs: &Programs,
    measured: &mut Measured,
) -> Result<(), String> {
    let (size, count, partitions, writers) = match load {
        Load::Produce { size, count } => (size, count, 1, 1),
        Load::Replicated { size, count, partitions } => (size, count, partitions, 3),
        _ => return Ok(()),
    };
    wait_until_quiet();
    let words = [
        "ceiling".to_string(),
        "--size".to_string(),
        size.to_string(),
        "--count".to_string(),
        count.to_string(),
        "--partitions".to_string(),
        partitions.to_string(),
    ];
    measured.ceiling.push(generate(programs, &words)?);
    let duty = if mode == Mode::Durable { "sync" } else { "append" };
    let dir = programs.scratch.display().to_string();
    let (bytes, writers) = ((size * count).to_string(), writers.to_string());
    let words = ["null", "--duty", duty, "--dir", &dir, "--bytes", &bytes, "--writers", &writers];
    let words = words.map(str::to_string);
    settle();
    back_page_cache(&programs.scratch);
    measured.null.push(generate(programs, &words)?);
    Ok(())
}

/// Fills and exercises the broker before anything counts.
fn warm(broker: &Broker, load: Load, mode: Mode, programs: &Programs, quick: u64) -> Result<(), String> {
    let produce = match load {
        // What is consumed later has to be there.
        Load::Consume { size, count } => Load::Produce { size, count },
        Load::Produce { size, .. } if mode == Mode::PageCache => {
            Load::Produce { size, count: WARMUP / quick }
        }
        _ => Load::Produce { size: 1024, count: WARMUP / quick / 2 },
    };
    load_once(broker, produce, programs)?;
    if let Load::Consume { .. } = load {
        load_once(broker, load, programs)?;
    }
    Ok(())
}

fn load_once(broker: &Broker, load: Load, programs: &Programs) -> Result<Sample, String> {
    settle();
    wait_until_quiet();
    back_page_cache(&programs.scratch);
    generate(programs, &words(broker.addr(), broker.pid(), load))
}

fn words(addr: SocketAddr, pid: u32, load: Load) -> Vec<String> {
    let (what, options) = match load {
        Load::Produce { size, count } => ("produce", vec![("size", size), ("count", count)]),
        Load::Consume { count, .. } => ("consume", vec![("count", count)]),
        Load::Latency { rate, count } => ("latency", vec![("rate", rate), ("count", count)]),
        _ => unreachable!("measured by commands of their own"),
    };
    let mut words = vec![what.to_string()];
    for (name, value) in
        [("brokers", addr.to_string()), ("topic", "bench".to_string()), ("broker-pid", pid.to_string())]
    {
        words.extend([format!("--{name}"), value]);
    }
    for (name, value) in options {
        words.extend([format!("--{name}"), value.to_string()]);
    }
    words
}

fn start(who: Who, mode: Mode, programs: &Programs) -> Result<Sample, String> {
    let recipe = Recipe::new(who, mode, programs)?;
    settle();
    wait_until_quiet();
    let mut words =
        vec!["start".to_string(), "--brokers".to_string(), recipe.addr.to_string(), "--".to_string()];
    words.extend(recipe.command.iter().cloned());
    generate(programs, &words)
}

/// Runs the load generator and reads its line.
pub(super) fn generate(programs: &Programs, words: &[String]) -> Result<Sample, String> {
    let output = Command::new(&programs.generator)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", programs.generator.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        return Err(format!("{}: {last}", words[0]));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map(Sample).map_err(|error| format!("{}: {error}: {line}", words[0]))
}

fn shortened(load: Load, quick: u64) -> Load {
    match load {
        Load::Produce { size, count } => Load::Produce { size, count: count / quick },
        Load::Consume { size, count } => Load::Consume { size, count: count / quick },
        Load::Latency { rate, count } => Load::Latency { rate, count: count / quick },
        Load::LeadersMoved { partitions } => Load::LeadersMoved { partitions: partitions / quick },
        Load::IdleCluster { partitions } => Load::IdleCluster { partitions: partitions / quick },
        Load::Replicated { size, count, partitions } => {
            Load::Replicated { size, count: count / quick, partitions }
        }
        Load::Rejoin { partitions } => Load::Rejoin { partitions: partitions / quick },
        Load::Start | Load::ControllerFailover | Load::LeaderLost(_) => load,
    }
}

#[cfg(test)]
#[path = "run_test.rs"]
mod tests;
