//! Registered nodes as the metadata log describes them.

use model::{BrokerEpoch, BrokerId, DirectoryId, Uuid};
use std::collections::BTreeMap;

/// Where a node listens under one listener's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeEndpoint {
    /// The listener's name.
    pub name: String,
    /// The host to connect to.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Kafka's number of the security protocol; 0 is plain text.
    pub security_protocol: i16,
}

/// The levels of a feature that a node supports (KIP-584).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureRange {
    /// The lowest.
    pub min: i16,
    /// The highest.
    pub max: i16,
}

impl FeatureRange {
    /// Whether `level` is one of them.
    pub fn contains(self, level: i16) -> bool {
        (self.min..=self.max).contains(&level)
    }
}

/// A broker as it registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its `node.id`.
    pub id: BrokerId,
    /// Which registration this is: the offset at which it was to be written.
    pub epoch: BrokerEpoch,
    /// Drawn by the process when it started.
    pub incarnation: Uuid,
    /// Where clients and brokers reach it.
    pub endpoints: Vec<NodeEndpoint>,
    /// What it supports.
    pub features: BTreeMap<String, FeatureRange>,
    /// Its rack.
    pub rack: Option<String>,
    /// Fenced brokers lead nothing, join no ISR and are not shown to clients.
    pub fenced: bool,
    /// On its way down: leads nothing new.
    pub in_controlled_shutdown: bool,
    /// The log directories that are online.
    pub directories: Vec<DirectoryId>,
    /// Those of them that take no new replicas; none before the broker has said (KIP-1066).
    pub cordoned: Option<Vec<DirectoryId>>,
    /// A broker of a ZooKeeper cluster in migration: only in logs that went through one.
    pub migrating_zk: bool,
}

/// A controller as it registered (KIP-919).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerNode {
    /// Its `node.id`.
    pub id: BrokerId,
    /// Drawn by the process when it started.
    pub incarnation: Uuid,
    /// Where it is reached.
    pub endpoints: Vec<NodeEndpoint>,
    /// What it supports.
    pub features: BTreeMap<String, FeatureRange>,
}

impl Broker {
    /// Whether it may lead and be in sync.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// Whether a replica's directory is one that works. Directories of before they had ids, or that the broker has yet
    /// to choose, count as such.
    pub(crate) fn has_online(&self, directory: Option<DirectoryId>) -> bool {
        match directory {
            None | Some(DirectoryId::LOST) => false,
            Some(DirectoryId::UNASSIGNED | DirectoryId::MIGRATING) => true,
            Some(directory) => self.directories.is_empty() || self.directories.contains(&directory),
        }
    }

    /// Whether it is on its way down, and not there yet.
    pub(crate) fn is_leaving(&self) -> bool {
        self.in_controlled_shutdown && !self.fenced
    }

    /// Where it listens under a listener's name.
    pub fn endpoint(&self, listener: &str) -> Option<&NodeEndpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == listener)
    }

    /// Whether a new replica may be placed on it.
    pub(crate) fn takes_replicas(&self) -> bool {
        match &self.cordoned {
            Some(cordoned) if !self.directories.is_empty() => {
                self.directories.iter().any(|directory| !cordoned.contains(directory))
            }
            _ => true,
        }
    }

    /// The directory a new replica is assigned to: the only one, or one of the broker's choice.
    pub(crate) fn default_directory(&self) -> DirectoryId {
        match self.directories.as_slice() {
            [] => DirectoryId::MIGRATING,
            [only] => *only,
            _ => DirectoryId::UNASSIGNED,
        }
    }
}
