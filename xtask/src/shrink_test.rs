//! What is passed on to the simulator.

use super::*;

fn passed_on(words: &str) -> Result<String, String> {
    let words: Vec<String> = words.split_whitespace().map(str::to_string).collect();
    arguments(&words).map(|args| args.join(" "))
}

#[test]
fn a_scenario_is_named_with_a_seed_or_is_a_file() {
    assert_eq!(passed_on("slow_disk --seed 7 --minutes 1"), Ok("slow_disk --seed 7 --minutes 1".into()));
    assert_eq!(passed_on("--file a.json --attempts 9"), Ok("a.json --attempts 9".into()));
    assert_eq!(passed_on("a.json"), Ok("a.json".into()));
    for wrong in ["", "slow_disk", "--file", "--file a.json --seed 3"] {
        assert_eq!(passed_on(wrong), Err(USAGE.to_string()));
    }
}
