//! What counts as the same failure, and what is written above the result.

use super::*;
use crate::runner::distribution;
use crate::runner::one::panicked;

fn violation(invariant: &str, checker: &str) -> Violation {
    Violation {
        invariant: invariant.into(),
        checker: checker.into(),
        time: 0,
        what: "b1 lost 3 of t-0".into(),
    }
}

fn task(invariant: Option<&str>, story: Option<&str>) -> Task {
    Task {
        scenario: distribution("slow_disk").unwrap().draw(1),
        invariant: invariant.map(str::to_string),
        attempts: 1,
        minutes: 1.0,
        name: "slow".into(),
        story: story.map(str::to_string),
    }
}

fn ran(violations: &[Violation]) -> Ran {
    Ran { violations: violations.to_vec(), ..Ran::of("slow_disk".into(), 1) }
}

#[test]
fn the_same_failure_is_the_same_checkers() {
    let both = ran(&[violation("I1", "acked_durable"), violation("I19", "recovered")]);
    let broken = |invariant| broken(&task(invariant, None), &both).map(|broken| broken.to_string());
    assert_eq!(broken(None), Ok("I1 (acked_durable)".into()));
    assert_eq!(broken(Some("I19")), Ok("I19 (recovered)".into()));
    assert_eq!(broken(Some("recovered")), Ok("I19 (recovered)".into()));
    assert!(broken(Some("I2")).is_err());
    let first = Broken::of(&both.violations[0]);
    assert!(first.is_in(&both));
    assert!(!first.is_in(&ran(&[violation("I1", "acked_synced")])));
    assert!(!first.is_in(&ran(&[])));
}

#[test]
fn what_is_known_to_break_is_not_looked_for() {
    let known = Scenario { expected: vec!["I1".into()], ..task(None, None).scenario };
    let task = Task { scenario: known, ..task(None, None) };
    let both = ran(&[violation("I1", "acked_durable"), violation("I19", "recovered")]);
    assert_eq!(broken(&task, &both).map(|broken| broken.to_string()), Ok("I19 (recovered)".into()));
    assert!(broken(&task, &ran(&[violation("I1", "acked_durable")])).is_err());
}

#[test]
fn panics_are_told_apart_by_where_they_are() {
    let died = |at: &str, why: &str| {
        let what =
            format!("the process died (signal: 6 (SIGABRT)): thread 'shard' panicked at {at}: | {why}");
        Broken::of(&panicked(what))
    };
    assert_eq!(died("broker/log/src/log.rs:10:5", "7 of 8"), died("broker/log/src/log.rs:10:5", "9 of 9"));
    assert_ne!(died("broker/log/src/log.rs:10:5", "7 of 8"), died("broker/log/src/log.rs:11:5", "7 of 8"));
    let hangs = |seconds: u32| Broken::of(&panicked(format!("{HANGS}: more than {seconds} s")));
    assert_eq!(hangs(10), hangs(600));
    assert_ne!(hangs(10), died("broker/log/src/log.rs:10:5", "7 of 8"));
    assert_eq!(hangs(10).to_string(), "panic (panic) at hangs");
}

#[test]
fn the_story_is_above_the_scenario_and_reads_back() {
    let long = "A name that was never synced is gone. ".repeat(9);
    let text = story(&task(None, Some(&long)), &violation("I1", "acked_durable"), "from much to little");
    assert!(text.lines().all(|line| line.starts_with("// ") && line.len() <= COLUMNS));
    assert!(text.lines().count() > 3);
    let text = text.replace("\n// ", " ");
    assert!(text.contains("(I1, the checker acked_durable.)"));
    assert!(text.contains("Found by slow_disk, seed 1, and shrunk from much to little."));
    let told = story(&task(None, None), &violation("I1", "acked_durable"), "");
    assert!(told.starts_with("// b1 lost 3 of t-0 "));
}

#[test]
fn a_regression_is_not_written_over_or_elsewhere() {
    assert!(place("torn_indexes_believed").is_err());
    for name in ["", "../elsewhere", "a b", "a.json"] {
        assert!(place(name).is_err(), "{name}");
    }
    assert!(place("found_today").is_ok());
}
