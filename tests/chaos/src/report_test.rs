//! Figures of a kind of fault, and what stands at the end.

use super::*;

const MS: u64 = 1_000_000;

fn struck(kind: &str, begin_ns: u64, calm: bool) -> Struck {
    Struck { told: format!("{kind} was done"), kind: kind.to_string(), begin_ns, end_ns: begin_ns, calm }
}

fn gap(ms: u64) -> Gap {
    Gap { ns: ms * MS, producer: "p1".to_string(), partition: 2 }
}

#[test]
fn the_timeline_is_in_order() {
    let faults = vec![(struck("kill -9", 2, true), gap(7)), (struck("slow", 1, true), gap(9))];
    let report = Report { faults, producers: vec!["p1: java".to_string()], ..Report::default() };
    assert_eq!(
        report.timeline(),
        "slow was done; longest gap 9 ms (p1, partition 2)\nkill -9 was done; longest gap 7 ms (p1, partition 2)\np1: java\n"
    );
}

#[test]
fn gaps_are_told_by_kind_of_fault() {
    let of = |kind: &str, calm, ms| (struck(kind, 1, calm), gap(ms));
    let report = Report {
        faults: vec![
            of("kill -9", true, 300),
            of("kill -9", false, 900),
            of("kill -9", true, 400),
            of("slow", false, 20),
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
