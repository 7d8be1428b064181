//! AlterPartition (key 56): a leader says who is in sync (KIP-497).
//!
//! The controller takes a leader's word for how far its followers are, and checks all else: that it leads in the
//! present epoch, that it knew the partition as it is, and that whoever it takes in is alive, in the incarnation that
//! it means (KIP-841, KIP-903). A broker that is fenced or on its way down is in no ISR. What it is told back is what
//! the partition is from now on; nothing else of it changes, least of all its leader.

use crate::brokers;
use crate::controller::Settings;
use crate::decision::{Decision, Reason, Refusal};
use crate::directories;
use crate::election::{TopicRules, may_lead};
use crate::image::ClusterImage;
use crate::partition_change::{self, Election, Target};
use crate::replay::LEADER_UNCHANGED;
use crate::snapshot::directory_ids;
use crate::topic::{LeaderRecovery, Partition};
use model::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionKey};
use records::metadata::PartitionChangeRecord;
use std::collections::BTreeSet;

/// What one broker says of partitions that it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartitions {
    /// The broker.
    pub leader: BrokerId,
    /// The epoch of its registration.
    pub epoch: BrokerEpoch,
    /// The partitions, in the request's order.
    pub partitions: Vec<AlterPartition>,
}

/// What it says of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartition {
    /// The partition.
    pub key: PartitionKey,
    /// The epoch in which it leads.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of the partition that it knows.
    pub partition_epoch: PartitionEpoch,
    /// Who is in sync, itself included. Epochs are not told by requests below version 3.
    pub isr: Vec<(BrokerId, Option<BrokerEpoch>)>,
    /// Whether it has yet to recover.
    pub recovery: LeaderRecovery,
}

/// What the partition is from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredPartition {
    /// Who leads.
    pub leader: BrokerId,
    /// Since which epoch.
    pub leader_epoch: LeaderEpoch,
    /// Who is in sync.
    pub isr: Vec<BrokerId>,
    /// Whether the leader has yet to recover.
    pub recovery: LeaderRecovery,
    /// The epoch of the partition.
    pub partition_epoch: PartitionEpoch,
}

/// What became of one partition.
pub type AlterOutcome = (PartitionKey, Result<AlteredPartition, Refusal>);

/// Decides a request, partition by partition. A broker of the past is refused as a whole.
pub(crate) fn alter_partitions(
    image: &ClusterImage,
    request: &AlterPartitions,
    settings: &Settings,
) -> Result<Decision<Vec<AlterOutcome>>, Refusal> {
    brokers::check_epoch(image, request.leader, request.epoch)?;
    let mut rules = TopicRules::new(image, settings);
    let mut records = Vec::new();
    let mut altered = BTreeSet::new();
    let mut outcomes = Vec::with_capacity(request.partitions.len());
    for wanted in &request.partitions {
        let key = wanted.key;
        let checked = match altered.insert(key) {
            true => check(image, request.leader, wanted),
            false => refuse(Reason::InvalidUpdateVersion, format!("Partition {key} is altered twice.")),
        };
        if checked.as_ref().is_err_and(|refusal| refusal.reason == Reason::IneligibleReplica) {
            records.push(void_earlier_copies(key).into());
        }
        let outcome = checked.map(|partition| {
            let target = Target {
                isr: wanted.isr.iter().map(|(id, _)| *id).collect(),
                recovery: wanted.recovery,
                lost: None,
                election: Election::Online,
            };
            let rules = rules.of(image.topic(key.topic).expect("it has the partition"));
            let may_lead = |id| may_lead(image, partition, id) || id == request.leader;
            let change = partition_change::change(key, partition, target.clone(), rules, &may_lead);
            let epochs = i32::from(change.is_some());
            if let Some(mut record) = change {
                // Its leader means the replica that it has now, wherever there was one before.
                let member = |id| image.broker(id).filter(|_| target.isr.contains(&id)).map(AsRef::as_ref);
                record.directories =
                    directories::present(partition, member).map(|present| directory_ids(&present));
                assert_eq!(record.leader, LEADER_UNCHANGED, "a leader that is in sync stays");
                records.push(record.into());
            }
            AlteredPartition {
                leader: request.leader,
                leader_epoch: partition.leader_epoch,
                isr: target.isr,
                recovery: target.recovery,
                partition_epoch: PartitionEpoch(partition.partition_epoch.0 + epochs),
            }
        });
        outcomes.push((key, outcome));
    }
    Ok(Decision::prefixes(records, outcomes))
}

/// A leader goes on without whoever it is told can't be taken in. But it may have asked before, without an answer: that copy,
/// still on its way, must not take in later whoever is eligible again by then. So the partition has another epoch from now on.
fn void_earlier_copies(key: PartitionKey) -> PartitionChangeRecord {
    PartitionChangeRecord {
        topic_id: key.topic.0,
        partition_id: key.index.0,
        ..PartitionChangeRecord::default()
    }
}

/// The partition as it is, if the leader may alter it so.
fn check<'a>(
    image: &'a ClusterImage,
    leader: BrokerId,
    wanted: &AlterPartition,
) -> Result<&'a Partition, Refusal> {
    let key = wanted.key;
    let Some(topic) = image.topic(key.topic) else {
        return refuse(Reason::UnknownTopicId, format!("There is no topic {}.", key.topic));
    };
    let Some(partition) = topic.partition(key.index) else {
        return refuse(Reason::UnknownTopicOrPartition, format!("There is no partition {key}."));
    };
    let (known, epoch) = (partition.leader_epoch, wanted.leader_epoch);
    let (version, expected) = (partition.partition_epoch, wanted.partition_epoch);
    if epoch > known || expected > version {
        // Whoever knows more than this controller has it from another one.
        let message =
            format!("Partition {key} is known here at leader epoch {known}, partition epoch {version}.");
        return refuse(Reason::NotController, message);
    }
    if epoch < known {
        return refuse(
            Reason::FencedLeaderEpoch,
            format!("The leader epoch of {key} is {known}, not {epoch}."),
        );
    }
    if partition.leader != Some(leader) {
        return refuse(Reason::InvalidRequest, format!("Broker {leader} does not lead {key}."));
    }
    if expected < version {
        let message = format!("The partition epoch of {key} is {version}, not {expected}.");
        return refuse(Reason::InvalidUpdateVersion, message);
    }
    let isr: Vec<BrokerId> = wanted.isr.iter().map(|(id, _)| *id).collect();
    let distinct: BTreeSet<_> = isr.iter().collect();
    if distinct.len() < isr.len() || !isr.iter().all(|id| partition.is_replica(*id)) || !isr.contains(&leader)
    {
        let message =
            format!("The ISR of {key} can't be {isr:?}: its replicas are {:?}.", partition.replicas);
        return refuse(Reason::InvalidRequest, message);
    }
    let recovers = wanted.recovery == LeaderRecovery::Recovering;
    if recovers && (isr.len() > 1 || partition.recovery == LeaderRecovery::Recovered) {
        let message = format!("The leader of {key} has recovered, or has yet to recover alone.");
        return refuse(Reason::InvalidRequest, message);
    }
    for (id, epoch) in &wanted.isr {
        ineligible(image, *id, *epoch).map_or(Ok(()), |why| {
            refuse(Reason::IneligibleReplica, format!("Broker {id} can't be in the ISR of {key}: {why}."))
        })?;
    }
    Ok(partition)
}

/// Why a broker may be in no ISR.
fn ineligible(image: &ClusterImage, id: BrokerId, epoch: Option<BrokerEpoch>) -> Option<String> {
    let Some(broker) = image.broker(id) else { return Some("it is not registered".to_owned()) };
    if broker.in_controlled_shutdown {
        return Some("it is shutting down".to_owned());
    }
    if broker.fenced {
        return Some("it is fenced".to_owned());
    }
    let other = epoch.filter(|epoch| *epoch != broker.epoch)?;
    Some(format!("its epoch is {}, not {other}", broker.epoch))
}

fn refuse<T>(reason: Reason, message: String) -> Result<T, Refusal> {
    Err(Refusal::new(reason, message))
}

#[cfg(test)]
#[path = "alter_partition_test.rs"]
mod tests;
