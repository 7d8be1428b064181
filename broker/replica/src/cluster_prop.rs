//! Three replicas, a controller that elects by the ISR, and everything that can come between: whatever one leader has told as
//! committed is in the log of every leader after it.
//!
//! Logs are vectors of (epoch, value), syncs and deliveries are steps of their own, and a power cut takes what was not
//! synced. What is on the way between replicas and the controller may come late, twice, or never.

use crate::divergence::{Fit, fit};
use crate::*;
use model::config::Durability;
use model::time::Duration;
use model::{
    BrokerEpoch, BrokerId, DurableEnd, EpochEnd, Instant, LeaderEpoch, LogEnd, Offset, PartitionEpoch,
};
use proptest::prelude::*;

const ALL: [BrokerId; 3] = [BrokerId(0), BrokerId(1), BrokerId(2)];
/// So many rounds of everything must be enough for everybody to agree.
const ROUNDS_MAX: usize = 60;
const LAG_MAX: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The leader that `usize` takes itself for appends so many records.
    Produce(usize, u8),
    Sync(usize),
    /// A follower asks whom it takes for the leader; it gets the answer, or does not.
    Fetch(usize, bool),
    /// A fetch that was sent at this point is kept, and arrives with `Late`.
    Hold(usize),
    Late,
    Tick(usize, u8),
    /// A leader's proposal reaches the controller; the answer arrives, or does not.
    Propose(usize, bool),
    /// A copy of a leader's proposal is kept on its way, and reaches the controller with `LateProposal`.
    HoldProposal(usize),
    LateProposal,
    /// A leader asks twice: while the second copy arrives, and is answered, the broker is taken for dead; the first is on its way.
    ProposeTwice(usize, usize),
    /// The metadata reach a broker.
    Tell(usize),
    /// The controller takes a living broker for dead, and then no more.
    Fence(usize),
    Unfence(usize),
    Kill(usize),
    PowerCut(usize),
    Start(usize),
}

impl Event {
    /// Whom it happens to.
    fn at(self) -> Option<usize> {
        match self {
            Event::Produce(at, _) | Event::Tick(at, _) | Event::Propose(at, _) => Some(at),
            Event::Sync(at) | Event::Fetch(at, _) | Event::Hold(at) | Event::Tell(at) => Some(at),
            Event::HoldProposal(at) | Event::ProposeTwice(at, _) => Some(at),
            Event::Fence(at)
            | Event::Unfence(at)
            | Event::Kill(at)
            | Event::PowerCut(at)
            | Event::Start(at) => Some(at),
            Event::Late | Event::LateProposal => None,
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    let at = 0..3usize;
    prop_oneof![
        4 => (at.clone(), 1..4u8).prop_map(|(at, records)| Event::Produce(at, records)),
        5 => at.clone().prop_map(Event::Sync),
        9 => (at.clone(), prop::bool::weighted(0.8)).prop_map(|(at, answered)| Event::Fetch(at, answered)),
        2 => at.clone().prop_map(Event::Hold),
        2 => Just(Event::Late),
        2 => (at.clone(), 1..200u8).prop_map(|(at, ms)| Event::Tick(at, ms)),
        4 => (at.clone(), any::<bool>()).prop_map(|(at, answered)| Event::Propose(at, answered)),
        2 => at.clone().prop_map(Event::HoldProposal),
        2 => Just(Event::LateProposal),
        2 => (at.clone(), at.clone()).prop_map(|(at, of)| Event::ProposeTwice(at, of)),
        6 => at.clone().prop_map(Event::Tell),
        1 => at.clone().prop_map(Event::Fence),
        2 => at.clone().prop_map(Event::Unfence),
        1 => at.clone().prop_map(Event::Kill),
        1 => at.clone().prop_map(Event::PowerCut),
        3 => at.prop_map(Event::Start),
    ]
}

#[derive(Debug)]
enum Role {
    Leader(Leader),
    Follower(Follower),
}

/// A broker's replica. Its log outlives its process.
#[derive(Debug)]
struct Replica {
    log: Vec<(i32, u32)>,
    durable: usize,
    /// The incarnation; none while the process is down.
    up: Option<(BrokerEpoch, Role)>,
    /// What is checkpointed of the watermark.
    checkpoint: Offset,
}

impl Replica {
    fn ends(&self) -> Ends {
        let (durable, log) = (Offset(self.durable as i64), Offset(self.log.len() as i64));
        Ends { start: Offset::ZERO, durable: DurableEnd(durable), log: LogEnd(log) }
    }

    fn last_epoch(&self) -> LeaderEpoch {
        self.log.last().map_or(LeaderEpoch::UNKNOWN, |(epoch, _)| LeaderEpoch(*epoch))
    }

    /// As Kafka's cache of epochs has it: it knows an epoch's start from its first record, a leader its own from the
    /// beginning; an epoch before all that it knows ends where they begin.
    fn end_of(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        let leads = matches!(&self.up, Some((_, Role::Leader(leader))) if leader.epoch() > epoch);
        let end = self.log.partition_point(|(of, _)| *of <= epoch.0);
        if end == self.log.len() && !leads && self.last_epoch() != epoch {
            return None;
        }
        let floor = end.checked_sub(1).map(|at| LeaderEpoch(self.log[at].0));
        Some(EpochEnd { epoch: floor.unwrap_or(epoch), end: Offset(end as i64) })
    }

    fn role_epoch(&self) -> Option<LeaderEpoch> {
        self.up.as_ref().map(|(_, role)| match role {
            Role::Leader(leader) => leader.epoch(),
            Role::Follower(follower) => follower.epoch(),
        })
    }
}

/// The partition as the controller has written it.
#[derive(Debug)]
struct Written {
    leader: Option<BrokerId>,
    isr: Vec<BrokerId>,
    /// Who may lead when nobody of the ISR lives: has all that is committed, since nothing is while too few are in sync.
    elr: Vec<BrokerId>,
    leader_epoch: LeaderEpoch,
    partition_epoch: PartitionEpoch,
    /// The incarnation of each broker that is not fenced.
    alive: [Option<BrokerEpoch>; 3],
}

#[derive(Debug)]
struct HeldFetch {
    follower: BrokerId,
    epoch: LeaderEpoch,
    last: LeaderEpoch,
    from: Offset,
    broker: BrokerEpoch,
}

#[derive(Debug)]
struct Cluster {
    durability: Durability,
    min: usize,
    /// Replicas: two, between which things come to a point sooner, or all three.
    count: usize,
    replicas: Vec<Replica>,
    written: Written,
    committed: Vec<(i32, u32)>,
    held: Option<HeldFetch>,
    held_proposal: Option<(BrokerId, Proposal)>,
    now: Instant,
    incarnations: i64,
    values: u32,
}

impl Cluster {
    fn new(durability: Durability, min: usize, count: usize) -> Cluster {
        let replica = || Replica { log: Vec::new(), durable: 0, up: None, checkpoint: Offset::ZERO };
        let written = Written {
            leader: None,
            isr: ALL[..count].to_vec(),
            elr: Vec::new(),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            alive: [None; 3],
        };
        let mut cluster = Cluster {
            durability,
            min,
            count,
            replicas: (0..count).map(|_| replica()).collect(),
            written,
            committed: Vec::new(),
            held: None,
            held_proposal: None,
            now: Instant(1),
            incarnations: 0,
            values: 0,
        };
        (0..count).for_each(|at| cluster.start(at));
        (0..count).for_each(|at| cluster.tell(at));
        cluster
    }

    fn isr(&self) -> Isr {
        Isr::new(&ALL[..self.count], &self.written.isr, self.min)
    }

    fn run(&mut self, event: Event) {
        if event.at().is_some_and(|at| at >= self.count) {
            return;
        }
        self.now = self.now + Duration::from_millis(1);
        match event {
            Event::Produce(at, records) => self.produce(at, records),
            Event::Sync(at) => self.sync(at),
            Event::Fetch(at, answered) => self.fetch(at, answered),
            Event::Hold(at) => self.held = self.ask(at),
            Event::Late => {
                if let Some(held) = self.held.take() {
                    let _nobody_listens = self.serve(&held);
                }
            }
            Event::Tick(at, ms) => {
                self.now = self.now + Duration::from_millis(ms.into());
                let now = self.now;
                self.lead(at, |leader| leader.tick(now));
            }
            Event::Propose(at, answered) => self.propose(at, answered),
            Event::HoldProposal(at) => {
                if let Some((_, Role::Leader(leader))) = &self.replicas[at].up {
                    self.held_proposal = leader.proposal().map(|proposal| (ALL[at], proposal.clone()));
                }
            }
            Event::ProposeTwice(at, of) => {
                let wavers = [Event::HoldProposal(at), Event::Fence(of), Event::Propose(at, true)];
                wavers.into_iter().chain([Event::Unfence(of)]).for_each(|event| self.run(event));
            }
            Event::LateProposal => {
                if let Some((leader, proposal)) = self.held_proposal.take() {
                    let _nobody_listens = self.decide(leader, &proposal);
                }
            }
            Event::Tell(at) => self.tell(at),
            Event::Fence(at) => self.fence(at),
            Event::Unfence(at) => self.unfence(at),
            Event::Kill(at) => self.stop(at),
            Event::PowerCut(at) => {
                self.stop(at);
                let replica = &mut self.replicas[at];
                replica.log.truncate(replica.durable);
                if self.durability == Durability::PageCache {
                    self.lost(at);
                }
            }
            Event::Start(at) if self.replicas[at].up.is_none() => self.start(at),
            Event::Start(_) => {}
        }
    }

    /// Lets a leader take an input, and holds it to what it tells as committed.
    fn lead(&mut self, at: usize, input: impl FnOnce(&mut Leader) -> Step) {
        let Some((_, Role::Leader(leader))) = &mut self.replicas[at].up else { return };
        let step = input(leader);
        if let Some(Advance { to, .. }) = step.advance {
            let told = &self.replicas[at].log[..to.0 as usize];
            let both = told.len().min(self.committed.len());
            assert_eq!(told[..both], self.committed[..both], "two truths are committed");
            if told.len() > self.committed.len() {
                self.committed = told.to_vec();
            }
        }
    }

    fn produce(&mut self, at: usize, records: u8) {
        let replica = &mut self.replicas[at];
        let Some((_, Role::Leader(leader))) = &replica.up else { return };
        for _ in 0..records {
            self.values += 1;
            replica.log.push((leader.epoch().0, self.values));
        }
        let (end, now) = (replica.ends().log, self.now);
        self.lead(at, |leader| leader.local_appended(end, now));
    }

    fn sync(&mut self, at: usize) {
        let replica = &mut self.replicas[at];
        if replica.up.is_none() {
            return;
        }
        replica.durable = replica.log.len();
        let end = replica.ends().durable;
        if let Some((_, Role::Follower(follower))) = &mut replica.up {
            follower.synced(end);
        }
        let now = self.now;
        self.lead(at, |leader| leader.local_synced(end, now));
    }

    fn ask(&self, at: usize) -> Option<HeldFetch> {
        let replica = &self.replicas[at];
        let Some((broker, Role::Follower(follower))) = &replica.up else { return None };
        let from = follower.position()?;
        let (epoch, last) = (follower.epoch(), replica.last_epoch());
        Some(HeldFetch { follower: ALL[at], epoch, last, from, broker: *broker })
    }

    /// What the leader makes of a fetch: its answer, and the records.
    fn serve(&mut self, fetch: &HeldFetch) -> Option<(Answer, Vec<(i32, u32)>)> {
        let follower = fetch.follower.0 as usize;
        let leader = (0..self.count).find(|at| {
            let replica = &self.replicas[*at];
            matches!(&replica.up, Some((_, Role::Leader(leader))) if leader.epoch() == fetch.epoch)
        })?;
        let eligible = self.written.alive[follower] == Some(fetch.broker);
        let replica = &self.replicas[leader];
        let ends = replica.ends();
        let known = replica.end_of(fetch.last);
        let found = match fit(fetch.from, fetch.last, ends.start, known) {
            Fit::Diverges(theirs) => {
                Found::Diverges { theirs, ours: self.replicas[follower].end_of(theirs.epoch) }
            }
            Fit::Agrees if fetch.from <= ends.log.0 => Found::Records { any: fetch.from < ends.log.0 },
            _ => Found::OutOfRange { end: ends.log.0 },
        };
        let mut records = Vec::new();
        if let Found::Records { .. } = found {
            records = replica.log[fetch.from.0 as usize..].to_vec();
            records.truncate(3);
            let fetched =
                Fetched { from: fetch.from, start: Offset::ZERO, broker: Some(fetch.broker), eligible };
            let (id, now) = (fetch.follower, self.now);
            self.lead(leader, |leader| leader.follower_fetched(id, &fetched, now).unwrap_or_default());
        }
        let Some((_, Role::Leader(leading))) = &self.replicas[leader].up else { unreachable!("it leads") };
        let high_watermark = leading.high_watermark();
        Some((Answer { from: fetch.from, high_watermark, start: Offset::ZERO, found }, records))
    }

    fn fetch(&mut self, at: usize, answered: bool) {
        let Some(fetch) = self.ask(at) else { return };
        let Some((answer, records)) = self.serve(&fetch).filter(|_| answered) else { return };
        let replica = &mut self.replicas[at];
        let ends = replica.ends();
        let Some((_, Role::Follower(follower))) = &mut replica.up else { unreachable!("it asked") };
        match follower.answered(&answer) {
            Todo::Nothing => {}
            Todo::Append => {
                replica.log.extend(records);
                follower.appended(LogEnd(Offset(replica.log.len() as i64)));
            }
            Todo::Cut(to) => {
                replica.log.truncate(to.0 as usize);
                replica.durable = replica.durable.min(to.0 as usize);
                let durable = DurableEnd(Offset(replica.durable as i64));
                let lost = follower.cut(Ends { durable, log: LogEnd(to), ..ends });
                assert_eq!(lost, None, "what was known to be committed is cut");
            }
            Todo::StartOver(start) => {
                assert_eq!(start, Offset::ZERO, "nothing is trimmed here");
                replica.log.clear();
                replica.durable = 0;
                follower.started_over(Ends { start, durable: DurableEnd(start), log: LogEnd(start) });
            }
        }
        if matches!(answer.found, Found::Records { .. }) {
            let _ = follower.learned(&answer);
        }
    }

    fn propose(&mut self, at: usize, answered: bool) {
        let Some((_, Role::Leader(leader))) = &self.replicas[at].up else { return };
        let Some(proposal) = leader.proposal().cloned() else { return };
        let verdict = self.decide(ALL[at], &proposal);
        if answered {
            let now = self.now;
            self.lead(at, |leader| leader.proposal_answered(proposal.partition_epoch, &verdict, now));
        }
    }

    fn decide(&mut self, leader: BrokerId, proposal: &Proposal) -> Verdict {
        let written = &mut self.written;
        if written.leader != Some(leader)
            || proposal.leader_epoch != written.leader_epoch
            || proposal.partition_epoch != written.partition_epoch
        {
            return Verdict::Outdated;
        }
        let eligible = |(id, epoch): &(BrokerId, Option<BrokerEpoch>)| {
            let alive = written.alive[id.0 as usize];
            alive.is_some() && epoch.is_none_or(|epoch| alive == Some(epoch))
        };
        if !proposal.isr.iter().all(eligible) {
            // An earlier copy of it may be on its way.
            written.partition_epoch.0 += 1;
            return Verdict::Refused;
        }
        let isr = proposal.isr.iter().map(|(id, _)| *id).collect();
        self.write_isr(isr);
        Verdict::Written { partition_epoch: self.written.partition_epoch }
    }

    /// The process ends, and the controller learns of it: out of the ISR, unless nobody else is in it.
    fn stop(&mut self, at: usize) {
        let replica = &mut self.replicas[at];
        if let Some((_, role)) = replica.up.take() {
            replica.checkpoint = match role {
                Role::Leader(leader) => leader.high_watermark(),
                Role::Follower(follower) => follower.high_watermark(),
            };
            self.fence(at);
        }
    }

    /// Out of the ISR, unless nobody else is in it.
    fn fence(&mut self, at: usize) {
        if self.written.alive[at].take().is_none() {
            return;
        }
        let others: Vec<BrokerId> = self.written.isr.iter().copied().filter(|id| *id != ALL[at]).collect();
        if !others.is_empty() && others.len() < self.written.isr.len() {
            self.write_isr(others);
        }
        self.elect();
    }

    fn unfence(&mut self, at: usize) {
        let Some((broker, _)) = &self.replicas[at].up else { return };
        if self.written.alive[at].is_none() {
            self.written.alive[at] = Some(*broker);
            self.elect();
        }
    }

    /// Who leaves while too few are in sync may lead again (KIP-966).
    fn write_isr(&mut self, isr: Vec<BrokerId>) {
        let written = &mut self.written;
        let before = std::mem::replace(&mut written.isr, isr);
        if written.isr.len() >= self.min.min(self.count) {
            written.elr.clear();
        } else {
            written.elr.extend(before);
            written.elr.retain(|id| !written.isr.contains(id));
        }
        written.partition_epoch.0 += 1;
    }

    /// A replica that may have lost what it promised may lead no more. Where that leaves nobody, the partition is beyond its
    /// budget: it begins again without any promise.
    fn lost(&mut self, at: usize) {
        self.written.elr.retain(|id| *id != ALL[at]);
        if self.written.isr == [ALL[at]] && self.written.elr.is_empty() {
            (0..self.count).for_each(|other| self.stop(other));
            self.committed.clear();
            for replica in &mut self.replicas {
                replica.log.clear();
                replica.durable = 0;
                replica.checkpoint = Offset::ZERO;
            }
            self.written.isr = ALL[..self.count].to_vec();
            self.written.partition_epoch.0 += 1;
        } else if self.written.isr == [ALL[at]] {
            self.written.isr = std::mem::take(&mut self.written.elr);
            self.elect();
        }
    }

    fn elect(&mut self) {
        let Cluster { written, replicas, committed, .. } = self;
        let lives = |id: &BrokerId| written.alive[id.0 as usize].is_some();
        if !written.leader.is_some_and(|id| lives(&id) && written.isr.contains(&id)) {
            let in_sync = written.isr.iter().copied().find(lives);
            let eligible = written.elr.iter().copied().find(lives);
            written.leader = in_sync.or(eligible);
            written.leader_epoch.0 += 1;
            if let Some(leader) = written.leader {
                if in_sync.is_none() {
                    // Whoever was in sync is dead, and has everything too.
                    written.elr.retain(|id| *id != leader);
                    written.elr.extend(std::mem::replace(&mut written.isr, vec![leader]));
                }
                let log = &replicas[leader.0 as usize].log;
                assert!(log.starts_with(committed), "{leader} leads without what is committed");
            }
            written.partition_epoch.0 += 1;
        }
    }

    fn start(&mut self, at: usize) {
        self.incarnations += 1;
        let broker = BrokerEpoch(self.incarnations);
        self.written.alive[at] = Some(broker);
        let replica = &mut self.replicas[at];
        // What is read back is synced before anything is promised.
        replica.durable = replica.log.len();
        let follower =
            Follower::new(LeaderEpoch(-1), None, self.durability, replica.ends(), replica.checkpoint);
        replica.up = Some((broker, Role::Follower(follower)));
        self.elect();
    }

    fn tell(&mut self, at: usize) {
        let Written { leader, leader_epoch: epoch, partition_epoch, alive, .. } = self.written;
        let (isr, rules, now) = (self.isr(), self.rules(), self.now);
        let replica = &mut self.replicas[at];
        let ends = replica.ends();
        let known = replica.role_epoch();
        let Some((_, role)) = &mut replica.up else { return };
        let (mine, known) = (leader == Some(ALL[at]), known.expect("it has a role"));
        let eligible =
            |id: BrokerId, heard: Option<BrokerEpoch>| heard.is_some() && alive[id.0 as usize] == heard;
        let leadership = Leadership { epoch, isr: isr.clone(), partition_epoch };
        match role {
            Role::Leader(_) if mine && epoch == known => {
                self.lead(at, |leader| leader.isr_told(isr, partition_epoch, now));
                self.lead(at, |leader| leader.brokers_changed(eligible, now));
            }
            Role::Leader(_) if mine => self.lead(at, |leader| leader.lead_on(leadership, now)),
            Role::Leader(leader) if epoch > known => {
                let committed = leader.high_watermark();
                let whom = self.written.leader;
                *role = Role::Follower(Follower::new(epoch, whom, rules.durability, ends, committed));
            }
            Role::Follower(follower) if epoch > known => {
                let committed = follower.high_watermark();
                if mine {
                    let leader = Leader::new(ALL[at], leadership, rules, ends, committed, now);
                    *role = Role::Leader(leader);
                    // What a new leader finds committed at once is held to the truth like any advance.
                    self.lead(at, |leader| Step {
                        advance: Some(Advance { from: Offset::ZERO, to: leader.high_watermark() }),
                        propose: None,
                    });
                } else {
                    *role = Role::Follower(Follower::new(epoch, leader, rules.durability, ends, committed));
                }
            }
            Role::Leader(_) | Role::Follower(_) => {}
        }
    }

    fn rules(&self) -> Rules {
        Rules { durability: self.durability, lag_max: LAG_MAX }
    }

    /// Everything heals: everyone is started and told, and records go round until there is no more to tell.
    fn settle(&mut self) {
        (0..self.count).for_each(|at| self.run(Event::Start(at)));
        (0..self.count).for_each(|at| self.run(Event::Unfence(at)));
        for _ in 0..ROUNDS_MAX {
            let agreed = self.replicas.iter().all(|replica| replica.log == self.committed);
            if agreed && self.written.isr.len() == self.count {
                return;
            }
            for at in 0..self.count {
                self.run(Event::Tell(at));
                self.run(Event::Fetch(at, true));
                self.run(Event::Sync(at));
                self.run(Event::Propose(at, true));
            }
        }
    }
}

fn durability() -> impl Strategy<Value = Durability> {
    prop_oneof![Just(Durability::Durable), Just(Durability::PageCache)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_committed_stays_so_and_replicas_agree_in_the_end(
        durability in durability(), min in 1..3usize, count in 2..4usize,
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut cluster = Cluster::new(durability, min, count);
        for event in events {
            cluster.run(event);
        }
        cluster.settle();
        let Cluster { replicas, committed, written, .. } = &cluster;
        prop_assert_eq!(written.isr.len(), count, "everyone is in sync again: {:?}", cluster);
        for replica in replicas {
            prop_assert_eq!(&replica.log, &replicas[0].log);
            prop_assert_eq!(&replica.log, committed, "all of it is committed");
        }
    }
}

/// The first copy of a proposal is on its way while the second is refused: the leader has gone on by then.
#[test]
fn a_copy_of_what_was_refused_lets_nobody_in() {
    let mut cluster = Cluster::new(Durability::Durable, 1, 2);
    let before = [Event::Fence(1), Event::Unfence(1), Event::Tell(0), Event::Tell(1), Event::Fetch(1, true)];
    let alone = [Event::ProposeTwice(0, 1), Event::Produce(0, 1), Event::Sync(0)];
    // The leader waits for a moment for whoever is about to join.
    let events = before.into_iter().chain(alone).chain([Event::Tick(0, 200); 6]);
    events.for_each(|event| cluster.run(event));
    assert_eq!((cluster.committed.len(), &*cluster.written.isr), (1, &[ALL[0]][..]));
    [Event::LateProposal, Event::Kill(0)].into_iter().for_each(|event| cluster.run(event));
    assert_eq!(cluster.written.isr, [ALL[0]]);
}
