//! Rows as a table on the terminal and in BENCHMARKS.md.

use super::kafka::{self, Kafka};
use super::machine;
use super::rows::{Load, Row};
use super::run::Measured;
use super::sample::{Figure, Sample, Spread};
use crate::{Outcome, cargo};
use std::fs;

/// Between these two lines of BENCHMARKS.md every line is this program's.
const BEGIN: &str = "<!-- cargo xtask bench writes from here -->";
const END: &str = "<!-- to here -->";

const HEAD: &[&str] =
    &["row", "mode", "figure", "Tidemark", "Apache Kafka", "ratio", "bound", "pairs", "commit"];

/// One line of the table: a figure of a row.
pub(super) type Line = Vec<String>;

pub(super) fn lines(row: &Row, measured: &Measured, commit: &str) -> Vec<Line> {
    let kept = measured.tidemark.len();
    let pairs = match (measured.noisy, measured.discarded) {
        (true, _) => format!("{kept}, all disturbed"),
        (false, 0) => kept.to_string(),
        (false, discarded) => format!("{kept} of {}", kept + discarded),
    };
    let mut lines = Vec::new();
    for figure in figures(row.load) {
        let Some(ours) = Spread::of(&measured.tidemark, *figure) else { continue };
        let theirs = Spread::of(&measured.kafka, *figure);
        lines.push(vec![
            row.name.to_string(),
            row.mode.label().to_string(),
            figure.label().to_string(),
            spread(ours),
            theirs.map_or("–".to_string(), spread),
            theirs.map_or("–".to_string(), |theirs| ratio(*figure, ours.median, theirs.median)),
            bound(row.load, *figure, measured),
            pairs.clone(),
            commit.to_string(),
        ]);
    }
    lines
}

fn figures(load: Load) -> &'static [Figure] {
    use Figure::*;
    match load {
        Load::Produce { .. } | Load::Consume { .. } => {
            &[Megabytes, Thousands, BrokerCost, ClientCost, ResidentPeak]
        }
        Load::Latency { .. } => &[Median, P99, P999, BrokerLoad],
        Load::Start => &[Listen, FirstAck, Resident],
        Load::ControllerFailover => &[Created],
        Load::LeadersMoved { .. } => &[Moved],
        Load::IdleCluster { .. } => &[BusiestLoad, Resident],
        Load::Replicated { .. } => &[Megabytes, Thousands, BrokerCost, ClientCost],
        Load::LeaderLost(_) => &[Gap],
        Load::Rejoin { .. } => &[InSync],
    }
}

/// How many times better ours is, whichever way better lies.
fn ratio(figure: Figure, ours: f64, theirs: f64) -> String {
    let better = if figure.rate() { ours / theirs } else { theirs / ours };
    if better.is_finite() { format!("{better:.2}×") } else { "–".to_string() }
}

/// The mock broker bounds rates; the null broker bounds rates and costs. What happens to clusters has a goal instead.
fn bound(load: Load, figure: Figure, measured: &Measured) -> String {
    if let Some(goal) = load.goal(figure) {
        return format!("goal {goal}");
    }
    let of = |samples: &[Sample], name: &str| {
        Spread::of(samples, figure).map(|spread| format!("{name} {}", number(spread.median)))
    };
    let bounds = match figure {
        Figure::Megabytes => [of(&measured.ceiling, "mock"), of(&measured.null, "null")],
        Figure::Thousands | Figure::ClientCost => [of(&measured.ceiling, "mock"), None],
        Figure::BrokerCost => [of(&measured.null, "null"), None],
        _ => [None, None],
    };
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    if bounds.is_empty() { "–".to_string() } else { bounds.join(", ") }
}

fn spread(spread: Spread) -> String {
    format!("{} ({}–{})", number(spread.median), number(spread.least), number(spread.most))
}

/// Three significant figures are more than a shared machine gives.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The lines in columns.
pub(super) fn terminal(lines: &[Line]) -> String {
    let shown = |line: &[String]| line[2..8].to_vec();
    let mut table = vec![HEAD[2..8].iter().map(|word| word.to_string()).collect::<Vec<String>>()];
    table.extend(lines.iter().map(|line| shown(line)));
    let mut text = String::new();
    for line in &table {
        for (column, cell) in line.iter().enumerate() {
            let width = table.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
            text.push_str(cell);
            text.push_str(&" ".repeat(width - cell.chars().count() + 2));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Replaces the row's lines in BENCHMARKS.md.
pub(super) fn rewrite(row: &Row, lines: &[Line], kafka: Option<&Kafka>) -> Outcome {
    let path = cargo::root().join("BENCHMARKS.md");
    let before = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let peer = kafka.map(|_| kafka::VERSION);
    let after = replaced(&before, row.name, lines, &machine::description(&cargo::target_dir()), peer)
        .ok_or_else(|| format!("{} has lost its marks", path.display()))?;
    fs::write(&path, after).map_err(|error| format!("{}: {error}", path.display()))
}

/// `text` with `row`'s lines, and nothing else between the marks, replaced. `None` without the marks.
fn replaced(text: &str, row: &str, lines: &[Line], machine: &str, peer: Option<&str>) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (between, after) = rest.split_once(END)?;
    let mut kept: Vec<String> = between
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| row |") && !line.starts_with("| --- "))
        .filter(|line| line.split('|').nth(1).map(str::trim) != Some(row))
        .map(str::to_string)
        .collect();
    kept.extend(lines.iter().map(|line| format!("| {} |", line.join(" | "))));
    // The order of the rows' table, whatever was measured last.
    let place = |line: &String| {
        let name = line.split('|').nth(1).map(str::trim).unwrap_or_default();
        super::rows::ROWS.iter().position(|row| row.name == name).unwrap_or(usize::MAX)
    };
    kept.sort_by_key(place);
    let peer =
        peer.map_or(String::new(), |version| format!(" Peer: Apache Kafka {version}, `-Xmx1g -Xms1g`, G1."));
    let rule = vec!["---"; HEAD.len()].join(" | ");
    Some(format!(
        "{before}{BEGIN}\n\nMachine: {machine}.{peer} Median (least–most) of the pairs; ratio of medians, above 1 is \
         better.\n\n| {} |\n| {rule} |\n{}\n\n{END}{after}",
        HEAD.join(" | "),
        kept.join("\n")
    ))
}

/// The commit that is checked out; `+` when the broker's files differ from it.
pub(super) fn commit() -> String {
    let git = |words: &[&str]| {
        let output =
            std::process::Command::new("git").args(words).current_dir(cargo::root()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(hash) = git(&["rev-parse", "--short", "HEAD"]) else { return "–".to_string() };
    let changed = git(&["status", "--porcelain", "--", "broker"]).is_some_and(|text| !text.is_empty());
    if changed { format!("{hash}+") } else { hash }
}

#[cfg(test)]
#[path = "report_test.rs"]
mod tests;
