//! `cargo xtask shrink`: builds the simulator and lets it make a failing scenario small.
//!
//! See `sim/src/runner/shrink.rs` for what it does. The result is a concrete scenario in `scenarios/regressions`, to
//! be stored with the fix of what it shows.

use crate::Outcome;
use crate::{cargo, simulate};
use std::process::Command;

const USAGE: &str = "usage: cargo xtask shrink SCENARIO --seed S | --file SCENARIO.json
       [--invariant ID] [--attempts N] [--minutes M] [--name NAME] [--story TEXT]";

pub(crate) fn run(args: &[String]) -> Outcome {
    let args = arguments(args)?;
    let binary = simulate::build(&cargo::root(), &cargo::target_dir(), "sim")?;
    let status = Command::new(&binary)
        .arg("shrink")
        .args(&args)
        .status()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    if status.success() { Ok(()) } else { Err(format!("the simulator ended with {status}")) }
}

/// The simulator's arguments: it takes a scenario by its name or by its file's.
fn arguments(args: &[String]) -> Result<Vec<String>, String> {
    let mut args = args.to_vec();
    if let Some(at) = args.iter().position(|arg| arg == "--file") {
        args.remove(at);
        if at >= args.len() {
            return Err(USAGE.to_string());
        }
    }
    let by_name = args.iter().any(|arg| arg == "--seed");
    let by_file = args.iter().any(|arg| arg.ends_with(".json"));
    if by_name == by_file { Err(USAGE.to_string()) } else { Ok(args) }
}

#[cfg(test)]
#[path = "shrink_test.rs"]
mod tests;
