//! The regressions: concrete scenarios in which something was found once, each run again.
//!
//! A file of `scenarios/regressions` is a scenario as JSON below lines that begin with `//` and tell its story. A seed
//! would say nothing once the distribution that it is drawn from has changed; a scenario stays what it is. It finds what it
//! found before as long as the code does its work in about the same order, so `cargo xtask mutants` plants the bug again
//! and says whether it still does.

use super::one::{Ran, panicked};
use super::worker::Worker;
use crate::scenario::Scenario;
use std::path::{Path, PathBuf};

/// Reads a scenario and its story from a file.
pub fn read(path: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Scenario::from_json(below_story(&text)).map_err(|e| format!("{}: {e}", path.display()))
}

/// The text without the lines of the story, which stand at its top.
fn below_story(text: &str) -> &str {
    let story: usize =
        text.split_inclusive('\n').take_while(|line| line.starts_with("//")).map(str::len).sum();
    &text[story..]
}

/// The project's regressions, sorted by name.
pub fn files() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(super::scenarios_dir().join("regressions")) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
}

/// Runs them all, each in a process of its own, and with `twice` in another one that runs them all. Returns how many
/// failed.
pub fn run(twice: bool) -> Result<usize, String> {
    let (mut fresh, mut lasting) = (Worker::fresh(), Worker::lasting());
    let paths = files();
    let mut failed = 0;
    for path in &paths {
        let scenario = read(path)?;
        let mut ran = fresh.run(&scenario)?;
        if twice {
            let again = lasting.run(&scenario)?;
            if again.hash != ran.hash {
                let what = format!("two processes disagree: {} and {}", ran.hash, again.hash);
                ran.violations.push(panicked(what));
            }
        }
        let flaws = flaws(&scenario, &ran);
        if !flaws.is_empty() {
            failed += 1;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            println!("FAILED regressions/{name}");
            flaws.iter().for_each(|flaw| println!("  {flaw}"));
            println!("  replay: cargo xtask simulate scenarios/regressions/{name}");
        }
    }
    println!("regressions: {} scenarios; {failed} failed", paths.len());
    Ok(failed)
}

/// What should not be: violations, and those that are said to be known and are not there.
fn flaws(scenario: &Scenario, ran: &Ran) -> Vec<String> {
    let unexpected = ran.violations.iter().filter(|v| !scenario.expected.contains(&v.invariant));
    let mut flaws: Vec<String> = unexpected
        .map(|v| format!("{} ({}) at {:.6}: {}", v.invariant, v.checker, v.time as f64 / 1e9, v.what))
        .collect();
    let mended = scenario.expected.iter().filter(|id| ran.violations.iter().all(|v| v.invariant != **id));
    flaws.extend(mended.map(|id| format!("{id} is expected to break, and holds")));
    flaws
}

#[cfg(test)]
#[path = "regressions_test.rs"]
mod tests;
