//! Runs scenarios outside of any simulation: one seed, or many in child processes.

mod command;
mod history;
mod ledger;
mod many;
mod one;
mod regressions;
mod shrink;
mod worker;

pub use command::main;

use crate::scenario::distribution::Distribution;
use std::path::{Path, PathBuf};

/// The project's `scenarios` folder.
fn scenarios_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// The distribution of this name.
fn distribution(name: &str) -> Result<Distribution, String> {
    let path = scenarios_dir().join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("{}: {e}; there are: {}", path.display(), names().join(", ")))?;
    let distribution = Distribution::from_toml(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    if distribution.name != name {
        return Err(format!("{} calls itself {}", path.display(), distribution.name));
    }
    Ok(distribution)
}

/// Those that `all` stands for: each whose seeds take seconds.
fn all() -> Result<Vec<Distribution>, String> {
    let mut all = names().iter().map(|name| distribution(name)).collect::<Result<Vec<_>, _>>()?;
    all.retain(|distribution| !distribution.heavy);
    Ok(all)
}

/// The names of all distributions, sorted.
fn names() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(scenarios_dir()) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
#[path = "runner_test.rs"]
mod tests;
