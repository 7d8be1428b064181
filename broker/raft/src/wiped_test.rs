//! Claims about a voter whose disk was replaced while others count on what was on it.

use crate::cluster::{Cluster, Message};
use crate::effect::Failure;
use crate::message::Request;
use crate::{Quorum, RoleName};
use model::time::Duration;

/// Whether it asks for a vote.
fn is_vote(message: &Message) -> bool {
    matches!(message, Message::Request { request: Request::Vote(_), .. })
}

/// Lets the cluster run for so long, or until `done`; what is `lost` does not arrive.
fn run(
    cluster: &mut Cluster,
    span: Duration,
    lost: impl Fn(&Message) -> bool,
    done: impl Fn(&Cluster) -> bool,
) {
    let until = cluster.now + span;
    while cluster.now < until {
        while let Some(message) = cluster.network.pop_front() {
            match lost(&message) {
                true => cluster.lost(message, Failure::TimedOut),
                false => cluster.arrive(message),
            }
            if done(cluster) {
                return;
            }
        }
        (0..cluster.replicas.len()).for_each(|at| cluster.sync(at));
        if cluster.network.is_empty() {
            let next = cluster.next_deadline().unwrap_or(until);
            cluster.wait_until(next.max(cluster.now + Duration::from_millis(1)).min(until));
        }
    }
}

fn role(cluster: &Cluster, at: usize) -> Option<RoleName> {
    cluster.replicas[at].quorum.as_ref().map(Quorum::role)
}

/// What is on its way from `from` to `to` and is an answer, or none, taken out of the network.
fn take(cluster: &mut Cluster, from: usize, to: usize, answers: bool) -> Message {
    let way = |message: &Message| match message {
        Message::Request { from, to, .. } => (*from, *to, false),
        Message::Response { from, to, .. } => (*from, *to, true),
    };
    let at = cluster.network.iter().position(|message| way(message) == (from, to, answers));
    cluster.network.remove(at.expect("it has asked, or answered")).expect("just found")
}

/// Both ways between `at` and each of `others`.
fn links(at: usize, others: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    others.iter().filter(move |other| **other != at).flat_map(move |other| [(at, *other), (*other, at)])
}

/// A voter of five votes for a candidate and loses its disk. The candidate stands still for `span`; meanwhile the leader
/// of the epoch before wants something committed, by the wiped voter too. Then the candidate gets one more vote.
fn wiped_while_its_vote_counts(seed: u64, span: Duration) {
    let mut cluster = Cluster::new(5, true);
    cluster.draws = seed;
    run(&mut cluster, Duration::from_secs(5), |_| false, |_| false);
    let leader = cluster.leader().expect("a leader");
    let content = (leader + 1) % 5;

    // Three don't hear of the leader for a while, until one of them stands; it has got one vote and asked for others.
    let impatient: Vec<usize> = (0..5).filter(|at| *at != leader && *at != content).collect();
    cluster.cut.extend(links(leader, &impatient));
    let candidate = |cluster: &Cluster| {
        impatient.iter().copied().find(|at| role(cluster, *at) == Some(RoleName::Candidate))
    };
    run(&mut cluster, Duration::from_secs(10), |_| false, |cluster| candidate(cluster).is_some());
    let x = candidate(&cluster).expect("somebody stands");
    let others: Vec<usize> = impatient.iter().copied().filter(|at| *at != x).collect();
    let (wiped, y) = (others[0], others[1]);
    let of_x = |message: &Message| matches!(message, Message::Request { from, .. } if *from == x);
    let (asked, rest): (Vec<_>, Vec<_>) = cluster.network.drain(..).partition(of_x);
    cluster.network.extend(asked);
    let ask = take(&mut cluster, x, wiped, false);
    let late = take(&mut cluster, x, y, false);
    rest.into_iter().for_each(|message| cluster.lost(message, Failure::TimedOut));
    cluster.arrive(ask);
    let vote = take(&mut cluster, wiped, x, true);
    cluster.arrive(vote);
    assert_eq!(role(&cluster, x), Some(RoleName::Candidate), "seed {seed}: two of five are for it");

    cluster.pause(x);
    cluster.crash(wiped, 100);
    cluster.wipe(wiped);
    cluster.restart(wiped);
    cluster.cut = links(x, &[0, 1, 2, 3, 4, 5]).collect();
    run(&mut cluster, span, is_vote, |_| false);
    assert!(cluster.leads(leader), "seed {seed}: a majority hears it");
    cluster.cut.extend(links(y, &[leader]));
    cluster.propose(leader, 1);
    run(&mut cluster, Duration::from_millis(600), is_vote, |_| false);
    cluster.cut.clear();
    cluster.arrive(late);
    let vote = take(&mut cluster, y, x, true);
    cluster.arrive(vote);
    cluster.resume(x);
    cluster.heal();
}

#[test]
fn a_wiped_voter_makes_nothing_come_undone_that_is_committed_while_its_vote_counts() {
    for seed in 0..20 {
        wiped_while_its_vote_counts(seed, Duration::from_millis(300));
    }
}

#[test]
fn a_vote_does_not_count_when_the_election_is_over_however_long_the_candidate_stood_still() {
    for seed in 0..20 {
        wiped_while_its_vote_counts(seed, Duration::from_secs(10));
    }
}
