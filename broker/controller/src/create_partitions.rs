//! CreatePartitions (key 37): a topic that exists gets more partitions.
//!
//! Each topic is decided by itself, and the records of all that are not refused are one batch. New partitions have as
//! many replicas as the first one of their topic.

use crate::assignment::{check_assignment, is_active, partition_record};
use crate::create_topics::PARTITIONS_MAX;
use crate::decision::{Decision, Reason, Refusal};
use crate::image::ClusterImage;
use crate::placement;
use crate::topic::Topic;
use model::BrokerId;
use records::metadata::MetadataRecord;
use std::collections::BTreeMap;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitions {
    /// The topics, in the request's order.
    pub topics: Vec<MorePartitions>,
    /// Only say what would happen.
    pub validate_only: bool,
}

/// One topic that is to have more partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MorePartitions {
    /// Its name.
    pub name: String,
    /// How many partitions it is to have in all.
    pub count: i32,
    /// The brokers of each new partition, the preferred leader first; none to leave it to the controller.
    pub assignments: Option<Vec<Vec<i32>>>,
    /// A draw, for the broker that the first of them is placed on.
    pub start: u64,
}

/// What became of one topic, by name.
pub type PartitionsOutcome = (String, Result<(), Refusal>);

/// Decides a request. The outcomes of names that occur twice come first, once each, then the others in the request's
/// order.
pub(crate) fn create_partitions(
    image: &ClusterImage,
    request: &CreatePartitions,
) -> Result<Decision<Vec<PartitionsOutcome>>, Refusal> {
    let mut occurrences: BTreeMap<&str, usize> = BTreeMap::new();
    for topic in &request.topics {
        *occurrences.entry(&topic.name).or_default() += 1;
    }
    let twice =
        |name: &str| (name.to_owned(), Err(Refusal::new(Reason::InvalidRequest, "Duplicate topic name.")));
    let mut outcomes: Vec<PartitionsOutcome> =
        occurrences.iter().filter(|(_, times)| **times > 1).map(|(name, _)| twice(name)).collect();
    let topics: Vec<_> =
        request.topics.iter().filter(|topic| occurrences[topic.name.as_str()] == 1).collect();
    let additional = |topic: &&MorePartitions| {
        let Some(existing) = image.topic_named(&topic.name) else { return 0 };
        u64::try_from(topic.count).unwrap_or(0).saturating_sub(existing.partitions.len() as u64)
    };
    if topics.iter().map(additional).sum::<u64>() > PARTITIONS_MAX {
        let message = "Excessively large number of partitions per request.";
        return Err(Refusal::new(Reason::PolicyViolation, message));
    }
    let mut records = Vec::new();
    for topic in topics {
        let outcome = more_partitions(image, topic).map(|of_topic| records.extend(of_topic));
        outcomes.push((topic.name.clone(), outcome));
    }
    if request.validate_only {
        records.clear();
    }
    Ok(Decision::whole(records, outcomes))
}

fn more_partitions(image: &ClusterImage, request: &MorePartitions) -> Result<Vec<MetadataRecord>, Refusal> {
    let Some(topic) = image.topic_named(&request.name) else {
        let message = "This server does not host this topic-partition.";
        return Err(Refusal::new(Reason::UnknownTopicOrPartition, message));
    };
    let first = topic.partitions.len() as i32;
    if request.count <= first {
        let message = if request.count == first {
            format!("Topic already has {first} partition(s).")
        } else {
            let Topic { name, .. } = &**topic;
            format!(
                "The topic {name} currently has {first} partition(s); {} would not be an increase.",
                request.count
            )
        };
        return Err(Refusal::new(Reason::InvalidPartitions, message));
    }
    let additional = (request.count - first) as usize;
    let factor = topic.replication_factor();
    let replicas = match &request.assignments {
        Some(assignments) => assigned(image, assignments, first, additional, factor)?,
        None => placement::place(image, additional, factor as i16, request.start)?,
    };
    let record = |(index, replicas): (i32, Vec<BrokerId>)| {
        MetadataRecord::from(partition_record(image, topic.id, index, &replicas))
    };
    Ok((first..).zip(replicas).map(record).collect())
}

/// Replicas where the request puts them; `first` is the first new partition's number.
fn assigned(
    image: &ClusterImage,
    assignments: &[Vec<i32>],
    first: i32,
    additional: usize,
    factor: usize,
) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let refuse = |message: String| Err(Refusal::new(Reason::InvalidReplicaAssignment, message));
    if assignments.len() != additional {
        return refuse(format!(
            "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
            assignments.len()
        ));
    }
    let mut partitions = Vec::with_capacity(additional);
    for (index, brokers) in (first..).zip(assignments) {
        let replicas: Vec<BrokerId> = brokers.iter().copied().map(BrokerId).collect();
        check_assignment(image, &replicas, Some(factor))?;
        if !replicas.iter().any(|id| is_active(image, *id)) {
            return refuse(format!(
                "All brokers specified in the manual partition assignment for partition {index} are fenced or in \
                 controlled shutdown."
            ));
        }
        partitions.push(replicas);
    }
    Ok(partitions)
}

#[cfg(test)]
#[path = "create_partitions_test.rs"]
mod tests;
