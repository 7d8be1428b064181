//! The same seed gives the same faults; each of them is possible, and every kind comes.

use super::*;
use std::collections::BTreeMap;

fn steps(seed: u64, nodes: u8, lane: u8) -> Vec<Step> {
    Plan::new(seed, nodes, lane).take(2000).collect()
}

#[test]
fn a_plan_follows_from_its_seed() {
    assert_eq!(steps(7, 3, 0), steps(7, 3, 0));
    assert_ne!(steps(7, 3, 0), steps(8, 3, 0));
    assert_ne!(steps(7, 5, 0), steps(7, 5, 1), "lanes differ");
}

#[test]
fn fewer_than_half_are_disturbed_at_once() {
    assert_eq!([1, 2, 3, 4, 5].map(lanes), [0, 0, 1, 1, 2]);
}

#[test]
fn every_fault_is_possible() {
    for nodes in 3..=5 {
        let is_node = |id: HostId| (1..=nodes).contains(&id);
        for Step { pause, fault, lasts } in steps(u64::from(nodes), nodes, 0) {
            assert!(pause <= Duration::from_secs(8) && lasts <= Duration::from_secs(20));
            match fault.whom() {
                Some(Whom::Node(id)) => assert!(is_node(id)),
                Some(Whom::Leader { topic, partition }) => {
                    assert!(topic < TOPICS && partition < u32::from(nodes));
                }
                Some(Whom::Controller) | None => {}
            }
            match fault {
                Fault::OneWay(from, to) => assert!(from != to && is_node(from) && is_node(to)),
                Fault::Slow { delay, jitter, .. } => {
                    assert!((10..=200).contains(&delay.as_millis()) && jitter < delay);
                }
                Fault::Lossy { loss_ppm, .. } => assert!((10_000..=50_000).contains(&loss_ppm)),
                _ => {}
            }
        }
    }
}

#[test]
fn every_kind_comes_and_leaders_most_of_all() {
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for step in steps(1, 3, 0) {
        let whom = step.fault.whom().unwrap_or(Whom::Controller);
        *kinds.entry(step.fault.kind(whom)).or_default() += 1;
    }
    assert_eq!(kinds.len(), 19, "{kinds:?}");
    assert!(kinds["kill -9 of a leader"] > kinds["kill -9 of a node"]);
}
