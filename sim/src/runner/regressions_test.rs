//! Regressions are read with their stories, and judged by what they say is known.

use super::*;
use crate::checkers::Violation;
use crate::runner::distribution;

fn scenario() -> Scenario {
    distribution("slow_disk").unwrap().draw(1)
}

#[test]
fn a_story_stands_above_the_scenario() {
    let json = scenario().to_json();
    let told = format!("// Lost a name.\n//\n// I1, fixed since.\n{json}");
    assert_eq!(Scenario::from_json(below_story(&told)), Ok(scenario()));
    assert_eq!(below_story(&json), json);
    assert!(Scenario::from_json(below_story(&format!("A story without marks.\n{json}"))).is_err());
}

#[test]
fn every_regression_of_the_project_has_a_story_and_is_a_scenario() {
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("// "), "{} has no story", path.display());
        read(&path).unwrap();
    }
}

#[test]
fn what_is_known_to_break_must_break_and_nothing_else_may() {
    let violation = |invariant: &str| Violation {
        invariant: invariant.into(),
        checker: "some_checker".into(),
        time: 0,
        what: "it broke".into(),
    };
    let ran = |ids: &[&str]| Ran {
        violations: ids.iter().map(|id| violation(id)).collect(),
        ..Ran::of("slow_disk".into(), 1)
    };
    let mended = scenario();
    assert_eq!(flaws(&mended, &ran(&[])), [""; 0]);
    assert_eq!(flaws(&mended, &ran(&["I1"])), ["I1 (some_checker) at 0.000000: it broke"]);
    let known = Scenario { expected: vec!["I1".into()], ..scenario() };
    assert_eq!(flaws(&known, &ran(&["I1"])), [""; 0]);
    assert_eq!(flaws(&known, &ran(&[])), ["I1 is expected to break, and holds"]);
    assert_eq!(flaws(&known, &ran(&["I1", "I2"])).len(), 1);
}
