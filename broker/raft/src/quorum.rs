//! The replica's state machine.
//!
//! ```text
//! role         input                                    next role    effects
//! unattached   election timeout (voter)                 prospective  asks for pre-votes
//! unattached   election timeout, only voter             leader       persist epoch + 1, vote and itself; leader change
//! unattached   vote asked by one whose log is ahead     unattached   persist the vote; granted
//! follower     fetch timeout, or the leader is gone     prospective  asks for pre-votes
//! prospective  majority of pre-votes                    candidate    persist epoch + 1 and its vote; asks for votes
//! prospective  refused, or election timeout             follower of the leader it knew, else unattached
//! candidate    majority of votes                        leader       persist itself; append the leader change
//! candidate    refused, or election timeout             prospective  after a pause that grows
//! leader       no majority fetches, append fails        resigned     tells the voters
//! resigned     election timeout                         unattached
//! any but leader   an equal or later epoch's leader     follower     persist epoch and leader; fetches
//! any          a later epoch                            unattached   persist epoch
//! any          Resign                                   resigned for good; a leader tells the voters
//! ```
//!
//! An observer is unattached or follower only. Every process starts as unattached, so that each leadership is of an
//! epoch of its own, whose number is durable before anybody can see it.
//!
//! - `roles`: the transitions. `votes`: Vote, asked and answered. `epochs`: the beginning and end of epochs.
//! - `serve`: fetches answered. `follow`: records and snapshots fetched.
//! - `timers`: what time brings about, and the requests that are due.

mod epochs;
mod follow;
mod roles;
mod serve;
mod timers;
mod votes;

use crate::canvass::Canvass;
use crate::config::Config;
use crate::effect::{Effect, Input, RequestId, Token};
use crate::election::ElectionState;
use crate::log_view::{EpochStart, LogView, SnapshotId};
use crate::message::{Answer, Rejection, Request, Response, Vote};
use crate::role::{Fetching, Follower, Progress, Role, RoleName, Unattached};
use crate::voters::ReplicaKey;
use model::time::Duration;
use model::{BrokerId, DurableEnd, Instant, LeaderEpoch, LogEnd, Offset};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// How far the epoch that somebody claims may be ahead: two hundred days of elections, one a second. Epochs are 31 bits
/// wide, never go back and are remembered on disk, so that a false one costs its share of all that there will ever be.
const EPOCHS_AHEAD_MAX: i32 = 1 << 24;

/// A voter without a file does not know whether it ever voted: it may be new, or its disk may have been replaced, and then
/// what it acknowledged is gone. It gives no vote, and writes no file, until it has everything committed, or knows that
/// nothing can be.
///
/// Nor does it follow, and so acknowledge, the first leader that it hears of: that may be one whose epoch it had left, by a
/// vote or by following another. Whoever it voted for or followed was in that epoch by then, so it is one of the others:
/// when it has heard all of them, it knows of an epoch as late. When one of them is down, it waits until no election can
/// be under way any more that counts a vote of its own. An election that is over has a majority in its epoch, of which it
/// was one at most: what it then hears from so many others that they meet every majority's others tells that epoch.
#[derive(Clone, Debug)]
struct Doubt {
    /// The voters that have not been heard to be in epoch 0.
    later: BTreeSet<BrokerId>,
    /// The voters that have been heard.
    heard: BTreeSet<BrokerId>,
    /// When no candidate counts its vote any more. `None` before the start.
    settled: Option<Instant>,
    /// The first request sent after that: what was asked before may have been answered before.
    first_since: Option<RequestId>,
    /// The voters that have been asked, and heard, after that.
    heard_since: BTreeSet<BrokerId>,
}

impl Doubt {
    fn new(peers: BTreeSet<BrokerId>) -> Doubt {
        let (heard, heard_since) = (BTreeSet::new(), BTreeSet::new());
        Doubt { later: peers, heard, settled: None, first_since: None, heard_since }
    }

    /// `peer` has answered request `id`.
    fn hear(&mut self, peer: BrokerId, id: RequestId) {
        self.heard.insert(peer);
        if self.first_since.is_some_and(|first| first <= id) {
            self.heard_since.insert(peer);
        }
    }

    /// Whether nothing can be promised by it that this voter has not heard of.
    fn has_heard_enough(&self, voters: usize, majority: usize) -> bool {
        self.heard.len() == voters - 1 || self.heard_since.len() + majority > voters
    }
}

/// A replica of the metadata quorum.
#[derive(Clone, Debug)]
pub struct Quorum {
    config: Config,
    /// Written by `take_role` only. Invariant: never below the log's last epoch.
    epoch: LeaderEpoch,
    /// Written by `take_role` only.
    role: Role,
    /// What is in the file once the effects so far are carried out. Invariant: epoch, vote and leader of the role.
    persisted: ElectionState,
    log: LogView,
    /// One past the last offset given to a record, appended or not. Invariant: not below the log's end.
    placed_end: Offset,
    /// Written by `advance_high_watermark` only. `None` until something is known to be committed.
    /// Invariant: not beyond the log's durable end.
    high_watermark: Option<Offset>,
    /// The next request's name.
    next_request: u64,
    /// Whether this voter knows what it has promised.
    doubt: Option<Doubt>,
    /// Whether the process takes part: it has started and is not about to stop.
    running: bool,
    /// The time of the last input; time does not go back.
    now: Instant,
    /// The last input's random draw.
    draw: u64,
}

impl Quorum {
    /// A replica as it is when its process starts: unattached, in the highest epoch that the file or the log
    /// knows of. `persisted` is the content of `quorum-state`, if there is one.
    pub fn new(config: Config, persisted: Option<ElectionState>, log: LogView) -> Quorum {
        log.assert_invariants();
        let found = persisted.unwrap_or(ElectionState::NONE);
        let epoch = found.epoch.max(log.last().epoch);
        let voted = found.voted.filter(|_| epoch == found.epoch);
        let role = Unattached { voted, deadline: None, discovery: Canvass::new([]) };
        let placed_end = log.end().0;
        let peers: BTreeSet<BrokerId> = config.peers().map(|peer| peer.id).collect();
        let doubtful = persisted.is_none() && config.is_voter() && !peers.is_empty();
        let doubt = doubtful.then(|| Doubt::new(peers));
        Quorum {
            config,
            epoch,
            role: Role::Unattached(role),
            persisted: ElectionState { epoch, leader: None, voted },
            log,
            placed_end,
            high_watermark: None,
            next_request: 0,
            doubt,
            running: false,
            now: Instant::default(),
            draw: 0,
        }
    }

    /// Takes an input in at `now`, and returns what to do, in this order. `draw` is a random number, another for
    /// each call: timeouts are drawn from it.
    #[must_use]
    pub fn step(&mut self, now: Instant, draw: u64, input: Input) -> Vec<Effect> {
        assert!(now >= self.now, "time went back from {:?} to {now:?}", self.now);
        (self.now, self.draw) = (now, draw);
        let mut effects = Vec::new();
        match input {
            Input::Start => self.start(),
            Input::Tick => {}
            Input::Request(token, request) => self.request(token, request, &mut effects),
            Input::Response(id, response) => self.response(id, response, &mut effects),
            Input::Failed(id, failure) => self.failed(id, failure),
            Input::Appended { end } => self.appended(end, &mut effects),
            Input::AppendFailed => self.append_failed(&mut effects),
            Input::Synced { end } => self.synced(end, &mut effects),
            Input::SnapshotTaken(id) => self.log.snapshot_taken(id),
            Input::Trimmed(id) => self.log.trimmed(id),
            Input::SnapshotInstalled(id) => self.installed(id, &mut effects),
            Input::SnapshotFailed(id) => self.install_failed(id),
            Input::Resign => self.stop(&mut effects),
        }
        self.run_timers(&mut effects);
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
        assert!(base >= self.log.end().0, "{placement:?} withdrawn, but the log ends at {}", self.log.end());
        self.placed_end = base;
        self.assert_invariants();
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
            Role::Resigned(_) => None,
            _ => self.role.elected(self.config.me),
        }
    }

    /// Whether this replica has resigned and waits for others to take note.
    pub fn is_telling(&self) -> bool {
        matches!(self.role, Role::Resigned(_)) && self.role.asked().is_some_and(Canvass::is_waiting)
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

    /// What is known of the log.
    pub fn log(&self) -> &LogView {
        &self.log
    }

    /// The snapshot that is being fetched: no other is written any more.
    pub fn fetching(&self) -> Option<SnapshotId> {
        match &self.role {
            Role::Follower(Follower { fetching: Fetching::Snapshot(download), .. }) => Some(download.id),
            Role::Follower(Follower { fetching: Fetching::Installing(id), .. }) => Some(*id),
            _ => None,
        }
    }

    /// Who this replica is and with whom it votes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How far the other voters are; only the leader knows (DescribeQuorum).
    pub fn voters(&self) -> Option<&BTreeMap<BrokerId, Progress>> {
        match &self.role {
            Role::Leader(leader) => Some(leader.voters()),
            _ => None,
        }
    }

    /// How far the observers are; only the leader knows (DescribeQuorum).
    pub fn observers(&self) -> Option<&BTreeMap<ReplicaKey, Progress>> {
        match &self.role {
            Role::Leader(leader) => Some(leader.observers()),
            _ => None,
        }
    }

    fn start(&mut self) {
        if self.running {
            return;
        }
        self.running = true;
        if let Some(doubt) = &mut self.doubt {
            doubt.settled = Some(self.now + self.config.timeouts.candidacies_over());
        }
        if let Role::Unattached(unattached) = &mut self.role {
            // Short: whoever has a leader refuses the pre-vote, and a cluster that starts need not wait.
            let patience = self.config.timeouts.election / 10;
            let alone = self.config.voters.is_only(self.config.me);
            let patience = if alone { Duration::ZERO } else { share(patience, self.draw) };
            unattached.deadline = self.config.is_voter().then(|| self.now + patience);
            unattached.discovery = Canvass::new(self.config.peers().map(|peer| peer.id));
        }
    }

    /// Gives up for good.
    fn stop(&mut self, effects: &mut Vec<Effect>) {
        self.running = false;
        match &self.role {
            Role::Leader(_) => self.resign(effects),
            Role::Resigned(_) => {}
            _ => {
                let voted = self.role.voted(self.config.me);
                let discovery = Canvass::new([]);
                let unattached = Unattached { voted, deadline: None, discovery };
                // What it must remember of the epoch's leader is in the file, and its epoch does not change again.
                self.role = Role::Unattached(unattached);
            }
        }
        if let Role::Resigned(resigned) = &mut self.role {
            resigned.deadline = None;
        }
    }

    fn request(&mut self, token: Token, request: Request, effects: &mut Vec<Effect>) {
        let body = match request {
            Request::Vote(Vote { epoch, .. })
            | Request::BeginEpoch { epoch, .. }
            | Request::EndEpoch { epoch, .. }
                if !self.is_credible(epoch) =>
            {
                Err(Rejection::Invalid)
            }
            Request::Vote(vote) => self.vote_asked(vote, effects),
            Request::BeginEpoch { epoch, leader } => self.epoch_begun(epoch, leader, effects),
            Request::EndEpoch { epoch, leader, successors } => {
                self.epoch_ended(epoch, leader, &successors, effects)
            }
            Request::Fetch(fetch) => match self.fetch_asked(token, fetch, effects) {
                Some(body) => body,
                None => return,
            },
            Request::FetchSnapshot(fetch) => self.snapshot_asked(fetch),
        };
        effects.push(self.reply(token, body));
    }

    /// Whether honest elections can have led to `epoch`: what one message takes of the room for further ones is bounded.
    fn is_credible(&self, epoch: LeaderEpoch) -> bool {
        epoch.0 <= self.epoch.0.saturating_add(EPOCHS_AHEAD_MAX)
    }

    /// Whether this replica may follow a leader of the current epoch or a later one.
    fn may_follow(&self) -> bool {
        let Some(doubt) = &self.doubt else { return true };
        doubt.has_heard_enough(self.config.voters.len(), self.config.voters.majority())
    }

    fn reply(&self, token: Token, body: Result<Answer, Rejection>) -> Effect {
        Effect::Reply(token, Response { epoch: self.epoch, leader: self.leader(), body })
    }

    fn response(&mut self, id: RequestId, response: Response, effects: &mut Vec<Effect>) {
        if !self.running {
            return;
        }
        if self.is_credible(response.epoch)
            && let Some(peer) = self.role.asked().and_then(|canvass| canvass.whom(id))
            && let Some(doubt) = &mut self.doubt
        {
            doubt.hear(peer, id);
        }
        // Whoever asked in an epoch that is over has no use for the answer; the news in it are taken in any case.
        // What contradicts itself is not worth more than no answer.
        if !self.is_credible(response.epoch) || self.learn(response.epoch, response.leader, effects).is_err()
        {
            return self.retry(id);
        }
        if response.epoch < self.epoch && response.body.is_ok() {
            self.retry(id);
            return;
        }
        match &self.role {
            Role::Follower(_) => self.fetched(id, response.body, effects),
            Role::Prospective(_) | Role::Candidate(_) => self.voted(id, response.body, effects),
            Role::Unattached(_) | Role::Leader(_) | Role::Resigned(_) => {
                self.told(id, response.epoch, response.body, effects);
            }
        }
    }

    fn failed(&mut self, id: RequestId, failure: crate::effect::Failure) {
        match &self.role {
            Role::Follower(_) => self.fetch_failed(id, failure),
            _ => self.retry(id),
        }
    }

    /// Asks again what `id` asked, after a pause.
    fn retry(&mut self, id: RequestId) {
        let at = self.now + self.config.timeouts.backoff;
        if let Some(canvass) = self.role.canvass()
            && let Some(peer) = canvass.whom(id)
        {
            canvass.again(peer, at);
        }
        self.fetch_again(id, at);
    }

    fn appended(&mut self, end: LogEnd, effects: &mut Vec<Effect>) {
        match &mut self.role {
            Role::Leader(leader) => {
                assert!(end.0 <= self.placed_end, "appended up to {end}, placed up to {}", self.placed_end);
                let epoch = EpochStart { epoch: leader.epoch(), start: leader.start() };
                self.log.appended(&[epoch], end);
                // The others may have it while this replica's own sync is on its way.
                self.answer_parked(effects);
            }
            Role::Follower(Follower { fetching: fetching @ Fetching::Appending(_), .. }) => {
                let next = Fetching::NotBefore(self.now);
                let Fetching::Appending(batches) = std::mem::replace(fetching, next) else { unreachable!() };
                assert_eq!(end.0, batches.end, "the leader's batches end elsewhere");
                self.log.appended(&batches.epochs, end);
                self.placed_end = end.0;
            }
            // Told to append, and then told of a new epoch: what is in the log is in the log.
            role => panic!("{} appended up to {end}", role.name()),
        }
    }

    /// The log can't be written: nothing placed will be in it.
    fn append_failed(&mut self, effects: &mut Vec<Effect>) {
        self.placed_end = self.log.end().0;
        match &mut self.role {
            Role::Leader(_) => self.resign(effects),
            Role::Follower(follower) => {
                follower.fetching = Fetching::NotBefore(self.now + self.config.timeouts.backoff);
            }
            _ => {}
        }
    }

    fn synced(&mut self, end: DurableEnd, effects: &mut Vec<Effect>) {
        self.log.synced(end);
        self.advance_as_leader(effects);
        self.advance_as_follower(effects);
    }

    /// Moves a leader's high watermark to what a majority has, and answers whom that is news to.
    fn advance_as_leader(&mut self, effects: &mut Vec<Effect>) {
        let Role::Leader(leader) = &self.role else { return };
        let (voters, me) = (&self.config.voters, self.config.me.id);
        let (epoch, start) = (leader.epoch(), leader.start());
        // A majority may have more than the leader itself has made durable; it is committed, but not yet told.
        let Some(to) = leader.committed_end(self.log.durable(), voters, me) else { return };
        let to = to.min(self.log.durable().0);
        let first = self.high_watermark.is_none_or(|before| before <= start);
        if to > start && self.advance_high_watermark(to, effects) && first {
            effects.push(Effect::LeaderAccepted { epoch });
        }
        self.answer_parked(effects);
    }

    /// The only writer of the high watermark. It never goes back.
    fn advance_high_watermark(&mut self, to: Offset, effects: &mut Vec<Effect>) -> bool {
        if self.high_watermark.is_some_and(|from| to <= from) {
            return false;
        }
        self.high_watermark = Some(to);
        effects.push(Effect::HighWatermark { to });
        true
    }

    fn send(&mut self, to: BrokerId, request: Request, effects: &mut Vec<Effect>) -> RequestId {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        if let Some(doubt) = &mut self.doubt
            && doubt.settled.is_some_and(|settled| settled <= self.now)
        {
            doubt.first_since.get_or_insert(id);
        }
        effects.push(Effect::Send(to, id, request));
        id
    }

    fn assert_invariants(&self) {
        self.log.assert_invariants();
        assert!(self.epoch >= self.log.last().epoch, "{self:?}");
        assert_eq!(self.epoch, self.persisted.epoch, "{self:?}");
        assert!(self.log.end().0 <= self.placed_end, "{self:?}");
        assert_eq!(self.persisted.voted, self.role.voted(self.config.me), "{self:?}");
        if let Some(high_watermark) = self.high_watermark {
            assert!(high_watermark <= self.log.durable().0, "committed beyond what is durable: {self:?}");
        }
        let voter = self.config.is_voter();
        match &self.role {
            Role::Unattached(_) => {}
            Role::Follower(follower) => assert_eq!(self.persisted.leader, Some(follower.leader), "{self:?}"),
            Role::Prospective(_) | Role::Candidate(_) => assert!(voter, "{self:?}"),
            Role::Leader(leader) => {
                assert!(voter && leader.epoch() == self.epoch, "{self:?}");
                assert_eq!(self.persisted.leader, Some(self.config.me.id), "{self:?}");
                assert!(leader.start() < self.placed_end, "{self:?}");
            }
            Role::Resigned(_) => assert!(voter, "{self:?}"),
        }
    }
}

/// A random share of `span`.
fn share(span: Duration, draw: u64) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(draw % nanos.max(1))
}

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
