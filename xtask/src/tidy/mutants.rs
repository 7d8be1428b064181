//! Mutants that still mean something: what each wants to find is there exactly once, and so are the scenario that must
//! expose it and the checker that must fire.
//!
//! `cargo xtask mutants` would say so, too, but builds for minutes before it does, and is not run at each change.

use super::{File, Violation};
use crate::mutants::file::{self, Mutant};
use std::collections::BTreeMap;

const FOLDER: &str = "scenarios/mutants/";

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut violations = Vec::new();
    for file in files {
        let Some(id) = file.path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".toml")) else {
            continue;
        };
        match file::parse(id, &file.text) {
            Ok(mutant) if mutant.not_applicable.is_some() => {}
            Ok(mutant) => {
                let wrong = flaws(&mutant, &texts).into_iter();
                violations.extend(wrong.map(|why| Violation::new(&file.path, 0, why)));
            }
            Err(why) => violations.push(Violation::new(&file.path, 0, why)),
        }
    }
    violations
}

/// What keeps a mutant from being planted and found.
fn flaws(mutant: &Mutant, texts: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut flaws = Vec::new();
    match texts.get(mutant.file.as_str()) {
        Some(text) => flaws.extend(mutant.planted(text).err()),
        None => flaws.push(format!("there is no {}", mutant.file)),
    }
    let scenario = format!("scenarios/{}.toml", mutant.scenario);
    let checker = format!("sim/src/checkers/{}.rs", mutant.invariant);
    // Some bugs meet an assertion of the broker's own before a checker sees what they do.
    let checker = (mutant.invariant != "panic").then_some(checker);
    for path in [Some(scenario), checker].into_iter().flatten() {
        if !texts.contains_key(path.as_str()) {
            flaws.push(format!("there is no {path}"));
        }
    }
    flaws
}

#[cfg(test)]
#[path = "mutants_test.rs"]
mod tests;
