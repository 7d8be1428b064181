//! Where the replicas of new partitions go: each on another broker, in another rack while there are racks, and all
//! brokers with as many replicas and as many leaders as any other.
//!
//! **Brokers that are alike** (none is fenced, and all racks are of one size) are put into an order in which racks
//! take turns, and the replicas of all partitions are dealt out in that order, without a gap between partitions. So no
//! broker ever has more than one replica more than another, and neighbours are of different racks. With `n` brokers and
//! `r` replicas, the partitions begin at every `g`-th broker, `g` the greatest common divisor of both; the leader is
//! the first replica of each in the first round through the order, the second in the next round, and so on for `g`
//! rounds: then all brokers have led once, and the order is shuffled.
//!
//! ```text
//!   4 brokers, 2 replicas:   A0 B0 | A1 B1 · then B0 A0 | B1 A1 · then shuffled
//! ```
//!
//! **Others** are chosen one by one. The leader is not fenced, and leads least. A follower is in the rack that the
//! partition has the fewest replicas in; there it is rather a broker that is not fenced, and one with few replicas.
//!
//! Fenced brokers are left out where the others are enough, and of enough racks. Everything follows from one drawn number: where the order begins, and how it is shuffled. What brokers hold already
//! is not looked at, as in Kafka's StripedReplicaPlacer, whose goals these are.

use crate::decision::{Reason, Refusal};
use crate::image::ClusterImage;
use model::BrokerId;
use std::collections::BTreeMap;

/// The replicas of `partitions` partitions, preferred leader first; that one is available. `start` is a draw.
pub(crate) fn place(
    image: &ClusterImage,
    partitions: usize,
    replication_factor: i16,
    start: u64,
) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    assert!(replication_factor > 0, "the caller has checked the replication factor");
    let usable = image.brokers().filter(|broker| broker.takes_replicas() && !broker.is_leaving());
    let brokers: Vec<Candidate<'_>> = usable
        .map(|broker| Candidate { id: broker.id, rack: broker.rack.as_deref(), fenced: broker.fenced })
        .collect();
    let refuse = |why: String| Err(Refusal::new(Reason::InvalidReplicationFactor, why));
    if brokers.iter().all(|broker| broker.fenced) {
        return refuse(
            "All brokers are currently fenced, or have all their log directories cordoned.".to_owned(),
        );
    }
    let replicas = replication_factor as usize;
    if replicas > brokers.len() {
        return refuse(format!(
            "The target replication factor of {replicas} cannot be reached because only {} broker(s) are registered \
             or some brokers have all their log directories cordoned.",
            brokers.len()
        ));
    }
    let brokers = needed(brokers, replicas);
    let racks = by_rack(&brokers);
    let alike =
        brokers.iter().all(|broker| !broker.fenced) && racks.iter().all(|rack| rack.len() == racks[0].len());
    Ok(if alike {
        deal(racks, partitions, replicas, start)
    } else {
        choose(&brokers, partitions, replicas, start)
    })
}

/// Without the fenced brokers, if the others are enough, and of enough racks.
fn needed(brokers: Vec<Candidate<'_>>, replicas: usize) -> Vec<Candidate<'_>> {
    let unfenced: Vec<_> = brokers.iter().filter(|broker| !broker.fenced).copied().collect();
    let racks = by_rack(&brokers).len().min(replicas);
    if unfenced.len() >= replicas && by_rack(&unfenced).len() >= racks { unfenced } else { brokers }
}

fn by_rack(brokers: &[Candidate<'_>]) -> Vec<Vec<BrokerId>> {
    let mut racks: BTreeMap<Option<&str>, Vec<BrokerId>> = BTreeMap::new();
    for broker in brokers {
        racks.entry(broker.rack).or_default().push(broker.id);
    }
    racks.into_values().collect()
}

#[derive(Clone, Copy, Debug)]
struct Candidate<'a> {
    id: BrokerId,
    rack: Option<&'a str>,
    fenced: bool,
}

/// Deals replicas out to racks of one size.
fn deal(mut racks: Vec<Vec<BrokerId>>, partitions: usize, replicas: usize, start: u64) -> Vec<Vec<BrokerId>> {
    let brokers = racks.len() * racks[0].len();
    let rounds = greatest_common_divisor(brokers, replicas);
    let in_turn = |racks: &[Vec<BrokerId>]| -> Vec<BrokerId> {
        (0..racks[0].len()).flat_map(|at| racks.iter().map(move |rack| rack[at])).collect()
    };
    let mut order = in_turn(&racks);
    order.rotate_left((start % brokers as u64) as usize);
    let mut draws = start;
    let mut placed = Vec::with_capacity(partitions);
    for partition in 0..partitions {
        let at = partition % brokers;
        if at == 0 && partition > 0 {
            racks.iter_mut().for_each(|rack| shuffle(rack, &mut draws));
            shuffle(&mut racks, &mut draws);
            order = in_turn(&racks);
        }
        let leader = at / (brokers / rounds);
        let replica = |turn: usize| order[(at * replicas + (leader + turn) % replicas) % brokers];
        placed.push((0..replicas).map(replica).collect());
    }
    placed
}

/// Chooses brokers one by one.
fn choose(brokers: &[Candidate<'_>], partitions: usize, replicas: usize, start: u64) -> Vec<Vec<BrokerId>> {
    let first = (start % brokers.len() as u64) as usize;
    let position = |at: usize| (at + brokers.len() - first) % brokers.len();
    let mut leads = vec![0u32; brokers.len()];
    let mut holds = vec![0u32; brokers.len()];
    let mut placed = Vec::with_capacity(partitions);
    for _ in 0..partitions {
        let unfenced = (0..brokers.len()).filter(|at| !brokers[*at].fenced);
        let leader = unfenced.min_by_key(|at| (leads[*at], holds[*at], position(*at)));
        let mut chosen = vec![leader.expect("one is not fenced")];
        leads[chosen[0]] += 1;
        while chosen.len() < replicas {
            let others = (0..brokers.len()).filter(|at| !chosen.contains(at));
            let next = others.min_by_key(|at| {
                let beside = chosen.iter().filter(|other| brokers[**other].rack == brokers[*at].rack);
                (beside.count(), brokers[*at].fenced, holds[*at], position(*at))
            });
            chosen.push(next.expect("there are as many brokers as replicas"));
        }
        chosen.iter().for_each(|at| holds[*at] += 1);
        placed.push(chosen.into_iter().map(|at| brokers[at].id).collect());
    }
    placed
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Fisher and Yates, with numbers from splitmix64.
fn shuffle<T>(items: &mut [T], draws: &mut u64) {
    for at in (1..items.len()).rev() {
        *draws = draws.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut draw = *draws;
        draw = (draw ^ (draw >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        draw = (draw ^ (draw >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        items.swap(at, ((draw ^ (draw >> 31)) % (at as u64 + 1)) as usize);
    }
}

#[cfg(test)]
#[path = "placement_prop.rs"]
mod properties;
