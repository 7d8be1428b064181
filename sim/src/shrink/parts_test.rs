//! A scenario without some of its parts is a scenario, and is otherwise what it was.

use super::*;
use crate::scenario::distribution::Distribution;

fn scenario(seed: u64) -> Scenario {
    let text = include_str!("../../../scenarios/disk_faults.toml");
    Distribution::from_toml(text).expect("a distribution").draw(seed)
}

#[test]
fn all_parts_kept_is_the_same_and_each_taken_away_is_gone() {
    for seed in 0..20 {
        let whole = scenario(seed);
        for kind in Kind::ALL {
            let all = of(&whole, kind);
            assert_eq!(keep(&whole, kind, &all), whole);
            for part in &all {
                let rest: Vec<Part> = all.iter().filter(|other| *other != part).cloned().collect();
                let left = keep(&whole, kind, &rest);
                assert_eq!(of(&left, kind), rest);
                let untouched = Kind::ALL.into_iter().filter(|other| *other != kind);
                for other in untouched.filter(|other| !depends(kind, *other)) {
                    assert_eq!(of(&left, other), of(&whole, other), "{other} without {part:?}");
                }
                assert!(left.validate().is_ok() || kind == Kind::Brokers);
            }
        }
    }
}

/// Whether parts of the second kind go with those of the first.
fn depends(first: Kind, second: Kind) -> bool {
    matches!((first, second), (Kind::Brokers, Kind::Faults) | (Kind::Topics, Kind::Configs))
}

#[test]
fn the_size_says_what_there_is() {
    let mut scenario = scenario(3);
    let size = Size::of(&scenario);
    assert_eq!((size.faults, size.clients), (scenario.faults.len(), scenario.clients.len()));
    assert!(size.to_string().contains("without a limit of operations"));
    scenario.clients.iter_mut().for_each(|client| client.operations_max = Some(3));
    assert_eq!(Size::of(&scenario).operations, Some(3 * scenario.clients.len() as u64));
}
