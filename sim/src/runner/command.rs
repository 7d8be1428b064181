//! The command line of the simulator's binary, which `cargo xtask simulate` builds and calls.

use super::many::{self, Plan, Sum};
use super::{all, distribution, history, ledger, one, regressions, shrink, worker};
use crate::scenario::Scenario;
use crate::story::Story;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: tidemark-sim COMMAND

  run NAME|all [--seeds A..B | --minutes M] [--from A] [--jobs N] [--twice] [--hashes] [--ledger]
               [--until-failure [--invariant ID]…] [--keep DIR]
                            many seeds of a scenario, or of all that are not heavy and the regressions
  run regressions [--twice] the concrete scenarios of scenarios/regressions
  run NAME --seed S         one seed, with its story
  run FILE.json             one concrete scenario, with its story
  print NAME --seed S       the scenario that a seed stands for, as JSON
  shrink NAME --seed S | FILE.json [--invariant ID] [--attempts N] [--minutes M] [--name NAME] [--story TEXT]
                            a small scenario that breaks the same invariant, kept in scenarios/regressions
  check-history FILE        judges a history of JSON lines, whoever wrote it
  worker                    scenarios in, results out: for `run`
";

/// What the arguments say.
#[derive(Default)]
struct Arguments {
    name: String,
    seed: Option<u64>,
    seeds: Option<(u64, u64)>,
    minutes: Option<f64>,
    from: u64,
    jobs: Option<usize>,
    flags: Vec<String>,
    invariants: Vec<String>,
    keep: Option<String>,
    attempts: Option<u32>,
    file_name: Option<String>,
    story: Option<String>,
}

/// The program.
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.split_first() {
        Some((command, rest)) => match (command.as_str(), rest) {
            ("run", rest) => Arguments::parse(rest).and_then(run),
            ("print", rest) => Arguments::parse(rest).and_then(print),
            ("shrink", rest) => Arguments::parse(rest).and_then(shrunk),
            ("check-history", [path]) => history::check(path),
            ("worker", []) => worker::serve(),
            _ => Err(USAGE.to_string()),
        },
        None => Err(USAGE.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn parse(words: &[String]) -> Result<Arguments, String> {
        let mut arguments = Arguments::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--seed" => arguments.seed = Some(number(&value()?)?),
                "--seeds" => {
                    let range = value()?;
                    let (from, to) = range.split_once("..").ok_or("seeds are a range A..B")?;
                    arguments.seeds = Some((number(from)?, number(to)?));
                }
                "--from" => arguments.from = number(&value()?)?,
                "--minutes" => arguments.minutes = Some(number(&value()?)?),
                "--jobs" => arguments.jobs = Some(number(&value()?)?),
                "--invariant" => arguments.invariants.push(value()?),
                "--keep" => arguments.keep = Some(value()?),
                "--attempts" => arguments.attempts = Some(number(&value()?)?),
                "--name" => arguments.file_name = Some(value()?),
                "--story" => arguments.story = Some(value()?),
                "--twice" | "--hashes" | "--ledger" | "--until-failure" => arguments.flags.push(word.clone()),
                name if !name.starts_with('-') && arguments.name.is_empty() => {
                    arguments.name = name.to_string()
                }
                other => return Err(format!("{other} is not understood\n\n{USAGE}")),
            }
        }
        if arguments.name.is_empty() { Err(USAGE.to_string()) } else { Ok(arguments) }
    }

    fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

fn run(arguments: Arguments) -> Result<(), String> {
    if arguments.name.ends_with(".json") {
        return replay(&regressions::read(Path::new(&arguments.name))?);
    }
    if let Some(seed) = arguments.seed {
        return replay(&distribution(&arguments.name)?.draw(seed));
    }
    let all = match arguments.name.as_str() {
        "all" => all()?,
        "regressions" => Vec::new(),
        name => vec![distribution(name)?],
    };
    let mut failed = 0;
    for distribution in &all {
        let (name, plan) = (&distribution.name, plan(&arguments));
        let sum = many::run(distribution, &plan)?;
        failed += sum.failed.len();
        println!("{}", summary(name, &sum));
        if arguments.flag("--ledger") {
            ledger::add(name, &sum)?;
        }
    }
    if matches!(arguments.name.as_str(), "all" | "regressions") {
        failed += regressions::run(arguments.flag("--twice"))?;
    }
    if failed > 0 { Err(format!("{failed} seeds failed")) } else { Ok(()) }
}

fn plan(arguments: &Arguments) -> Plan {
    let from = arguments.from;
    let seeds = match (arguments.seeds, arguments.minutes) {
        (Some((from, to)), _) => from..to,
        (None, Some(_)) => from..u64::MAX,
        (None, None) => from..from + 10,
    };
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    Plan {
        seeds,
        minutes: arguments.minutes,
        jobs: arguments.jobs.unwrap_or(cores),
        twice: arguments.flag("--twice"),
        hashes: arguments.flag("--hashes"),
        until: arguments.invariants.clone(),
        until_failure: arguments.flag("--until-failure"),
        keep: PathBuf::from(arguments.keep.as_deref().unwrap_or("target/simulate")),
    }
}

fn summary(name: &str, sum: &Sum) -> String {
    let (ok, fail, info) = sum.operations;
    let (cpu_s, sim_s) = (sum.cpu_nanos as f64 / 1e9, sum.sim_nanos as f64 / 1e9);
    format!(
        "{name}: {} seeds in {:.1} s ({:.1} seeds/s), {:.2} core-minutes; {sim_s:.0} simulated s, {:.1} a second and core; \
         {} operations ({ok} ok, {fail} fail, {info} info); at most {} MB, {} descriptors, {} tasks, {} MB on disk; \
         {} failed",
        sum.seeds,
        sum.wall_s,
        sum.seeds as f64 / sum.wall_s.max(1e-9),
        cpu_s / 60.0,
        sim_s / cpu_s.max(1e-9),
        ok + fail + info,
        sum.peak.memory_bytes >> 20,
        sum.peak.descriptors,
        sum.peak.tasks,
        sum.peak.disk_bytes >> 20,
        sum.failed.len(),
    )
}

/// One scenario in this process, told as it happens.
fn replay(scenario: &Scenario) -> Result<(), String> {
    println!(
        "{} seed {}: {} faults, {} clients",
        scenario.name,
        scenario.seed,
        scenario.faults.len(),
        scenario.clients.len()
    );
    let ran = one::run(scenario, Some(Story::new(|line| println!("{line}"))));
    println!("hash {}", ran.hash);
    println!(
        "{:.1} simulated s in {:.2} s of a core; {} ok, {} fail, {} info",
        ran.sim_nanos as f64 / 1e9,
        ran.cpu_nanos as f64 / 1e9,
        ran.ok,
        ran.fail,
        ran.info
    );
    for violation in &ran.violations {
        let at = violation.time as f64 / 1e9;
        println!("VIOLATED {} ({}) at {at:.6}: {}", violation.invariant, violation.checker, violation.what);
    }
    if ran.violations.is_empty() { Ok(()) } else { Err(format!("{} violations", ran.violations.len())) }
}

fn print(arguments: Arguments) -> Result<(), String> {
    let seed = arguments.seed.ok_or("which seed? --seed S")?;
    println!("{}", distribution(&arguments.name)?.draw(seed).to_json());
    Ok(())
}

fn shrunk(arguments: Arguments) -> Result<(), String> {
    let (scenario, stem) = match arguments.name.strip_suffix(".json") {
        Some(path) => {
            let stem = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
            (regressions::read(Path::new(&arguments.name))?, format!("{stem}_shrunk"))
        }
        None => {
            let seed = arguments.seed.ok_or("which seed? --seed S")?;
            (distribution(&arguments.name)?.draw(seed), format!("{}_{seed}", arguments.name))
        }
    };
    let ([] | [_]) = &arguments.invariants[..] else {
        return Err("one invariant at a time".to_string());
    };
    shrink::run(&shrink::Task {
        scenario,
        invariant: arguments.invariants.first().cloned(),
        attempts: arguments.attempts.unwrap_or(shrink::ATTEMPTS),
        minutes: arguments.minutes.unwrap_or(shrink::MINUTES),
        name: arguments.file_name.unwrap_or(stem),
        story: arguments.story,
    })
}
