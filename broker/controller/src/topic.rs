//! Topics and partitions as the metadata log describes them.

use imbl::OrdMap;
use model::{BrokerId, DirectoryId, LeaderEpoch, PartitionEpoch, PartitionIndex, PartitionKey, TopicId};
use std::sync::Arc;

/// A topic: its name, its id, and its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Unique among the topics that exist.
    pub name: Arc<str>,
    /// Unique for ever.
    pub id: TopicId,
    /// From 0 up, without gaps once the batch that created them has been replayed.
    pub partitions: OrdMap<PartitionIndex, Arc<Partition>>,
}

/// Whether the leader was elected from the ISR, or has data to recover first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderRecovery {
    /// From the ISR, or recovery is over.
    Recovered,
    /// Elected from outside the ISR.
    Recovering,
}

/// One partition: where its replicas are, who leads it, since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The directory of each replica, in the order of `replicas`.
    pub directories: Vec<DirectoryId>,
    /// The replicas in sync, which have every committed record. Empty only where eligible leader replicas are known
    /// (KIP-966), and then there is no leader.
    pub isr: Vec<BrokerId>,
    /// Replicas that a reassignment is removing.
    pub removing: Vec<BrokerId>,
    /// Replicas that a reassignment is adding.
    pub adding: Vec<BrokerId>,
    /// Replicas outside of an ISR below `min.insync.replicas` that have every committed record all the same, available
    /// or not (KIP-966).
    pub elr: Vec<BrokerId>,
    /// The last leader, while there is none.
    pub last_known_elr: Vec<BrokerId>,
    /// Who leads; none while nobody that may is available.
    pub leader: Option<BrokerId>,
    /// Whether the leader has yet to recover.
    pub recovery: LeaderRecovery,
    /// How many times the leader has changed.
    pub leader_epoch: LeaderEpoch,
    /// How many times anything has changed.
    pub partition_epoch: PartitionEpoch,
}

impl Topic {
    /// One of its partitions.
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<Partition>> {
        self.partitions.get(&index)
    }

    /// The key of one of its partitions.
    pub fn key(&self, index: PartitionIndex) -> PartitionKey {
        PartitionKey { topic: self.id, index }
    }

    /// The number of replicas of its first partition, which is what the topic was created with.
    pub fn replication_factor(&self) -> usize {
        self.partitions.values().next().map_or(0, |partition| partition.replicas.len())
    }
}

impl Partition {
    /// Whether `broker` holds a replica.
    pub fn is_replica(&self, broker: BrokerId) -> bool {
        self.replicas.contains(&broker)
    }

    /// Whether the first replica leads.
    pub fn has_preferred_leader(&self) -> bool {
        self.leader == self.replicas.first().copied()
    }

    /// The directory of a broker's replica.
    pub fn directory(&self, broker: BrokerId) -> Option<DirectoryId> {
        let at = self.replicas.iter().position(|replica| *replica == broker)?;
        self.directories.get(at).copied()
    }

    /// The brokers under which the image's index lists this partition: the ISR, and nobody when there is no leader.
    pub(crate) fn indexed_under(&self) -> impl Iterator<Item = BrokerId> + '_ {
        let leaderless = self.leader.is_none().then_some(BrokerId::NONE);
        self.isr.iter().copied().chain(leaderless)
    }

    /// What must hold for every partition that this controller writes: the leader is in sync, whoever is in sync is
    /// a replica, nobody is one twice, and every replica has a directory.
    pub fn assert_invariants(&self) {
        assert!(!self.replicas.is_empty(), "a partition without replicas");
        assert_eq!(self.replicas.len(), self.directories.len(), "a directory for each replica");
        let mut sorted = self.replicas.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), self.replicas.len(), "replicas are different brokers: {:?}", self.replicas);
        assert!(self.isr.iter().all(|broker| self.is_replica(*broker)), "the ISR is among the replicas");
        assert!(self.leader.is_none_or(|leader| self.isr.contains(&leader)), "the leader is in the ISR");
        assert!(self.elr.iter().all(|broker| self.is_replica(*broker)), "the ELR is among the replicas");
        assert!(!self.elr.iter().any(|broker| self.isr.contains(broker)), "the ELR is outside of the ISR");
        let known = !self.elr.is_empty() || !self.last_known_elr.is_empty();
        assert!(!self.isr.is_empty() || known, "somebody may lead when he is back");
    }
}
