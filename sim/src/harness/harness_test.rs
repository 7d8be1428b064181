//! Determinism first: the same scenario twice is the same run. And a system that does not answer is found out.

use super::*;
use crate::runtime::run_seed;
use crate::scenario::distribution::Distribution;
use crate::system;

fn scenario() -> Scenario {
    let text = "name = \"short\"\nclaim = \"\"\nduration_s = 3\n[[faults]]\naction = { power_loss = { down_ms = 10 } }\n\
                count = 2\nevents = [\"appended\"]\n";
    Distribution::from_toml(text).unwrap().draw(3)
}

fn outcome(scenario: &Scenario, main: Main) -> (TraceHash, Outcome) {
    let owned = scenario.clone();
    let run = move |world| super::run(world, owned, main, None);
    let finished = run_seed(scenario.seed, world_knobs(scenario), run).unwrap();
    (finished.hash, finished.value)
}

#[test]
fn the_same_scenario_twice_is_the_same_run() {
    let scenario = scenario();
    let (first, second) = (outcome(&scenario, system::broker), outcome(&scenario, system::broker));
    assert_eq!((first.0, first.1.history), (second.0, second.1.history));
    assert_eq!(first.1.violations, []);
    assert!(first.1.completions.ok > 100, "{:?}", first.1.completions);
    let mut other = scenario;
    other.seed += 1;
    assert_ne!(outcome(&other, system::broker).0, first.0);
}

#[test]
fn a_system_that_never_serves_is_found_out() {
    let (_, outcome) = outcome(&scenario(), |_, _, mut stop| {
        Box::pin(async move {
            stop.asked().await;
            Ok(())
        })
    });
    assert_eq!(outcome.violations.len(), 1);
    assert_eq!(outcome.violations[0].invariant, "I23");
}
