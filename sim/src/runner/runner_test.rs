//! What is heavy is run by name, and nothing else is passed over.

use super::*;

#[test]
fn all_stands_for_every_scenario_that_is_not_heavy() {
    let all: Vec<String> = all().unwrap().into_iter().map(|distribution| distribution.name).collect();
    let (heavy, light): (Vec<_>, Vec<_>) =
        names().into_iter().partition(|name| distribution(name).unwrap().heavy);
    assert_eq!(all, light);
    assert!(heavy.contains(&"a_hundred_brokers".to_string()), "{heavy:?}");
}
