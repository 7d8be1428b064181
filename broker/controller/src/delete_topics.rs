//! DeleteTopics (key 20): topics go, by name or by id (KIP-516).
//!
//! A topic is deleted by one record, its partitions and configs with it. A topic created under the same name later
//! has another id and is another topic. A request that means one topic twice deletes it not at all: it may have been
//! meant differently.

use crate::controller::Settings;
use crate::decision::{Decision, RECORDS_MAX, Reason, Refusal};
use crate::image::ClusterImage;
use model::TopicId;
use records::metadata::{MetadataRecord, RemoveTopicRecord};
use std::collections::BTreeMap;

/// Which topic is to go, as a request says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicToDelete {
    /// Its name; none when it is given by its id.
    pub name: Option<String>,
    /// Its id; zero when it is given by its name.
    pub id: TopicId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, where it is known.
    pub name: Option<String>,
    /// Its id, where it is known, else zero.
    pub id: TopicId,
    /// Whether it was deleted.
    pub outcome: Result<(), Refusal>,
}

const ZERO: TopicId = TopicId(model::Uuid::ZERO);

/// Decides a request. The outcomes of what is no name and no id come first, then those of names and ids that occur
/// twice, then the others, each kind in order.
pub(crate) fn delete_topics(
    image: &ClusterImage,
    request: &[TopicToDelete],
    settings: &Settings,
) -> Result<Decision<Vec<DeletedTopic>>, Refusal> {
    if !settings.delete_topics {
        return Err(Refusal::new(Reason::TopicDeletionDisabled, "Topic deletion is disabled."));
    }
    let mut outcomes = Vec::new();
    let mut refuse = |name: Option<&str>, id: TopicId, reason: Reason, message: &str| {
        let outcome = Err(Refusal::new(reason, message));
        outcomes.push(DeletedTopic { name: name.map(str::to_owned), id, outcome });
    };
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids: BTreeMap<TopicId, usize> = BTreeMap::new();
    for topic in request {
        match (topic.name.as_deref(), topic.id) {
            (Some(name), ZERO) => *names.entry(name).or_default() += 1,
            (None, ZERO) => {
                refuse(None, ZERO, Reason::InvalidRequest, "Neither topic name nor id were specified.");
            }
            (None, id) => *ids.entry(id).or_default() += 1,
            (Some(name), id) => {
                let message = "You may not specify both topic name and topic id.";
                refuse(Some(name), id, Reason::InvalidRequest, message);
            }
        }
    }
    for (name, _) in names.iter().filter(|(_, times)| **times > 1) {
        refuse(Some(name), ZERO, Reason::InvalidRequest, "Duplicate topic name.");
    }
    for (id, _) in ids.iter().filter(|(_, times)| **times > 1) {
        refuse(None, *id, Reason::InvalidRequest, "Duplicate topic id.");
    }
    // What is left, by id; a topic that is meant by name and by id is meant twice.
    let mut found: BTreeMap<TopicId, &str> = BTreeMap::new();
    for (id, _) in ids.iter().filter(|(_, times)| **times == 1) {
        match image.topic(*id) {
            Some(topic) => _ = found.insert(*id, &topic.name),
            None => refuse(None, *id, Reason::UnknownTopicId, "This server does not host this topic ID."),
        }
    }
    for (name, _) in names.iter().filter(|(_, times)| **times == 1) {
        let Some(topic) = image.topic_named(name) else {
            let message = "This server does not host this topic-partition.";
            refuse(Some(name), ZERO, Reason::UnknownTopicOrPartition, message);
            continue;
        };
        if ids.contains_key(&topic.id) {
            found.remove(&topic.id);
            let message = "The provided topic name maps to an ID that was already supplied.";
            refuse(Some(name), topic.id, Reason::InvalidRequest, message);
        } else {
            found.insert(topic.id, &topic.name);
        }
    }
    if found.len() > RECORDS_MAX {
        let message =
            format!("Unable to perform excessively large batch operation: {} records.", found.len());
        return Err(Refusal::new(Reason::PolicyViolation, message));
    }
    let deleted = |(id, name): (&TopicId, &&str)| DeletedTopic {
        name: Some((*name).to_owned()),
        id: *id,
        outcome: Ok(()),
    };
    outcomes.extend(found.iter().map(deleted));
    let record = |id: &TopicId| MetadataRecord::from(RemoveTopicRecord { topic_id: id.0 });
    Ok(Decision::whole(found.keys().map(record).collect(), outcomes))
}

#[cfg(test)]
#[path = "delete_topics_test.rs"]
mod tests;
