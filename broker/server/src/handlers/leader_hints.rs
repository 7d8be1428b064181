//! Who leads a partition instead, told along with the refusal, so that clients need no Metadata to go on (KIP-951).

use super::shown;
use controller::ClusterImage;
use model::{BrokerId, LeaderEpoch, PartitionKey};
use std::collections::BTreeMap;

/// The leaders that one answer names.
pub(super) struct LeaderHints<'a> {
    image: &'a ClusterImage,
    /// The listener by which clients reach them.
    listener: &'a str,
    /// Each is told once, however many partitions it leads.
    nodes: BTreeMap<BrokerId, Node>,
}

/// Where a leader is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) id: BrokerId,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) rack: Option<String>,
}

impl<'a> LeaderHints<'a> {
    pub(super) fn new(image: &'a ClusterImage, listener: &'a str) -> LeaderHints<'a> {
        LeaderHints { image, listener, nodes: BTreeMap::new() }
    }

    /// The leader of a partition and its epoch, if there is one that clients reach.
    pub(super) fn leader(&mut self, key: PartitionKey) -> Option<(BrokerId, LeaderEpoch)> {
        let partition = self.image.topic(key.topic)?.partitions.get(&key.index)?;
        let leader = shown::leader(self.image, partition)?;
        let broker = self.image.broker(leader)?;
        let endpoint = broker.endpoint(self.listener)?;
        self.nodes.entry(leader).or_insert_with(|| Node {
            id: leader,
            host: endpoint.host.clone(),
            port: endpoint.port,
            rack: broker.rack.clone(),
        });
        Some((leader, partition.leader_epoch))
    }

    /// Where the leaders are that were named.
    pub(super) fn nodes(self) -> impl Iterator<Item = Node> {
        self.nodes.into_values()
    }
}

#[cfg(test)]
#[path = "leader_hints_test.rs"]
mod tests;
