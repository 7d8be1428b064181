//! Which partitions change when brokers come and go: the records that change leaders and ISRs.
//!
//! ```text
//!   broker gone ─► it leaves every ISR; its partitions elect, or have no leader
//!   broker gone that may have lost records ─► it leaves every ELR too
//!   broker back ─► partitions without a leader elect it, if it may lead them
//! ```
//!
//! What becomes of one partition is in `partition_change`.

use crate::configs::ConfigResource;
use crate::controller::Settings;
use crate::features;
use crate::image::ClusterImage;
use crate::partition_change::{self, Election, Rules, Target};
use crate::topic::{Partition, Topic};
use model::config::{ElectionConfig, Layers};
use model::{BrokerId, PartitionKey, TopicId};
use records::metadata::MetadataRecord;

/// What is happening to a broker. The image still shows it as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is no longer available, for whatever reason, and has what it had.
    Gone(BrokerId),
    /// It is no longer available, and may have lost records that it had.
    GoneWithLoss(BrokerId),
    /// It has become available.
    Back(BrokerId),
}

/// The changes of partitions that `event` calls for. `settings` are for the topics' configs.
pub(crate) fn changes(image: &ClusterImage, event: Event, settings: &Settings) -> Vec<MetadataRecord> {
    let mut rules = TopicRules::new(image, settings);
    let affected: Vec<PartitionKey> = match event {
        Event::GoneWithLoss(broker) if rules.elr => {
            image.partitions_in_sync_on(broker).chain(image.partitions_eligible_on(broker)).collect()
        }
        Event::Gone(broker) | Event::GoneWithLoss(broker) => image.partitions_in_sync_on(broker).collect(),
        Event::Back(_) => image.partitions_without_leader().collect(),
    };
    let mut records = Vec::new();
    for key in affected {
        let topic = image.topic(key.topic).expect("indexed partitions exist");
        let partition = topic.partition(key.index).expect("indexed partitions exist");
        let rules = rules.of(topic);
        let election = if rules.unclean { Election::Unclean } else { Election::Online };
        let mut target = Target::of(partition, election);
        if let Event::Gone(gone) | Event::GoneWithLoss(gone) = event {
            target.isr.retain(|member| *member != gone);
        }
        if let Event::GoneWithLoss(gone) = event {
            target.lost = Some(gone);
        }
        let may_lead = |id| match event {
            Event::Gone(gone) | Event::GoneWithLoss(gone) if gone == id => false,
            Event::Back(back) if back == id => image.broker(id).is_some_and(|broker| {
                !broker.in_controlled_shutdown && broker.has_online(partition.directory(id))
            }),
            _ => may_lead(image, partition, id),
        };
        let change = partition_change::change(key, partition, target, rules, &may_lead);
        records.extend(change.map(MetadataRecord::PartitionChange));
    }
    records
}

/// Whether a replica is available: its broker is, and its directory.
pub(crate) fn may_lead(image: &ClusterImage, partition: &Partition, id: BrokerId) -> bool {
    image.broker(id).is_some_and(|broker| broker.is_active() && broker.has_online(partition.directory(id)))
}

/// The rules of topics, looked up as seldom as possible: partitions come ordered by topic, and most topics have no
/// configs of their own.
pub(crate) struct TopicRules<'a> {
    image: &'a ClusterImage,
    /// Where topics' configs come from that they don't set themselves.
    below: Layers<'a>,
    elr: bool,
    /// Of topics without overrides.
    common: ElectionConfig,
    last: Option<(TopicId, Rules)>,
}

impl<'a> TopicRules<'a> {
    pub(crate) fn new(image: &'a ClusterImage, settings: &'a Settings) -> TopicRules<'a> {
        let elr = image.feature_level(features::ELIGIBLE_LEADER_REPLICAS) > 0;
        let below = image.layers_below(settings.node, &settings.fixed);
        TopicRules { image, below, elr, common: ElectionConfig::resolve(&below), last: None }
    }

    /// The rules of one topic.
    pub(crate) fn of(&mut self, topic: &Topic) -> Rules {
        if let Some((_, rules)) = self.last.filter(|(id, _)| *id == topic.id) {
            return rules;
        }
        let overrides = self.image.overrides(&ConfigResource::topic(&topic.name));
        let config = match overrides.is_empty() {
            true => self.common,
            false => ElectionConfig::resolve(&Layers { topic: overrides, ..self.below }),
        };
        let min_isr = (config.min_insync_replicas as usize).min(topic.replication_factor());
        let rules = Rules { elr: self.elr, min_isr, unclean: config.unclean_leader_election };
        self.last = Some((topic.id, rules));
        rules
    }
}
