//! What one leader is asked for: one fetch after the other, and the next one at once when something is to be said.
//!
//! A fetch waits at the leader until there are records. A second one, sent meanwhile, ends that wait: so what has been synced
//! here is told at once. More than two are never under way.

use super::plan::{Ask, Plan};
use super::{Cluster, link};
use crate::context::Shards;
use crate::doubts::Lost;
use crate::metadata::{Link, LinkError};
use crate::shard::inbox::{Copied, CopiedPart, Copy, Message, Next, Position};
use client::CallError;
use model::time::Duration;
use model::{
    BrokerEpoch, BrokerId, EpochEnd, Instant, LeaderEpoch, Offset, PartitionIndex, PartitionKey, TopicId,
};
use protocol::ErrorCode;
use protocol::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic, PartitionData, ReplicaState,
};
use protocol::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use runtime::Runtime;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

/// Versions of Fetch: from 15 on a follower tells its incarnation.
const FETCH: RangeInclusive<i16> = 15..=17;
/// Versions of ListOffsets.
const LIST_OFFSETS: RangeInclusive<i16> = 4..=9;
/// Fetches under way at once.
const UNDER_WAY_MAX: usize = 2;
/// How long a leader may take, beyond what the fetch lets it wait.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a connection may take to be made. The kernel tries ever more rarely to reach a machine that is gone: dialled anew,
/// one that is back is found soon.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Between a failure and the next try; doubled from the first to the last.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// The names of ListOffsets for the first offset and for the end.
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// A partition, and where it is to be fetched from; none: no more.
pub(super) type Wanted = (PartitionKey, Option<Position>);

type Answer = Pin<Box<dyn Future<Output = Result<FetchResponse, CallError>> + Send>>;

/// A fetch under way.
struct UnderWay {
    answer: Answer,
    /// Its number.
    number: u64,
    /// Whether it begins a session.
    begins: bool,
}

/// The task's state.
pub(super) struct Line<R: Runtime> {
    rt: R,
    leader: BrokerId,
    cluster: Cluster,
    shards: Shards,
    lost: Lost,
    /// The way to it, and to which of its incarnations.
    link: Option<(BrokerEpoch, Link<R>)>,
    plan: Plan,
    under_way: VecDeque<UnderWay>,
    /// How often in a row the leader could not be asked.
    failures: u32,
    /// Not before then.
    paused: Instant,
}

impl<R: Runtime> Line<R> {
    pub(super) fn new(rt: R, leader: BrokerId, cluster: Cluster, shards: Shards, lost: Lost) -> Line<R> {
        Line {
            rt,
            leader,
            cluster,
            shards,
            lost,
            link: None,
            plan: Plan::default(),
            under_way: VecDeque::new(),
            failures: 0,
            paused: Instant::default(),
        }
    }

    /// Fetches until nobody can want anything any more.
    pub(super) async fn run(mut self, mut wanted: mpsc::UnboundedReceiver<Wanted>) {
        loop {
            let now = self.rt.now();
            self.plan.wake(now);
            self.forget_the_dead();
            if now >= self.paused && self.may_ask() {
                self.ask().await;
            }
            let paused = (!self.plan.is_empty() && self.under_way.is_empty()).then_some(self.paused);
            let deadline = self.plan.next_deadline().into_iter().chain(paused.filter(|at| *at > now)).min();
            let rt = self.rt.clone();
            let answer = async {
                match self.under_way.front_mut() {
                    Some(UnderWay { answer, .. }) => answer.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! { biased;
                want = wanted.recv() => match want {
                    Some((key, Some(position))) => self.plan.want(key, position),
                    Some((key, None)) => self.plan.leave(key),
                    None => return,
                },
                answer = answer => {
                    let UnderWay { number, begins, .. } = self.under_way.pop_front().expect("just answered");
                    match answer {
                        Ok(response) => {
                            if self.lost.load().is_some() {
                                self.lost.publish(None);
                            }
                            self.answered(response, number, begins).await;
                        }
                        Err(error) => self.failed(&error.to_string()),
                    }
                }
                () = rt.sleep_until(deadline.unwrap_or_default()), if deadline.is_some() => {}
            }
        }
    }

    /// What was asked of an incarnation in whose place there is another will never be answered, and nothing tells so where a
    /// machine has lost its power: everything is asked for again, at once.
    fn forget_the_dead(&mut self) {
        let Some((asked, _)) = &self.link else { return };
        let present = self.cluster.image.load().broker(self.leader).map(|broker| broker.epoch);
        if present.is_some_and(|present| present != *asked) {
            self.link = None;
            self.under_way.clear();
            self.plan.lost();
            self.failures = 0;
            self.paused = self.rt.now();
        }
    }

    fn may_ask(&self) -> bool {
        match self.under_way.len() {
            0 => !self.plan.is_empty(),
            under_way => under_way < UNDER_WAY_MAX && self.plan.has_news(),
        }
    }

    async fn ask(&mut self) {
        if self.link.is_none() {
            self.link = link(&self.rt, &self.cluster, self.leader);
        }
        let Some((_, link)) = &mut self.link else { return self.failed("it has no address") };
        if let Err(failure) = link.ready(link.deadline(CONNECT_MAX)).await {
            return self.failed(&format!("{failure:?}"));
        }
        let deadline = link.deadline(ANSWER_MAX);
        let Some(ask) = self.plan.ask() else { return };
        let (number, begins) = (ask.number, ask.epoch == 0);
        let request = request(&self.cluster, ask);
        let wait = Duration::from_millis(self.cluster.settings.replication.fetch_wait_ms.into());
        match link.send(FETCH, |_| Some(request)).await {
            Ok((_, pending)) => {
                let answer = Box::pin(pending.answer(deadline + wait));
                self.under_way.push_back(UnderWay { answer, number, begins });
            }
            Err(LinkError::Unspoken) => {
                warn!(leader = %self.leader, "it does not speak the versions of Fetch that followers need");
                self.failed("versions");
            }
            Err(LinkError::Failed(failure)) => self.failed(&format!("{failure:?}")),
        }
    }

    /// The leader could not be asked, or has not answered: everything is asked for again, after a pause.
    fn failed(&mut self, why: &str) {
        debug!(leader = %self.leader, why, "a leader can't be fetched from");
        if self.failures == 0 {
            self.lost.publish(Some(self.rt.now()));
        }
        self.link = None;
        self.under_way.clear();
        self.plan.lost();
        self.paused = self.rt.now() + pause(self.failures);
        self.failures += 1;
    }

    async fn answered(&mut self, response: FetchResponse, number: u64, begins: bool) {
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {}
            ErrorCode::FetchSessionIdNotFound
            | ErrorCode::InvalidFetchSessionEpoch
            | ErrorCode::FetchSessionTopicIdError => {
                // What was sent after it was about the same session.
                self.link = None;
                self.under_way.clear();
                return self.plan.lost();
            }
            code => return self.failed(&code.to_string()),
        }
        self.failures = 0;
        if begins {
            self.plan.begun(response.session_id);
        }
        let mut parts = Vec::new();
        for topic in response.responses {
            for data in topic.partitions {
                let index = PartitionIndex(data.partition_index);
                let key = PartitionKey { topic: TopicId(topic.topic_id), index };
                let Some(asked) = self.plan.asked(key, number) else { continue };
                if let Some(part) = self.judge(key, asked, data).await {
                    parts.push((part, asked));
                }
            }
        }
        self.hand_over(parts).await;
    }

    /// What a shard is to be told of an answer about a partition; none when the leader is to be asked again.
    async fn judge(&mut self, key: PartitionKey, asked: Position, data: PartitionData) -> Option<CopiedPart> {
        let part = |found| CopiedPart {
            partition: key,
            leader: self.leader,
            epoch: asked.epoch,
            from: asked.from,
            high_watermark: Offset(data.high_watermark),
            log_start: Offset(data.log_start_offset),
            found,
        };
        match ErrorCode::from_code(data.error_code) {
            ErrorCode::None if data.diverging_epoch.epoch >= 0 => {
                let epoch = LeaderEpoch(data.diverging_epoch.epoch);
                let end = Offset(data.diverging_epoch.end_offset);
                Some(part(Copy::Diverges(EpochEnd { epoch, end })))
            }
            ErrorCode::None => Some(part(Copy::Records(data.records.into_bytes()))),
            ErrorCode::OffsetOutOfRange => match self.range(key, asked.epoch).await {
                Some((start, end)) => Some(CopiedPart {
                    partition: key,
                    leader: self.leader,
                    epoch: asked.epoch,
                    from: asked.from,
                    high_watermark: start,
                    log_start: start,
                    found: Copy::OutOfRange { end },
                }),
                None => {
                    self.rest(key, asked, 0);
                    None
                }
            },
            code => {
                debug!(partition = %key, %code, "a partition can't be fetched now");
                self.rest(key, asked, 0);
                None
            }
        }
    }

    fn rest(&mut self, key: PartitionKey, position: Position, failures: u32) {
        self.plan.rest(key, position, self.rt.now() + pause(failures));
    }

    /// The first offset of the leader's log, and where it ends.
    async fn range(&mut self, key: PartitionKey, epoch: LeaderEpoch) -> Option<(Offset, Offset)> {
        let topic = self.cluster.image.load().topic(key.topic)?.name.to_string();
        let mut found = Vec::new();
        for timestamp in [EARLIEST, LATEST] {
            let request = ListOffsetsRequest {
                replica_id: self.cluster.settings.node_id.0,
                topics: vec![ListOffsetsTopic {
                    name: topic.clone(),
                    partitions: vec![ListOffsetsPartition {
                        partition_index: key.index.0,
                        current_leader_epoch: epoch.0,
                        timestamp,
                    }],
                }],
                ..ListOffsetsRequest::default()
            };
            let (_, link) = self.link.as_mut()?;
            let deadline = link.deadline(ANSWER_MAX);
            let (_, response) = link.call(LIST_OFFSETS, deadline, |_| Some(request)).await.ok()?;
            let partition = response.topics.first()?.partitions.first()?;
            found.push(
                (partition.error_code == 0 && partition.offset >= 0).then_some(Offset(partition.offset))?,
            );
        }
        Some((found[0], found[1]))
    }

    /// Gives shards what was copied, and hears where each goes on. Nothing is heard from elsewhere meanwhile: what a shard
    /// says later is heard later.
    async fn hand_over(&mut self, parts: Vec<(CopiedPart, Position)>) {
        let mut by_shard: BTreeMap<usize, Vec<CopiedPart>> = BTreeMap::new();
        let mut asked = BTreeMap::new();
        for (part, position) in parts {
            asked.insert(part.partition, position);
            if !matches!(&part.found, Copy::Records(bytes) if bytes.is_empty()) {
                self.plan.in_hand(part.partition);
            }
            by_shard.entry(self.shards.of(part.partition)).or_default().push(part);
        }
        let mut answers = Vec::new();
        for (shard, parts) in by_shard {
            let (reply, answer) = oneshot::channel();
            self.shards.send(shard, Message::Copied(Copied { parts, reply })).await;
            answers.push(answer);
        }
        for answer in answers {
            for (key, next) in answer.await.unwrap_or_default() {
                let position = asked[&key];
                match next {
                    Next::From(position) => self.plan.want(key, position),
                    Next::Same => self.plan.want(key, position),
                    Next::Again => {
                        // A disk that is full stays so for long, and the leader would send the same fifty times a second.
                        let times = self.plan.refused(key, position);
                        self.rest(key, position, times);
                    }
                    // A want will come, or has come already.
                    Next::Later => {}
                    Next::Gone => self.plan.leave(key),
                }
            }
        }
    }
}

/// How long to wait after so many failures in a row and one more.
fn pause(failures: u32) -> Duration {
    (PAUSE_MIN * (1 << failures.min(16))).min(PAUSE_MAX)
}

fn request(cluster: &Cluster, ask: Ask) -> FetchRequest {
    let Ask { session, epoch, wanted, forgotten, .. } = ask;
    let settings = &cluster.settings.replication;
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (key, position) in wanted {
        if topics.last().is_none_or(|last| last.topic_id != key.topic.0) {
            topics.push(FetchTopic { topic_id: key.topic.0, ..FetchTopic::default() });
        }
        let partition = FetchPartition {
            partition: key.index.0,
            current_leader_epoch: position.epoch.0,
            fetch_offset: position.from.0,
            last_fetched_epoch: position.last.0,
            log_start_offset: position.start.0,
            partition_max_bytes: settings.fetch_bytes_max as i32,
            ..FetchPartition::default()
        };
        topics.last_mut().expect("just pushed").partitions.push(partition);
    }
    let mut gone: Vec<ForgottenTopic> = Vec::new();
    for key in forgotten {
        if gone.last().is_none_or(|last| last.topic_id != key.topic.0) {
            gone.push(ForgottenTopic { topic_id: key.topic.0, ..ForgottenTopic::default() });
        }
        gone.last_mut().expect("just pushed").partitions.push(key.index.0);
    }
    FetchRequest {
        replica_state: ReplicaState {
            replica_id: cluster.settings.node_id.0,
            replica_epoch: cluster.epoch.load().0,
        },
        max_wait_ms: settings.fetch_wait_ms as i32,
        min_bytes: settings.fetch_bytes_min as i32,
        max_bytes: settings.fetch_response_bytes_max as i32,
        session_id: session,
        session_epoch: epoch,
        topics,
        forgotten_topics_data: gone,
        ..FetchRequest::default()
    }
}
