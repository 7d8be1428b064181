//! Replicas whose directory is gone: a disk was replaced, and the broker is back with another one.
//!
//! A replica leads only from the directory that its record names (KIP-858). Brokers of several directories tell where they
//! have put a replica; of one that has a single directory that is known beforehand. Without this a replica that was filled
//! anew would be in sync and could never lead: a partition that has lost its other replicas would have no leader for ever.
//!
//! Whoever may be elected for what it had (a member of the ISR or the ELR, the last leader) stays where that was: the new
//! directory does not have it. When its leader says that it is in sync again, it is where it is now.

use crate::broker::Broker;
use crate::image::ClusterImage;
use crate::snapshot::directory_ids;
use crate::topic::Partition;
use model::{BrokerId, DirectoryId, Offset, PartitionKey};
use records::metadata::{MetadataRecord, PartitionChangeRecord};

/// The records that move the replicas of a broker that registers as `broker` out of directories that it has no more. They
/// follow `before`, which take it out of ISRs and ELRs, the first of them at `next`.
pub(crate) fn moves(
    image: &ClusterImage,
    before: &[MetadataRecord],
    next: Offset,
    broker: &Broker,
) -> Vec<MetadataRecord> {
    if image.replicas_on(broker.id) == 0 {
        return Vec::new();
    }
    let mut image = image.clone();
    for (record, at) in before.iter().zip(0..) {
        image.replay(next.plus(at), record).expect("what is decided can be replayed");
    }
    let mut records = Vec::new();
    for topic in image.topics() {
        for (index, partition) in &topic.partitions {
            let change = moved(topic.key(*index), partition, broker);
            records.extend(change.map(MetadataRecord::PartitionChange));
        }
    }
    records
}

fn moved(key: PartitionKey, partition: &Partition, broker: &Broker) -> Option<PartitionChangeRecord> {
    let counts = [&partition.isr, &partition.elr, &partition.last_known_elr];
    if counts.iter().any(|ids| ids.contains(&broker.id)) {
        return None;
    }
    Some(PartitionChangeRecord {
        topic_id: key.topic.0,
        partition_id: key.index.0,
        directories: Some(directory_ids(&present(partition, |id| (id == broker.id).then_some(broker))?)),
        ..PartitionChangeRecord::default()
    })
}

/// The directories of a partition's replicas, those of brokers that `broker` gives and that have them no more replaced by the
/// ones that they have. None where all are as they were.
pub(crate) fn present<'a>(
    partition: &Partition,
    broker: impl Fn(BrokerId) -> Option<&'a Broker>,
) -> Option<Vec<DirectoryId>> {
    let of = |(id, directory): (&BrokerId, &DirectoryId)| match broker(*id) {
        Some(broker) if !broker.has_online(Some(*directory)) => broker.default_directory(),
        _ => *directory,
    };
    let directories: Vec<_> = partition.replicas.iter().zip(&partition.directories).map(of).collect();
    (directories != partition.directories).then_some(directories)
}
