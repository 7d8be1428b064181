//! Figures of a kind of fault, and what stands at the end.

use super::*;

const MS: u64 = 1_000_000;

#[test]
fn gaps_are_told_by_kind_of_fault() {
    let gap = |kind: &str, calm, ms| (kind.to_string(), calm, ms * MS);
    let report = Report {
        faults: vec![
            gap("kill -9", true, 300),
            gap("kill -9", false, 900),
            gap("kill -9", true, 400),
            gap("slow", false, 20),
        ],
        ..Report::default()
    };
    let text = report.to_string();
    let row = |kind: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(kind)).expect("a row");
        line.split_whitespace().map(str::to_string).collect()
    };
    assert_eq!(row("kill -9").join(" "), "kill -9 3 400 ms 900 ms 2 300 ms 400 ms");
    assert_eq!(row("slow").join(" "), "slow 1 20 ms 20 ms 0 - -");
    assert!(text.ends_with("out of order\n"));
}

#[test]
fn a_failure_stands_at_the_end() {
    let report = Report { failure: Some("node 2 ended by itself".to_string()), ..Report::default() };
    assert!(report.to_string().ends_with("FAILED: node 2 ended by itself\n"));
}
