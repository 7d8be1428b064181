//! `cargo xtask mutants`: plants known bugs, one at a time, and counts the seeds until the simulator finds each.
//!
//! A mutant is a file of `scenarios/mutants`: a real bug as a small edit of the source, the scenario that should expose
//! it and the invariant that must fire. A mutant that survives is a hole in a workload, a fault or a checker, and is
//! mended there. The edit must match exactly once, so that code that has moved on can't turn a mutant into nothing.
//! Everything happens in a copy of the tree under `target/mutants`.

mod copy;
mod file;

use crate::Outcome;
use crate::{cargo, simulate};
use file::Mutant;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a mutant fared.
enum Fate {
    Killed {
        seed: String,
        seeds: String,
    },
    Survived(String),
    NotApplicable(String),
    /// It can't be planted, or does not build: the code has moved on.
    Stale(String),
}

pub(crate) fn run(args: &[String]) -> Outcome {
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
    let mut survivors = Vec::new();
    let mut rows = Vec::new();
    for mutant in wanted {
        let fate = match &mutant.not_applicable {
            Some(why) => Fate::NotApplicable(why.clone()),
            None => try_one(mutant, &tree, &target).unwrap_or_else(Fate::Stale),
        };
        let row = match &fate {
            Fate::Killed { seed, seeds } => format!("killed by seed {seed}, after {seeds} seeds"),
            Fate::Survived(why) => format!("SURVIVED: {why}"),
            Fate::NotApplicable(why) => format!("not applicable: {why}"),
            Fate::Stale(why) => format!("STALE: {why}"),
        };
        let row = format!("{:<28} {:<4} {row}", mutant.id, mutant.invariant);
        println!("{row}");
        rows.push(row);
        if let Fate::Survived(_) | Fate::Stale(_) = fate {
            survivors.push(mutant.id.clone());
        }
    }
    if rows.len() > 1 {
        println!("\n{}", rows.join("\n"));
    }
    if survivors.is_empty() { Ok(()) } else { Err(format!("not killed: {}", survivors.join(", "))) }
}

/// Plants a mutant, runs it, and takes it out again.
fn try_one(mutant: &Mutant, tree: &Path, target: &Path) -> Result<Fate, String> {
    let path = tree.join(&mutant.file);
    let failed = |error| format!("{}: {error}", path.display());
    let original = std::fs::read_to_string(&path).map_err(failed)?;
    std::fs::write(&path, planted(mutant, &original)?).map_err(failed)?;
    let fate = simulate::build(tree, target, "mutants").and_then(|binary| hunt(mutant, &binary, target));
    std::fs::write(&path, original).map_err(failed)?;
    fate
}

/// Runs seeds until the invariant fires.
fn hunt(mutant: &Mutant, binary: &Path, target: &Path) -> Result<Fate, String> {
    let output = Command::new(binary)
        .args(["run", &mutant.scenario, "--until-failure", "--invariant", &mutant.invariant])
        .args(["--seeds", &format!("0..{}", mutant.seeds_max)])
        .args(["--keep", &target.join("kept").display().to_string()])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    Ok(fate(&String::from_utf8_lossy(&output.stdout), mutant))
}

/// Reads the simulator's verdict.
fn fate(text: &str, mutant: &Mutant) -> Fate {
    let killed = text.lines().find_map(|line| line.strip_prefix("KILLED by seed "));
    if let Some((seed, seeds)) = killed.and_then(|rest| rest.split_once(" after ")) {
        let seeds = seeds.trim_end_matches(" seeds").to_string();
        return Fate::Killed { seed: seed.to_string(), seeds };
    }
    let other = text.lines().find(|line| line.starts_with("  ") && line.contains('('));
    let other = other.map_or("nothing fired".to_string(), |line| format!("only this fired:{line}"));
    Fate::Survived(format!("{} seeds of {}; {other}", mutant.seeds_max, mutant.scenario))
}

/// The text with the edit made.
fn planted(mutant: &Mutant, text: &str) -> Result<String, String> {
    match text.matches(mutant.find.as_str()).count() {
        1 => Ok(text.replacen(&mutant.find, &mutant.replace, 1)),
        count => Err(format!("its text is {count} times in {}", mutant.file)),
    }
}
