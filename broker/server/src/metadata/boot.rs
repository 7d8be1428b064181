//! From a directory to an active controller and a registered broker.
//!
//! ```text
//! open log ─▶ stand for election (epoch durable) ─▶ leader change committed ─▶ replay ─▶ bootstrap records
//!          ─▶ register this incarnation ─▶ unfence ─▶ shards open what we lead ─▶ image published
//! ```

use super::node::{METADATA, Node, NodeError};
use crate::checkpoints::Checkpoints;
use crate::context::Shards;
use crate::descriptors::Descriptors;
use crate::fence::Fences;
use crate::shard;
use controller::{BrokerRegistration, ClusterImage, Controller, METADATA_TOPIC, NodeEndpoint, features};
use log::{Log, LogConfig, MetaProperties, PartitionName};
use model::config::BrokerSettings;
use model::{BrokerEpoch, LeaderEpoch, Offset, PartitionIndex, Uuid};
use raft::{
    Config, ELECTION_FILE_NAME, ElectionState, EpochStart, Input, LogView, Quorum, ReplicaKey, SnapshotId,
    Timeouts, Voters,
};
use runtime::{Disk, Runtime};
use std::path::Path;
use std::sync::Arc;
use sync::Snapshot;

/// Who this process is.
pub struct Identity {
    /// What the directory says: cluster, node, directory.
    pub meta: MetaProperties,
    /// Where clients reach it.
    pub endpoints: Vec<NodeEndpoint>,
}

/// Opens the metadata log and returns a node that leads the quorum, has registered this broker and has opened
/// every partition that it leads.
pub async fn boot<R: Runtime>(
    rt: R,
    settings: BrokerSettings,
    identity: Identity,
    shards: Shards,
    checkpoints: Checkpoints,
    fences: Fences,
    descriptors: Descriptors,
) -> Result<Node<R>, BootError> {
    let name = PartitionName::new(METADATA_TOPIC, PartitionIndex(0));
    let how = checkpoints.recovery(name.clone()).await;
    let opened = Log::open(rt.disk().clone(), name.dir(), log_config(), how).await;
    let (log, recovered) = opened.map_err(|error| BootError(error.to_string()))?;
    shard::open::announce(&rt, METADATA, &log, &recovered);
    complete_from(log.start())?;
    let state = election_state(rt.disk(), &name.dir()).await?;
    let me = ReplicaKey { id: settings.node_id, directory: identity.meta.directory };
    let config = Config { me, voters: Voters::new([me]), timeouts: Timeouts::DEFAULT };
    let quorum = Quorum::new(config, state, log_view(&log)?);
    let cluster = identity.meta.cluster.clone();
    let controller = Controller::new(cluster.clone(), controller::Settings::of(&settings));
    let published = Arc::new(Snapshot::new(ClusterImage::new(cluster)));
    let epoch = BrokerEpoch(-1);
    let mut node = Node {
        rt,
        settings,
        name,
        log,
        quorum,
        controller,
        published,
        shards,
        checkpoints,
        fences,
        descriptors,
        epoch,
    };
    node.checkpoints.note(node.points());
    let booted = async {
        // Opening the log has synced what it kept.
        node.perform(Input::Synced { end: node.log.durable_end() }).await?;
        node.perform(Input::Start).await?;
        node.register(identity).await
    };
    booted.await.map_err(|error| BootError(error.to_string()))?;
    Ok(node)
}

/// The node can't take part in the quorum: the text says why.
#[derive(Debug)]
pub struct BootError(pub String);

impl<R: Runtime> Node<R> {
    /// Registers this incarnation of the broker, then makes it available.
    async fn register(&mut self, identity: Identity) -> Result<(), NodeError> {
        let request = BrokerRegistration {
            id: self.settings.node_id,
            cluster_id: identity.meta.cluster,
            incarnation: Uuid::from_draws(self.rt.draw(), self.rt.draw()),
            endpoints: identity.endpoints,
            features: features::supported(),
            rack: self.settings.rack.clone(),
            directories: identity.meta.directory.into_iter().collect(),
        };
        let decision = self.controller.register_broker(&request, self.end(), false);
        let decision = decision.map_err(NodeError::Refused)?;
        self.epoch = decision.reply;
        self.append(&decision.records).await?;
        let decision = self.controller.unfence_broker(self.id(), self.epoch).map_err(NodeError::Refused)?;
        self.append(&decision.records).await?;
        self.apply().await
    }

    /// What handlers are to read the cluster from.
    pub fn published(&self) -> Arc<Snapshot<ClusterImage>> {
        self.published.clone()
    }
}

async fn election_state<D: Disk>(disk: &D, dir: &Path) -> Result<Option<ElectionState>, BootError> {
    let path = dir.join(ELECTION_FILE_NAME);
    let text = log::read_text(disk, &path).await.map_err(|error| BootError(error.to_string()))?;
    let state = text.as_deref().map(ElectionState::decode).transpose();
    state.map_err(|error| BootError(format!("{}: {error}", path.display())))
}

/// Refuses a metadata log whose records below `start` are in snapshots, which can't be read yet.
fn complete_from(start: Offset) -> Result<(), BootError> {
    if start == Offset::ZERO {
        return Ok(());
    }
    let why = format!(
        "the metadata log begins at {start}: what came before is in a snapshot of Kafka's, and snapshots can't be read yet"
    );
    Err(BootError(why))
}

/// What the quorum is to know of a log that begins at offset 0.
fn log_view<D: Disk>(log: &Log<D>) -> Result<LogView, BootError> {
    // An epoch that had no record yet when the process ended left no trace but here.
    let with_records = log.epochs().iter().filter(|entry| entry.start < log.end().0);
    let epochs = with_records.map(|entry| EpochStart { epoch: entry.epoch, start: entry.start }).collect();
    let base = SnapshotId { end: log.start(), epoch: LeaderEpoch(0) };
    LogView::recovered(base, None, epochs, log.end()).map_err(|error| BootError(error.to_string()))
}

/// Kafka's defaults for the metadata log: segments of 1 GiB or seven days.
fn log_config() -> LogConfig {
    LogConfig::default()
}

#[cfg(test)]
#[path = "boot_test.rs"]
mod tests;
