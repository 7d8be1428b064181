//! What clients are shown of brokers and partitions, whichever API they ask with.

use controller::{ClusterImage, Partition};
use model::BrokerId;

/// What anybody may do to a topic, there being no authorizer: read, write, create, delete, alter, describe, describe
/// configs and alter configs, by Kafka's bits.
pub const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// And to the cluster: create, alter, describe, cluster action, describe configs, alter configs and idempotent write.
pub const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

/// Whether a broker is registered and not fenced.
pub fn is_online(image: &ClusterImage, id: BrokerId) -> bool {
    image.broker(id).is_some_and(|broker| !broker.fenced)
}

/// Who leads a partition and can be reached.
pub fn leader(image: &ClusterImage, partition: &Partition) -> Option<BrokerId> {
    partition.leader.filter(|id| is_online(image, *id))
}

/// Who holds a partition and is not there.
pub fn offline_replicas(image: &ClusterImage, partition: &Partition) -> Vec<i32> {
    let replicas = partition.replicas.iter();
    replicas.filter(|id| !is_online(image, **id)).map(|id| id.0).collect()
}

/// The controller that a broker names to its clients: itself, as any broker passes requests on (KIP-590), or while it is
/// fenced the next one that it shows them, of which a client knows where it is; -1 if there is none. Apache Kafka's
/// brokers name any that is not fenced.
pub fn controller(me: BrokerId, online: impl IntoIterator<Item = i32>) -> i32 {
    let next = online.into_iter().min_by_key(|id| (*id < me.0, *id));
    next.unwrap_or(BrokerId::NONE.0)
}

/// The numbers of brokers.
pub fn ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

#[cfg(test)]
#[path = "shown_test.rs"]
pub mod tests;
