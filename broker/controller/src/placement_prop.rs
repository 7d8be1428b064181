//! What holds of every placement, and what of placements on brokers that are alike.

use super::*;
use crate::scene::{Scene, registration};
use model::Uuid;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Brokers from 1 on: whether each is fenced, and its rack.
fn cluster(brokers: &[(bool, Option<u8>)]) -> Scene {
    let mut scene = Scene::new();
    for (id, (fenced, rack)) in (1..).zip(brokers) {
        let mut request = registration(id, Uuid::from_draws(id as u64, 1));
        request.rack = rack.map(|rack| format!("r{rack}"));
        let decision = scene.controller.register_broker(&request, scene.end, false).unwrap();
        scene.append(decision);
        if !fenced {
            scene.unfence(id);
        }
    }
    scene
}

/// How many of each broker's partitions it leads, and how many it has.
fn loads(brokers: usize, placed: &[Vec<BrokerId>]) -> (Vec<usize>, Vec<usize>) {
    let (mut leads, mut holds) = (vec![0; brokers], vec![0; brokers]);
    for replicas in placed {
        leads[replicas[0].0 as usize - 1] += 1;
        replicas.iter().for_each(|id| holds[id.0 as usize - 1] += 1);
    }
    (leads, holds)
}

fn spread(loads: &[usize]) -> usize {
    loads.iter().max().unwrap() - loads.iter().min().unwrap()
}

proptest! {
    #[test]
    fn replicas_are_apart_and_leaders_available(
        brokers in prop::collection::vec((prop::bool::weighted(0.3), prop::option::of(0..4u8)), 1..10),
        partitions in 1..30usize,
        factor in 1..6i16,
        start in any::<u64>(),
    ) {
        let scene = cluster(&brokers);
        let placed = place(scene.image(), partitions, factor, start);
        let possible = brokers.iter().any(|(fenced, _)| !fenced) && factor as usize <= brokers.len();
        prop_assert_eq!(placed.is_ok(), possible);
        let Ok(placed) = placed else { return Ok(()) };
        prop_assert_eq!(&placed, &place(scene.image(), partitions, factor, start).unwrap(), "a draw decides all");
        prop_assert_eq!(placed.len(), partitions);
        let of = |id: &BrokerId| brokers[id.0 as usize - 1];
        let racks: BTreeSet<_> = brokers.iter().map(|(_, rack)| *rack).collect();
        for replicas in &placed {
            prop_assert_eq!(replicas.len(), factor as usize);
            prop_assert_eq!(replicas.iter().collect::<BTreeSet<_>>().len(), replicas.len(), "distinct brokers");
            prop_assert!(!of(&replicas[0]).0, "a fenced broker is never first");
            let used: BTreeSet<_> = replicas.iter().map(|id| of(id).1).collect();
            prop_assert_eq!(used.len(), racks.len().min(replicas.len()), "as many racks as there can be");
            for fenced in replicas.iter().filter(|id| of(id).0) {
                let neglected = (1..).map(BrokerId).zip(&brokers).find(|(id, (is_fenced, rack))| {
                    !is_fenced && *rack == of(fenced).1 && !replicas.contains(id)
                });
                prop_assert_eq!(neglected, None, "a fenced broker where an available one would do");
            }
        }
        let unfenced = brokers.iter().filter(|(fenced, _)| !fenced).count();
        let unfenced_racks: BTreeSet<_> = brokers.iter().filter(|(fenced, _)| !fenced).map(|(_, rack)| rack).collect();
        if unfenced >= factor as usize && unfenced_racks.len() >= racks.len().min(factor as usize) {
            prop_assert!(placed.iter().flatten().all(|id| !of(id).0), "no fenced broker is needed");
        }
        let (leads, _) = loads(brokers.len(), &placed);
        let leads: Vec<_> = leads.into_iter().zip(&brokers).filter(|(_, (fenced, _))| !fenced).collect();
        prop_assert_eq!(leads.len(), unfenced);
        prop_assert!(spread(&leads.iter().map(|(leads, _)| *leads).collect::<Vec<_>>()) <= 1, "leaders are spread");
    }

    #[test]
    fn brokers_that_are_alike_have_alike(
        racks in 1..5usize,
        size in 1..5usize,
        partitions in 1..60usize,
        factor in 1..8i16,
        start in any::<u64>(),
    ) {
        let count = racks * size;
        let brokers: Vec<_> = (0..count).map(|at| (false, (racks > 1).then_some((at % racks) as u8))).collect();
        let factor = factor.min(count as i16);
        let placed = place(cluster(&brokers).image(), partitions, factor, start).unwrap();
        for end in 1..=placed.len() {
            let (leads, holds) = loads(count, &placed[..end]);
            prop_assert!(spread(&leads) <= 1, "{:?} lead {:?}", &placed[..end], leads);
            prop_assert!(spread(&holds) <= 1, "{:?} hold {:?}", &placed[..end], holds);
        }
        for replicas in &placed {
            let mut of_rack = vec![0; racks];
            replicas.iter().for_each(|id| of_rack[(id.0 as usize - 1) % racks] += 1);
            prop_assert!(spread(&of_rack) <= 1, "racks hold {of_rack:?} of {replicas:?}");
        }
    }
}

#[test]
fn followers_change_from_round_to_round() {
    let scene = cluster(&[(false, None); 6]);
    let placed = place(scene.image(), 60, 3, 0).unwrap();
    let beside_1: BTreeSet<_> =
        placed.iter().filter(|replicas| replicas[0] == BrokerId(1)).map(|replicas| replicas[1]).collect();
    assert!(beside_1.len() >= 3, "who leads when 1 goes: {beside_1:?}");
}

#[test]
fn a_broker_on_its_way_down_gets_nothing() {
    let mut scene = cluster(&[(false, None); 3]);
    scene.shut_down(2);
    let placed = place(scene.image(), 6, 2, 0).unwrap();
    assert!(placed.iter().all(|replicas| !replicas.contains(&BrokerId(2))));
    let refusal = place(scene.image(), 1, 3, 0).unwrap_err();
    assert_eq!(refusal.reason, Reason::InvalidReplicationFactor);
}
