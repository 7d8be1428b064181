//! The replica's state machine.
//!
//! ```text
//! role        input                           next role   effects
//! unattached  Start                           candidate   persist epoch + 1 with a vote for itself
//! candidate   Persisted, and a majority won   leader      became leader, append the leader change
//! leader      Synced                          leader      high watermark; leader accepted, the first time
//! leader      AppendFailed, Resign            resigned    resigned
//! unattached  Resign                          resigned
//! candidate   Resign                          resigned
//! resigned    any                             resigned
//! ```
//!
//! Every process starts as unattached, so that each leadership is of an epoch of its own, whose number is durable
//! before anybody can see it. Appended and Synced are noted in every role; what they mean is the leader's to say.

use crate::effect::{Effect, Input};
use crate::election::ElectionState;
use crate::role::{Resigned, Role, RoleName, Unattached};
use crate::voters::{ReplicaKey, Voters};
use model::{BrokerId, DurableEnd, Instant, LeaderEpoch, LogEnd, Offset};
use std::fmt;

/// Who this replica is and with whom it votes.
#[derive(Clone, Debug)]
pub struct Config {
    /// This replica.
    pub me: ReplicaKey,
    /// All voters.
    pub voters: Voters,
}

/// What recovery found in the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogTail {
    /// First offset kept.
    pub start: Offset,
    /// One past the last record. Read back, so not durable until it is synced again.
    pub end: LogEnd,
    /// Epoch of the last batch.
    pub last_epoch: Option<LeaderEpoch>,
}

/// A set of voters that this program can't run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// More than one voter.
    MoreThanOneVoter,
    /// This replica is not a voter.
    Observer,
}

/// Where proposed records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The epoch to append them in.
    pub epoch: LeaderEpoch,
    /// Offset of the first.
    pub base: Offset,
    /// One past the last: they are committed when the high watermark is here.
    pub end: Offset,
}

/// A proposal is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This replica does not lead.
    NotLeader {
        /// The current epoch.
        epoch: LeaderEpoch,
        /// Who leads it, if known.
        leader: Option<BrokerId>,
    },
}

/// A replica of the metadata quorum.
#[derive(Clone, Debug)]
pub struct Quorum {
    config: Config,
    /// Written by `enter_epoch` only. Invariant: never below `persisted.epoch` nor the log's last epoch.
    epoch: LeaderEpoch,
    /// Written by `take_role` only.
    role: Role,
    /// What is in the file. A leader's invariant: its epoch, its vote and itself.
    persisted: ElectionState,
    log_start: Offset,
    /// Invariant: `durable_end <= log_end <= placed_end`.
    log_end: LogEnd,
    durable_end: DurableEnd,
    /// One past the last offset given to a record, appended or not.
    placed_end: Offset,
    /// Written by `advance_high_watermark` only. `None` until something is known to be committed.
    /// Invariant: not beyond `durable_end`.
    high_watermark: Option<Offset>,
    /// The time of the last input; time does not go back.
    now: Instant,
}

impl Quorum {
    /// A replica as it is when its process starts: unattached, in the highest epoch that the file or the log
    /// knows of. `persisted` is the content of `quorum-state`, if there is one.
    pub fn new(
        config: Config,
        persisted: Option<ElectionState>,
        log: LogTail,
    ) -> Result<Quorum, Unsupported> {
        if !config.voters.contains(config.me) {
            return Err(Unsupported::Observer);
        }
        if !config.voters.is_only(config.me) {
            return Err(Unsupported::MoreThanOneVoter);
        }
        assert!(log.start <= log.end.0, "log from {} to {}", log.start, log.end);
        let persisted = persisted.unwrap_or(ElectionState::NONE);
        let quorum = Quorum {
            config,
            epoch: persisted.epoch.max(log.last_epoch.unwrap_or_default()),
            role: Role::Unattached(Unattached),
            persisted,
            log_start: log.start,
            log_end: log.end,
            durable_end: DurableEnd(log.start),
            placed_end: log.end.0,
            high_watermark: None,
            now: Instant::default(),
        };
        quorum.assert_invariants();
        Ok(quorum)
    }

    /// Takes an input in at `now`, and returns what to do, in this order.
    #[must_use]
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        assert!(now >= self.now, "time went back from {:?} to {now:?}", self.now);
        self.now = now;
        let mut effects = Vec::new();
        match input {
            Input::Start => self.start(&mut effects),
            Input::Persisted(state) => self.persisted(state, &mut effects),
            Input::Appended { end } => self.appended(end),
            Input::Synced { end } => self.synced(end, &mut effects),
            Input::AppendFailed | Input::Resign => self.resign(&mut effects),
        }
        self.assert_invariants();
        effects
    }

    /// Gives `records` records their place behind all that were placed before. Append them there, in one batch or
    /// several, after everything placed before; then say [`Input::Appended`], or [`Input::AppendFailed`]. What can be
    /// tried again later is [withdrawn](Quorum::withdraw) instead.
    pub fn propose(&mut self, records: usize) -> Result<Placement, Refusal> {
        assert!(records > 0, "a proposal of nothing");
        let Role::Leader(leader) = &self.role else {
            return Err(Refusal::NotLeader { epoch: self.epoch, leader: self.leader() });
        };
        let (epoch, base) = (leader.epoch(), self.placed_end);
        let end = base.plus(i64::try_from(records).expect("records fit an offset"));
        self.placed_end = end;
        self.assert_invariants();
        Ok(Placement { epoch, base, end })
    }

    /// Takes a placement back, nothing of which is in the log: a full disk refused it. Only the last can be taken
    /// back; its offsets are given out again.
    pub fn withdraw(&mut self, placement: Placement) {
        let Placement { epoch, base, end } = placement;
        assert_eq!(epoch, self.epoch, "{placement:?} withdrawn in another epoch");
        assert_eq!(end, self.placed_end, "{placement:?} withdrawn before what was placed behind it");
        assert!(base >= self.log_end.0, "{placement:?} withdrawn, but the log ends at {}", self.log_end);
        self.placed_end = base;
        self.assert_invariants();
    }

    /// When to step next if nothing happens. A quorum of one has nobody to wait for.
    pub fn next_deadline(&self) -> Option<Instant> {
        None
    }

    /// The current epoch.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The current role.
    pub fn role(&self) -> RoleName {
        self.role.name()
    }

    /// Who leads the current epoch, if known. A leader that resigned is not told any more.
    pub fn leader(&self) -> Option<BrokerId> {
        match self.role {
            Role::Leader(_) => Some(self.config.me.id),
            Role::Unattached(_) | Role::Candidate(_) | Role::Resigned(_) => None,
        }
    }

    /// One past the last committed record, once anything is known to be committed.
    pub fn high_watermark(&self) -> Option<Offset> {
        self.high_watermark
    }

    /// Where this replica's leadership began: the offset of its leader change.
    pub fn leader_start(&self) -> Option<Offset> {
        match &self.role {
            Role::Leader(leader) => Some(leader.start()),
            _ => None,
        }
    }

    /// Who this replica is and with whom it votes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn start(&mut self, effects: &mut Vec<Effect>) {
        let Role::Unattached(unattached) = &self.role else { return };
        let candidate = unattached.stand(self.epoch, &self.config);
        let state = candidate.state();
        self.enter_epoch(state.epoch);
        self.take_role(Role::Candidate(candidate));
        effects.push(Effect::Persist(state));
    }

    fn persisted(&mut self, state: ElectionState, effects: &mut Vec<Effect>) {
        assert!(state.epoch >= self.persisted.epoch, "{state} persisted over {}", self.persisted);
        assert!(state.epoch <= self.epoch, "{state} persisted in epoch {}", self.epoch);
        self.persisted = state;
        let Role::Candidate(candidate) = &mut self.role else { return };
        if state != candidate.state() {
            return;
        }
        candidate.grant(self.config.me);
        if !candidate.has_won(&self.config.voters) {
            return;
        }
        let leader = crate::role::Leader::new(candidate, self.log_end.0);
        let (epoch, base) = (leader.epoch(), leader.start());
        let message = leader.leader_change(&self.config);
        self.take_role(Role::Leader(leader));
        self.placed_end = base.plus(1);
        effects.push(Effect::BecameLeader { epoch, start: base });
        effects.push(Effect::AppendLeaderChange { base, epoch, message });
    }

    fn appended(&mut self, end: LogEnd) {
        assert!(end >= self.log_end, "the log shrank from {} to {end}", self.log_end);
        assert!(end.0 <= self.placed_end, "appended up to {end}, placed up to {}", self.placed_end);
        self.log_end = end;
    }

    fn synced(&mut self, end: DurableEnd, effects: &mut Vec<Effect>) {
        assert!(end.0 <= self.log_end.0, "durable up to {end}, appended up to {}", self.log_end);
        // A log's own knowledge may begin below its start.
        self.durable_end = self.durable_end.max(end);
        if let Role::Leader(leader) = &mut self.role {
            leader.heard_of(self.config.me.id, self.durable_end);
        }
        self.advance_high_watermark(effects);
    }

    fn resign(&mut self, effects: &mut Vec<Effect>) {
        if let Role::Leader(leader) = &self.role {
            effects.push(Effect::Resigned { epoch: leader.epoch() });
        }
        self.take_role(Role::Resigned(Resigned));
    }

    /// The only writer of the high watermark.
    fn advance_high_watermark(&mut self, effects: &mut Vec<Effect>) {
        let Role::Leader(leader) = &self.role else { return };
        let Some(to) = leader.committed_end(&self.config.voters) else { return };
        let from = self.high_watermark;
        if from.is_some_and(|from| to <= from) {
            return;
        }
        self.high_watermark = Some(to);
        effects.push(Effect::HighWatermark { to });
        if from.is_none_or(|from| from <= leader.start()) {
            effects.push(Effect::LeaderAccepted { epoch: leader.epoch() });
        }
    }

    /// The only writer of the epoch.
    fn enter_epoch(&mut self, epoch: LeaderEpoch) {
        assert!(epoch > self.epoch, "epoch {epoch} entered from {}", self.epoch);
        self.epoch = epoch;
    }

    /// The only writer of the role: the table at the head of this file.
    fn take_role(&mut self, role: Role) {
        let (from, to) = (self.role.name(), role.name());
        let allowed = match from {
            RoleName::Unattached => matches!(to, RoleName::Candidate | RoleName::Resigned),
            RoleName::Candidate => matches!(to, RoleName::Leader | RoleName::Resigned),
            RoleName::Leader | RoleName::Resigned => to == RoleName::Resigned,
        };
        assert!(allowed, "a replica that is {from} can't become {to}");
        self.role = role;
    }

    fn assert_invariants(&self) {
        assert!(self.epoch >= self.persisted.epoch, "{self:?}");
        assert!(self.log_start <= self.log_end.0, "{self:?}");
        assert!(self.durable_end.0 <= self.log_end.0, "{self:?}");
        assert!(self.log_end.0 <= self.placed_end, "{self:?}");
        if let Some(high_watermark) = self.high_watermark {
            assert!(high_watermark <= self.durable_end.0, "committed beyond what is durable: {self:?}");
        }
        match &self.role {
            Role::Unattached(_) | Role::Resigned(_) => {}
            Role::Candidate(candidate) => assert_eq!(candidate.state().epoch, self.epoch, "{self:?}"),
            Role::Leader(leader) => {
                assert_eq!(leader.epoch(), self.epoch, "{self:?}");
                assert_eq!(self.persisted.epoch, self.epoch, "leads in an epoch not persisted: {self:?}");
                assert_eq!(self.persisted.voted, Some(self.config.me), "leads without its vote: {self:?}");
                assert_eq!(self.persisted.leader, Some(self.config.me.id), "{self:?}");
                assert!(leader.start() < self.placed_end, "{self:?}");
            }
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsupported::MoreThanOneVoter => "a metadata quorum of more than one voter is not supported yet",
            Unsupported::Observer => "this node must be the voter of its metadata quorum",
        })
    }
}

impl std::error::Error for Unsupported {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotLeader { epoch, leader: Some(leader) } => {
                write!(f, "not the leader: node {leader} leads epoch {epoch}")
            }
            Refusal::NotLeader { epoch, leader: None } => write!(f, "not the leader of epoch {epoch}"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
#[path = "quorum_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "quorum_test.rs"]
mod tests;
