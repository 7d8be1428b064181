//! `cargo xtask bench`: throughput, latency, cost and start of the release binary, beside Apache Kafka.
//!
//! The load comes from `tests/bench` (stock librdkafka). On a machine whose cores are shared, absolute rates drift
//! by the minute, so every row is measured as interleaved pairs (Tidemark, Kafka, Tidemark, Kafka, ...) and its
//! result is a ratio of medians; processor seconds per gigabyte hold still where rates don't. Beside each row
//! stands a bound: what librdkafka reaches against its own mock broker, and what one thread pays that does
//! nothing but receive, append and sync.
//!
//! A pair during which others used more than a tenth of a core is discarded, unless too few would be left.
//! `BENCHMARKS.md` is rewritten row by row: what was not measured this time keeps its line.

mod broker;
mod cluster;
mod kafka;
mod machine;
mod report;
mod rows;
mod run;
mod sample;

use crate::{Outcome, cargo};
use kafka::Kafka;
use rows::ROWS;
use std::path::PathBuf;

/// What the command line asks for.
struct Wish {
    rows: Vec<&'static rows::Row>,
    /// Of every row, when it is said.
    pairs: Option<usize>,
    /// Shortens every row by this divisor, to try the procedure.
    quick: u64,
    peer: bool,
}

/// The programs that a run needs.
struct Programs {
    /// The broker.
    tidemark: PathBuf,
    /// The load generator.
    generator: PathBuf,
    /// The peer, when there is one.
    kafka: Option<Kafka>,
    /// Where brokers keep their data while they are measured.
    scratch: PathBuf,
    /// What was checked out when they were built.
    commit: String,
}

pub(crate) fn run(args: &[String]) -> Outcome {
    if let [measure] = args
        && ["sync-many", "inline-write"].contains(&measure.as_str())
    {
        return disk_costs(measure);
    }
    let wish = wish(args)?;
    let programs = prepare(&wish)?;
    let mut failed = Vec::new();
    for row in &wish.rows {
        println!("\n── {} ──", row.name);
        let pairs = wish.pairs.unwrap_or(row.load.pairs());
        match run::row(row, &programs, pairs, wish.quick) {
            Ok(measured) => {
                let lines = report::lines(row, &measured, &programs.commit);
                print!("{}", report::terminal(&lines));
                if wish.quick == 1 {
                    report::rewrite(row, &lines, programs.kafka.as_ref())?;
                }
            }
            Err(why) => {
                println!("{why}");
                failed.push(row.name);
            }
        }
    }
    let _ = std::fs::remove_dir_all(&programs.scratch);
    if failed.is_empty() { Ok(()) } else { Err(format!("not measured: {}", failed.join(" "))) }
}

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { rows: Vec::new(), pairs: None, quick: 1, peer: true };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--pairs" => {
                let count = words.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
                wish.pairs = Some(count.ok_or("--pairs wants a number")?);
            }
            "--quick" => (wish.quick, wish.pairs) = (10, Some(1)),
            "--no-peer" => wish.peer = false,
            name => {
                let row = ROWS.iter().find(|row| row.name == name);
                wish.rows.push(row.ok_or_else(|| usage(name))?);
            }
        }
    }
    if wish.rows.is_empty() {
        wish.rows = ROWS.iter().collect();
    }
    Ok(wish)
}

fn usage(wrong: &str) -> String {
    let rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    format!(
        "there is no row {wrong:?}\n\n\
         usage: cargo xtask bench [ROW…] [--pairs N] [--no-peer] [--quick]\n       \
         cargo xtask bench sync-many | inline-write\n\nrows: {}\n\
         --quick: a tenth of the load, one pair, nothing written to BENCHMARKS.md",
        rows.join(" ")
    )
}

/// Builds what is measured and what measures, and looks for the peer.
fn prepare(wish: &Wish) -> Result<Programs, String> {
    let commit = report::commit();
    for package in ["tidemark", "tidemark-bench"] {
        let built = cargo::command(&["build", "--release", "--package", package]).status();
        if !built.map_err(|error| error.to_string())?.success() {
            return Err(format!("{package} does not build"));
        }
    }
    let release = cargo::target_dir().join("release");
    let scratch = cargo::target_dir().join("bench");
    std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let kafka = if wish.peer { Kafka::find(&cargo::target_dir().join("peer")) } else { None };
    if wish.peer && kafka.is_none() {
        println!("no peer: Apache Kafka needs a JDK (17 or later) and Maven");
    }
    Ok(Programs {
        tidemark: release.join("tidemark"),
        generator: release.join("tidemark-bench"),
        kafka,
        scratch,
        commit,
    })
}

/// The figures behind the runtime's choices of how to sync and where to write.
fn disk_costs(measure: &str) -> Outcome {
    let words =
        ["run", "--release", "--package", "tidemark-runtime-tokio", "--example", "disk_costs", "--", measure];
    let dir = cargo::target_dir().join("disk-costs");
    let ran = cargo::command(&words).arg(&dir).status().map_err(|error| error.to_string())?;
    if ran.success() { Ok(()) } else { Err(format!("{measure} failed")) }
}
