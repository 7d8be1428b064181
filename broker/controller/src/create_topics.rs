//! CreateTopics (key 19): which topics of a request come into being, and with which records.
//!
//! Each topic is decided by itself, after those before it in the request; the records of all that are not refused
//! are one batch. `validate_only` decides the same and writes nothing. Creating a topic because somebody asked for
//! its metadata is the same decision with default values.

use crate::assignment::{check_assignment, is_active, partition_record};
use crate::configs::overrides_of_new_topic;
use crate::decision::{Decision, RECORDS_MAX, Reason, Refusal};
use crate::image::ClusterImage;
use crate::placement;
use crate::topic_name::{self, METADATA_TOPIC, check_topic_name};
use model::config::{ConfigEntry, Layers, Overrides};
use model::{BrokerId, TopicId, Uuid};
use records::metadata::{ConfigRecord, MetadataRecord, TopicRecord};
use std::collections::{BTreeMap, BTreeSet};

use crate::configs::ResourceKind;
use crate::controller::Settings;

/// The most partitions that one request may create, Kafka's bound.
pub const PARTITIONS_MAX: u64 = 10_000;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopics {
    /// The topics, in the request's order.
    pub topics: Vec<NewTopic>,
    /// Only say what would happen.
    pub validate_only: bool,
}

/// One topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name, not yet checked.
    pub name: String,
    /// How many partitions; -1 for the default, or because `assignments` says.
    pub partitions: i32,
    /// How many replicas of each; -1 for the default, or because `assignments` says.
    pub replication_factor: i16,
    /// Where the replicas go; empty to leave it to the controller.
    pub assignments: Vec<ReplicaAssignment>,
    /// Overrides, by name; a null value is refused.
    pub configs: Vec<(String, Option<String>)>,
    /// The chance that creating it takes.
    pub draws: TopicDraws,
}

/// Where the replicas of one partition go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaAssignment {
    /// The partition's number.
    pub partition: i32,
    /// The brokers, the preferred leader first.
    pub brokers: Vec<i32>,
}

/// Random numbers for one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicDraws {
    /// For its id.
    pub id: [u64; 2],
    /// For the broker that its first partition is placed on.
    pub start: u64,
}

/// A topic that was, or would be, created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each of them has.
    pub replication_factor: i16,
    /// All its configs, with their sources (KIP-525).
    pub configs: Vec<ConfigEntry>,
}

/// What became of one topic, by name.
pub type TopicOutcome = (String, Result<CreatedTopic, Refusal>);

/// Decides a request. The outcomes come in the request's order, then names that occur twice, once each, then the
/// one that nobody may create. A refusal of the whole request concerns every topic of it.
pub(crate) fn create_topics(
    image: &ClusterImage,
    request: &CreateTopics,
    settings: &Settings,
) -> Result<Decision<Vec<TopicOutcome>>, Refusal> {
    let (topics, mut last) = set_aside(&request.topics);
    check_size(&topics, settings)?;
    let mut outcomes = Vec::with_capacity(request.topics.len());
    let mut records = Vec::new();
    let mut folded = BTreeSet::new();
    for topic in topics {
        let outcome = create_topic(image, topic, settings, &mut folded);
        outcomes.push((
            topic.name.clone(),
            outcome.map(|(created, of_topic)| {
                records.extend(of_topic);
                created
            }),
        ));
    }
    if records.len() > RECORDS_MAX {
        let message =
            format!("Unable to perform excessively large batch operation: {} records.", records.len());
        return Err(Refusal::new(Reason::PolicyViolation, message));
    }
    if request.validate_only {
        records.clear();
    }
    outcomes.append(&mut last);
    Ok(Decision::whole(records, outcomes))
}

/// The topics to decide, and the outcomes of those that are refused for their name alone.
fn set_aside(topics: &[NewTopic]) -> (Vec<&NewTopic>, Vec<TopicOutcome>) {
    let mut occurrences: BTreeMap<&str, usize> = BTreeMap::new();
    for topic in topics {
        *occurrences.entry(&topic.name).or_default() += 1;
    }
    let refuse =
        |name: &str, message: &str| (name.to_owned(), Err(Refusal::new(Reason::InvalidRequest, message)));
    let twice = occurrences.iter().filter(|(_, times)| **times > 1);
    let mut outcomes: Vec<TopicOutcome> =
        twice.map(|(name, _)| refuse(name, "Duplicate topic name.")).collect();
    if occurrences.get(METADATA_TOPIC) == Some(&1) {
        let message = format!("Creation of internal topic {METADATA_TOPIC} is prohibited.");
        outcomes.push(refuse(METADATA_TOPIC, &message));
    }
    let decided = |topic: &&NewTopic| occurrences[topic.name.as_str()] == 1 && topic.name != METADATA_TOPIC;
    (topics.iter().filter(decided).collect(), outcomes)
}

fn check_size(topics: &[&NewTopic], settings: &Settings) -> Result<(), Refusal> {
    let partitions = |topic: &&NewTopic| match (topic.assignments.len(), topic.partitions) {
        (0, -1) => u64::from(settings.num_partitions),
        (0, given) => u64::try_from(given).unwrap_or(0),
        (assigned, _) => assigned as u64,
    };
    if topics.iter().map(partitions).sum::<u64>() > PARTITIONS_MAX {
        let message = "Excessively large number of partitions per request.";
        return Err(Refusal::new(Reason::PolicyViolation, message));
    }
    Ok(())
}

fn create_topic(
    image: &ClusterImage,
    topic: &NewTopic,
    settings: &Settings,
    folded: &mut BTreeSet<String>,
) -> Result<(CreatedTopic, Vec<MetadataRecord>), Refusal> {
    check_name(image, &topic.name, folded)?;
    let below = image.layers_below(settings.node, &settings.fixed);
    let overrides = overrides_of_new_topic(&topic.configs, below)?;
    let replicas =
        if topic.assignments.is_empty() { placed(image, topic, settings)? } else { assigned(image, topic)? };
    let id = topic_id(image, topic.draws.id);
    folded.extend(topic_name::folded(&topic.name));
    let created = CreatedTopic {
        id,
        partitions: replicas.len() as i32,
        replication_factor: replicas[0].len() as i16,
        configs: Layers { topic: &overrides, ..below }.entries(),
    };
    Ok((created, records(image, topic, id, &overrides, &replicas)))
}

/// A name must be legal, new, and not be taken for another one where metrics are named.
fn check_name(image: &ClusterImage, name: &str, folded: &BTreeSet<String>) -> Result<(), Refusal> {
    if image.topic_named(name).is_some() {
        return Err(Refusal::new(Reason::TopicExists, format!("Topic '{name}' already exists.")));
    }
    check_topic_name(name)?;
    let Some(fold) = topic_name::folded(name) else {
        return Ok(());
    };
    let collides = |other: &str| {
        let message = format!("Topic '{name}' collides with existing topic: {other}");
        Err(Refusal::new(Reason::InvalidTopic, message))
    };
    match image.topics_folded_to(&fold).next() {
        Some(other) => collides(other),
        None if folded.contains(&fold) => collides("another one of this request"),
        None => Ok(()),
    }
}

/// Replicas where the controller puts them.
fn placed(
    image: &ClusterImage,
    topic: &NewTopic,
    settings: &Settings,
) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        let message = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err(Refusal::new(Reason::InvalidReplicationFactor, message));
    }
    if topic.partitions < -1 || topic.partitions == 0 {
        let message = "Number of partitions was set to an invalid non-positive value.";
        return Err(Refusal::new(Reason::InvalidPartitions, message));
    }
    let count =
        if topic.partitions == -1 { settings.num_partitions as usize } else { topic.partitions as usize };
    let factor = match topic.replication_factor {
        -1 => settings.default_replication_factor,
        given => given,
    };
    placement::place(image, count, factor, topic.draws.start).map_err(|refusal| {
        let message = format!("Unable to replicate the partition {factor} time(s): {}", refusal.message);
        Refusal::new(refusal.reason, message)
    })
}

/// Replicas where the request puts them.
fn assigned(image: &ClusterImage, topic: &NewTopic) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let invalid_request = |what| {
        let message = format!("A manual partition assignment was specified, but {what} was not set to -1.");
        Err(Refusal::new(Reason::InvalidRequest, message))
    };
    if topic.replication_factor != -1 {
        return invalid_request("replication factor");
    }
    if topic.partitions != -1 {
        return invalid_request("numPartitions");
    }
    let refuse = |message: String| Err(Refusal::new(Reason::InvalidReplicaAssignment, message));
    let mut partitions: BTreeMap<i32, Vec<BrokerId>> = BTreeMap::new();
    for ReplicaAssignment { partition, brokers } in &topic.assignments {
        if partitions.contains_key(partition) {
            return refuse(format!("Found multiple manual partition assignments for partition {partition}"));
        }
        let replicas: Vec<BrokerId> = brokers.iter().copied().map(BrokerId).collect();
        check_assignment(image, &replicas, partitions.values().next().map(Vec::len))?;
        if !replicas.iter().any(|id| is_active(image, *id)) {
            return refuse(format!(
                "All brokers specified in the manual partition assignment for partition {partition} are fenced or \
                 in controlled shutdown."
            ));
        }
        partitions.insert(*partition, replicas);
    }
    if !partitions.keys().copied().eq(0..partitions.len() as i32) {
        return refuse("partitions should be a consecutive 0-based integer sequence".to_owned());
    }
    Ok(partitions.into_values().collect())
}

/// An id in Kafka's sense: random, and its text does not begin with a `-`, which command lines would take for an
/// option (of the 64 digits, that one is given up for its neighbour).
fn topic_id(image: &ClusterImage, [high, low]: [u64; 2]) -> TopicId {
    let dashed = Uuid::from_draws(high, low).to_string().starts_with('-');
    let id = TopicId(Uuid::from_draws(if dashed { high & !(1 << 63) } else { high }, low));
    assert!(image.topic(id).is_none(), "the id {id} was drawn twice: the source of draws is broken");
    id
}

/// The topic, then its configs, then its partitions.
fn records(
    image: &ClusterImage,
    topic: &NewTopic,
    id: TopicId,
    overrides: &Overrides,
    replicas: &[Vec<BrokerId>],
) -> Vec<MetadataRecord> {
    let mut records = Vec::with_capacity(1 + overrides.len() + replicas.len());
    records.push(MetadataRecord::Topic(TopicRecord { name: topic.name.clone(), topic_id: id.0 }));
    for (name, value) in overrides {
        records.push(MetadataRecord::Config(ConfigRecord {
            resource_type: ResourceKind::Topic.code(),
            resource_name: topic.name.clone(),
            name: name.to_string(),
            value: Some(value.to_string()),
        }));
    }
    for (index, replicas) in replicas.iter().enumerate() {
        records.push(MetadataRecord::Partition(partition_record(image, id, index as i32, replicas)));
    }
    records
}

#[cfg(test)]
#[path = "create_topics_test.rs"]
mod tests;
