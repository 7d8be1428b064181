//! An image as records: what a snapshot of the metadata log holds (KIP-630), in the order in which Kafka writes it.
//!
//! ```text
//!   features, metadata.version first · brokers · controllers · topics, each with its partitions · configs ·
//!   the next producer id
//! ```
//!
//! Replayed into the image of an empty log they give the image again, except for [`ClusterImage::end`]: their offsets
//! are those of the snapshot. Whoever loads them goes on with [`ClusterImage::skip_to`].

use crate::broker::{Broker, ControllerNode};
use crate::configs::ConfigResource;
use crate::features;
use crate::image::ClusterImage;
use crate::topic::{LeaderRecovery, Partition, Topic};
use model::config::Overrides;
use model::{BrokerId, DirectoryId, PartitionKey, Uuid};
use records::metadata::{
    BrokerEndpoint, BrokerFeature, ConfigRecord, ControllerEndpoint, ControllerFeature, FeatureLevelRecord,
    MetadataRecord, PartitionRecord, ProducerIdsRecord, RegisterBrokerRecord, RegisterControllerRecord,
    TopicRecord,
};

impl ClusterImage {
    /// The records of a snapshot of this image. Of the visible part: a transaction in progress is left out, as it may
    /// be aborted. Then the snapshot is as of the offset before the transaction.
    pub fn records(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        let visible = self.visible();
        let first = |name: &str| name == features::METADATA_VERSION;
        let version = visible.finalized_features().filter(move |(name, _)| first(name));
        let other = visible.finalized_features().filter(move |(name, _)| !first(name));
        let producer_ids = (visible.next_producer_id.0 > 0).then_some(ProducerIdsRecord {
            broker_id: -1,
            broker_epoch: -1,
            next_producer_id: visible.next_producer_id.0,
        });
        version
            .chain(other)
            .map(|(name, level)| FeatureLevelRecord { name: name.to_owned(), feature_level: level }.into())
            .chain(visible.brokers.values().map(|broker| broker.record().into()))
            .chain(visible.controllers.values().map(|controller| controller.record().into()))
            .chain(visible.topics.values().flat_map(|topic| topic_records(topic)))
            .chain(visible.configs.iter().flat_map(|(resource, configs)| config_records(resource, configs)))
            .chain(producer_ids.map(MetadataRecord::from))
    }
}

fn topic_records(topic: &Topic) -> impl Iterator<Item = MetadataRecord> + '_ {
    let record = TopicRecord { name: topic.name.to_string(), topic_id: topic.id.0 };
    let partitions =
        topic.partitions.iter().map(|(index, partition)| partition.record(topic.key(*index)).into());
    std::iter::once(record.into()).chain(partitions)
}

fn config_records<'a>(
    resource: &'a ConfigResource,
    configs: &'a Overrides,
) -> impl Iterator<Item = MetadataRecord> + 'a {
    configs.iter().map(|(name, value)| {
        MetadataRecord::Config(ConfigRecord {
            resource_type: resource.kind.code(),
            resource_name: resource.name.to_string(),
            name: name.to_string(),
            value: Some(value.to_string()),
        })
    })
}

impl Broker {
    /// The record that registers it as it is.
    pub(crate) fn record(&self) -> RegisterBrokerRecord {
        let endpoints = self.endpoints.iter().cloned().map(|at| BrokerEndpoint {
            name: at.name,
            host: at.host,
            port: at.port,
            security_protocol: at.security_protocol,
        });
        let features = self.features.iter().map(|(name, range)| BrokerFeature {
            name: name.clone(),
            min_supported_version: range.min,
            max_supported_version: range.max,
        });
        RegisterBrokerRecord {
            broker_id: self.id.0,
            is_migrating_zk_broker: self.migrating_zk,
            incarnation_id: self.incarnation,
            broker_epoch: self.epoch.0,
            end_points: endpoints.collect(),
            features: features.collect(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: directory_ids(&self.directories),
            cordoned_log_dirs: self.cordoned.as_deref().map(directory_ids),
        }
    }
}

impl ControllerNode {
    /// The record that registers it as it is.
    pub(crate) fn record(&self) -> RegisterControllerRecord {
        let endpoints = self.endpoints.iter().cloned().map(|at| ControllerEndpoint {
            name: at.name,
            host: at.host,
            port: at.port,
            security_protocol: at.security_protocol,
        });
        let features = self.features.iter().map(|(name, range)| ControllerFeature {
            name: name.clone(),
            min_supported_version: range.min,
            max_supported_version: range.max,
        });
        RegisterControllerRecord {
            controller_id: self.id.0,
            incarnation_id: self.incarnation,
            zk_migration_ready: false,
            end_points: endpoints.collect(),
            features: features.collect(),
        }
    }
}

impl Partition {
    /// The record that creates it as it is.
    pub(crate) fn record(&self, key: PartitionKey) -> PartitionRecord {
        let some = |ids: &[BrokerId]| (!ids.is_empty()).then(|| broker_ids(ids));
        PartitionRecord {
            partition_id: key.index.0,
            topic_id: key.topic.0,
            replicas: broker_ids(&self.replicas),
            isr: broker_ids(&self.isr),
            removing_replicas: broker_ids(&self.removing),
            adding_replicas: broker_ids(&self.adding),
            leader: self.leader.unwrap_or(BrokerId::NONE).0,
            leader_recovery_state: match self.recovery {
                LeaderRecovery::Recovered => 0,
                LeaderRecovery::Recovering => 1,
            },
            leader_epoch: self.leader_epoch.0,
            partition_epoch: self.partition_epoch.0,
            directories: directory_ids(&self.directories),
            eligible_leader_replicas: some(&self.elr),
            last_known_elr: some(&self.last_known_elr),
        }
    }
}

/// Brokers' ids as records have them.
pub(crate) fn broker_ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

/// Directories' ids as records have them.
pub(crate) fn directory_ids(directories: &[DirectoryId]) -> Vec<Uuid> {
    directories.iter().map(|directory| directory.0).collect()
}

#[cfg(test)]
#[path = "snapshot_test.rs"]
mod tests;
