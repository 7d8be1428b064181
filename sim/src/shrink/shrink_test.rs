//! Shrinking with made-up bugs: what is left breaks, and holds nothing that the bug does not need.

use super::*;
use crate::scenario::distribution::Distribution;
use crate::scenario::{Action, ClientKind};

fn scenario(seed: u64) -> Scenario {
    let text = include_str!("../../../scenarios/power_loss_under_load.toml");
    Distribution::from_toml(text).expect("a distribution").draw(seed)
}

/// A power cut while a producer that has sent something has two batches under way.
fn breaks(scenario: &Scenario) -> bool {
    let cut = scenario
        .faults
        .iter()
        .any(|fault| matches!(fault.action, Action::PowerLoss { down_ms } if down_ms >= 2));
    let sends = scenario.clients.iter().any(|client| match client.kind {
        ClientKind::Producer { in_flight, .. } => {
            in_flight >= 2 && client.operations_max.is_none_or(|operations| operations >= 37)
        }
        _ => false,
    });
    cut && sends && scenario.duration_ms >= 300 && !scenario.topology.topics.is_empty()
}

fn judge(scenario: &Scenario) -> Verdict {
    if breaks(scenario) { Verdict::Fails } else { Verdict::Passes }
}

#[test]
fn nothing_is_left_that_the_bug_does_not_need() {
    for seed in (0..200).filter(|seed| breaks(&scenario(*seed))).take(10) {
        let whole = scenario(seed);
        let mut told = Vec::new();
        let shrunk = shrink(&whole, judge, |_, best, attempts| {
            assert!(breaks(best), "told of what does not break");
            told.push(attempts);
        });
        assert!(shrunk.finished && breaks(&shrunk.scenario));
        let small = Size::of(&shrunk.scenario);
        assert_eq!((small.faults, small.clients, small.operations), (1, 1, Some(37)), "{small}");
        assert_eq!((small.brokers, small.partitions, small.configs), (1, 1, 0), "{small}");
        // By halves, as far as that goes.
        assert!((300..600).contains(&small.duration_ms), "{small}");
        assert!(matches!(shrunk.scenario.clients[0].kind, ClientKind::Producer { in_flight: 2, .. }));
        assert!(matches!(shrunk.scenario.faults[0].action, Action::PowerLoss { down_ms: 2 }));
        assert_eq!((shrunk.scenario.seed, shrunk.scenario.quiesce_ms), (whole.seed, whole.quiesce_ms));
        assert!(told.is_sorted() && told.last() <= Some(&shrunk.attempts));
        assert!(shrunk.attempts < 600, "{} attempts", shrunk.attempts);
        assert_eq!(shrink(&whole, judge, |_, _, _| {}), shrunk, "another result from the same verdicts");
    }
}

#[test]
fn nothing_is_run_twice_or_that_makes_no_sense() {
    let whole = (0..).map(scenario).find(breaks).expect("one of them breaks");
    let mut seen = std::collections::BTreeSet::from([whole.to_json()]);
    let judge = |candidate: &Scenario| {
        assert_eq!(candidate.validate(), Ok(()));
        assert!(seen.insert(candidate.to_json()), "run twice");
        judge(candidate)
    };
    shrink(&whole, judge, |_, _, _| {});
}

#[test]
fn a_budget_ends_it_with_what_breaks() {
    let whole = (0..).map(scenario).find(breaks).expect("one of them breaks");
    for budget in [0, 1, 5, 20, 60] {
        let mut left = budget;
        let limited = |candidate: &Scenario| match left {
            0 => Verdict::Stop,
            _ => {
                left -= 1;
                judge(candidate)
            }
        };
        let shrunk = shrink(&whole, limited, |_, _, _| {});
        assert!(breaks(&shrunk.scenario) && !shrunk.finished);
        assert_eq!(shrunk.attempts, budget);
    }
}

#[test]
fn what_can_not_be_made_smaller_stays_as_it_is() {
    let whole = scenario(1);
    let only = |candidate: &Scenario| if *candidate == whole { Verdict::Fails } else { Verdict::Passes };
    let shrunk = shrink(&whole, only, |what, _, _| panic!("{what} was taken"));
    assert_eq!((shrunk.scenario, shrunk.finished), (whole.clone(), true));
}
