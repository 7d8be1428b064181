//! A node's view of cluster metadata: what is committed, and, on the active controller, what will be.
//!
//! ```text
//!   standby ──became_leader──► active                        standby:  committed == speculative
//!      ▲                         │ decide, appended           active:   committed ─pending─► speculative
//!      └────────resigned─────────┘ committed_to
//! ```
//!
//! On a standby, committed records arrive by `follow`. On the active controller they are those it appended itself:
//! `appended` replays them at once into the speculative image and keeps what it was after each batch;
//! `committed_to` makes the one at the high watermark the committed image. `resigned` throws away what was not
//! committed: if the next leader commits it after all, it comes back by `follow`.

use crate::activation;
use crate::alter_partition::{self, AlterOutcome, AlterPartitions};
use crate::broker::Broker;
use crate::brokers::{self, BrokerRegistration, ControllerRegistration};
use crate::create_partitions::{self, CreatePartitions, PartitionsOutcome};
use crate::create_topics::{self, CreateTopics, TopicOutcome};
use crate::decision::{Decision, Reason, Refusal};
use crate::delete_topics::{self, DeletedTopic, TopicToDelete};
use crate::elect_leaders::{self, Balance, ElectLeaders, ElectionOutcomes};
use crate::heartbeat::{self, Heartbeat, HeartbeatReply};
use crate::image::ClusterImage;
use crate::producer_ids::{self, ProducerIdBlock};
use crate::replay::ReplayError;
use crate::sessions::Sessions;
use model::config::{BrokerSettings, Overrides};
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, ClusterId, Instant, LeaderEpoch, Offset};
use records::metadata::MetadataRecord;
use std::collections::VecDeque;

/// What decisions take from the node's own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Our `node.id`.
    pub node: BrokerId,
    /// `num.partitions`.
    pub num_partitions: u32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `BrokerSettings::given`: the layer below dynamic configs.
    pub fixed: Overrides,
    /// `broker.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// `leader.imbalance.check.interval.seconds`; none where `auto.leader.rebalance.enable` is off.
    pub leader_balance: Option<Duration>,
}

/// Both images, and who we are.
#[derive(Clone, Debug)]
pub struct Controller {
    settings: Settings,
    /// Every record up to the high watermark, as far as we were told.
    committed: ClusterImage,
    /// Every record appended. Ends at or after `committed`; equal to it on a standby.
    speculative: ClusterImage,
    /// The speculative image after each appended batch that is not committed, by its end, ascending.
    pending: VecDeque<(Offset, ClusterImage)>,
    /// The epoch we lead in.
    active: Option<LeaderEpoch>,
    /// Who is alive. Of the active controller only, and never written.
    sessions: Sessions,
    /// When preferred leaders are restored. Of the active controller only.
    balance: Balance,
}

/// What the active controller does by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// This broker had not been heard of for `broker.session.timeout.ms`, and is fenced.
    Fenced(BrokerId, BrokerEpoch),
    /// The preferred leaders of so many partitions lead again.
    Balanced(usize),
}

impl Settings {
    /// What matters here of a node's settings.
    pub fn of(settings: &BrokerSettings) -> Settings {
        Settings {
            node: settings.node_id,
            num_partitions: settings.num_partitions,
            default_replication_factor: settings.default_replication_factor as i16,
            fixed: settings.given.clone(),
            session_timeout: Duration::from_millis(settings.session_timeout_ms),
            delete_topics: settings.delete_topics,
            leader_balance: settings.leader_balance_seconds.map(Duration::from_secs),
        }
    }
}

impl Controller {
    /// A standby that has seen nothing.
    pub fn new(cluster_id: ClusterId, settings: Settings) -> Controller {
        let image = ClusterImage::new(cluster_id);
        let sessions = Sessions::new(settings.session_timeout);
        let balance = Balance::new(settings.leader_balance);
        Controller {
            settings,
            committed: image.clone(),
            speculative: image,
            pending: VecDeque::new(),
            active: None,
            sessions,
            balance,
        }
    }

    /// The committed image, transactions in progress included; publish [`ClusterImage::visible`] of it.
    pub fn committed(&self) -> &ClusterImage {
        &self.committed
    }

    /// What the cluster will be once everything appended is committed: what decisions are made on.
    pub fn speculative(&self) -> &ClusterImage {
        &self.speculative
    }

    /// The epoch in which this node is the active controller.
    pub fn active(&self) -> Option<LeaderEpoch> {
        self.active
    }

    /// Batches that were appended and are not committed. The server bounds it by refusing requests.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes committed records on a standby: those of one batch, from `base` on. After an error the node can't follow
    /// the metadata log; the images are as they were after the record before.
    pub fn follow(&mut self, base: Offset, records: &[MetadataRecord]) -> Result<(), ReplayError> {
        assert!(self.active.is_none(), "an active controller knows what it appended");
        let replayed = replay_all(&mut self.committed, base, records);
        self.speculative = self.committed.clone();
        self.assert_invariants();
        replayed
    }

    /// Passes over committed offsets without metadata records: control records, or batches of them.
    pub fn follow_to(&mut self, end: Offset) {
        assert!(self.active.is_none(), "an active controller is told by committed_to");
        if end > self.committed.end() {
            self.committed.skip_to(end);
            self.speculative = self.committed.clone();
        }
        self.assert_invariants();
    }

    /// Takes an image loaded from a snapshot in the place of everything known.
    pub fn load(&mut self, image: ClusterImage) {
        assert!(self.active.is_none(), "an active controller loads no snapshot");
        self.committed = image.clone();
        self.speculative = image;
        self.assert_invariants();
    }

    /// The node leads the quorum in `epoch`, and has followed everything before that. Append the records of the
    /// decision before any other. Every broker that is available has a fresh session.
    pub fn became_leader(&mut self, now: Instant, epoch: LeaderEpoch) -> Decision<()> {
        assert!(self.active.is_none_or(|before| before < epoch), "an epoch is won once");
        assert!(self.pending.is_empty(), "a standby has nothing pending");
        self.active = Some(epoch);
        self.sessions.end();
        self.sessions.begin(now, &self.speculative);
        self.balance.begin(now);
        self.assert_invariants();
        activation::activate(&self.speculative, &self.settings)
    }

    /// A batch was appended from `base` on: the next one of [`Decision::batches`]. After an error nothing has changed.
    pub fn appended(&mut self, base: Offset, records: &[MetadataRecord]) -> Result<(), ReplayError> {
        assert!(self.active.is_some(), "only the active controller appends");
        let mut image = self.speculative.clone();
        replay_all(&mut image, base, records)?;
        assert!(image.end() > self.speculative.end(), "a batch has records");
        for (at, record) in (0..).zip(records) {
            self.sessions.appended(base.plus(at), record);
        }
        self.pending.push_back((image.end(), image.clone()));
        self.speculative = image;
        self.assert_invariants();
        Ok(())
    }

    /// The high watermark has reached `high_watermark`. True when the committed image changed.
    pub fn committed_to(&mut self, high_watermark: Offset) -> bool {
        let mut changed = false;
        while self.pending.front().is_some_and(|(end, _)| *end <= high_watermark) {
            let (_, image) = self.pending.pop_front().expect("just looked at");
            self.committed = image;
            changed = true;
        }
        self.assert_invariants();
        changed
    }

    /// The node no longer leads.
    pub fn resigned(&mut self) {
        self.active = None;
        self.sessions.end();
        self.balance.end();
        self.pending.clear();
        self.speculative = self.committed.clone();
        self.assert_invariants();
    }

    /// Decides a CreateTopics request, or the creation of a topic whose metadata somebody asked for.
    pub fn create_topics(&self, request: &CreateTopics) -> Result<Decision<Vec<TopicOutcome>>, Refusal> {
        create_topics::create_topics(self.ready()?, request, &self.settings)
    }

    /// Decides a DeleteTopics request.
    pub fn delete_topics(&self, request: &[TopicToDelete]) -> Result<Decision<Vec<DeletedTopic>>, Refusal> {
        delete_topics::delete_topics(self.ready()?, request, &self.settings)
    }

    /// Decides a CreatePartitions request.
    pub fn create_partitions(
        &self,
        request: &CreatePartitions,
    ) -> Result<Decision<Vec<PartitionsOutcome>>, Refusal> {
        create_partitions::create_partitions(self.ready()?, request)
    }

    /// Decides an ElectLeaders request.
    pub fn elect_leaders(&self, request: &ElectLeaders) -> Result<Decision<Vec<ElectionOutcomes>>, Refusal> {
        elect_leaders::elect_leaders(self.ready()?, request, &self.settings)
    }

    /// Decides what a leader says of its in-sync replicas.
    pub fn alter_partitions(
        &self,
        request: &AlterPartitions,
    ) -> Result<Decision<Vec<AlterOutcome>>, Refusal> {
        alter_partition::alter_partitions(self.ready()?, request, &self.settings)
    }

    /// Decides which producer ids a broker may give out.
    pub fn allocate_producer_ids(
        &self,
        id: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<Decision<ProducerIdBlock>, Refusal> {
        producer_ids::allocate(self.ready()?, id, epoch)
    }

    /// Decides a broker's registration. `next` is the offset the next record will have; `in_session` is what
    /// [`Controller::in_session`] says.
    pub fn register_broker(
        &self,
        request: &BrokerRegistration,
        next: Offset,
        in_session: bool,
    ) -> Result<Decision<BrokerEpoch>, Refusal> {
        brokers::register(self.ready()?, request, next, in_session, &self.settings)
    }

    /// Decides that a broker is no longer registered, as somebody asked for who knows that it will not come back. It
    /// remains a replica where it is one.
    pub fn unregister_broker(&self, id: BrokerId) -> Result<Decision<()>, Refusal> {
        brokers::unregister(self.ready()?, id, &self.settings)
    }

    /// Decides a broker's heartbeat, which is a sign of life too.
    pub fn heartbeat(
        &mut self,
        now: Instant,
        request: &Heartbeat,
    ) -> Result<Decision<HeartbeatReply>, Refusal> {
        self.ready()?;
        heartbeat::heartbeat(&self.speculative, &mut self.sessions, now, request, &self.settings)
    }

    /// A sign of life other than a heartbeat: a fetch of metadata, for one. Those of a past incarnation are none.
    pub fn heard_of(&mut self, now: Instant, id: BrokerId, epoch: BrokerEpoch) {
        self.sessions.heard_of(now, id, epoch, None);
    }

    /// Whether the incarnation registered as `id` is known to be alive: then no other may take its place.
    pub fn in_session(&self, now: Instant, id: BrokerId) -> bool {
        self.sessions.is_alive(now, id)
    }

    /// When a broker's incarnation was last heard of by this active controller: not before it became that.
    pub fn heard(&self, id: BrokerId, epoch: BrokerEpoch) -> Option<Instant> {
        self.sessions.heard(id, epoch)
    }

    /// When [`Controller::expire`] is due; none on a standby.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.sessions.next_deadline().into_iter().chain(self.balance.due()).min()
    }

    /// This node could hear nobody for a while: brokers may have given up telling it that they live, and are given a session's
    /// time anew, as by a controller that was just elected.
    pub fn held_up(&mut self, now: Instant) {
        self.sessions.held_up(now);
    }

    /// Decides what is due, one thing at a time, so that each decision sees the one before: a broker is fenced that has
    /// not been heard of for too long; else preferred leaders are restored. Append it and ask again, until there is
    /// nothing. Hand over what has arrived from brokers first: a controller that was held up must not take it for
    /// their silence.
    pub fn expire(&mut self, now: Instant) -> Option<Decision<Due>> {
        self.ready().ok()?;
        if let Some((id, epoch)) = self.sessions.expire(now, &self.speculative) {
            let fence = brokers::fence(&self.speculative, id, epoch, &self.settings);
            let Decision { records, .. } = fence.expect("the session is of the registered epoch");
            return Some(Decision::prefixes(records, Due::Fenced(id, epoch)));
        }
        let records = self.balance.round(now, &self.speculative, &self.settings)?;
        let elected = records.len();
        Some(Decision::prefixes(records, Due::Balanced(elected)))
    }

    /// Decides that a broker is no longer available because its process was found dead. Its next incarnation may
    /// register at once.
    pub fn gone(&mut self, id: BrokerId, epoch: BrokerEpoch) -> Result<Decision<()>, Refusal> {
        let decision = brokers::fence(self.ready()?, id, epoch, &self.settings)?;
        self.sessions.over(id, epoch);
        Ok(decision)
    }

    /// Decides a controller's registration.
    pub fn register_controller(&self, request: &ControllerRegistration) -> Result<Decision<()>, Refusal> {
        Ok(brokers::register_controller(self.ready()?, request))
    }

    /// The image to decide on.
    fn ready(&self) -> Result<&ClusterImage, Refusal> {
        let ready = self.active.is_some() && self.speculative.is_bootstrapped();
        if ready && self.speculative.transaction().is_none() {
            return Ok(&self.speculative);
        }
        let message = format!("Node {} is not the active controller.", self.settings.node);
        Err(Refusal::new(Reason::NotController, message))
    }

    /// The broker of this node, as registered.
    pub fn own_broker(&self) -> Option<&Broker> {
        self.committed.broker(self.settings.node).map(|broker| &**broker)
    }

    fn assert_invariants(&self) {
        assert!(self.committed.end() <= self.speculative.end(), "nothing is committed that was not appended");
        let end = |batch: Option<&(Offset, ClusterImage)>| batch.map(|(end, _)| *end);
        let (first, last) = (end(self.pending.front()), end(self.pending.back()));
        assert!(first.is_none_or(|end| end > self.committed.end()), "what is pending is not committed");
        let last = last.unwrap_or(self.committed.end());
        assert_eq!(last, self.speculative.end(), "the speculative image is that of the last batch");
        assert!(self.active.is_some() || self.pending.is_empty(), "a standby has nothing pending");
        match self.active {
            Some(_) => self.sessions.assert_invariants(&self.speculative),
            None => assert_eq!(self.next_deadline(), None, "a standby watches nobody"),
        }
    }
}

fn replay_all(image: &mut ClusterImage, base: Offset, records: &[MetadataRecord]) -> Result<(), ReplayError> {
    for (at, record) in (0..).zip(records) {
        image.replay(base.plus(at), record)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "controller_test.rs"]
mod tests;

#[cfg(test)]
#[path = "controller_prop.rs"]
mod properties;
