//! The only way an image changes: one record of the metadata log after the other.
//!
//! A record that does not fit the image is an error and not a panic, since logs are also written by other
//! software and read from disks; what a node does that can't follow its metadata is the server's decision.

use crate::broker::{Broker, ControllerNode, FeatureRange, NodeEndpoint};
use crate::configs::{ConfigResource, ResourceKind};
use crate::features;
use crate::image::{ClusterImage, Transaction};
use crate::topic::{LeaderRecovery, Partition, Topic};
use crate::topic_name;
use imbl::OrdMap;
use model::config::Overrides;
use model::{
    BrokerEpoch, BrokerId, DirectoryId, LeaderEpoch, Offset, PartitionEpoch, PartitionIndex, PartitionKey,
    ProducerId, TopicId, Uuid,
};
use records::metadata::{
    BrokerRegistrationChangeRecord, ConfigRecord, FeatureLevelRecord, MetadataRecord, PartitionChangeRecord,
    PartitionRecord, RegisterBrokerRecord, RegisterControllerRecord, TopicRecord,
};
use std::fmt;
use std::sync::Arc;

/// In PartitionChangeRecord: the leader stays.
pub(crate) const LEADER_UNCHANGED: i32 = -2;

/// Why a record can't be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// A topic of that name or id exists.
    TopicExists(String),
    /// No topic has that id.
    UnknownTopic(TopicId),
    /// The topic has no such partition.
    UnknownPartition(PartitionKey),
    /// A partition with another number of directories than replicas.
    Directories(PartitionKey),
    /// A field with a number that means nothing.
    Value {
        /// The record and its field.
        field: &'static str,
        /// The number.
        value: i64,
    },
    /// No broker is registered under that id with that epoch.
    UnknownBroker(BrokerId, BrokerEpoch),
    /// No controller is registered under that id.
    UnknownController(BrokerId),
    /// The log has a feature finalized at a level that this software does not support.
    UnsupportedFeature {
        /// The feature.
        name: String,
        /// Its level.
        level: i16,
    },
    /// A transaction that begins inside another, or ends outside of one.
    Transaction,
    /// A record whose meaning this software has no place for, and that must not be ignored.
    Unsupported(&'static str),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::TopicExists(name) => write!(f, "topic {name} exists already"),
            ReplayError::UnknownTopic(id) => write!(f, "no topic has the id {id}"),
            ReplayError::UnknownPartition(key) => write!(f, "there is no partition {key}"),
            ReplayError::Directories(key) => {
                write!(f, "partition {key} has not one directory for each replica")
            }
            ReplayError::Value { field, value } => write!(f, "{field} is {value}, which means nothing"),
            ReplayError::UnknownBroker(id, epoch) => {
                write!(f, "broker {id} is not registered with epoch {epoch}")
            }
            ReplayError::UnknownController(id) => write!(f, "controller {id} is not registered"),
            ReplayError::UnsupportedFeature { name, level } => {
                write!(f, "feature {name} is finalized at level {level}, which is not supported")
            }
            ReplayError::Transaction => f.write_str("a metadata transaction begins or ends out of turn"),
            ReplayError::Unsupported(record) => write!(f, "{record} is not supported"),
        }
    }
}

impl std::error::Error for ReplayError {}

impl ClusterImage {
    /// Applies the record at `offset`, which is not before [`ClusterImage::end`]. After an error the image is as
    /// it was.
    pub fn replay(&mut self, offset: Offset, record: &MetadataRecord) -> Result<(), ReplayError> {
        assert!(offset >= self.end, "records are replayed in order: {offset} after {}", self.end);
        match record {
            MetadataRecord::NoOp(_) => {}
            MetadataRecord::FeatureLevel(record) => self.replay_feature(record)?,
            MetadataRecord::Topic(record) => self.replay_topic(record)?,
            MetadataRecord::Partition(record) => self.replay_partition(record)?,
            MetadataRecord::PartitionChange(record) => self.replay_partition_change(record)?,
            MetadataRecord::RemoveTopic(record) => self.remove_topic(TopicId(record.topic_id))?,
            MetadataRecord::Config(record) => self.replay_config(record)?,
            MetadataRecord::RegisterBroker(record) => self.replay_broker(record),
            MetadataRecord::UnregisterBroker(record) => {
                let id = self.registered(record.broker_id, record.broker_epoch)?.id;
                self.brokers.remove(&id);
            }
            MetadataRecord::BrokerRegistrationChange(record) => self.replay_broker_change(record)?,
            MetadataRecord::FenceBroker(record) => self.set_fenced(record.id, record.epoch, true)?,
            MetadataRecord::UnfenceBroker(record) => self.set_fenced(record.id, record.epoch, false)?,
            MetadataRecord::RegisterController(record) => self.replay_controller(record),
            MetadataRecord::BeginTransaction(_) => self.begin_transaction(offset)?,
            MetadataRecord::EndTransaction(_) => {
                self.transaction.take().ok_or(ReplayError::Transaction)?;
            }
            MetadataRecord::AbortTransaction(_) => {
                let transaction = self.transaction.take().ok_or(ReplayError::Transaction)?;
                *self = *transaction.before;
            }
            MetadataRecord::UnregisterController(record) => {
                let id = BrokerId(record.controller_id);
                self.controllers.remove(&id).ok_or(ReplayError::UnknownController(id))?;
            }
            MetadataRecord::ProducerIds(record) => {
                self.next_producer_id = ProducerId(record.next_producer_id)
            }
            MetadataRecord::ClearElr(record) => self.clear_elr(&record.topic_name)?,
            // Written by every controller before Kafka 4.0 to say that there is no migration.
            MetadataRecord::ZkMigrationState(_) => {}
            MetadataRecord::DelegationToken(_)
            | MetadataRecord::RemoveDelegationToken(_)
            | MetadataRecord::UserScramCredential(_)
            | MetadataRecord::RemoveUserScramCredential(_)
            | MetadataRecord::ClientQuota(_)
            | MetadataRecord::AccessControlEntry(_)
            | MetadataRecord::RemoveAccessControlEntry(_) => return Err(unsupported(record)),
        }
        self.end = offset.plus(1);
        Ok(())
    }

    /// Passes over offsets that hold no metadata record: those of the quorum's control records.
    pub fn skip_to(&mut self, end: Offset) {
        assert!(end >= self.end, "the image is at {} and can't go back to {end}", self.end);
        self.end = end;
    }

    fn begin_transaction(&mut self, offset: Offset) -> Result<(), ReplayError> {
        if self.transaction.is_some() {
            return Err(ReplayError::Transaction);
        }
        self.transaction = Some(Transaction { start: offset, before: Box::new(self.clone()) });
        Ok(())
    }

    fn replay_feature(&mut self, record: &FeatureLevelRecord) -> Result<(), ReplayError> {
        let (name, level) = (record.name.as_str(), record.feature_level);
        if name == features::KRAFT_VERSION {
            return Ok(());
        }
        let supported = features::supported().get(name).is_some_and(|range| range.contains(level));
        if level != 0 && !supported {
            return Err(ReplayError::UnsupportedFeature { name: name.to_owned(), level });
        }
        if level == 0 {
            self.features.remove(name);
        } else {
            self.features.insert(Arc::from(name), level);
        }
        Ok(())
    }

    fn replay_topic(&mut self, record: &TopicRecord) -> Result<(), ReplayError> {
        let (name, id) = (Arc::<str>::from(record.name.as_str()), TopicId(record.topic_id));
        if self.names.contains_key(&name) || self.topics.contains_key(&id) {
            return Err(ReplayError::TopicExists(record.name.clone()));
        }
        if let Some(folded) = topic_name::folded(&name) {
            self.folded.insert((Arc::from(folded), name.clone()));
        }
        self.names.insert(name.clone(), id);
        self.topics.insert(id, Arc::new(Topic { name, id, partitions: OrdMap::new() }));
        Ok(())
    }

    fn replay_partition(&mut self, record: &PartitionRecord) -> Result<(), ReplayError> {
        let key = key(record.topic_id, record.partition_id);
        let directories = directories(&record.directories, record.replicas.len());
        if directories.len() != record.replicas.len() {
            return Err(ReplayError::Directories(key));
        }
        let partition = Partition {
            replicas: brokers(&record.replicas),
            directories,
            isr: brokers(&record.isr),
            removing: brokers(&record.removing_replicas),
            adding: brokers(&record.adding_replicas),
            elr: brokers(record.eligible_leader_replicas.as_deref().unwrap_or_default()),
            last_known_elr: brokers(record.last_known_elr.as_deref().unwrap_or_default()),
            leader: leader(record.leader),
            recovery: recovery(record.leader_recovery_state)?,
            leader_epoch: LeaderEpoch(record.leader_epoch),
            partition_epoch: PartitionEpoch(record.partition_epoch),
        };
        self.put_partition(key, partition)
    }

    fn replay_partition_change(&mut self, record: &PartitionChangeRecord) -> Result<(), ReplayError> {
        let key = key(record.topic_id, record.partition_id);
        let before = self.partition(key).ok_or(ReplayError::UnknownPartition(key))?;
        let mut after = Partition::clone(before);
        let change = |into: &mut Vec<BrokerId>, ids: &Option<Vec<i32>>| {
            if let Some(ids) = ids {
                *into = brokers(ids);
            }
        };
        change(&mut after.replicas, &record.replicas);
        change(&mut after.isr, &record.isr);
        change(&mut after.removing, &record.removing_replicas);
        change(&mut after.adding, &record.adding_replicas);
        change(&mut after.elr, &record.eligible_leader_replicas);
        change(&mut after.last_known_elr, &record.last_known_elr);
        if let Some(ids) = &record.directories {
            after.directories = directories(ids, after.replicas.len());
        }
        if after.directories.len() != after.replicas.len() {
            return Err(ReplayError::Directories(key));
        }
        if record.leader != LEADER_UNCHANGED {
            after.leader = leader(record.leader);
            after.leader_epoch = LeaderEpoch(next(after.leader_epoch.0)?);
        }
        if record.leader_recovery_state != -1 {
            after.recovery = recovery(record.leader_recovery_state)?;
        }
        after.partition_epoch = PartitionEpoch(next(after.partition_epoch.0)?);
        self.put_partition(key, after)
    }

    /// The only place where a partition, its topic and the indexes of members change.
    fn put_partition(&mut self, key: PartitionKey, partition: Partition) -> Result<(), ReplayError> {
        let topic = self.topics.get_mut(&key.topic).ok_or(ReplayError::UnknownTopic(key.topic))?;
        let partition = Arc::new(partition);
        let before = Arc::make_mut(topic).partitions.insert(key.index, partition.clone());
        self.list(key, before.as_deref(), Some(&partition));
        Ok(())
    }

    /// Lists a partition in the indexes as it is, and no longer as it was. What stays is not touched: most of what
    /// replaying thousands of changes costs is here.
    fn list(&mut self, key: PartitionKey, before: Option<&Partition>, after: Option<&Partition>) {
        let lists = |partition: Option<&Partition>, broker: &BrokerId| {
            partition.is_some_and(|partition| partition.indexed_under().any(|other| other == *broker))
        };
        for broker in before.iter().flat_map(|before| before.indexed_under()) {
            if !lists(after, &broker) {
                self.members.remove(&(broker, key));
            }
        }
        for broker in after.iter().flat_map(|after| after.indexed_under()) {
            if !lists(before, &broker) {
                self.members.insert((broker, key));
            }
        }
        let eligible = |partition: Option<&Partition>, broker: &BrokerId| {
            partition.is_some_and(|partition| partition.elr.contains(broker))
        };
        for broker in before.iter().flat_map(|before| &before.elr).filter(|id| !eligible(after, id)) {
            self.eligible.remove(&(*broker, key));
        }
        for broker in after.iter().flat_map(|after| &after.elr).filter(|id| !eligible(before, id)) {
            self.eligible.insert((*broker, key));
        }
        for broker in before.iter().flat_map(|before| &before.replicas) {
            let count = self.replicas.get_mut(broker).expect("a replica that was counted");
            *count -= 1;
            if *count == 0 {
                self.replicas.remove(broker);
            }
        }
        for broker in after.iter().flat_map(|after| &after.replicas) {
            *self.replicas.entry(*broker).or_default() += 1;
        }
        let by_another = |partition: Option<&Partition>| partition.is_some_and(|p| !p.has_preferred_leader());
        match (by_another(before), by_another(after)) {
            (true, false) => _ = self.led_by_another.remove(&key),
            (false, true) => _ = self.led_by_another.insert(key),
            _ => {}
        }
    }

    /// Of one topic, or of all when the name is empty.
    fn clear_elr(&mut self, topic: &str) -> Result<(), ReplayError> {
        let topics: Vec<_> = match topic {
            "" => self.topics.values().cloned().collect(),
            name => self.topic_named(name).cloned().into_iter().collect(),
        };
        for topic in topics {
            for (index, partition) in &topic.partitions {
                if partition.elr.is_empty() && partition.last_known_elr.is_empty() {
                    continue;
                }
                let mut partition = Partition::clone(partition);
                partition.elr.clear();
                partition.last_known_elr.clear();
                partition.partition_epoch = PartitionEpoch(next(partition.partition_epoch.0)?);
                self.put_partition(topic.key(*index), partition)?;
            }
        }
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<(), ReplayError> {
        let topic = self.topics.remove(&id).ok_or(ReplayError::UnknownTopic(id))?;
        self.names.remove(&topic.name);
        if let Some(folded) = topic_name::folded(&topic.name) {
            self.folded.remove(&(Arc::from(folded), topic.name.clone()));
        }
        for (index, partition) in &topic.partitions {
            self.list(topic.key(*index), Some(partition), None);
        }
        self.configs.remove(&ConfigResource::topic(&topic.name));
        Ok(())
    }

    fn replay_config(&mut self, record: &ConfigRecord) -> Result<(), ReplayError> {
        let code = record.resource_type;
        let value = i64::from(code);
        let kind = ResourceKind::from_code(code)
            .ok_or(ReplayError::Value { field: "ConfigRecord.ResourceType", value })?;
        let resource = ConfigResource { kind, name: Arc::from(record.resource_name.as_str()) };
        let mut overrides = Overrides::clone(self.overrides(&resource));
        match &record.value {
            Some(value) => overrides.insert(Arc::from(record.name.as_str()), Arc::from(value.as_str())),
            None => overrides.remove(record.name.as_str()),
        };
        if overrides.is_empty() {
            self.configs.remove(&resource);
        } else {
            self.configs.insert(resource, Arc::new(overrides));
        }
        Ok(())
    }

    fn replay_broker(&mut self, record: &RegisterBrokerRecord) {
        let endpoints =
            record.end_points.iter().map(|at| endpoint(&at.name, &at.host, at.port, at.security_protocol));
        let features = record.features.iter().map(|feature| {
            let range =
                FeatureRange { min: feature.min_supported_version, max: feature.max_supported_version };
            (feature.name.clone(), range)
        });
        let broker = Broker {
            id: BrokerId(record.broker_id),
            epoch: BrokerEpoch(record.broker_epoch),
            incarnation: record.incarnation_id,
            endpoints: endpoints.collect(),
            features: features.collect(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            directories: record.log_dirs.iter().copied().map(DirectoryId).collect(),
            cordoned: record
                .cordoned_log_dirs
                .as_ref()
                .map(|ids| ids.iter().copied().map(DirectoryId).collect()),
            migrating_zk: record.is_migrating_zk_broker,
        };
        self.brokers.insert(broker.id, Arc::new(broker));
    }

    fn replay_broker_change(&mut self, record: &BrokerRegistrationChangeRecord) -> Result<(), ReplayError> {
        let mut broker = Broker::clone(self.registered(record.broker_id, record.broker_epoch)?);
        let refuse = |field, value: i8| Err(ReplayError::Value { field, value: value.into() });
        match record.fenced {
            0 => {}
            1 => broker.fenced = true,
            -1 => broker.fenced = false,
            other => return refuse("BrokerRegistrationChangeRecord.Fenced", other),
        }
        match record.in_controlled_shutdown {
            0 => {}
            1 => broker.in_controlled_shutdown = true,
            other => return refuse("BrokerRegistrationChangeRecord.InControlledShutdown", other),
        }
        if !record.log_dirs.is_empty() {
            broker.directories = record.log_dirs.iter().copied().map(DirectoryId).collect();
        }
        if let Some(cordoned) = &record.cordoned_log_dirs {
            broker.cordoned = Some(cordoned.iter().copied().map(DirectoryId).collect());
        }
        self.brokers.insert(broker.id, Arc::new(broker));
        Ok(())
    }

    fn set_fenced(&mut self, id: i32, epoch: i64, fenced: bool) -> Result<(), ReplayError> {
        let mut broker = Broker::clone(self.registered(id, epoch)?);
        broker.fenced = fenced;
        self.brokers.insert(broker.id, Arc::new(broker));
        Ok(())
    }

    fn registered(&self, id: i32, epoch: i64) -> Result<&Arc<Broker>, ReplayError> {
        let (id, epoch) = (BrokerId(id), BrokerEpoch(epoch));
        let broker = self.brokers.get(&id).filter(|broker| broker.epoch == epoch);
        broker.ok_or(ReplayError::UnknownBroker(id, epoch))
    }

    fn replay_controller(&mut self, record: &RegisterControllerRecord) {
        let endpoints =
            record.end_points.iter().map(|at| endpoint(&at.name, &at.host, at.port, at.security_protocol));
        let features = record.features.iter().map(|feature| {
            let range =
                FeatureRange { min: feature.min_supported_version, max: feature.max_supported_version };
            (feature.name.clone(), range)
        });
        let controller = ControllerNode {
            id: BrokerId(record.controller_id),
            incarnation: record.incarnation_id,
            endpoints: endpoints.collect(),
            features: features.collect(),
        };
        self.controllers.insert(controller.id, Arc::new(controller));
    }
}

/// Ignoring one of these would leave open what the cluster had closed.
fn unsupported(record: &MetadataRecord) -> ReplayError {
    let schema = MetadataRecord::SCHEMAS.iter().find(|(ty, _)| *ty == record.record_type());
    ReplayError::Unsupported(schema.map_or("a record", |(_, schema)| schema.name))
}

fn key(topic: Uuid, partition: i32) -> PartitionKey {
    PartitionKey { topic: TopicId(topic), index: PartitionIndex(partition) }
}

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

/// Logs from before directories had ids name none.
fn directories(ids: &[Uuid], replicas: usize) -> Vec<DirectoryId> {
    if ids.is_empty() {
        return vec![DirectoryId::MIGRATING; replicas];
    }
    ids.iter().copied().map(DirectoryId).collect()
}

fn leader(id: i32) -> Option<BrokerId> {
    (id >= 0).then_some(BrokerId(id))
}

fn recovery(state: i8) -> Result<LeaderRecovery, ReplayError> {
    match state {
        0 => Ok(LeaderRecovery::Recovered),
        1 => Ok(LeaderRecovery::Recovering),
        other => Err(ReplayError::Value { field: "LeaderRecoveryState", value: other.into() }),
    }
}

/// The epoch after this one; an epoch at its end is a value that means nothing.
fn next(epoch: i32) -> Result<i32, ReplayError> {
    epoch.checked_add(1).ok_or(ReplayError::Value { field: "epoch", value: epoch.into() })
}

fn endpoint(name: &str, host: &str, port: u16, security_protocol: i16) -> NodeEndpoint {
    NodeEndpoint { name: name.to_owned(), host: host.to_owned(), port, security_protocol }
}
