//! The in-sync replicas: those whose word a commit waits for.

use model::BrokerId;
use std::collections::BTreeSet;

/// The in-sync replicas of one partition, among all its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isr {
    /// Every broker that the partition is assigned to.
    replicas: BTreeSet<BrokerId>,
    /// Those in sync. Invariant: part of `replicas`.
    members: BTreeSet<BrokerId>,
    /// `min.insync.replicas`, as configured.
    min: usize,
}

impl Isr {
    /// From a partition's record in the metadata log and the topic's `min.insync.replicas`.
    ///
    /// Panics when a member is not a replica: the controller never writes such a record.
    pub fn new(replicas: &[BrokerId], members: &[BrokerId], min: usize) -> Isr {
        let isr = Isr {
            replicas: replicas.iter().copied().collect(),
            members: members.iter().copied().collect(),
            min,
        };
        assert!(isr.members.is_subset(&isr.replicas), "in-sync replicas {members:?} of {replicas:?}");
        isr
    }

    /// The same replicas under another `min.insync.replicas`.
    pub fn with_min(self, min: usize) -> Isr {
        Isr { min, ..self }
    }

    /// Other members among the same replicas. Panics as [`Isr::new`] does.
    pub fn with_members(self, members: &[BrokerId]) -> Isr {
        let isr = Isr { members: members.iter().copied().collect(), ..self };
        assert!(isr.members.is_subset(&isr.replicas), "in-sync replicas {members:?} of {:?}", isr.replicas);
        isr
    }

    /// Every replica, in the order of their ids.
    pub fn replicas(&self) -> impl Iterator<Item = BrokerId> + '_ {
        self.replicas.iter().copied()
    }

    /// Whether this broker has a replica.
    pub fn has_replica(&self, broker: BrokerId) -> bool {
        self.replicas.contains(&broker)
    }

    /// `min.insync.replicas`, as configured.
    pub fn min(&self) -> usize {
        self.min
    }

    /// Those in sync, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = BrokerId> + '_ {
        self.members.iter().copied()
    }

    /// How many are in sync.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether none is, which only an offline partition's record can say.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether this broker is in sync.
    pub fn contains(&self, broker: BrokerId) -> bool {
        self.members.contains(&broker)
    }

    /// How many must be in sync before anything commits. As in Kafka, asking for more than there are replicas
    /// means all of them.
    pub fn required(&self) -> usize {
        self.min.min(self.replicas.len())
    }

    /// Whether too few are in sync to commit.
    pub fn is_short(&self) -> bool {
        self.len() < self.required()
    }
}
