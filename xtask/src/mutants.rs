//! `cargo xtask mutants`: plants known bugs, one at a time, and counts the seeds until the simulator finds each.
//!
//! A mutant is a file of `scenarios/mutants`: a real bug as a small edit of the source, the scenario that should expose
//! it and the invariant that must fire. A mutant that survives is a hole in a workload, a fault or a checker, and is
//! mended there. The edit must match exactly once, so that code that has moved on can't turn a mutant into nothing.
//! Everything happens in a copy of the tree under `target/mutants`.
//!
//! Where `scenarios/regressions` has a concrete scenario of the mutant's name, that is run as well: a regression whose bug
//! can be planted again without its noticing has faded, and wants to be found anew.

mod copy;
pub(crate) mod file;
mod ledger;

use crate::Outcome;
use crate::{cargo, simulate};
use file::Mutant;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// How a mutant fared.
enum Fate {
    Killed {
        seed: String,
        /// Seeds it took.
        seeds: String,
        /// Whether the regression of its name shows it, if there is one.
        regression: Option<bool>,
    },
    Survived(String),
    NotApplicable(String),
    /// It can't be planted, or does not build: the code has moved on.
    Stale(String),
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fate::Killed { seed, seeds, regression } => {
                write!(f, "killed by seed {seed}, after {seeds} seeds")?;
                match regression {
                    Some(true) => f.write_str("; its regression shows it"),
                    Some(false) => f.write_str("; its regression HAS FADED"),
                    None => Ok(()),
                }
            }
            Fate::Survived(why) => write!(f, "SURVIVED: {why}"),
            Fate::NotApplicable(why) => write!(f, "not applicable: {why}"),
            Fate::Stale(why) => write!(f, "STALE: {why}"),
        }
    }
}

pub(crate) fn run(args: &[String]) -> Outcome {
    let (flags, args): (Vec<String>, Vec<String>) =
        args.iter().cloned().partition(|arg| arg.starts_with("--"));
    if let Some(unknown) = flags.iter().find(|flag| *flag != "--ledger") {
        return Err(format!("{unknown} is not understood; usage: cargo xtask mutants [ID…] [--ledger]"));
    }
    let root = cargo::root();
    let mutants = file::all(&root.join("scenarios/mutants"))?;
    let wanted: Vec<&Mutant> =
        mutants.iter().filter(|mutant| args.is_empty() || args.contains(&mutant.id)).collect();
    if let Some(unknown) = args.iter().find(|id| !mutants.iter().any(|mutant| mutant.id == **id)) {
        let ids: Vec<&str> = mutants.iter().map(|mutant| mutant.id.as_str()).collect();
        return Err(format!("there is no mutant {unknown}; there are: {}", ids.join(", ")));
    }
    let tree = cargo::target_dir().join("mutants/tree");
    let target = cargo::target_dir().join("mutants/target");
    copy::refresh(&root, &tree)?;
    let mut fates: Vec<(&Mutant, Fate)> = Vec::new();
    for mutant in wanted {
        let fate = match &mutant.not_applicable {
            Some(why) => Fate::NotApplicable(why.clone()),
            None => try_one(mutant, &tree, &target).unwrap_or_else(Fate::Stale),
        };
        println!("{:<38} {:<13} {fate}", mutant.id, mutant.invariant);
        fates.push((mutant, fate));
    }
    if !flags.is_empty() {
        ledger::write(&root, &fates)?;
    }
    let survivors: Vec<&str> = fates
        .iter()
        .filter(|(_, fate)| matches!(fate, Fate::Survived(_) | Fate::Stale(_)))
        .map(|(mutant, _)| mutant.id.as_str())
        .collect();
    if survivors.is_empty() { Ok(()) } else { Err(format!("not killed: {}", survivors.join(", "))) }
}

/// Plants a mutant, runs it, and takes it out again.
fn try_one(mutant: &Mutant, tree: &Path, target: &Path) -> Result<Fate, String> {
    let path = tree.join(&mutant.file);
    let failed = |error| format!("{}: {error}", path.display());
    let original = std::fs::read_to_string(&path).map_err(failed)?;
    std::fs::write(&path, mutant.planted(&original)?).map_err(failed)?;
    let fate = simulate::build(tree, target, "mutants").and_then(|binary| {
        let fate = hunt(mutant, &binary, target)?;
        let regression = tree.join(format!("scenarios/regressions/{}.json", mutant.id));
        match fate {
            Fate::Killed { seed, seeds, .. } if regression.is_file() => {
                let regression = Some(shows(mutant, &binary, &regression)?);
                Ok(Fate::Killed { seed, seeds, regression })
            }
            fate => Ok(fate),
        }
    });
    std::fs::write(&path, original).map_err(failed)?;
    fate
}

/// Runs seeds until the invariant fires. One at a time: how many it takes is to be the same on every machine.
fn hunt(mutant: &Mutant, binary: &Path, target: &Path) -> Result<Fate, String> {
    let seeds = format!("0..{}", mutant.seeds_max);
    let kept = target.join("kept").display().to_string();
    let words = ["run", &mutant.scenario, "--until-failure", "--invariant", &mutant.invariant];
    let words = [&words[..], &["--jobs", "1", "--seeds", &seeds, "--keep", &kept]].concat();
    Ok(fate(&said(&output(binary, &words)?), mutant))
}

/// Whether a concrete scenario makes the invariant fire.
fn shows(mutant: &Mutant, binary: &Path, scenario: &Path) -> Result<bool, String> {
    let output = output(binary, &["run", &scenario.display().to_string()])?;
    if mutant.invariant == "panic" && output.status.code().is_none() {
        // A panic ends the process that runs one scenario: it says no more.
        return Ok(true);
    }
    let fired = format!("({})", mutant.invariant);
    Ok(said(&output).lines().any(|line| line.starts_with("VIOLATED ") && line.contains(&fired)))
}

/// What the simulator does, whatever it ends with.
fn output(binary: &Path, words: &[&str]) -> Result<Output, String> {
    let run = Command::new(binary).args(words).stderr(Stdio::null()).output();
    run.map_err(|error| format!("{}: {error}", binary.display()))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Reads the simulator's verdict.
fn fate(text: &str, mutant: &Mutant) -> Fate {
    let killed = text.lines().find_map(|line| line.strip_prefix("KILLED by seed "));
    if let Some((seed, seeds)) = killed.and_then(|rest| rest.split_once(" after ")) {
        let seeds = seeds.trim_end_matches(" seeds").to_string();
        return Fate::Killed { seed: seed.to_string(), seeds, regression: None };
    }
    let other = text.lines().find(|line| line.starts_with("  ") && line.contains('('));
    let other = other.map_or("nothing fired".to_string(), |line| format!("only this fired:{line}"));
    Fate::Survived(format!("{} seeds of {}; {other}", mutant.seeds_max, mutant.scenario))
}
