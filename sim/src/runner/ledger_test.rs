//! A row says what was run and what it found.

use super::*;

#[test]
fn a_row_has_the_columns_of_the_head() {
    let sum = Sum {
        seeds: 10,
        failed: vec![(3, "I1".into()), (5, "I2".into())],
        sim_nanos: 7_200_000_000_000,
        cpu_nanos: 90_000_000_000,
        operations: (1, 2, 3),
        peak: Default::default(),
        wall_s: 1.0,
    };
    assert_eq!(row("abc", "slow_disk", &sum), "| abc | slow_disk | 10 | 1.5 | 2.0 | 6 | I1 at 3 I2 at 5 |\n");
    assert_eq!(row("abc", "x", &Sum::default()).matches('|').count(), 8);
}

/// Rows are added at the end of the file, so that has to be the end of their table.
#[test]
fn the_ledger_ends_with_its_runs() {
    let text = std::fs::read_to_string(super::super::scenarios_dir().join("LEDGER.md")).unwrap();
    let (_, runs) = text.split_once("\n## Runs\n\n").expect("a heading of its own");
    let columns = HEAD.lines().last().unwrap();
    assert!(runs.ends_with("|\n") && HEAD.ends_with(&format!("{columns}\n")));
    for line in runs.lines() {
        assert_eq!(line.matches('|').count(), columns.matches('|').count(), "{line}");
    }
}
