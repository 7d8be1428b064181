//! A shard: the task that owns some of the partitions, and does everything to them, one message at a time.
//!
//! The inbox is drained in batches. Produce requests that stand next to each other become one write per
//! partition; one sync round at a time covers everything appended before it began, while appends go on. So the
//! more there is to do, the more each write and each sync carries.
//!
//! ```text
//! inbox ─▶ run of produces ─▶ log.append ─▶ tail cache ─▶ lines move ─▶ answers
//!                                 └▶ dirty ─▶ sync round (another task) ─▶ lines move ─▶ answers
//! ```
//!
//! Logs are opened by other tasks too: a partition that is not open yet is answered for like one of another broker,
//! and its clients ask again.
//!
//! A full disk refuses the append and nothing else. Any other failed write, and every failed sync, fences: from
//! then on the shard answers KAFKA_STORAGE_ERROR, the process stops, and the next start recovers.

mod acking;
mod following;
mod forgetting;
mod high_watermarks;
mod holding;
mod in_sync;
pub mod inbox;
pub mod open;
mod opening;
mod partition;
mod reading;
mod syncs;

use crate::alterations::Proposals;
use crate::checkpoints::{Checkpoints, Points};
use crate::fence::Fences;
use crate::fetcher::Wants;
use crate::full::Full;
use crate::refusal;
use crate::space::Space;
use crate::tail::TailCache;
use crate::waiters::{Line, Until, Waiters};
use acking::Acking;
use forgetting::Forgetting;
use high_watermarks::Noting;
use holding::Leaving;
use inbox::{
    Fetch, Fetched, ListOffsets, Listed, Message, Park, Placed, Produce, ProducePart, Records, Refused, Wake,
};
use log::AppendError;
use model::config::{BrokerSettings, Durability, ReplicationSettings};
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, DurableEnd, Instant, Offset, PartitionKey, Timestamp};
use opening::Openings;
use partition::{Appended, New, Partition};
use protocol::ErrorCode;
use reading::Room;
use replica::{Advance, Step};
use runtime::{Acks, Disk, DiskErrorKind, Event, Fence, Runtime};
use std::collections::BTreeMap;
use std::sync::Arc;
use syncs::{Outcome, Syncs};
use tokio::sync::mpsc;
use tracing::{error, warn};

/// Messages that may wait in a shard's inbox; whoever brings one more waits.
pub const INBOX_MAX: usize = 1024;
/// Messages that a shard takes from its inbox at once.
const DRAIN_MAX: usize = 256;
/// Requests that may be parked in one shard. One more is answered at once, as if its time were up.
const PARKED_MAX: usize = 100_000;
/// Fewer parked requests than these are not worth sweeping.
const SWEEP_MIN: usize = 1024;
/// Batches that go into one write: with each batch's limits this keeps a write far within the log's own.
const WRITE_BATCHES_MAX: usize = 32;
/// Between two looks for followers that are behind, or have stopped on their way into the ISR.
const TICK_EVERY: Duration = Duration::from_millis(500);
/// Bytes that go into one write, unless a single batch is longer.
const WRITE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A shard's state.
pub struct Shard<R: Runtime> {
    rt: R,
    me: BrokerId,
    settings: ReplicationSettings,
    /// The brokers that may be in an ISR, each in this incarnation, as the latest image has them.
    brokers: Arc<BTreeMap<BrokerId, BrokerEpoch>>,
    partitions: BTreeMap<PartitionKey, Partition<R::Disk>>,
    tail: TailCache,
    waiters: Waiters<Parked>,
    /// How many may be parked before those that are dead are swept out.
    sweep_at: usize,
    syncs: Syncs<R>,
    openings: Openings<R>,
    leaving: Leaving,
    checkpoints: Checkpoints,
    fences: Fences,
    others: Others,
    /// When to look next for followers that are behind.
    next_tick: Instant,
    forgetting: Forgetting,
    noting: Noting,
    full: Full,
}

/// The tasks that a shard says something to.
#[derive(Clone)]
pub struct Others {
    /// Where it is said what is to be fetched.
    pub wants: Wants,
    /// Where it is said who is to be in sync.
    pub proposals: Proposals,
    /// Where it is said that the disk is full.
    pub space: Space,
}

/// The parts that a run of produce requests has for one partition.
#[derive(Default)]
struct Grouped {
    parts: Vec<ProducePart>,
    /// For each part the request in the run, and the slot there.
    from: Vec<(usize, usize)>,
}

/// What waits in a shard.
enum Parked {
    Produce(Acking),
    Fetch(mpsc::Sender<Wake>),
}

impl<R: Runtime> Shard<R> {
    /// A shard without partitions.
    pub fn new(
        rt: R,
        settings: &BrokerSettings,
        tail: TailCache,
        checkpoints: Checkpoints,
        fences: Fences,
        others: Others,
    ) -> Shard<R> {
        let next_tick = rt.now() + TICK_EVERY;
        let forgetting = Forgetting::new(rt.now(), settings.producers);
        let every = Duration::from_millis(settings.replication.high_watermark_every_ms);
        let noting = Noting::new(rt.now(), every);
        Shard {
            rt,
            me: settings.node_id,
            settings: settings.replication,
            brokers: Arc::default(),
            partitions: BTreeMap::new(),
            tail,
            waiters: Waiters::new(PARKED_MAX),
            sweep_at: SWEEP_MIN,
            syncs: Syncs::new(),
            openings: Openings::new(),
            leaving: Leaving::new(),
            checkpoints,
            fences,
            full: Full::noted_in(others.space.clone()),
            others,
            next_tick,
            forgetting,
            noting,
        }
    }

    /// Serves the inbox until it is told to stop, or until nobody can bring it anything any more.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut drained = Vec::with_capacity(DRAIN_MAX);
        loop {
            let deadline = self.due();
            let rt = self.rt.clone();
            tokio::select! { biased;
                outcome = self.syncs.done(), if self.syncs.under_way() => self.synced(outcome),
                outcome = self.openings.done(), if self.openings.under_way() => self.opened(outcome),
                taken = inbox.recv_many(&mut drained, DRAIN_MAX) => {
                    if taken == 0 {
                        return;
                    }
                }
                () = rt.sleep_until(deadline) => {}
            }
            let mut run = Vec::new();
            for message in drained.drain(..) {
                match message {
                    Message::Produce(produce) => run.push(produce),
                    other => {
                        self.produce(std::mem::take(&mut run)).await;
                        match other {
                            Message::Stop(stopped) => {
                                let _ = stopped.send(self.stop().await);
                                return;
                            }
                            Message::Copied(copied) => self.copied(copied).await,
                            other => self.serve(other),
                        }
                    }
                }
            }
            self.produce(run).await;
            self.start_sync();
            self.start_openings();
            self.let_go();
            self.expire();
            self.tick();
            self.forget();
            self.note_high_watermarks_if_due();
        }
    }

    /// When there is something to do though nothing happens.
    fn due(&self) -> Instant {
        let waiting = [self.waiters.next_deadline(), self.openings.next_try(), self.tick_due()];
        let always = self.forgetting.due().min(self.noting.due());
        waiting.into_iter().flatten().fold(always, Instant::min)
    }

    fn serve(&mut self, message: Message) {
        match message {
            Message::Fetch(fetch) => self.fetch(fetch),
            Message::Park(park) => self.park(park),
            Message::ListOffsets(list) => self.list_offsets(list),
            Message::Hold(hold) => self.hold(hold),
            Message::Leave(leave) => self.leave(leave),
            Message::Altered(altered) => self.altered(&altered),
            Message::Brokers(brokers) => self.know(brokers),
            Message::Configure(partition, config) => self.configure(partition, config),
            Message::Produce(_) | Message::Copied(_) | Message::Stop(_) => {
                unreachable!("the loop serves these itself")
            }
        }
    }

    /// Appends a run of produce requests: one write for each partition in it.
    async fn produce(&mut self, run: Vec<Produce>) {
        if run.is_empty() {
            return;
        }
        let mut ackings = Vec::with_capacity(run.len());
        let mut askers = Vec::with_capacity(run.len());
        let mut by_partition: BTreeMap<PartitionKey, Grouped> = BTreeMap::new();
        for (request, produce) in run.into_iter().enumerate() {
            ackings.push(Acking::new(produce.done, produce.parts.len()));
            askers.push((produce.acks, produce.deadline, produce.applied));
            for part in produce.parts {
                if let Err(code) = self.admit(part.partition, produce.acks) {
                    ackings[request].add(part.partition, part.slot, Err(code.into()));
                    continue;
                }
                let grouped = by_partition.entry(part.partition).or_default();
                grouped.from.push((request, part.slot));
                grouped.parts.push(part);
            }
        }
        for (key, Grouped { parts, from }) in by_partition {
            let results = self.append(key, parts).await;
            for ((request, slot), result) in from.into_iter().zip(results) {
                ackings[request].add(key, slot, result);
            }
        }
        for (acking, (acks, deadline, applied)) in ackings.into_iter().zip(askers) {
            let _ = applied.send(());
            let mut waits = acking.waits(acks);
            waits.retain(|wait| self.line(wait.partition, wait.line) < wait.at);
            if waits.is_empty() {
                acking.done();
                continue;
            }
            self.make_room();
            let open = waits.clone();
            if let Err(Parked::Produce(acking)) =
                self.waiters.park(Parked::Produce(acking), Until::All, waits, deadline)
            {
                acking.failed(&open, ErrorCode::RequestTimedOut);
            }
        }
    }

    /// Whether a batch may be appended that is to be acknowledged so. Who leads is asked later.
    fn admit(&self, key: PartitionKey, acks: Acks) -> Result<(), ErrorCode> {
        let leader = self.partitions.get(&key).and_then(|partition| partition.leader().ok());
        match leader {
            Some(leader) if acks == Acks::All => leader.admit(replica::Acks::All).map_err(refusal::admission),
            _ => Ok(()),
        }
    }

    /// Appends batches to one partition, in as few writes as may be. One answer for each of them, in order.
    async fn append(&mut self, key: PartitionKey, parts: Vec<ProducePart>) -> Vec<Result<Placed, Refused>> {
        let mut results = Vec::with_capacity(parts.len());
        let (mut write, mut bytes) = (Vec::new(), 0);
        for part in parts {
            let full = write.len() == WRITE_BATCHES_MAX || bytes + part.batch.len() > WRITE_BYTES_MAX;
            if full && !write.is_empty() {
                results.extend(self.append_write(key, std::mem::take(&mut write)).await);
                bytes = 0;
            }
            bytes += part.batch.len();
            write.push(part);
        }
        results.extend(self.append_write(key, write).await);
        results
    }

    /// Appends batches to one partition as one write.
    async fn append_write(
        &mut self,
        key: PartitionKey,
        parts: Vec<ProducePart>,
    ) -> Vec<Result<Placed, Refused>> {
        let count = parts.len();
        let all = |code: ErrorCode| (0..count).map(|_| Err(code.into())).collect();
        if self.fences.is_fenced() {
            return all(ErrorCode::KafkaStorageError);
        }
        let Some(partition) = self.partitions.get_mut(&key) else {
            return all(ErrorCode::NotLeaderOrFollower);
        };
        let now = (self.rt.now(), Timestamp(self.rt.wall_ms()));
        match partition.append(parts, now, &mut self.tail).await {
            Ok(Appended { results, new, step }) => {
                if let Some(New { base, crc, rolled }) = new {
                    let (epoch, end) = (partition.epoch(), partition.log.end());
                    self.rt.observe(Event::Appended { partition: key, epoch, base, end, crc });
                    if rolled {
                        self.rt.observe(Event::Rolled { partition: key, base: partition.log.active_base() });
                    }
                    // The page-cache mode leaves syncing to the kernel, but a closed segment is put to rest.
                    if rolled || partition.config.durability() == Durability::Durable {
                        self.syncs.mark(key);
                    }
                }
                self.moved(key, step);
                results
            }
            Err(AppendError::NoSpace(error)) => {
                if self.full.met(self.rt.now()) {
                    warn!(partition = %key, %error, "the disk is full: appends are refused");
                }
                all(ErrorCode::KafkaStorageError)
            }
            Err(error) => {
                error!(partition = %key, %error, "append failed");
                self.fence(Fence::WriteFailed);
                all(ErrorCode::KafkaStorageError)
            }
        }
    }

    fn fetch(&mut self, fetch: Fetch) {
        let mut left = fetch.bytes_max;
        let mut any = false;
        let mut answer = Vec::with_capacity(fetch.parts.len());
        let mut steps = Vec::new();
        for part in &fetch.parts {
            let room = Room { bytes_max: part.bytes_max.min(left), at_least_one: !any, tail: &self.tail };
            let result = match (self.partitions.get_mut(&part.partition), &part.replica) {
                // Whoever waits for data here would wait in vain.
                _ if self.fences.is_fenced() => Err(ErrorCode::KafkaStorageError),
                (None, _) => Err(ErrorCode::NotLeaderOrFollower),
                (Some(partition), None) => partition.find(part, room),
                (Some(partition), Some(replica)) => {
                    let eligible = in_sync::is_eligible(&self.brokers, replica.id, replica.broker);
                    let found = partition.find_for_replica(part, replica, eligible, self.rt.now(), room);
                    found.map(|(found, bytes, step)| {
                        steps.push((part.partition, step));
                        (found, bytes)
                    })
                }
            };
            let result = result.map(|(found, bytes)| {
                left = left.saturating_sub(bytes);
                any |= !matches!(found.records, Records::None);
                found
            });
            answer.push(Fetched { slot: part.slot, result });
        }
        let _ = fetch.reply.send(answer);
        for (key, step) in steps {
            self.moved(key, step);
        }
    }

    /// Parks a fetch, unless one of its lines has moved since it looked.
    fn park(&mut self, park: Park) {
        let Park { line, beyond, deadline, wake } = park;
        let waits: Vec<_> = beyond
            .into_iter()
            .map(|(partition, seen)| crate::waiters::Wait { partition, line, at: seen.plus(1) })
            .collect();
        let moved = waits.iter().any(|wait| self.line(wait.partition, wait.line) >= wait.at);
        if moved || self.fences.is_fenced() {
            wake_fetch(&wake);
            return;
        }
        self.make_room();
        if let Err(Parked::Fetch(wake)) = self.waiters.park(Parked::Fetch(wake), Until::Any, waits, deadline)
        {
            let _ = wake.try_send(Wake::GiveUp);
        }
    }

    /// Forgets parked fetches that nobody waits for any more, once there is no room for others.
    fn make_room(&mut self) {
        if self.waiters.parked() >= self.sweep_at {
            self.waiters.retain(|parked| !matches!(parked, Parked::Fetch(wake) if wake.is_closed()));
            // Sweeping again is worth its cost only when about as much has come as was left.
            self.sweep_at = (2 * self.waiters.parked()).clamp(SWEEP_MIN, PARKED_MAX);
        }
    }

    fn list_offsets(&mut self, list: ListOffsets) {
        let mut answer = Vec::with_capacity(list.parts.len());
        for part in &list.parts {
            let result = match self.partitions.get(&part.partition) {
                None => Err(ErrorCode::NotLeaderOrFollower),
                Some(partition) => partition.offset(part),
            };
            answer.push(Listed { slot: part.slot, result });
        }
        let _ = list.reply.send(answer);
    }

    /// Starts opening what is to be opened now.
    fn start_openings(&mut self) {
        if self.fences.is_fenced() {
            self.openings.give_up(ErrorCode::KafkaStorageError);
        } else {
            self.openings.start(&self.rt, &self.checkpoints, self.rt.now());
        }
    }

    /// Starts a sync round, if there is anything to sync and none is on its way.
    fn start_sync(&mut self) {
        if !self.fences.is_fenced() {
            self.syncs.start(&self.rt, &mut self.partitions);
        }
    }

    fn synced(&mut self, outcome: Outcome) {
        let done = match outcome {
            Ok(done) => done,
            Err(error) => {
                error!(%error, "sync failed: what was written since the last one can't be trusted");
                for partition in self.partitions.values_mut() {
                    partition.log.fail_sync(&error);
                }
                self.fence(Fence::SyncFailed);
                return;
            }
        };
        for (key, done) in done {
            // It may have been left meanwhile.
            let Some(partition) = self.partitions.get_mut(&key) else { continue };
            let (end, step) = partition.synced(done, self.rt.now());
            self.rt.observe(Event::Synced { partition: key, end });
            self.checkpoints.note(points(partition));
            if partition.position().is_some() {
                self.want(key);
            }
            self.moved(key, step);
        }
    }

    /// Answers whoever waited for a line of `key`, now that an end of its log has moved.
    fn moved(&mut self, key: PartitionKey, step: Step) {
        self.tell_in_sync(key);
        let Some(partition) = self.partitions.get(&key) else { return };
        if let Some(proposal) = step.propose {
            self.others.proposals.propose(key, proposal);
        }
        let mut freed = Vec::new();
        self.waiters.passed(key, Line::End, partition.log.end().0, &mut freed);
        self.waiters.passed(key, Line::Local, partition.local_line(), &mut freed);
        if let Some(Advance { to, .. }) = step.advance {
            self.rt.observe(Event::HighWatermark { partition: key, to });
            self.waiters.passed(key, Line::Committed, to, &mut freed);
        }
        for parked in freed {
            match parked {
                Parked::Produce(acking) => acking.done(),
                Parked::Fetch(wake) => wake_fetch(&wake),
            }
        }
    }

    fn line(&self, key: PartitionKey, line: Line) -> Offset {
        let Some(partition) = self.partitions.get(&key) else { return Offset::ZERO };
        match line {
            Line::Local => partition.local_line(),
            Line::Committed => partition.high_watermark(),
            Line::End => partition.log.end().0,
        }
    }

    fn expire(&mut self) {
        let now = self.rt.now();
        for (parked, open) in self.waiters.expire(now) {
            match parked {
                Parked::Produce(acking) => acking.failed(&open, ErrorCode::RequestTimedOut),
                Parked::Fetch(wake) => wake_fetch(&wake),
            }
        }
    }

    /// Nothing may be written any more. Whoever waits for it is told so.
    fn fence(&mut self, why: Fence) {
        if !self.fences.fence(why) {
            return;
        }
        self.rt.observe(Event::Fenced(why));
        let waiting: Vec<PartitionKey> = self.partitions.keys().copied().collect();
        for key in waiting {
            self.evict(key, ErrorCode::KafkaStorageError);
        }
    }

    /// Nobody waits for `key` any more.
    fn evict(&mut self, key: PartitionKey, code: ErrorCode) {
        self.evict_from(key, &[Line::Local, Line::Committed], code);
    }

    /// Answers, or wakes, whoever waits for these lines.
    fn evict_from(&mut self, key: PartitionKey, lines: &[Line], code: ErrorCode) {
        for (parked, open) in self.waiters.evict(key, lines) {
            match parked {
                Parked::Produce(acking) => acking.failed(&open, code),
                Parked::Fetch(wake) => wake_fetch(&wake),
            }
        }
    }

    /// Syncs and closes every log. True when the clean-shutdown file may vouch for all of them: not while there is one
    /// that could not be opened, and so was not recovered.
    async fn stop(&mut self) -> bool {
        // Logs that are not at rest: the next start has to recover.
        let mut restless = self.openings.give_up(ErrorCode::NotLeaderOrFollower);
        while self.openings.under_way() {
            let outcome = self.openings.done().await;
            self.opened(outcome);
            restless += self.openings.give_up(ErrorCode::NotLeaderOrFollower);
        }
        // Whatever was appended is synced first, so that whoever waits for it is answered.
        self.start_sync();
        while self.syncs.under_way() {
            let outcome = self.syncs.done().await;
            self.synced(outcome);
            self.start_sync();
        }
        self.let_go();
        self.note_high_watermarks();
        for (key, partition) in std::mem::take(&mut self.partitions) {
            if self.fences.is_fenced() {
                return false;
            }
            let log_start = partition.log.start();
            match partition.log.close().await {
                Ok(recovery_point) => {
                    self.rt.observe(Event::Synced { partition: key, end: DurableEnd(recovery_point) });
                    let points = Points { name: partition.name, recovery_point, log_start };
                    self.checkpoints.note_closed(points).await;
                }
                Err(error) if error.kind == DiskErrorKind::NoSpace => {
                    warn!(partition = %key, %error, "the disk is full: a log is left for the next start to recover");
                    restless += 1;
                }
                Err(error) => {
                    error!(partition = %key, %error, "a log can't be closed");
                    self.fence(Fence::SyncFailed);
                }
            }
        }
        restless == 0 && !self.fences.is_fenced()
    }
}

fn points<D: Disk>(partition: &Partition<D>) -> Points {
    Points {
        name: partition.name.clone(),
        recovery_point: partition.log.recovery_point(),
        log_start: partition.log.start(),
    }
}

fn wake_fetch(wake: &mpsc::Sender<Wake>) {
    // One wake is enough: a full channel has one, a closed one needs none.
    let _ = wake.try_send(Wake::Look);
}
