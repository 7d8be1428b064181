//! Whatever clocks, networks, disks and processes do to a quorum: the invariants of [`crate::cluster`] hold.

use crate::cluster::Cluster;
use crate::effect::Failure;
use crate::{Input, Quorum};
use model::time::Duration;
use proptest::prelude::*;

/// One thing that happens. The numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many messages arrive; old ones may stay behind.
    Deliver(u8, u8),
    /// A message is lost, and its sender told so.
    Lose(u8),
    /// Time goes on to the next deadline of a replica, or by so many milliseconds.
    Wait(u8, u16),
    /// A leader is asked to append.
    Propose(u8, u8),
    /// A replica's log is synced.
    Sync(u8),
    /// A process dies, this many effects into what it was doing, and with it a share (percent) of what its disk had not
    /// synced.
    Crash(u8, u8),
    /// A process starts again.
    Restart(u8),
    /// One link, one way, is cut or restored.
    Link(u8, u8),
    /// A replica, the leader if there is one and it is meant, is cut off in both ways.
    Isolate(u8),
    /// All links work again.
    Mend,
    /// A replica takes a snapshot of what it knows to be committed, and may trim its log.
    Snapshot(u8, bool),
    /// A stopped replica's disk is replaced, if the quorum can bear it.
    Wipe(u8),
    /// A process is told to stop; it dies afterwards.
    Resign(u8),
    /// The next append fails.
    FailAppend(u8),
    /// A process stands still, or goes on.
    Pause(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (any::<u8>(), 1..12u8).prop_map(|(which, count)| Step::Deliver(which, count)),
        2 => any::<u8>().prop_map(Step::Lose),
        12 => (any::<u8>(), 0..600u16).prop_map(|(who, ms)| Step::Wait(who, ms)),
        8 => (any::<u8>(), 1..8u8).prop_map(|(who, records)| Step::Propose(who, records)),
        16 => any::<u8>().prop_map(Step::Sync),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(who, kept)| Step::Crash(who, kept)),
        4 => any::<u8>().prop_map(Step::Restart),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Step::Link(from, to)),
        2 => any::<u8>().prop_map(Step::Isolate),
        2 => Just(Step::Mend),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(who, trim)| Step::Snapshot(who, trim)),
        1 => any::<u8>().prop_map(Step::Wipe),
        1 => any::<u8>().prop_map(Step::Resign),
        1 => any::<u8>().prop_map(Step::FailAppend),
        2 => any::<u8>().prop_map(Step::Pause),
    ]
}

fn pick(cluster: &Cluster, who: u8) -> usize {
    who as usize % cluster.replicas.len()
}

fn apply(cluster: &mut Cluster, step: Step) {
    match step {
        Step::Deliver(which, count) => (0..count).for_each(|_| cluster.deliver(which as usize)),
        Step::Lose(which) => {
            if !cluster.network.is_empty() {
                let message =
                    cluster.network.remove(which as usize % cluster.network.len()).expect("in range");
                cluster.lost(message, Failure::TimedOut);
            }
        }
        Step::Wait(who, ms) => {
            let deadline =
                cluster.replicas[pick(cluster, who)].quorum.as_ref().and_then(Quorum::next_deadline);
            let by = Duration::from_millis(ms.into());
            cluster.wait_until(deadline.unwrap_or(cluster.now + by).min(cluster.now + by));
        }
        Step::Propose(who, records) => {
            // Whoever thinks that it leads, which may be several.
            let leaders: Vec<usize> = (0..cluster.replicas.len()).filter(|at| cluster.leads(*at)).collect();
            if !leaders.is_empty() {
                cluster.propose(leaders[who as usize % leaders.len()], records.into());
            }
        }
        Step::Sync(who) => cluster.sync(pick(cluster, who)),
        Step::Crash(who, kept) => cluster.crash(pick(cluster, who), kept.into()),
        Step::Restart(who) => cluster.restart(pick(cluster, who)),
        Step::Link(from, to) => {
            let link = (pick(cluster, from), pick(cluster, to));
            if !cluster.cut.remove(&link) {
                cluster.cut.insert(link);
            }
        }
        Step::Isolate(who) => {
            let at = cluster.leader().filter(|_| who % 2 == 0).unwrap_or(pick(cluster, who));
            for other in 0..cluster.replicas.len() {
                cluster.cut.extend([(at, other), (other, at)]);
            }
        }
        Step::Mend => cluster.cut.clear(),
        Step::Snapshot(who, trim) => cluster.snapshot(pick(cluster, who), trim),
        Step::Wipe(who) => cluster.wipe(pick(cluster, who)),
        Step::Resign(who) => {
            let at = pick(cluster, who);
            cluster.input(at, Input::Resign);
            cluster.crash(at, 100);
        }
        Step::FailAppend(who) => {
            let at = pick(cluster, who);
            cluster.replicas[at].fail_append = true;
        }
        Step::Pause(who) => {
            let at = pick(cluster, who);
            if cluster.is_paused(at) { cluster.resume(at) } else { cluster.pause(at) }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn a_quorum_agrees_and_loses_nothing(
        voters in 1..6usize,
        formatted in any::<bool>(),
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 0..800),
    ) {
        let mut cluster = Cluster::new(voters, formatted);
        cluster.draws = seed;
        for step in steps {
            apply(&mut cluster, step);
        }
        cluster.heal();
    }
}
