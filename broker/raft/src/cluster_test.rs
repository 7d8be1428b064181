//! Replicas, what their disks hold, and the network between them: a cluster that tests drive, and that asserts after
//! every effect what must hold whatever they do to it. The invariants are those of Kafka's own
//! `RaftEventSimulationTest`, and more: one leader per epoch, one vote per voter and epoch, what is committed stays,
//! nothing is told to be durable that is not, and a quorum left in peace agrees.

use crate::effect::Failure;
use crate::log_view::{EpochStart, SnapshotId};
use crate::message::{Answer, Batches, Records, Rejection, Request, Response, SnapshotPiece, Vote};
use crate::voters::{ReplicaKey, Voters};
use crate::{Config, Effect, ElectionState, Input, LogView, Quorum, RequestId, RoleName, Timeouts, Token};
use bytes::Bytes;
use model::time::Duration;
use model::{BrokerId, DirectoryId, DurableEnd, Instant, LeaderEpoch, LogEnd, Offset, Uuid};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Request { from: usize, to: usize, life: u32, id: RequestId, request: Request },
    Response { from: usize, to: usize, life: u32, id: RequestId, response: Response },
}

/// A replica and what it has on disk. A log is the epochs of its records: what a leader appends in an epoch is decided
/// by the epoch and the offset, so two logs that have the same epoch at an offset have the same record there.
pub(crate) struct Replica {
    pub(crate) quorum: Option<Quorum>,
    /// Counts the processes.
    life: u32,
    /// Counts the disks.
    disk: u32,
    file: Option<ElectionState>,
    log: Vec<LeaderEpoch>,
    /// Records that are not in the log any more, before it.
    base: SnapshotId,
    snapshot: Option<SnapshotId>,
    /// Epochs of the records that `base` stands for, to compare with.
    before: Vec<LeaderEpoch>,
    /// Everything below is on the disk for good.
    durable: usize,
    /// Everything below was synced in this process's life.
    synced: usize,
    written: u64,
    pub(crate) fail_append: bool,
    /// Requests that wait for this replica's answer.
    tokens: BTreeMap<Token, (usize, u32, RequestId)>,
    next_token: u64,
    /// Whether it votes, and its disk is as good as it was when it last did.
    whole: bool,
}

impl Replica {
    fn all(&self) -> Vec<LeaderEpoch> {
        self.before.iter().chain(&self.log).copied().collect()
    }

    fn end(&self) -> usize {
        self.before.len() + self.log.len()
    }

    fn view(&self) -> LogView {
        let mut epochs: Vec<EpochStart> = Vec::new();
        for (at, epoch) in self.log.iter().enumerate() {
            if epochs.last().is_none_or(|last| last.epoch != *epoch) {
                epochs.push(EpochStart { epoch: *epoch, start: offset(self.before.len() + at) });
            }
        }
        LogView::recovered(self.base, self.snapshot, epochs, LogEnd(offset(self.end()))).expect("fits")
    }
}

pub(crate) struct Cluster {
    pub(crate) replicas: Vec<Replica>,
    voters: usize,
    pub(crate) network: VecDeque<Message>,
    /// Links that are cut, one way.
    pub(crate) cut: BTreeSet<(usize, usize)>,
    /// Processes that stand still, and what has arrived for them meanwhile.
    paused: BTreeMap<usize, VecDeque<Message>>,
    pub(crate) now: Instant,
    pub(crate) draws: u64,
    /// Who led which epoch.
    led: BTreeMap<LeaderEpoch, usize>,
    /// For whom a voter voted in an epoch, by the disk that it then had.
    votes: BTreeMap<(usize, u32, LeaderEpoch), BrokerId>,
    committed: Vec<LeaderEpoch>,
}

fn offset(at: usize) -> Offset {
    Offset(at as i64)
}

fn key(at: usize) -> ReplicaKey {
    ReplicaKey { id: BrokerId(at as i32), directory: Some(DirectoryId(Uuid([at as u8 + 1; 16]))) }
}

fn config(me: usize, voters: usize) -> Config {
    // As configured by `controller.quorum.voters`: ids without directories.
    let voters = Voters::new((0..voters).map(|at| ReplicaKey { id: BrokerId(at as i32), directory: None }));
    Config { me: key(me), voters, timeouts: Timeouts::DEFAULT }
}

impl Cluster {
    /// A cluster of `voters` voters and one observer; `formatted`: with the file that tells a new voter that it is one.
    pub(crate) fn new(voters: usize, formatted: bool) -> Cluster {
        let zero = SnapshotId { end: Offset(0), epoch: LeaderEpoch(0) };
        let replica = |at: usize| Replica {
            quorum: None,
            life: 0,
            disk: 0,
            file: (formatted && at < voters).then_some(ElectionState::NONE),
            log: Vec::new(),
            base: zero,
            snapshot: None,
            before: Vec::new(),
            durable: 0,
            synced: 0,
            written: 0,
            fail_append: false,
            tokens: BTreeMap::new(),
            next_token: 0,
            whole: formatted,
        };
        let mut cluster = Cluster {
            replicas: (0..=voters).map(replica).collect(),
            voters,
            network: VecDeque::new(),
            cut: BTreeSet::new(),
            paused: BTreeMap::new(),
            now: Instant(1_000_000_000),
            draws: 0,
            led: BTreeMap::new(),
            votes: BTreeMap::new(),
            committed: Vec::new(),
        };
        for at in 0..=voters {
            cluster.restart(at);
        }
        cluster
    }

    fn draw(&mut self) -> u64 {
        self.draws = self.draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.draws ^ (self.draws >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 27)
    }

    pub(crate) fn deliver(&mut self, which: usize) {
        if self.network.is_empty() {
            return;
        }
        let message = self.network.remove(which % self.network.len().min(6)).expect("in range");
        self.arrive(message);
    }

    /// A message comes to where it is sent, unless it is lost.
    pub(crate) fn arrive(&mut self, message: Message) {
        let (from, to) = match &message {
            Message::Request { from, to, .. } | Message::Response { from, to, .. } => (*from, *to),
        };
        if self.cut.contains(&(from, to)) {
            return self.lost(message, Failure::TimedOut);
        }
        if let Some(inbox) = self.paused.get_mut(&to) {
            return inbox.push_back(message);
        }
        match message {
            Message::Request { to, .. } if self.replicas[to].quorum.is_none() => {
                self.lost(message, Failure::Refused);
            }
            Message::Request { from, to, life, id, request } => {
                let token = Token(self.replicas[to].next_token);
                self.replicas[to].next_token += 1;
                self.replicas[to].tokens.insert(token, (from, life, id));
                self.input(to, Input::Request(token, request));
            }
            Message::Response { to, life, id, response, .. } => {
                if self.replicas[to].life == life {
                    self.input(to, Input::Response(id, response));
                }
            }
        }
    }

    /// Tells whoever waits for an answer that none will come.
    pub(crate) fn lost(&mut self, message: Message, failure: Failure) {
        let (who, life, id) = match message {
            Message::Request { from, life, id, .. } => (from, life, id),
            Message::Response { to, life, id, .. } => (to, life, id),
        };
        if self.replicas[who].life == life {
            self.input(who, Input::Failed(id, failure));
        }
    }

    pub(crate) fn wait_until(&mut self, at: Instant) {
        self.now = self.now.max(at);
        for at in 0..self.replicas.len() {
            if !self.paused.contains_key(&at) {
                self.input(at, Input::Tick);
            }
        }
    }

    /// A process stands still.
    pub(crate) fn pause(&mut self, at: usize) {
        if self.replicas[at].quorum.is_some() {
            self.paused.entry(at).or_default();
        }
    }

    pub(crate) fn is_paused(&self, at: usize) -> bool {
        self.paused.contains_key(&at)
    }

    /// It goes on: with what has arrived, before it looks at the clock.
    pub(crate) fn resume(&mut self, at: usize) {
        for message in self.paused.remove(&at).unwrap_or_default() {
            self.arrive(message);
        }
        self.input(at, Input::Tick);
    }

    pub(crate) fn propose(&mut self, at: usize, records: usize) {
        let replica = &mut self.replicas[at];
        let Some(quorum) = replica.quorum.as_mut().filter(|_| !self.paused.contains_key(&at)) else { return };
        let Ok(placed) = quorum.propose(records) else { return };
        assert_eq!(placed.base, offset(replica.end()), "placed elsewhere than at the end");
        if std::mem::take(&mut replica.fail_append) {
            return self.input(at, Input::AppendFailed);
        }
        replica.log.extend(std::iter::repeat_n(placed.epoch, records));
        self.input(at, Input::Appended { end: LogEnd(placed.end) });
    }

    pub(crate) fn sync(&mut self, at: usize) {
        let replica = &mut self.replicas[at];
        if replica.quorum.is_none() || self.paused.contains_key(&at) {
            return;
        }
        replica.durable = replica.end();
        replica.synced = replica.end();
        let end = DurableEnd(offset(replica.synced));
        self.input(at, Input::Synced { end });
    }

    pub(crate) fn crash(&mut self, at: usize, kept: usize) {
        let replica = &mut self.replicas[at];
        if replica.quorum.take().is_none() {
            return;
        }
        let unsynced = replica.end() - replica.durable;
        let end = replica.durable + unsynced * (kept % 101) / 100;
        replica.log.truncate(end - replica.before.len());
        replica.fail_append = false;
        let tokens = std::mem::take(&mut replica.tokens);
        replica.life += 1;
        for message in self.paused.remove(&at).unwrap_or_default() {
            self.lost(message, Failure::Lost);
        }
        for (from, life, id) in tokens.into_values() {
            if self.replicas[from].life == life && self.replicas[from].quorum.is_some() {
                self.input(from, Input::Failed(id, Failure::Lost));
            }
        }
    }

    pub(crate) fn restart(&mut self, at: usize) {
        let config = config(at, self.voters);
        let replica = &mut self.replicas[at];
        if replica.quorum.is_some() {
            return;
        }
        replica.synced = replica.before.len();
        replica.quorum = Some(Quorum::new(config, replica.file, replica.view()));
        self.input(at, Input::Start);
    }

    pub(crate) fn snapshot(&mut self, at: usize, trim: bool) {
        let replica = &mut self.replicas[at];
        let Some(to) = replica.quorum.as_ref().and_then(Quorum::high_watermark) else { return };
        let end = to.0 as usize;
        if end <= replica.before.len() {
            return;
        }
        let id = SnapshotId { end: to, epoch: replica.log[end - replica.before.len() - 1] };
        replica.snapshot = Some(id);
        self.input(at, Input::SnapshotTaken(id));
        if trim {
            let replica = &mut self.replicas[at];
            if replica.quorum.is_none() {
                return;
            }
            let kept = replica.log.split_off(end - replica.before.len());
            replica.before.append(&mut replica.log);
            (replica.log, replica.base) = (kept, id);
            self.input(at, Input::Trimmed(id));
        }
    }

    /// Replaces a disk while the disks of a majority, this one's besides, are whole: a quorum bears no more than that.
    pub(crate) fn wipe(&mut self, at: usize) {
        let whole = |(other, replica): (usize, &Replica)| other != at && other < self.voters && replica.whole;
        let others = self.replicas.iter().enumerate().filter(|entry| whole(*entry)).count();
        if self.replicas[at].quorum.is_some() || others < self.voters / 2 + 1 {
            return;
        }
        // What was committed by this disk and one other is on that other alone now: it must not be lost as well.
        let holds = |replica: &Replica| replica.all().starts_with(&self.committed);
        let replica = &mut self.replicas[at];
        replica.file = None;
        replica.log.clear();
        replica.before.clear();
        replica.base = SnapshotId { end: Offset(0), epoch: LeaderEpoch(0) };
        (replica.snapshot, replica.durable) = (None, 0);
        replica.whole = false;
        replica.disk += 1;
        assert!(self.replicas.iter().any(holds), "nobody has what is committed");
    }

    pub(crate) fn input(&mut self, at: usize, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let (now, draw) = (self.now, self.draw());
            let Some(quorum) = &mut self.replicas[at].quorum else { return };
            let before = (quorum.epoch(), quorum.high_watermark());
            let effects = quorum.step(now, draw, input);
            assert!(quorum.epoch() >= before.0, "the epoch went back");
            assert!(quorum.high_watermark() >= before.1, "the high watermark went back");
            for effect in effects {
                inputs.extend(self.perform(at, effect));
                if self.replicas[at].quorum.is_none() {
                    return;
                }
            }
        }
    }

    /// Carries an effect out. Gives the input that it leads to.
    fn perform(&mut self, at: usize, effect: Effect) -> Option<Input> {
        let committed = self.committed.clone();
        let replica = &mut self.replicas[at];
        match effect {
            Effect::Persist(state) => {
                let older = replica.file.replace(state);
                assert!(older.is_none_or(|older| older.epoch <= state.epoch), "the file's epoch went back");
                if let Some(voted) = state.voted.filter(|_| at < self.voters) {
                    let other = self.votes.insert((at, replica.disk, state.epoch), voted.id);
                    assert!(
                        other.is_none_or(|other| other == voted.id),
                        "{at} votes twice in {}",
                        state.epoch
                    );
                }
                replica.whole = true;
            }
            Effect::Send(to, id, request) => {
                let to = to.0 as usize;
                assert_ne!(to, at, "asks itself");
                if let Request::Vote(Vote { pre_vote: false, epoch, .. }) = request {
                    assert_eq!(
                        replica.file.map(|file| file.epoch),
                        Some(epoch),
                        "asks for votes without its own"
                    );
                }
                if let Request::Fetch(fetch) = &request {
                    assert_eq!(fetch.from, offset(replica.synced), "told as durable");
                    assert_eq!(fetch.from, offset(replica.end()));
                }
                let life = replica.life;
                self.network.push_back(Message::Request { from: at, to, life, id, request });
            }
            Effect::Reply(token, mut response) => {
                let (to, life, id) = replica.tokens.remove(&token).expect("answered twice, or not asked");
                if let Ok(Answer::Records(Records { from, batches, .. })) = &mut response.body {
                    *batches = read(replica, from.0 as usize);
                }
                if let Ok(Answer::SnapshotPiece(piece)) = &mut response.body {
                    // Two pieces of one byte each.
                    piece.size = 2;
                    piece.bytes = Bytes::from_static(&[0]);
                    if replica.snapshot != Some(piece.id) {
                        response.body = Err(Rejection::SnapshotNotFound);
                    }
                }
                self.network.push_back(Message::Response { from: at, to, life, id, response });
            }
            Effect::AppendLeaderChange { base, epoch, .. } => {
                assert_eq!(base, offset(replica.end()));
                if std::mem::take(&mut replica.fail_append) {
                    return Some(Input::AppendFailed);
                }
                replica.log.push(epoch);
                return Some(Input::Appended { end: LogEnd(offset(replica.end())) });
            }
            Effect::Append(batches) => {
                if std::mem::take(&mut replica.fail_append) {
                    return Some(Input::AppendFailed);
                }
                for at in batches.base.0..batches.end.0 {
                    let epoch = batches.epochs.iter().rev().find(|entry| entry.start.0 <= at);
                    replica.log.push(epoch.expect("every record has an epoch").epoch);
                }
                return Some(Input::Appended { end: LogEnd(batches.end) });
            }
            Effect::Truncate(to) => {
                assert!(to.0 as usize >= replica.before.len());
                replica.log.truncate(to.0 as usize - replica.before.len());
                replica.durable = replica.durable.min(replica.end());
                replica.synced = replica.synced.min(replica.end());
            }
            Effect::WriteSnapshot(SnapshotPiece { position, bytes, .. }) => {
                assert!(position == 0 || position == replica.written, "a piece is missing");
                replica.written = position + bytes.len() as u64;
            }
            Effect::InstallSnapshot(id) => {
                assert_eq!(replica.written, 2, "installed before it was whole");
                if std::mem::take(&mut replica.fail_append) {
                    return Some(Input::SnapshotFailed(id));
                }
                let end = id.end.0 as usize;
                assert_eq!(committed.get(end - 1), Some(&id.epoch), "a snapshot of what is not committed");
                replica.before = committed[..end].to_vec();
                replica.log.clear();
                (replica.base, replica.snapshot) = (id, Some(id));
                (replica.durable, replica.synced) = (end, end);
                return Some(Input::SnapshotInstalled(id));
            }
            Effect::BecameLeader { epoch, start } => {
                let other = self.led.insert(epoch, at);
                assert_eq!(other, None, "epoch {epoch} is led by {at} too");
                assert_eq!(start, offset(replica.end()));
                assert!(replica.all().starts_with(&committed), "a leader without all that is committed");
                assert!(replica.log.iter().all(|earlier| *earlier < epoch), "epoch {epoch} is in the log");
                let file = replica.file.expect("a leader's file");
                assert_eq!((file.epoch, file.leader), (epoch, Some(BrokerId(at as i32))));
            }
            Effect::HighWatermark { to } => {
                let to = to.0 as usize;
                let all = replica.all();
                assert!(to <= replica.synced, "committed and not durable");
                let shorter = to.min(committed.len());
                assert_eq!(all[..shorter], committed[..shorter], "a committed record changed at {at}");
                if to > committed.len() {
                    self.committed = all[..to].to_vec();
                }
            }
            Effect::LeaderAccepted { epoch } => assert!(committed.contains(&epoch)),
            Effect::BecameFollower { .. } | Effect::Resigned { .. } => {}
        }
        None
    }

    /// Everything works again: within 30 seconds all agree.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        for at in 0..self.replicas.len() {
            self.replicas[at].fail_append = false;
            self.resume(at);
            self.restart(at);
        }
        let until = self.now + Duration::from_secs(30);
        let mut proposed = false;
        while self.now < until {
            self.deliver_all();
            let leader = self.leader();
            if let Some(leader) = leader
                && !proposed
            {
                self.propose(leader, 1);
                proposed = true;
                continue;
            }
            let agreed = leader.is_some_and(|leader| {
                let all = self.replicas[leader].all();
                self.replicas.iter().all(|replica| {
                    let committed = replica.quorum.as_ref().and_then(Quorum::high_watermark);
                    replica.all() == all && committed == Some(offset(all.len()))
                })
            });
            if agreed {
                return;
            }
            let deadlines =
                self.replicas.iter().filter_map(|replica| replica.quorum.as_ref()?.next_deadline());
            let next = deadlines.min().expect("a quorum that does not agree waits for something");
            self.wait_until(next.max(self.now + Duration::from_micros(100)));
        }
        for quorum in self.replicas.iter().filter_map(|replica| replica.quorum.as_ref()) {
            let (me, role, log) = (quorum.config().me.id, quorum.role(), quorum.log());
            eprintln!("{me} is {role} in {}, led by {:?}: {log:?}", quorum.epoch(), quorum.leader());
            eprintln!("  committed {:?}", quorum.high_watermark());
        }
        panic!("no agreement after 30 s");
    }

    /// Delivers messages and syncs logs until there are none to deliver and none to sync.
    pub(crate) fn deliver_all(&mut self) {
        loop {
            while !self.network.is_empty() {
                self.deliver(0);
            }
            for at in 0..self.replicas.len() {
                self.sync(at);
            }
            if self.network.is_empty() {
                return;
            }
        }
    }

    /// When the first of the replicas has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.replicas.iter().filter_map(|replica| replica.quorum.as_ref()?.next_deadline()).min()
    }

    pub(crate) fn leader(&self) -> Option<usize> {
        // An old leader may not know yet that it is one.
        let epoch = |at: &usize| self.replicas[*at].quorum.as_ref().map(Quorum::epoch);
        (0..self.replicas.len()).filter(|at| self.leads(*at)).max_by_key(epoch)
    }

    /// Up to where `leader` knows the log of `voter` to be durable.
    pub(crate) fn knows(&self, leader: usize, voter: usize) -> usize {
        let voters = self.replicas[leader].quorum.as_ref().and_then(Quorum::voters);
        let progress = voters.and_then(|voters| voters.get(&BrokerId(voter as i32)));
        progress.map_or(0, |progress| progress.end.0.0 as usize)
    }

    pub(crate) fn leads(&self, at: usize) -> bool {
        self.replicas[at].quorum.as_ref().is_some_and(|quorum| quorum.role() == RoleName::Leader)
    }
}

/// Up to three records from `from` on, as a leader's log gives them.
fn read(replica: &Replica, from: usize) -> Option<Batches> {
    let at = from.checked_sub(replica.before.len()).expect("read below the log's start");
    let records = &replica.log[at..replica.log.len().min(at + 3)];
    let mut epochs: Vec<EpochStart> = Vec::new();
    for (next, epoch) in records.iter().enumerate() {
        if epochs.last().is_none_or(|last| last.epoch != *epoch) {
            epochs.push(EpochStart { epoch: *epoch, start: offset(from + next) });
        }
    }
    let (base, end) = (offset(from), offset(from + records.len()));
    (!records.is_empty()).then(|| Batches { bytes: Bytes::new(), base, end, epochs })
}
