//! `cargo xtask ci`: every check of the project, in the order in which trouble shows soonest.
//!
//! One stage after the other, each with its time, and the first failure ends the run: what follows would only
//! repeat it. The last line counts what was checked, every test by itself and any other stage as one.
//!
//! `CI=true` in the environment means that nothing may be left out: a suite that can't run, because a client or a
//! JDK is missing, has failed. Anywhere else it is skipped with a notice.

mod tally;

use crate::tidy::layers;
use crate::{Outcome, cargo, chaos, simulate, tidy};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tally::Tally;

struct Stage {
    name: &'static str,
    run: fn(&mut Tally) -> Outcome,
}

const STAGES: &[Stage] = &[
    Stage { name: "fmt", run: fmt },
    Stage { name: "tidy", run: |_| tidy::run(&[]) },
    Stage { name: "clippy", run: clippy },
    Stage { name: "alone", run: alone },
    Stage { name: "test", run: test },
    Stage { name: "loom", run: loom },
    Stage { name: "doc", run: doc },
    Stage { name: "release", run: release },
    Stage { name: "simulate", run: simulation },
    Stage { name: "clients", run: clients },
    Stage { name: "chaos", run: chaos_round },
];

/// Packages left out of every stage: the load generator compiles a C library, and only `bench` needs it.
const NOT_BENCH: &[&str] = &["--workspace", "--exclude", "tidemark-bench"];

/// Seeds per scenario, each run twice for equal hashes: enough to notice a broken scenario. The search for bugs is
/// `cargo xtask simulate`'s own.
const SEEDS: &str = "0..10";

/// A minute, into which this seed puts seven faults of as many kinds. An hour of it is `cargo xtask chaos`'s own.
const CHAOS: [&str; 6] = ["--minutes", "1", "--seed", "2771", "--clients", "librdkafka"];

pub(crate) fn run(args: &[String]) -> Outcome {
    if let Some(unknown) = args.iter().find(|arg| STAGES.iter().all(|stage| stage.name != arg.as_str())) {
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(format!("there is no stage {unknown:?}; stages: {}", names.join(" ")));
    }
    let mut tally = Tally::default();
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut outcome = Ok(());
    for stage in STAGES.iter().filter(|stage| args.is_empty() || args.iter().any(|arg| arg == stage.name)) {
        println!("\n── {} ──", stage.name);
        let began = Instant::now();
        let tests_before = tally;
        let result = (stage.run)(&mut tally);
        times.push((stage.name, began.elapsed()));
        if tally == tests_before {
            tally.count(result.is_ok());
        }
        if let Err(why) = result {
            outcome = Err(format!("stage {} failed: {why}", stage.name));
            break;
        }
    }
    println!("\n── times ──");
    for (name, time) in &times {
        println!("{name:<9} {:>7.1} s", time.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    println!("{:<9} {:>7.1} s\n", "together", total.as_secs_f64());
    if let Err(why) = &outcome {
        println!("{why}");
        tally.failed = tally.failed.max(1);
    }
    println!("{tally}");
    outcome
}

fn fmt(_: &mut Tally) -> Outcome {
    finish(&mut cargo::command(&["fmt", "--all", "--check"]))
}

fn clippy(_: &mut Tally) -> Outcome {
    let mut command = cargo::command(&["clippy", "--locked", "--quiet", "--all-targets"]);
    finish(command.args(NOT_BENCH).args(["--", "-D", "warnings"]))
}

/// Each crate of the broker with nothing but what it asks for itself: in a build of the whole workspace a
/// neighbour's features can hide that one is missing.
fn alone(_: &mut Tally) -> Outcome {
    for package in layers::packages() {
        finish(&mut cargo::command(&["check", "--locked", "--quiet", "--package", package]))
            .map_err(|why| format!("{package} alone: {why}"))?;
    }
    Ok(())
}

fn test(tally: &mut Tally) -> Outcome {
    let mut command = cargo::command(&["test", "--locked", "--quiet", "--no-fail-fast"]);
    count(command.args(NOT_BENCH).args(["--exclude", "tidemark-tests"]), tally)
}

/// The primitives of shared memory, over every interleaving that loom can think of.
fn loom(tally: &mut Tally) -> Outcome {
    let flags = cargo::with_flag(&std::env::var("RUSTFLAGS").unwrap_or_default());
    let mut command = cargo::command(&["test", "--locked", "--quiet", "--lib"]);
    command.args(["--package", "tidemark-sync"]).env("RUSTFLAGS", format!("{flags} --cfg loom"));
    count(&mut command, tally)
}

fn doc(_: &mut Tally) -> Outcome {
    let mut command =
        cargo::command(&["doc", "--locked", "--quiet", "--no-deps", "--document-private-items"]);
    let flags = cargo::with_flag(&std::env::var("RUSTDOCFLAGS").unwrap_or_default());
    finish(command.args(NOT_BENCH).env("RUSTDOCFLAGS", format!("{flags} -D warnings")))
}

fn release(_: &mut Tally) -> Outcome {
    finish(&mut cargo::command(&["build", "--locked", "--quiet", "--release", "--package", "tidemark"]))
}

fn simulation(_: &mut Tally) -> Outcome {
    simulate::run(&["all", "--seeds", SEEDS, "--twice"].map(String::from))
}

/// Stock clients against the binary that the stage `release` built.
fn clients(tally: &mut Tally) -> Outcome {
    let binary = cargo::target_dir().join("release").join("tidemark");
    let mut command = cargo::command(&["test", "--locked", "--quiet", "--no-fail-fast"]);
    command.args(["--package", "tidemark-tests"]).env("TIDEMARK_BIN", binary);
    // One broker at a time, and notices of what was skipped are to be seen.
    count(command.args(["--", "--test-threads=1", "--nocapture"]), tally)
}

/// A short round of chaos, with the client that every machine that gets this far has.
fn chaos_round(_: &mut Tally) -> Outcome {
    let user = Command::new("id").arg("-u").output().map_err(|why| format!("id -u: {why}"))?;
    let nothing_left_out = std::env::var("CI").is_ok_and(|value| value == "true");
    if user.stdout != b"0\n" && !nothing_left_out {
        println!("skipped: chaos needs root");
        return Ok(());
    }
    chaos::run(&CHAOS.map(String::from))
}

/// Runs to the end; an exit code other than 0 is a failure.
fn finish(command: &mut Command) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} {status}", words(command))),
        Err(why) => Err(format!("{}: {why}", words(command))),
    }
}

/// As [`finish`], and counts the tests that cargo tells of while they run.
fn count(command: &mut Command, tally: &mut Tally) -> Outcome {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|why| format!("{}: {why}", words(command)))?;
    let output = child.stdout.take().expect("piped above");
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|why| format!("{}: {why}", words(command)))?;
        println!("{line}");
        tally.read(&line);
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} {status}", words(command))),
        Err(why) => Err(format!("{}: {why}", words(command))),
    }
}

/// The command as one would type it.
fn words(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once("cargo".to_string()).chain(arguments).collect::<Vec<_>>().join(" ")
}
