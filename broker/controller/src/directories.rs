//! Replicas whose directory is gone: a disk was replaced, and the broker is back with another one.
//!
//! A replica leads only from the directory that its record names (KIP-858). Brokers of several directories tell where they
//! have put a replica; of one that has a single directory that is known beforehand. Without this a replica that was filled
//! anew would be in sync and could never lead: a partition that has lost its other replicas would have no leader for ever.
//!
//! Whoever may be elected for what it had (a member of the ISR or the ELR, the last leader) stays where that was: the new
//! directory does not have it.

use crate::broker::Broker;
use crate::image::ClusterImage;
use crate::snapshot::directory_ids;
use crate::topic::Partition;
use model::{Offset, PartitionKey};
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
    let directory = partition.directory(broker.id)?;
    let counts = [&partition.isr, &partition.elr, &partition.last_known_elr];
    if broker.has_online(Some(directory)) || counts.iter().any(|ids| ids.contains(&broker.id)) {
        return None;
    }
    let replicas = partition.replicas.iter().zip(&partition.directories);
    let directories: Vec<_> = replicas
        .map(|(id, directory)| if *id == broker.id { broker.default_directory() } else { *directory })
        .collect();
    Some(PartitionChangeRecord {
        topic_id: key.topic.0,
        partition_id: key.index.0,
        directories: Some(directory_ids(&directories)),
        ..PartitionChangeRecord::default()
    })
}
