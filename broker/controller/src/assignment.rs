//! New partitions, of new topics and of old ones: the checks of where a request wants them, and their records.

use crate::decision::{Reason, Refusal};
use crate::image::ClusterImage;
use model::{BrokerId, DirectoryId, TopicId};
use records::metadata::PartitionRecord;

/// Checks one partition's replicas; `factor` is what the partitions before it have.
pub(crate) fn check_assignment(
    image: &ClusterImage,
    replicas: &[BrokerId],
    factor: Option<usize>,
) -> Result<(), Refusal> {
    let refuse = |what: String| {
        let message = format!("The manual partition assignment includes {what}");
        Err(Refusal::new(Reason::InvalidReplicaAssignment, message))
    };
    if replicas.is_empty() {
        return refuse("an empty replica list.".to_owned());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    for (at, id) in sorted.iter().enumerate() {
        match image.broker(*id) {
            None => return refuse(format!("broker {id}, but no such broker is registered.")),
            Some(broker) if !broker.takes_replicas() => {
                return refuse(format!("broker {id}, but all its log directories are cordoned."));
            }
            Some(_) if at > 0 && sorted[at - 1] == *id => {
                return refuse(format!("the broker {id} more than once."));
            }
            Some(_) => {}
        }
    }
    match factor {
        Some(factor) if factor != replicas.len() => refuse(format!(
            "a partition with {} replica(s), but this is not consistent with previous partitions, which have \
             {factor} replica(s).",
            replicas.len()
        )),
        _ => Ok(()),
    }
}

/// Whether a broker may lead and be in sync.
pub(crate) fn is_active(image: &ClusterImage, id: BrokerId) -> bool {
    image.broker(id).is_some_and(|broker| broker.is_active())
}

/// A new partition, led by the first of its replicas that is available. One of them is.
pub(crate) fn partition_record(
    image: &ClusterImage,
    topic: TopicId,
    index: i32,
    replicas: &[BrokerId],
) -> PartitionRecord {
    let isr: Vec<i32> = replicas.iter().filter(|id| is_active(image, **id)).map(|id| id.0).collect();
    let directory =
        |id: &BrokerId| image.broker(*id).map_or(DirectoryId::UNASSIGNED, |b| b.default_directory()).0;
    PartitionRecord {
        partition_id: index,
        topic_id: topic.0,
        replicas: replicas.iter().map(|id| id.0).collect(),
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader: isr[0],
        isr,
        leader_recovery_state: 0,
        leader_epoch: 0,
        partition_epoch: 0,
        directories: replicas.iter().map(directory).collect(),
        eligible_leader_replicas: None,
        last_known_elr: None,
    }
}
