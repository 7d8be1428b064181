//! Claims about a whole cluster that a random walk seldom gets to: who may disturb whom, and how fast a dead leader is
//! replaced.

use crate::cluster::Cluster;
use crate::{Input, Quorum, RoleName};
use model::time::Duration;
use model::{Instant, LeaderEpoch};

/// Lets the cluster run for so long, all disks fast, every message there at once.
fn run(cluster: &mut Cluster, span: Duration) {
    let until = cluster.now + span;
    loop {
        cluster.deliver_all();
        let next = cluster.next_deadline().filter(|next| *next <= until);
        let Some(next) = next else { break };
        cluster.wait_until(next.max(cluster.now + Duration::from_micros(100)));
    }
    cluster.wait_until(until);
}

/// A cluster of so many voters that has elected a leader, and that leader.
fn led(voters: usize, seed: u64) -> (Cluster, usize) {
    let mut cluster = Cluster::new(voters, true);
    cluster.draws = seed;
    run(&mut cluster, Duration::from_secs(5));
    let leader = cluster.leader().expect("a leader after five seconds");
    (cluster, leader)
}

fn epoch(cluster: &Cluster, at: usize) -> LeaderEpoch {
    cluster.replicas[at].quorum.as_ref().map(Quorum::epoch).expect("it runs")
}

fn isolate(cluster: &mut Cluster, at: usize) {
    for other in 0..cluster.replicas.len() {
        cluster.cut.extend([(at, other), (other, at)]);
    }
}

#[test]
fn a_voter_that_was_cut_off_disturbs_nobody_when_it_comes_back() {
    for seed in 0..20 {
        for proposes in [false, true] {
            let (mut cluster, leader) = led(3, seed);
            let before = epoch(&cluster, leader);
            let follower = (leader + 1) % 3;
            isolate(&mut cluster, follower);
            run(&mut cluster, Duration::from_secs(10));
            if proposes {
                cluster.propose(leader, 1);
            }
            cluster.cut.clear();
            run(&mut cluster, Duration::from_secs(10));
            assert_eq!(cluster.leader(), Some(leader), "seed {seed}");
            assert_eq!(epoch(&cluster, leader), before, "seed {seed}: an election was forced");
        }
    }
}

#[test]
fn a_voter_that_restarts_disturbs_nobody() {
    for seed in 0..20 {
        let (mut cluster, leader) = led(3, seed);
        let before = epoch(&cluster, leader);
        let follower = (leader + 1) % 3;
        cluster.crash(follower, 100);
        run(&mut cluster, Duration::from_secs(seed % 7));
        cluster.restart(follower);
        run(&mut cluster, Duration::from_secs(5));
        assert_eq!((cluster.leader(), epoch(&cluster, leader)), (Some(leader), before), "seed {seed}");
    }
}

#[test]
fn a_leader_cut_off_from_the_majority_gives_up() {
    for seed in 0..20 {
        let (mut cluster, leader) = led(5, seed);
        // Two against three, and nobody between them who could tell it of another.
        let few = [leader, (leader + 1) % 5];
        for other in (0..6).filter(|other| !few.contains(other)) {
            cluster.cut.extend(few.iter().flat_map(|one| [(*one, other), (other, *one)]));
        }
        run(&mut cluster, Duration::from_millis(3600));
        assert!(!cluster.leads(leader), "seed {seed}: it leads a minority");
    }
}

#[test]
fn a_leader_that_only_hears_is_replaced() {
    // What it says does not arrive: its followers hear nothing, and it must not keep them from electing another.
    for seed in 0..20 {
        let (mut cluster, leader) = led(3, seed);
        for other in 0..4 {
            cluster.cut.insert((leader, other));
        }
        run(&mut cluster, Duration::from_secs(10));
        assert!(cluster.leader().is_some_and(|other| other != leader), "seed {seed}");
    }
}

#[test]
fn a_leader_whose_process_is_gone_is_replaced_within_moments() {
    let mut slowest = Duration::ZERO;
    for seed in 0..100 {
        let (mut cluster, leader) = led(3, seed);
        let began = cluster.now;
        cluster.crash(leader, 100);
        while cluster.leader().is_none() {
            assert!(cluster.now < began + Duration::from_secs(5), "seed {seed}: nobody leads");
            run(&mut cluster, Duration::from_millis(1));
        }
        slowest = slowest.max(cluster.now.since(began));
    }
    assert!(slowest < Duration::from_millis(400), "the slowest took {slowest:?}");
}

#[test]
fn a_leader_that_stops_hands_over_within_moments() {
    for seed in 0..20 {
        let (mut cluster, leader) = led(3, seed);
        let began = cluster.now;
        cluster.input(leader, Input::Resign);
        while cluster.leader().is_none() {
            assert!(cluster.now < began + Duration::from_millis(500), "seed {seed}: nobody leads");
            run(&mut cluster, Duration::from_millis(1));
        }
        let role = cluster.replicas[leader].quorum.as_ref().map(Quorum::role);
        assert_ne!(role, Some(RoleName::Leader));
    }
}

#[test]
fn a_cluster_that_starts_has_a_leader_within_moments() {
    for seed in 0..100 {
        let mut cluster = Cluster::new(3, seed % 2 == 0);
        cluster.draws = seed;
        run(&mut cluster, Duration::from_millis(1500));
        assert!(cluster.leader().is_some(), "seed {seed}: nobody leads at {:?}", cluster.now);
        assert!(cluster.now > Instant(0));
    }
}

fn end_of(cluster: &Cluster, at: usize) -> usize {
    cluster.replicas[at].quorum.as_ref().map(|quorum| quorum.log().end().0.0 as usize).expect("it runs")
}

/// Runs until `done`, one message or deadline at a time.
fn run_until(cluster: &mut Cluster, done: impl Fn(&Cluster) -> bool) {
    let until = cluster.now + Duration::from_secs(30);
    while !done(cluster) {
        assert!(cluster.now < until, "it does not come to that");
        if !cluster.network.is_empty() {
            cluster.deliver(0);
        } else {
            for at in 0..cluster.replicas.len() {
                cluster.sync(at);
            }
            if cluster.network.is_empty() {
                let next = cluster.next_deadline().expect("somebody waits");
                cluster.wait_until(next.max(cluster.now + Duration::from_micros(100)));
            }
        }
    }
}

#[test]
fn a_longer_log_of_an_older_epoch_loses_to_a_shorter_one_of_a_newer() {
    for seed in 0..20 {
        let (mut cluster, old) = led(3, seed);
        isolate(&mut cluster, old);
        cluster.propose(old, 20);
        cluster.sync(old);
        run_until(&mut cluster, |cluster| cluster.leader().is_some_and(|new| new != old));
        let new = cluster.leader().expect("just seen");
        run(&mut cluster, Duration::from_secs(1));
        // Committed by these two, of whom only one is left.
        let other = 3 - old - new;
        assert!(end_of(&cluster, other) < end_of(&cluster, old));
        cluster.crash(new, 100);
        cluster.cut.clear();
        run(&mut cluster, Duration::from_secs(10));
        assert_eq!(cluster.leader(), Some(other), "seed {seed}");
        cluster.heal();
    }
}

/// Figure 8 of the Raft paper: what a majority has of an earlier epoch may still be replaced.
#[test]
fn records_of_an_earlier_epoch_are_not_committed_by_their_number() {
    for seed in 0..20 {
        let (mut cluster, first) = led(3, seed);
        // Five records that only their leader has.
        isolate(&mut cluster, first);
        cluster.propose(first, 5);
        cluster.sync(first);
        cluster.crash(first, 100);
        // Another leader, whose first record nobody else gets.
        run_until(&mut cluster, |cluster| cluster.leader().is_some_and(|second| second != first));
        let second = cluster.leader().expect("just seen");
        let third = 3 - first - second;
        let before = end_of(&cluster, third);
        cluster.sync(second);
        isolate(&mut cluster, second);
        cluster.crash(second, 100);
        cluster.network.clear();
        assert_eq!(end_of(&cluster, third), before);
        // The first leads again and brings the third two of its old records, or three.
        cluster.cut.clear();
        isolate(&mut cluster, second);
        cluster.crash(third, 100);
        cluster.restart(first);
        cluster.restart(third);
        run_until(&mut cluster, |cluster| {
            let epoch = cluster.replicas[first].quorum.as_ref().map(Quorum::epoch);
            cluster.leads(first) && epoch > Some(LeaderEpoch(2)) && end_of(cluster, third) > before
        });
        cluster.sync(third);
        // Its word for them arrives, but not what comes behind them.
        let known = end_of(&cluster, third);
        run_until(&mut cluster, |cluster| {
            cluster.knows(first, third) >= known || end_of(cluster, third) > known
        });
        cluster.crash(first, 100);
        cluster.crash(third, 100);
        // The second comes back with an epoch between the two, and may replace them.
        cluster.cut.clear();
        cluster.restart(second);
        cluster.restart(third);
        run(&mut cluster, Duration::from_secs(10));
        cluster.heal();
    }
}
