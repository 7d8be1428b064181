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

#[test]
fn a_disk_that_is_emptied_is_that_of_a_broker_known_beforehand() {
    let fault = |name: &str, after: Option<&str>, whoever, action| Fault {
        name: name.into(),
        broker: 1,
        trigger: Trigger::Event {
            since: after.map(str::to_string),
            during: None,
            from_ms: 0,
            whoever,
            kind: EventKind::Appended,
            nth: 1,
            after_us: 0,
        },
        action,
    };
    let kill = Action::Kill { down_ms: 1 };
    let empties = [Action::Wipe { down_ms: 1 }, Action::Disk { fault: DiskFault::Lies, for_ms: 1 }];
    for action in empties {
        let chain = |whoever| {
            vec![
                fault("x", None, whoever, kill.clone()),
                fault("y", Some("x"), false, kill.clone()),
                fault("z", Some("y"), false, action.clone()),
            ]
        };
        let mut scenario = any();
        scenario.faults = chain(false);
        assert_eq!(scenario.validate(), Ok(()));
        scenario.faults = chain(true);
        let why = scenario.validate().unwrap_err();
        assert!(why.starts_with("z: "), "{why}");
        scenario.faults = vec![fault("z", None, true, action.clone())];
        assert!(scenario.validate().is_err());
        // A chain that goes round comes to an end.
        scenario.faults = vec![fault("z", Some("z"), false, action)];
        assert_eq!(scenario.validate(), Ok(()));
    }
}
