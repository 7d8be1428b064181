//! The ledger of mutants, `scenarios/mutants/LEDGER.md`: how many seeds each took, at which commit.
//!
//! A row is replaced when its mutant is tried again; those of others stay.

use super::Fate;
use super::file::Mutant;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const HEAD: &str = "# Mutants

Bugs that others had, or this project, planted on purpose: how many seeds of a scenario it took until the invariant fired \
that must (`cargo xtask mutants --ledger`), and whether the regression of the same name, if there is one, still shows it.

| mutant | where it is known from | scenario | invariant | seeds to its death | regression | commit |
|-|-|-|-|-|-|-|
";

/// Writes the rows of what was tried.
pub(crate) fn write(root: &Path, fates: &[(&Mutant, Fate)]) -> Result<(), String> {
    let path = root.join("scenarios/mutants/LEDGER.md");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let text = with_rows(&before, fates, &commit(root));
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The ledger with the rows put in, sorted by mutant.
fn with_rows(before: &str, fates: &[(&Mutant, Fate)], commit: &str) -> String {
    let mut rows: BTreeMap<String, String> = before
        .lines()
        .skip(HEAD.lines().count())
        .filter_map(|line| Some((line.strip_prefix("| ")?.split_once(" |")?.0.to_string(), line.to_string())))
        .collect();
    for (mutant, fate) in fates {
        rows.insert(mutant.id.clone(), row(mutant, fate, commit));
    }
    let mut text = HEAD.to_string();
    rows.values().for_each(|row| text.extend([row, "\n"]));
    text
}

fn row(mutant: &Mutant, fate: &Fate, commit: &str) -> String {
    let Mutant { id, source, scenario, invariant, .. } = mutant;
    let (seeds, regression) = match fate {
        Fate::Killed { seeds, regression, .. } => {
            let regression = match regression {
                Some(true) => "shows it",
                Some(false) => "has faded",
                None => "",
            };
            (seeds.clone(), regression)
        }
        fate => (fate.to_string(), ""),
    };
    format!("| {id} | {source} | {scenario} | {invariant} | {seeds} | {regression} | {commit} |")
}

/// The commit that is checked out.
fn commit(root: &Path) -> String {
    let output = Command::new("git").current_dir(root).args(["rev-parse", "--short", "HEAD"]).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_string(),
        _ => "?".to_string(),
    }
}

#[cfg(test)]
#[path = "ledger_test.rs"]
mod tests;
