//! Elections that somebody asks for: ElectLeaders (key 43), and the preferred leaders that the controller restores
//! by itself now and then.
//!
//! The first of a partition's replicas is its *preferred* leader: replicas are placed so that these are spread
//! evenly. Leaders move away from brokers that go, and not back when those come again; somebody has to ask for it,
//! by a request or with `auto.leader.rebalance.enable`.

use crate::controller::Settings;
use crate::decision::{Decision, RECORDS_MAX, Reason, Refusal};
use crate::election::{TopicRules, may_lead};
use crate::image::ClusterImage;
use crate::partition_change::{self, Election, Target};
use crate::topic::{Partition, Topic};
use model::time::Duration;
use model::{Instant, PartitionIndex};
use records::metadata::{MetadataRecord, PartitionChangeRecord};

/// The most elections of one round of balancing, Kafka's bound. More are left to the next round, which follows soon.
pub const BALANCE_MAX: usize = 1000;

/// How soon: others get their turn in between, and a round that could not be appended is not repeated in a circle.
const BALANCE_AGAIN: Duration = Duration::from_millis(100);

/// Which leaders are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionKind {
    /// The preferred ones.
    Preferred,
    /// Any, for partitions that have none: what the leader lacks is lost.
    Unclean,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectLeaders {
    /// Which leaders.
    pub kind: ElectionKind,
    /// Of which partitions, by topic; none for all that there are.
    pub partitions: Option<Vec<(String, Vec<i32>)>>,
}

/// What became of the partitions of one topic, by their numbers.
pub type ElectionOutcomes = (String, Vec<(i32, Result<(), Refusal>)>);

/// Decides a request. Where all partitions are meant, those that need no election are not listed.
pub(crate) fn elect_leaders(
    image: &ClusterImage,
    request: &ElectLeaders,
    settings: &Settings,
) -> Result<Decision<Vec<ElectionOutcomes>>, Refusal> {
    let mut rules = TopicRules::new(image, settings);
    let mut records = Vec::new();
    let mut elect = |topic: &Topic, index: i32| {
        let record = elect(image, topic, index, request.kind, &mut rules)?;
        records.push(MetadataRecord::PartitionChange(record));
        Ok(())
    };
    let mut outcomes: Vec<ElectionOutcomes> = Vec::new();
    match &request.partitions {
        Some(topics) => {
            for (name, indexes) in topics {
                let outcome = |index: &i32| match image.topic_named(name) {
                    Some(topic) => (*index, elect(topic, *index)),
                    None => (*index, Err(unknown(format!("No such topic as {name}")))),
                };
                outcomes.push((name.clone(), indexes.iter().map(outcome).collect()));
            }
        }
        None => {
            for topic in image.topics() {
                let outcome = |index: &PartitionIndex| (index.0, elect(topic, index.0));
                let needed = |(_, outcome): &(i32, Result<(), Refusal>)| {
                    outcome.as_ref().err().is_none_or(|refusal| refusal.reason != Reason::ElectionNotNeeded)
                };
                let of_topic = topic.partitions.keys().map(outcome).filter(needed).collect();
                outcomes.push((topic.name.to_string(), of_topic));
            }
        }
    }
    if records.len() > RECORDS_MAX {
        let message =
            format!("Unable to perform excessively large batch operation: {} records.", records.len());
        return Err(Refusal::new(Reason::PolicyViolation, message));
    }
    Ok(Decision::prefixes(records, outcomes))
}

fn elect(
    image: &ClusterImage,
    topic: &Topic,
    index: i32,
    kind: ElectionKind,
    rules: &mut TopicRules<'_>,
) -> Result<PartitionChangeRecord, Refusal> {
    let Some(partition) = topic.partition(PartitionIndex(index)) else {
        return Err(unknown(format!("No such partition as {}-{index}", topic.name)));
    };
    let (not_needed, election) = match kind {
        ElectionKind::Preferred => (partition.has_preferred_leader(), Election::Preferred),
        ElectionKind::Unclean => (partition.leader.is_some(), Election::Unclean),
    };
    if not_needed {
        let message = "Leader election not needed for topic partition.";
        return Err(Refusal::new(Reason::ElectionNotNeeded, message));
    }
    let change = change(image, topic, PartitionIndex(index), partition, election, rules);
    change.ok_or_else(|| match kind {
        ElectionKind::Preferred => {
            Refusal::new(Reason::PreferredLeaderNotAvailable, "The preferred leader was not available.")
        }
        ElectionKind::Unclean => {
            let message = "Eligible topic partition leaders are not available.";
            Refusal::new(Reason::EligibleLeadersNotAvailable, message)
        }
    })
}

/// The change that gives a partition another leader; none when nobody else may lead. A leader that may not lead any more
/// stays until the decision that takes it away, which sees to the ISR as well.
fn change(
    image: &ClusterImage,
    topic: &Topic,
    index: PartitionIndex,
    partition: &Partition,
    election: Election,
    rules: &mut TopicRules<'_>,
) -> Option<PartitionChangeRecord> {
    let may_lead = |id| may_lead(image, partition, id);
    let target = Target::of(partition, election);
    let change = partition_change::change(topic.key(index), partition, target, rules.of(topic), &may_lead);
    change.filter(|record| record.leader >= 0)
}

fn unknown(message: String) -> Refusal {
    Refusal::new(Reason::UnknownTopicOrPartition, message)
}

/// When the active controller restores preferred leaders.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    /// `leader.imbalance.check.interval.seconds`; none where `auto.leader.rebalance.enable` is off.
    interval: Option<Duration>,
    /// When the next round is due; none on a standby.
    due: Option<Instant>,
}

impl Balance {
    pub(crate) fn new(interval: Option<Duration>) -> Balance {
        Balance { interval, due: None }
    }

    /// The node has become the active controller.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.due = self.interval.map(|interval| now + interval);
    }

    /// The node is a standby.
    pub(crate) fn end(&mut self) {
        self.due = None;
    }

    /// When the next round is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A round that is due: elections of at most [`BALANCE_MAX`] preferred leaders. None when it is not due, or when
    /// nothing is to be done.
    pub(crate) fn round(
        &mut self,
        now: Instant,
        image: &ClusterImage,
        settings: &Settings,
    ) -> Option<Vec<MetadataRecord>> {
        let interval = self.interval.filter(|_| self.due.is_some_and(|due| due <= now))?;
        let mut rules = TopicRules::new(image, settings);
        let changes = image.partitions_led_by_another().filter_map(|key| {
            let topic = image.topic(key.topic).expect("indexed partitions exist");
            let partition = topic.partition(key.index).expect("indexed partitions exist");
            change(image, topic, key.index, partition, Election::Preferred, &mut rules)
        });
        let records: Vec<_> = changes.take(BALANCE_MAX).map(MetadataRecord::PartitionChange).collect();
        self.due = Some(now + if records.len() < BALANCE_MAX { interval } else { BALANCE_AGAIN });
        (!records.is_empty()).then_some(records)
    }
}

#[cfg(test)]
#[path = "elect_leaders_test.rs"]
mod tests;
