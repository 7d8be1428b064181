//! A scenario survives its JSON, and nonsense is refused.

use super::distribution::Distribution;
use super::*;

fn any() -> Scenario {
    Distribution::from_toml("name = \"any\"\nclaim = \"\"").unwrap().draw(7)
}

#[test]
fn a_scenario_survives_its_json() {
    let scenario = any();
    assert_eq!(Scenario::from_json(&scenario.to_json()), Ok(scenario));
}

#[test]
fn names_are_unique_and_brokers_exist() {
    let fault = |name: &str, broker| Fault {
        name: name.into(),
        broker,
        trigger: Trigger::At(1),
        action: Action::Kill { down_ms: 1 },
    };
    let mut scenario = any();
    scenario.faults = vec![fault("x", 1), fault("x", 1)];
    assert!(scenario.validate().is_err());
    scenario.faults = vec![fault("x", 9)];
    assert!(scenario.validate().is_err());
    scenario.faults = vec![fault("x", 1)];
    assert_eq!(scenario.validate(), Ok(()));
}
