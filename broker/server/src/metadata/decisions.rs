//! What the controller decides: appended at once, answered when it is committed.
//!
//! ```text
//! Decide ─▶ Plan ─▶ placed by the quorum ─▶ replayed into the speculative image ─▶ appended ─▶ pending
//!                          └─ the disk is full: taken back, refused                              ├─▶ committed: answered
//!                                                                                                └─▶ resigned: refused
//! ```

use super::handle::{Decide, Desk, Done, Plan};
use super::node::{Node, NodeError};
use controller::{
    BrokerRegistration, ClusterImage, CreatePartitions, CreateTopics, Decision, Due, PartitionsOutcome,
    RECORDS_MAX, Reason, Refusal, TopicOutcome,
};
use log::AppendError;
use model::{BrokerEpoch, BrokerId, Offset, TopicId};
use raft::Input;
use records::batch::BatchBuilder;
use records::metadata::MetadataRecord;
use runtime::{Event, Runtime, Sign};
use std::collections::{BTreeMap, VecDeque};
use tracing::{info, warn};

/// Answers that may wait to be committed; while there are more, nothing further is decided.
pub(super) const PENDING_MAX: usize = 4096;

/// Answers that wait, by what they rest on.
#[derive(Default)]
pub(super) struct Pending {
    /// Ascending: what is decided later rests on as much or more.
    waiting: VecDeque<(Offset, Done)>,
}

impl Pending {
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= PENDING_MAX
    }

    fn add(&mut self, end: Offset, done: Done) {
        assert!(self.waiting.back().is_none_or(|(last, _)| *last <= end), "decided later, resting on less");
        self.waiting.push_back((end, done));
    }

    /// Everything below `to` is committed.
    pub(super) fn committed(&mut self, to: Offset) {
        while self.waiting.front().is_some_and(|(end, _)| *end <= to) {
            let (end, done) = self.waiting.pop_front().expect("just looked at");
            done(Ok(end));
        }
    }

    /// Nobody here learns any more what becomes of it.
    pub(super) fn resigned(&mut self) {
        for (_, done) in self.waiting.drain(..) {
            done(Err(resigned()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

fn resigned() -> Refusal {
    Refusal { reason: Reason::NotController, message: "The controller has resigned.".to_owned() }
}

impl<R: Runtime> Node<R> {
    /// Decides, appends, and answers when that is committed.
    pub(super) async fn decide(&mut self, decide: Decide) -> Result<(), NodeError> {
        match self.plan(decide) {
            Some(plan) => self.carry_out(plan).await.map(drop),
            None => Ok(()),
        }
    }

    fn plan(&mut self, decide: Decide) -> Option<Plan> {
        let rt = self.rt.clone();
        decide(&mut Desk {
            controller: &mut self.controller,
            now: rt.now(),
            next: self.log.end().0,
            me: self.settings.node_id,
            descriptors: self.descriptors,
            draw: &mut || rt.draw(),
        })
    }

    /// Appends what was decided, if it changes anything, and answers when everything up to there is committed.
    ///
    /// A write may take so long that this node has resigned when it is done: what it has written then is the next leader's
    /// to keep or to cut off, and nothing that is committed here later says which.
    ///
    /// Whether all of it is in the log; otherwise it has been refused.
    pub(super) async fn carry_out(&mut self, plan: Plan) -> Result<bool, NodeError> {
        let Plan { decision, done } = plan;
        let epoch = self.controller.active();
        if epoch.is_none() {
            done(Err(resigned()));
            return Ok(false);
        }
        for batch in decision.batches(RECORDS_MAX) {
            match self.append(batch).await {
                Ok(()) if self.controller.active() == epoch => {}
                Ok(()) => {
                    done(Err(resigned()));
                    return Ok(false);
                }
                Err(NodeError::Append(AppendError::NoSpace(error))) => {
                    warn!(%error, "the disk is full: a metadata change is refused");
                    let message = "The disk is full.".to_owned();
                    done(Err(Refusal { reason: Reason::Storage, message }));
                    self.give_way().await?;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        let end = self.log.end().0;
        if self.quorum.high_watermark() >= Some(end) {
            done(Ok(end));
        } else {
            self.pending.add(end, done);
        }
        Ok(true)
    }

    /// Writes what a new active controller begins with. What a full disk refuses is tried again.
    pub(super) async fn activate(&mut self) -> Result<(), NodeError> {
        while let Some(decision) = self.activation.front().cloned() {
            if !self.carry_out(Plan { decision, done: Box::new(|_| {}) }).await? {
                return Ok(());
            }
            self.activation.pop_front();
        }
        Ok(())
    }

    /// The disk is full here: another voter may have room, and leads then. One that has none gives way in its turn.
    async fn give_way(&mut self) -> Result<(), NodeError> {
        if self.quorum.voters().is_some_and(|voters| voters.len() > 1) {
            warn!("another controller takes over, if one has space");
            self.perform(Input::AppendFailed).await?;
        }
        Ok(())
    }

    /// Appends metadata records as one batch. A full disk leaves the log, the quorum and the controller as they were.
    async fn append(&mut self, records: &[MetadataRecord]) -> Result<(), NodeError> {
        let placed = self.quorum.propose(records.len()).map_err(|_| NodeError::NotLeader)?;
        let mut batch = BatchBuilder::new(placed.base, placed.epoch);
        for record in records {
            let value = record.encode().expect("the controller decides records that can be written");
            batch.push(self.wall(), None, Some(&value));
        }
        // Replayed before it is written, so that what can't be replayed never gets into the log; and on a copy, which
        // costs little, so that what does not get into the log was never replayed.
        let mut controller = self.controller.clone();
        controller.appended(placed.base, records).map_err(NodeError::Decision)?;
        let batch = batch.build();
        let bytes = batch.len() as u64;
        match self.append_batches(batch).await {
            Ok(()) => {
                self.controller = controller;
                self.shelf.appended(bytes);
            }
            Err(error @ NodeError::Append(AppendError::NoSpace(_))) => {
                self.quorum.withdraw(placed);
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.perform(Input::Appended { end: self.log.end() }).await
    }
}

impl<R: Runtime> Node<R> {
    /// Does what is due: fences brokers that have fallen silent, restores preferred leaders.
    pub(super) async fn expire(&mut self) -> Result<(), NodeError> {
        self.activate().await?;
        // One moment for all: a decision may take long to append, and others are not silent for that.
        let now = self.rt.now();
        while let Some(Decision { records, atomicity, reply: due }) = self.controller.expire(now) {
            let decision = Decision { records, atomicity, reply: () };
            if !self.carry_out(Plan { decision, done: Box::new(|_| {}) }).await? {
                return Ok(());
            }
            match due {
                Due::Fenced(id, epoch) => {
                    warn!(%id, "a broker has fallen silent and is fenced");
                    self.rt.observe(Event::BrokerFenced { broker: id, epoch, sign: Sign::Silent });
                }
                Due::Balanced(leaders) => info!(leaders, "preferred leaders lead again"),
            }
        }
        Ok(())
    }
}

impl Desk<'_> {
    /// Decides a broker's registration. While the incarnation that is registered may be alive no other takes its place,
    /// unless it brings the same data directory: that is locked by one process at a time, so the other is gone. Or so is
    /// the one that asks, whose request came late: then `lifecycle` has the one that lives register again.
    pub(super) fn register_broker(
        &self,
        request: &BrokerRegistration,
    ) -> Result<Decision<BrokerEpoch>, Refusal> {
        let known = self.controller.speculative().broker(request.id);
        let moved_in = known.is_some_and(|known| known.directories == request.directories);
        let in_session = self.controller.in_session(self.now, request.id) && !moved_in;
        self.controller.register_broker(request, self.next, in_session)
    }

    /// Decides which topics are created. Those for whose partitions this node has no descriptors are refused.
    pub(super) fn create_topics(
        &self,
        mut request: CreateTopics,
    ) -> Result<Decision<Vec<TopicOutcome>>, Refusal> {
        let decision = self.controller.create_topics(&request)?;
        let beyond = self.beyond(&decision.records, &decision.reply);
        if beyond.is_empty() {
            return Ok(decision);
        }
        request.topics.retain(|topic| !beyond.contains_key(&topic.name));
        let mut decision = self.controller.create_topics(&request)?;
        decision.reply.extend(beyond.into_iter().map(|(name, refusal)| (name, Err(refusal))));
        Ok(decision)
    }

    /// Decides which topics get more partitions. Those for which this node has no descriptors are refused.
    pub(super) fn create_partitions(
        &self,
        mut request: CreatePartitions,
    ) -> Result<Decision<Vec<PartitionsOutcome>>, Refusal> {
        let decision = self.controller.create_partitions(&request)?;
        let beyond = self.beyond(&decision.records, &decision.reply);
        if beyond.is_empty() {
            return Ok(decision);
        }
        request.topics.retain(|topic| !beyond.contains_key(&topic.name));
        let mut decision = self.controller.create_partitions(&request)?;
        decision.reply.extend(beyond.into_iter().map(|(name, refusal)| (name, Err(refusal))));
        Ok(decision)
    }

    /// The topics, of those decided on, for whose new partitions this node has no descriptors.
    fn beyond<T>(
        &self,
        records: &[MetadataRecord],
        decided: &[(String, Result<T, Refusal>)],
    ) -> BTreeMap<String, Refusal> {
        let image = self.controller.speculative();
        let held = image.replicas_on(self.me);
        let here = replicas_on(self.me, image, records);
        let wanted = decided.iter().filter_map(|(name, outcome)| {
            outcome.as_ref().ok()?;
            Some((&**name, here.get(&**name).copied().unwrap_or(0)))
        });
        let beyond = self.descriptors.beyond(held, wanted);
        if !beyond.is_empty() {
            warn!(topics = ?beyond, "{}", self.descriptors.refusal(held));
        }
        let refusal = || Refusal { reason: Reason::PolicyViolation, message: self.descriptors.refusal(held) };
        beyond.into_iter().map(|name| (name, refusal())).collect()
    }
}

/// How many of the partitions that `records` create are placed on `broker`, by topic.
fn replicas_on<'a>(
    broker: BrokerId,
    image: &'a ClusterImage,
    records: &'a [MetadataRecord],
) -> BTreeMap<&'a str, i32> {
    let mut names = BTreeMap::new();
    let mut counts = BTreeMap::new();
    for record in records {
        match record {
            MetadataRecord::Topic(topic) => drop(names.insert(topic.topic_id, topic.name.as_str())),
            MetadataRecord::Partition(partition) if partition.replicas.contains(&broker.0) => {
                let known = || image.topic(TopicId(partition.topic_id)).map(|topic| &*topic.name);
                let name = names.get(&partition.topic_id).copied().or_else(known);
                *counts.entry(name.expect("a partition of a topic")).or_default() += 1;
            }
            _ => {}
        }
    }
    counts
}
