//! What the metadata log says about the cluster, up to one offset.
//!
//! A value: cheap to clone (persistent maps share their structure), equal when the logs behind it say the same,
//! and changed only by [`ClusterImage::replay`](crate::ClusterImage::replay). While the log is inside a metadata
//! transaction (KIP-868) readers must not see its records yet: [`ClusterImage::visible`] is what they may see.

use crate::broker::{Broker, ControllerNode};
use crate::configs::ConfigResource;
use crate::features;
use crate::topic::{Partition, Topic};
use imbl::{OrdMap, OrdSet};
use model::config::Overrides;
use model::{BrokerId, ClusterId, Offset, PartitionKey, ProducerId, TopicId};
use std::sync::Arc;

/// The cluster as of one offset of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterImage {
    pub(crate) cluster_id: ClusterId,
    /// One past the last record replayed.
    pub(crate) end: Offset,
    pub(crate) brokers: OrdMap<BrokerId, Arc<Broker>>,
    pub(crate) controllers: OrdMap<BrokerId, Arc<ControllerNode>>,
    pub(crate) topics: OrdMap<TopicId, Arc<Topic>>,
    /// Every topic of `topics` by name, and no other.
    pub(crate) names: OrdMap<Arc<str>, TopicId>,
    /// The folded form and the name of every topic that has one, to find collisions.
    pub(crate) folded: OrdSet<(Arc<str>, Arc<str>)>,
    pub(crate) configs: OrdMap<ConfigResource, Arc<Overrides>>,
    /// Finalized levels by feature, without those at level 0 and without `kraft.version`.
    pub(crate) features: OrdMap<Arc<str>, i16>,
    /// Every partition under each member of its ISR, and under nobody when it has no leader: what changes when a
    /// broker comes or goes.
    pub(crate) members: OrdSet<(BrokerId, PartitionKey)>,
    /// Every partition under each member of its ELR.
    pub(crate) eligible: OrdSet<(BrokerId, PartitionKey)>,
    /// Every partition that its preferred leader does not lead.
    pub(crate) led_by_another: OrdSet<PartitionKey>,
    /// How many replicas each broker that has any is assigned.
    pub(crate) replicas: OrdMap<BrokerId, usize>,
    pub(crate) next_producer_id: ProducerId,
    pub(crate) transaction: Option<Transaction>,
}

/// A metadata transaction whose end has not been replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    /// The offset of its first record.
    pub start: Offset,
    /// The cluster before it.
    pub(crate) before: Box<ClusterImage>,
}

impl ClusterImage {
    /// The image of an empty log.
    pub fn new(cluster_id: ClusterId) -> ClusterImage {
        ClusterImage {
            cluster_id,
            end: Offset::ZERO,
            brokers: OrdMap::new(),
            controllers: OrdMap::new(),
            topics: OrdMap::new(),
            names: OrdMap::new(),
            folded: OrdSet::new(),
            configs: OrdMap::new(),
            features: OrdMap::new(),
            members: OrdSet::new(),
            eligible: OrdSet::new(),
            led_by_another: OrdSet::new(),
            replicas: OrdMap::new(),
            next_producer_id: ProducerId(0),
            transaction: None,
        }
    }

    /// The cluster's id. Not a record of the log: it comes from the directory's `meta.properties`.
    pub fn cluster_id(&self) -> &ClusterId {
        &self.cluster_id
    }

    /// One past the last record replayed.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// What brokers and clients may see: the image before the transaction, while there is one.
    pub fn visible(&self) -> &ClusterImage {
        self.transaction.as_ref().map_or(self, |transaction| &transaction.before)
    }

    /// The transaction that the log is inside of.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.transaction.as_ref()
    }

    /// Every registered broker, by id.
    pub fn brokers(&self) -> impl Iterator<Item = &Arc<Broker>> {
        self.brokers.values()
    }

    /// A registered broker.
    pub fn broker(&self, id: BrokerId) -> Option<&Arc<Broker>> {
        self.brokers.get(&id)
    }

    /// Every registered controller, by id.
    pub fn controllers(&self) -> impl Iterator<Item = &Arc<ControllerNode>> {
        self.controllers.values()
    }

    /// A registered controller.
    pub fn controller(&self, id: BrokerId) -> Option<&Arc<ControllerNode>> {
        self.controllers.get(&id)
    }

    /// Every topic, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.names.values().map(|id| &self.topics[id])
    }

    /// The topics that are called `name` or come after it, by name.
    pub fn topics_from(&self, name: &str) -> impl Iterator<Item = &Arc<Topic>> + use<'_> {
        self.names.range(Arc::<str>::from(name)..).map(|(_, id)| &self.topics[id])
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// A topic by id.
    pub fn topic(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(&id)
    }

    /// A topic by name.
    pub fn topic_named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.names.get(name).map(|id| &self.topics[id])
    }

    /// A partition by topic id and number.
    pub fn partition(&self, key: PartitionKey) -> Option<&Arc<Partition>> {
        self.topics.get(&key.topic)?.partitions.get(&key.index)
    }

    /// Every partition that has `broker` in its ISR.
    pub fn partitions_in_sync_on(&self, broker: BrokerId) -> impl Iterator<Item = PartitionKey> + '_ {
        assert_ne!(broker, BrokerId::NONE, "nobody is in no ISR");
        indexed_under(&self.members, broker)
    }

    /// Every partition that has `broker` in its ELR.
    pub fn partitions_eligible_on(&self, broker: BrokerId) -> impl Iterator<Item = PartitionKey> + '_ {
        indexed_under(&self.eligible, broker)
    }

    /// Every partition that its preferred leader does not lead.
    pub fn partitions_led_by_another(&self) -> impl Iterator<Item = PartitionKey> + '_ {
        self.led_by_another.iter().copied()
    }

    /// Every partition that has no leader.
    pub fn partitions_without_leader(&self) -> impl Iterator<Item = PartitionKey> + '_ {
        indexed_under(&self.members, BrokerId::NONE)
    }

    /// How many replicas `broker` is assigned.
    pub fn replicas_on(&self, broker: BrokerId) -> usize {
        self.replicas.get(&broker).copied().unwrap_or(0)
    }

    /// Whether `broker` leads a partition.
    pub fn leads_any(&self, broker: BrokerId) -> bool {
        let leads = |key| self.partition(key).is_some_and(|partition| partition.leader == Some(broker));
        self.partitions_in_sync_on(broker).any(leads)
    }

    /// The topics whose folded name is `folded`.
    pub(crate) fn topics_folded_to(&self, folded: &str) -> impl Iterator<Item = &Arc<str>> {
        let from = (Arc::<str>::from(folded), Arc::<str>::from(""));
        let of = from.0.clone();
        self.folded.range(from..).take_while(move |(other, _)| *other == of).map(|(_, name)| name)
    }

    /// The finalized level of a feature; 0 when it is not finalized.
    pub fn feature_level(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// The finalized features and their levels, by name, as ApiVersions answers them. `kraft.version` is the
    /// quorum's to finalize, not this log's; ours is at level 0, which Kafka does not tell either.
    pub fn finalized_features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.features.iter().map(|(name, level)| (&**name, *level))
    }

    /// ApiVersions' `FinalizedFeaturesEpoch`: the offset of the last record that the image contains, -1 for none.
    pub fn finalized_features_epoch(&self) -> i64 {
        self.end.0 - 1
    }

    /// The first producer id that no broker has been given (KIP-730).
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }

    /// Whether the log has been given its `metadata.version`: until then there is nothing to serve.
    pub fn is_bootstrapped(&self) -> bool {
        self.visible().feature_level(features::METADATA_VERSION) > 0
    }

    /// What must hold of every image that this controller's own records make. Costs a walk over everything: for
    /// tests and checkers.
    pub fn assert_invariants(&self) {
        assert_eq!(self.names.len(), self.topics.len(), "topic names are unique");
        let (mut members, mut eligible, mut led_by_another) = (0, 0, 0);
        let mut replicas: OrdMap<BrokerId, usize> = OrdMap::new();
        let elr = self.feature_level(features::ELIGIBLE_LEADER_REPLICAS) > 0;
        for (id, topic) in &self.topics {
            assert_eq!(*id, topic.id, "a topic is stored under its own id");
            assert_eq!(self.names.get(&topic.name), Some(id), "{} is found by its name", topic.name);
            for (at, (index, partition)) in topic.partitions.iter().enumerate() {
                assert_eq!(at as i32, index.0, "partitions of {} are numbered without gaps", topic.name);
                partition.assert_invariants();
                let may_lead = |id| self.broker(id).is_some_and(|broker| !broker.fenced);
                assert!(partition.leader.is_none_or(may_lead), "a fenced broker leads {}", topic.name);
                let in_sync = !elr || partition.isr.iter().all(|id| may_lead(*id));
                assert!(in_sync, "a fenced broker is in the ISR of {}", topic.name);
                for broker in partition.indexed_under() {
                    assert!(self.members.contains(&(broker, topic.key(*index))), "{} is indexed", topic.name);
                    members += 1;
                }
                for broker in &partition.replicas {
                    *replicas.entry(*broker).or_default() += 1;
                }
                let another = self.led_by_another.contains(&topic.key(*index));
                assert_eq!(another, !partition.has_preferred_leader(), "{} is indexed", topic.name);
                led_by_another += usize::from(another);
                for broker in &partition.elr {
                    assert!(
                        self.eligible.contains(&(*broker, topic.key(*index))),
                        "{} is indexed",
                        topic.name
                    );
                    eligible += 1;
                }
            }
        }
        assert_eq!(members, self.members.len(), "the index lists nothing else");
        assert_eq!(replicas, self.replicas, "replicas are counted");
        assert_eq!(led_by_another, self.led_by_another.len(), "the index of leaders lists nothing else");
        assert_eq!(eligible, self.eligible.len(), "the index of eligible leaders lists nothing else");
        for (resource, configs) in &self.configs {
            assert!(!configs.is_empty(), "{resource:?} is listed without a config");
        }
    }
}

/// The partitions that an index lists under a broker.
fn indexed_under(
    index: &OrdSet<(BrokerId, PartitionKey)>,
    broker: BrokerId,
) -> impl Iterator<Item = PartitionKey> + '_ {
    let first = PartitionKey { topic: TopicId::default(), index: model::PartitionIndex(0) };
    index.range((broker, first)..).take_while(move |(id, _)| *id == broker).map(|(_, key)| *key)
}
