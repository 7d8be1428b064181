//! `cargo xtask simulate`: builds the simulator and calls it.
//!
//! The simulator is a program of its own, because this one may not compile it: see `sim/src/runner/command.rs` for
//! what it understands. It is optimised with debug assertions on (profile `sim`) unless `--profile NAME` says otherwise.

use crate::Outcome;
use crate::cargo;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Words that are commands of the simulator itself; anything else is a scenario to run.
const COMMANDS: &[&str] = &["print", "check-history"];

pub(crate) fn run(args: &[String]) -> Outcome {
    let mut args = args.to_vec();
    let profile = match args.iter().position(|arg| arg == "--profile") {
        Some(at) if at + 1 < args.len() => {
            args.remove(at);
            args.remove(at)
        }
        Some(_) => return Err("--profile needs a name: sim, dev, release".to_string()),
        None => "sim".to_string(),
    };
    let Some(first) = args.first() else {
        return Err("which scenario? NAME or all; see scenarios/*.toml".to_string());
    };
    if !COMMANDS.contains(&first.as_str()) {
        args.insert(0, "run".to_string());
        if !args.iter().any(|arg| arg == "--keep") {
            args.push("--keep".to_string());
            args.push(cargo::target_dir().join("simulate").display().to_string());
        }
    }
    let binary = build(&cargo::root(), &cargo::target_dir(), &profile)?;
    let status = Command::new(&binary)
        .args(&args)
        .status()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    if status.success() { Ok(()) } else { Err(format!("the simulator ended with {status}")) }
}

/// Builds the simulator of the tree at `root`; its path.
pub(crate) fn build(root: &Path, target_dir: &Path, profile: &str) -> Result<PathBuf, String> {
    let output = cargo::command(&["build", "--quiet", "--profile", profile, "--package", "tidemark-sim"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target_dir)
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("the simulator does not build:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target_dir.join(folder).join("tidemark-sim"))
}
