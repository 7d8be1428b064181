//! What a client knows of the cluster: where brokers are, and who leads which partition in which epoch.
//!
//! Brokers tell it in answers to Metadata, and beside an answer that they do not lead (KIP-951). Some of them are behind,
//! so what they tell is not simply the latest: *within one topic id an older leader epoch never replaces a newer one*, or
//! a client would go back to a leader that it has just been sent away from (KIP-320).
//!
//! ```text
//! fresh ──stale(), or older than its age──▶ due ──asked──▶ under way ──learn──▶ fresh
//!                                            ▲                │ failed: after a backoff
//!                                            └────────────────┘
//! ```
//!
//! A question that is under way for long is asked again, of another broker: the first may hang.

use crate::backoff::Backoff;
use crate::endpoint::Endpoint;
use model::time::{Duration, Instant};
use model::{LeaderEpoch, TopicId, Uuid};
use protocol::ErrorCode;
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};
use std::collections::BTreeMap;

/// Topics that one client follows.
pub const TOPICS_MAX: usize = 10_000;

/// When metadata is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// It is asked for anew when it is as old as this (`metadata.max.age.ms`).
    pub age_max: Duration,
    /// A question that is not answered by then is put to another broker, too.
    pub patience: Duration,
    /// Between questions.
    pub backoff: Backoff,
}

/// Who leads a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The broker, if anybody leads.
    pub node: Option<i32>,
    /// In which epoch; unknown when an old broker told.
    pub epoch: LeaderEpoch,
}

/// A topic that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Its id; zero when an old broker told.
    pub id: TopicId,
    /// Its partitions. Numbers have no gaps unless some of a topic's partitions have not been told.
    pub partitions: BTreeMap<i32, Leader>,
}

/// A topic that somebody wants.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// None before it has been told for the first time.
    topic: Option<Topic>,
    /// What the last answer said instead of it.
    error: Option<ErrorCode>,
    /// When the first and the last came of the answers in a row that know no such topic.
    unknown: Option<(Instant, Instant)>,
}

/// The cache.
#[derive(Clone, Debug)]
pub struct Metadata {
    freshness: Freshness,
    nodes: BTreeMap<i32, Endpoint>,
    topics: BTreeMap<String, Wanted>,
    stale: bool,
    /// When the last answer came.
    learned: Option<Instant>,
    /// When the question was put that is under way.
    under_way: Option<Instant>,
    /// No question before.
    not_before: Instant,
    /// In a row.
    failures: u32,
}

impl Metadata {
    /// One that knows nothing and wants to.
    pub fn new(freshness: Freshness) -> Metadata {
        Metadata {
            freshness,
            nodes: BTreeMap::new(),
            topics: BTreeMap::new(),
            stale: true,
            learned: None,
            under_way: None,
            not_before: Instant(0),
            failures: 0,
        }
    }

    /// Follows a topic from now on. False when there are `TOPICS_MAX` already.
    pub fn want(&mut self, topic: &str) -> bool {
        if self.topics.contains_key(topic) {
            return true;
        }
        if self.topics.len() >= TOPICS_MAX {
            return false;
        }
        self.topics.insert(topic.to_string(), Wanted::default());
        self.stale = true;
        true
    }

    /// A topic, as far as it is known.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)?.topic.as_ref()
    }

    /// What the last answer said about a topic instead of telling of it.
    pub fn error(&self, name: &str) -> Option<ErrorCode> {
        self.topics.get(name)?.error
    }

    /// For how long every answer has said that there is no such topic. A broker that is behind may say so once.
    pub fn unknown_for(&self, name: &str) -> Option<Duration> {
        let (first, last) = self.topics.get(name)?.unknown?;
        Some(last - first)
    }

    /// Who leads a partition, as far as it is known.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<Leader> {
        self.topic(topic)?.partitions.get(&partition).copied()
    }

    /// The name of a followed topic with this id.
    pub fn name(&self, id: TopicId) -> Option<&str> {
        let known = |wanted: &Wanted| wanted.topic.as_ref().is_some_and(|topic| topic.id == id);
        self.topics.iter().find(|(_, wanted)| known(wanted)).map(|(name, _)| name.as_str())
    }

    /// The brokers.
    pub fn nodes(&self) -> &BTreeMap<i32, Endpoint> {
        &self.nodes
    }

    /// Whether any broker has told anything yet.
    pub fn is_known(&self) -> bool {
        self.learned.is_some()
    }

    /// The question: all topics that are wanted. `create`: those that do not exist may be created, where the cluster does so.
    pub fn question(&self, create: bool) -> MetadataRequest {
        let topic = |name: &String| MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some(name.clone()) };
        MetadataRequest {
            topics: Some(self.topics.keys().map(topic).collect()),
            allow_auto_topic_creation: create,
            ..MetadataRequest::default()
        }
    }

    /// It has turned out to be wrong, or may have.
    pub fn stale(&mut self) {
        self.stale = true;
    }

    /// When the question is to be put next.
    pub fn due(&self) -> Instant {
        let wanted = match (self.under_way, self.stale, self.learned) {
            (Some(asked), ..) => asked + self.freshness.patience,
            (None, false, Some(learned)) => learned + self.freshness.age_max,
            (None, ..) => Instant(0),
        };
        wanted.max(self.not_before)
    }

    /// The question has been put.
    pub fn asked(&mut self, now: Instant) {
        self.under_way = Some(now);
    }

    /// It was not answered, or could not be put; `draw` is random.
    pub fn failed(&mut self, now: Instant, draw: u64) {
        self.under_way = None;
        self.stale = true;
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + self.freshness.backoff.after(self.failures, draw);
    }

    /// Takes over what an answer tells.
    pub fn learn(&mut self, answer: &MetadataResponse, now: Instant, draw: u64) {
        // A broker that has just started may know nobody yet.
        if answer.error_code != ErrorCode::None as i16 || answer.brokers.is_empty() {
            return self.failed(now, draw);
        }
        let endpoint = |broker: &protocol::messages::metadata::MetadataResponseBroker| {
            Some((broker.node_id, Endpoint::told(&broker.host, broker.port)?))
        };
        let before = std::mem::replace(&mut self.nodes, answer.brokers.iter().filter_map(endpoint).collect());
        (self.under_way, self.stale, self.failures) = (None, false, 0);
        self.learned = Some(now);
        self.not_before = now + self.freshness.backoff.after(1, draw);
        for told in &answer.topics {
            if let Some(wanted) = told.name.as_ref().and_then(|name| self.topics.get_mut(name)) {
                wanted.learn(told, now);
            }
        }
        self.stale = self.topics.values().any(Wanted::is_incomplete);
        // Who leads in an epoch that the answer does not know of yet may be a broker that it does not know of, either.
        let partitions =
            self.topics.values().filter_map(|wanted| wanted.topic.as_ref()).flat_map(|t| &t.partitions);
        for node in partitions.filter_map(|(_, leader)| leader.node) {
            if let (false, Some(endpoint)) = (self.nodes.contains_key(&node), before.get(&node)) {
                self.nodes.insert(node, endpoint.clone());
            }
        }
    }

    /// Takes over who leads a partition from whoever does not (KIP-951). Whether that is news: of a newer epoch than is known.
    pub fn hint(&mut self, topic: &str, partition: i32, node: i32, epoch: LeaderEpoch) -> bool {
        let topic = self.topics.get_mut(topic).and_then(|wanted| wanted.topic.as_mut());
        let Some(known) = topic.and_then(|topic| topic.partitions.get_mut(&partition)) else { return false };
        // Where a broker lives is told along with the hint; one that nobody knows can't be asked.
        if node < 0 || epoch <= known.epoch || !self.nodes.contains_key(&node) {
            return false;
        }
        *known = Leader { node: Some(node), epoch };
        true
    }

    /// Takes over where a broker lives, told along with a hint.
    pub fn hint_node(&mut self, node: i32, host: &str, port: i32) {
        if let Some(endpoint) = Endpoint::told(host, port) {
            self.nodes.insert(node, endpoint);
        }
    }
}

impl Wanted {
    fn learn(&mut self, told: &MetadataResponseTopic, now: Instant) {
        let error = ErrorCode::from_code(told.error_code);
        self.unknown = (error == ErrorCode::UnknownTopicOrPartition)
            .then(|| (self.unknown.map_or(now, |(first, _)| first), now));
        if error != ErrorCode::None {
            // Deleted, or not created yet where the answer came from. What is known stays: who leads it will say.
            self.error = Some(error);
            return;
        }
        self.error = None;
        let id = TopicId(told.topic_id);
        let mut known = self.topic.take().filter(|known| known.id == id).unwrap_or_default();
        known.id = id;
        for partition in &told.partitions {
            let epoch = LeaderEpoch(partition.leader_epoch);
            let node = (partition.leader_id >= 0).then_some(partition.leader_id);
            let news = Leader { node, epoch };
            let held = known.partitions.entry(partition.partition_index).or_insert(news);
            if epoch >= held.epoch || epoch == LeaderEpoch::UNKNOWN {
                *held = news;
            }
        }
        self.topic = Some(known);
    }

    /// Whether another answer is likely to tell more.
    fn is_incomplete(&self) -> bool {
        match (&self.topic, self.error) {
            (_, Some(error)) => error.is_retriable(),
            (None, None) => true,
            (Some(topic), None) => topic.partitions.values().any(|leader| leader.node.is_none()),
        }
    }
}

#[cfg(test)]
#[path = "metadata_test.rs"]
mod tests;
