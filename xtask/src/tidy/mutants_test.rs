//! The rule on mutants, broken in each way.

use super::*;

const MUTANT: &str = "source = \"own\"\nfile = \"broker/x.rs\"\nfind = \"sync()\"\nreplace = \"\"\n\
                      invariant = \"acked\"\nscenario = \"storm\"\nseeds_max = 5\n";

fn flagged(mutant: &str, source: &str) -> Vec<String> {
    let file = |path: &str, text: &str| File { path: path.to_string(), text: text.to_string() };
    let files = [
        file("broker/x.rs", source),
        file("scenarios/storm.toml", ""),
        file("sim/src/checkers/acked.rs", ""),
        file("scenarios/mutants/m.toml", mutant),
    ];
    check(&files).into_iter().map(|violation| format!("{}: {}", violation.path, violation.why)).collect()
}

#[test]
fn a_mutant_that_can_be_planted_passes() {
    assert_eq!(flagged(MUTANT, "a.sync();"), [""; 0]);
    let later = "source = \"own\"\nnot_applicable = \"comes later\"\n";
    assert_eq!(flagged(later, ""), [""; 0]);
}

#[test]
fn code_that_has_moved_on_is_told() {
    for source in ["a.flush();", "a.sync(); b.sync();"] {
        let flagged = flagged(MUTANT, source);
        assert_eq!(flagged.len(), 1);
        assert!(flagged[0].starts_with("scenarios/mutants/m.toml: its text is"), "{flagged:?}");
    }
    let elsewhere = MUTANT.replace("x.rs", "y.rs");
    assert_eq!(flagged(&elsewhere, "a.sync();"), ["scenarios/mutants/m.toml: there is no broker/y.rs"]);
}

#[test]
fn a_scenario_or_checker_that_is_gone_is_told() {
    let gone = MUTANT.replace("storm", "calm").replace("\"acked\"", "\"I1\"");
    let told = [
        "scenarios/mutants/m.toml: there is no scenarios/calm.toml",
        "scenarios/mutants/m.toml: there is no sim/src/checkers/I1.rs",
    ];
    assert_eq!(flagged(&gone, "a.sync();"), told);
    assert_eq!(flagged("colour = \"red\"\n", "").len(), 1);
}
