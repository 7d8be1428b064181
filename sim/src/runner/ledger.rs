//! The ledger: simulated work by scenario and commit, kept in the project (`scenarios/LEDGER.md`).
//!
//! Rows are only added, at the end. What a run found is told above them by whoever mended it, with the commit that did.

use super::many::Sum;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const HEAD: &str = "# Ledger

Simulated work in core-minutes, by commit and scenario (`cargo xtask simulate … --ledger`), and what it found.

## Runs

| commit | scenario | seeds | core-minutes | simulated hours | operations | found |
|-|-|-|-|-|-|-|
";

/// Adds a row.
pub fn add(name: &str, sum: &Sum) -> Result<(), String> {
    let path = super::scenarios_dir().join("LEDGER.md");
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_string());
    text.push_str(&row(&commit(&super::scenarios_dir()), name, sum));
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
}

fn row(commit: &str, name: &str, sum: &Sum) -> String {
    let mut found = String::new();
    for (seed, invariant) in sum.failed.iter().take(5) {
        write!(found, "{invariant} at {seed} ").expect("a string takes anything");
    }
    let (ok, fail, info) = sum.operations;
    format!(
        "| {commit} | {name} | {} | {:.1} | {:.1} | {} | {} |\n",
        sum.seeds,
        sum.cpu_nanos as f64 / 60e9,
        sum.sim_nanos as f64 / 3600e9,
        ok + fail + info,
        if found.is_empty() { "nothing" } else { found.trim_end() },
    )
}

/// The commit that is checked out, with `+` when the tree differs from it.
fn commit(dir: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").current_dir(dir).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "?".to_string() };
    let dirty = git(&["status", "--porcelain", "--", "../broker", "../sim"]).is_some_and(|s| !s.is_empty());
    if dirty { commit + "+" } else { commit }
}

#[cfg(test)]
#[path = "ledger_test.rs"]
mod tests;
