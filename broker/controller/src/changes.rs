//! What lies between two images: what a broker has to do when it moves from one to the next.
//!
//! Computed from the images themselves, so that it is right however many records lie between them and whatever
//! was reverted; shared parts of the maps are not visited.

use crate::configs::ConfigResource;
use crate::image::ClusterImage;
use crate::topic::{Partition, Topic};
use imbl::ordmap::DiffItem;
use model::{BrokerId, PartitionKey, TopicId};
use std::sync::Arc;

/// What is different in the newer of two images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Topics that were not there.
    pub topics_created: Vec<TopicId>,
    /// Topics that are gone. A topic that was deleted and created anew is another topic.
    pub topics_removed: Vec<TopicId>,
    /// Partitions that are new, gone or different, those of new and removed topics included.
    pub partitions: Vec<PartitionChange>,
    /// Resources that have other overrides than before.
    pub configs: Vec<ConfigResource>,
    /// Brokers that registered, changed or went.
    pub brokers: Vec<BrokerId>,
    /// Whether a feature's finalized level changed.
    pub features: bool,
}

/// A partition before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionChange {
    /// Which one.
    pub key: PartitionKey,
    /// Its topic's name.
    pub topic: Arc<str>,
    /// As it was; none when it is new.
    pub before: Option<Arc<Partition>>,
    /// As it is; none when it is gone.
    pub after: Option<Arc<Partition>>,
}

/// What a change means for one broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has a replica that it did not have.
    Gained,
    /// It no longer has a replica. The topic may be gone, or the replica moved.
    Lost,
    /// It still has a replica, and the leader, epoch, ISR or directory is another.
    Changed,
}

impl PartitionChange {
    /// What this means for `broker`; none when it neither had nor has a replica.
    pub fn fate(&self, broker: BrokerId) -> Option<Fate> {
        let on =
            |partition: &Option<Arc<Partition>>| partition.as_ref().is_some_and(|p| p.is_replica(broker));
        match (on(&self.before), on(&self.after)) {
            (false, false) => None,
            (false, true) => Some(Fate::Gained),
            (true, false) => Some(Fate::Lost),
            (true, true) => Some(Fate::Changed),
        }
    }
}

impl Changes {
    /// The partitions that matter to `broker`, and how.
    pub fn of(&self, broker: BrokerId) -> impl Iterator<Item = (Fate, &PartitionChange)> {
        self.partitions.iter().filter_map(move |change| Some((change.fate(broker)?, change)))
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}

impl ClusterImage {
    /// What is different here from `older`.
    pub fn changes_since(&self, older: &ClusterImage) -> Changes {
        let mut changes = Changes { features: self.features != older.features, ..Changes::default() };
        for item in older.topics.diff(&self.topics) {
            match item {
                DiffItem::Add(id, topic) => {
                    changes.topics_created.push(*id);
                    changes.topic(None, Some(topic));
                }
                DiffItem::Remove(id, topic) => {
                    changes.topics_removed.push(*id);
                    changes.topic(Some(topic), None);
                }
                DiffItem::Update { old: (_, old), new: (_, new) } => changes.topic(Some(old), Some(new)),
            }
        }
        for item in older.configs.diff(&self.configs) {
            let (DiffItem::Add(resource, _)
            | DiffItem::Remove(resource, _)
            | DiffItem::Update { new: (resource, _), .. }) = item;
            changes.configs.push(resource.clone());
        }
        for item in older.brokers.diff(&self.brokers) {
            let (DiffItem::Add(id, _) | DiffItem::Remove(id, _) | DiffItem::Update { new: (id, _), .. }) =
                item;
            changes.brokers.push(*id);
        }
        changes
    }
}

impl Changes {
    /// The partitions of one topic, which exists in at least one of the images.
    fn topic(&mut self, before: Option<&Arc<Topic>>, after: Option<&Arc<Topic>>) {
        let topic = after.or(before).expect("a topic that changed");
        let nothing = imbl::OrdMap::new();
        let before = before.map_or(&nothing, |topic| &topic.partitions);
        let after = after.map_or(&nothing, |topic| &topic.partitions);
        for item in before.diff(after) {
            let (index, before, after) = match item {
                DiffItem::Add(index, after) => (index, None, Some(after)),
                DiffItem::Remove(index, before) => (index, Some(before), None),
                DiffItem::Update { old: (_, before), new: (index, after) } => {
                    (index, Some(before), Some(after))
                }
            };
            self.partitions.push(PartitionChange {
                key: topic.key(*index),
                topic: topic.name.clone(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
    }
}
