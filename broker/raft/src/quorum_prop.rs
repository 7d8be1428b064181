//! Whatever a process, its disk and its restarts do, epochs are used once and a commit is durable.

use super::*;
use model::{DirectoryId, Uuid};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Persisted,
    Propose(usize),
    /// Appends this share of what was placed and is not appended, in percent.
    Append(i64),
    AppendFailed,
    /// Syncs this share of what is not durable, in percent.
    Sync(i64),
    Resign,
    /// The process dies; this share of what is not durable survives, in percent.
    Crash(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Start),
        4 => Just(Step::Persisted),
        6 => (1..10usize).prop_map(Step::Propose),
        8 => (0..=100i64).prop_map(Step::Append),
        1 => Just(Step::AppendFailed),
        8 => (0..=100i64).prop_map(Step::Sync),
        1 => Just(Step::Resign),
        2 => (0..=100i64).prop_map(Step::Crash),
    ]
}

/// The world around a replica: its file, and a log that is the epochs of its records.
struct World {
    quorum: Quorum,
    file: Option<ElectionState>,
    persisting: Option<ElectionState>,
    log: Vec<LeaderEpoch>,
    durable: usize,
    /// Epochs of the records placed and not appended.
    placed: Vec<LeaderEpoch>,
    /// Epochs in which anybody led.
    led: BTreeSet<LeaderEpoch>,
    /// The committed prefix.
    committed: Vec<LeaderEpoch>,
}

fn open(file: Option<ElectionState>, log: &[LeaderEpoch]) -> Quorum {
    let me = ReplicaKey { id: BrokerId(1), directory: Some(DirectoryId(Uuid([7; 16]))) };
    let end = LogEnd(Offset(log.len() as i64));
    let tail = LogTail { start: Offset(0), end, last_epoch: log.last().copied() };
    Quorum::new(Config { me, voters: Voters::new([me]) }, file, tail).unwrap()
}

impl World {
    fn new() -> World {
        let (log, placed, committed, led) = (vec![], vec![], vec![], BTreeSet::new());
        World {
            quorum: open(None, &[]),
            file: None,
            persisting: None,
            log,
            durable: 0,
            placed,
            led,
            committed,
        }
    }

    fn apply(&mut self, step: Step) -> Result<(), TestCaseError> {
        let before = (self.quorum.epoch(), self.quorum.high_watermark());
        match step {
            Step::Start => self.input(Input::Start)?,
            Step::Persisted => {
                if let Some(state) = self.persisting.take() {
                    self.file = Some(state);
                    self.input(Input::Persisted(state))?;
                }
            }
            Step::Propose(records) => match self.quorum.propose(records) {
                Ok(Placement { epoch, base, end }) => {
                    prop_assert_eq!(base.0 as usize, self.log.len() + self.placed.len());
                    prop_assert_eq!(end, base.plus(records as i64));
                    self.placed.extend(std::iter::repeat_n(epoch, records));
                }
                Err(Refusal::NotLeader { .. }) => prop_assert_ne!(self.quorum.role(), RoleName::Leader),
            },
            Step::Append(share) => {
                let records = self.placed.len() * share as usize / 100;
                self.log.extend(self.placed.drain(..records));
                self.input(Input::Appended { end: LogEnd(Offset(self.log.len() as i64)) })?;
            }
            Step::AppendFailed => {
                self.placed.clear();
                self.input(Input::AppendFailed)?;
            }
            Step::Sync(share) => {
                self.durable += (self.log.len() - self.durable) * share as usize / 100;
                self.input(Input::Synced { end: DurableEnd(Offset(self.durable as i64)) })?;
            }
            Step::Resign => self.input(Input::Resign)?,
            Step::Crash(share) => {
                let kept = self.durable + (self.log.len() - self.durable) * share as usize / 100;
                self.log.truncate(kept);
                self.placed.clear();
                self.persisting = None;
                self.quorum = open(self.file, &self.log);
                prop_assert!(self.log.starts_with(&self.committed), "a committed record is gone");
                return Ok(());
            }
        }
        prop_assert!(self.quorum.epoch() >= before.0, "the epoch went back");
        prop_assert!(self.quorum.high_watermark() >= before.1, "the high watermark went back");
        Ok(())
    }

    fn input(&mut self, input: Input) -> Result<(), TestCaseError> {
        for effect in self.quorum.step(Instant(0), input) {
            match effect {
                Effect::Persist(state) => self.persisting = Some(state),
                Effect::BecameLeader { epoch, .. } => {
                    prop_assert!(self.led.insert(epoch), "epoch {} led twice", epoch);
                    prop_assert_eq!(
                        self.file.map(|file| file.epoch),
                        Some(epoch),
                        "led before the vote was durable"
                    );
                }
                Effect::AppendLeaderChange { base, epoch, .. } => {
                    prop_assert_eq!(base.0 as usize, self.log.len());
                    prop_assert!(
                        self.log.iter().all(|earlier| *earlier < epoch),
                        "epoch {} in the log",
                        epoch
                    );
                    self.placed = vec![epoch];
                }
                Effect::HighWatermark { to } => {
                    let to = to.0 as usize;
                    prop_assert!(to <= self.durable, "committed and not durable");
                    prop_assert_eq!(
                        self.log[to - 1],
                        self.quorum.epoch(),
                        "committed without the own epoch's record"
                    );
                    prop_assert!(self.log.starts_with(&self.committed), "a committed record changed");
                    self.committed = self.log[..to].to_vec();
                }
                Effect::LeaderAccepted { epoch } => prop_assert_eq!(self.committed.last(), Some(&epoch)),
                Effect::Resigned { epoch } => prop_assert_eq!(epoch, self.quorum.epoch()),
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn epochs_grow_one_leader_each_and_commits_last(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            world.apply(step)?;
        }
    }
}
