//! The ledger keeps what was not tried again.

use super::*;

fn mutant(id: &str) -> Mutant {
    Mutant {
        id: id.to_string(),
        source: "own".to_string(),
        file: "x.rs".to_string(),
        find: "sync".to_string(),
        replace: String::new(),
        invariant: "acked".to_string(),
        scenario: "storm".to_string(),
        seeds_max: 5,
        not_applicable: None,
    }
}

fn killed(seeds: &str, regression: Option<bool>) -> Fate {
    Fate::Killed { seed: "7".to_string(), seeds: seeds.to_string(), regression }
}

#[test]
fn rows_are_replaced_one_by_one() {
    let (a, b) = (mutant("a"), mutant("b"));
    let first = with_rows("", &[(&b, killed("3", None)), (&a, killed("8", Some(true)))], "c1");
    let rows = "| a | own | storm | acked | 8 | shows it | c1 |\n| b | own | storm | acked | 3 |  | c1 |\n";
    assert_eq!(first, format!("{HEAD}{rows}"));

    let second = with_rows(&first, &[(&b, Fate::Survived("5 seeds".to_string()))], "c2");
    let rows = "| a | own | storm | acked | 8 | shows it | c1 |\n| b | own | storm | acked | SURVIVED: 5 seeds |  | c2 |\n";
    assert_eq!(second, format!("{HEAD}{rows}"));
}
