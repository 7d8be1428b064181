//! From a directory to the tasks of the metadata.
//!
//! ```text
//! open log ─▶ restore from snapshots ─▶ quorum as the file and the log know it ─▶ Node and Applier run ─▶ lifecycle registers this broker
//! ```

use super::applier::Applier;
use super::decisions::Pending;
use super::handle::{Handle, INBOX_MAX};
use super::holdings::Holdings;
use super::node::{HEARD_MAX, Leadership, METADATA, Node};
use super::peers::{Peers, Replicas};
use super::probes::{ALARMS_MAX, Probes};
use super::restore::{Restored, restore};
use super::shelf::Shelf;
use super::wire::{Local, Portions};
use crate::checkpoints::Checkpoints;
use crate::context::Shards;
use crate::descriptors::Descriptors;
use crate::fence::Fences;
use crate::full::Full;
use crate::removals::Removals;
use crate::shard;
use controller::{ClusterImage, Controller, METADATA_TOPIC, NodeEndpoint};
use log::{CheckpointError, Log, LogConfig, MetaProperties, PartitionName};
use model::config::{BrokerSettings, Endpoint, QuorumSettings};
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, PartitionIndex};
use raft::{Config, ELECTION_FILE_NAME, ElectionState, Quorum, ReplicaKey, Timeouts, Voters};
use runtime::{Disk, Runtime};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{Notify, mpsc};
use tracing::warn;

/// Who this process is.
pub struct Identity {
    /// What the directory says: cluster, node, directory.
    pub meta: MetaProperties,
    /// Where clients reach it.
    pub endpoints: Vec<NodeEndpoint>,
    /// The broker's epoch in its last incarnation, if all replicas are as that left them.
    pub intact_since: Option<BrokerEpoch>,
}

/// The metadata's tasks, which run.
pub struct Booted {
    /// What may be asked of them.
    pub handle: Handle,
    /// What handlers are to read the cluster from.
    pub published: Arc<Snapshot<ClusterImage>>,
    /// This replica of the metadata, and the voters.
    pub replicas: Replicas,
}

/// Opens the metadata log and starts the tasks.
pub async fn boot<R: Runtime>(
    rt: &R,
    settings: &BrokerSettings,
    meta: &MetaProperties,
    shards: &Shards,
    checkpoints: &Checkpoints,
    fences: &Fences,
    descriptors: Descriptors,
) -> Result<Booted, BootError> {
    let name = PartitionName::new(METADATA_TOPIC, PartitionIndex(0));
    let how = checkpoints.known(name.clone()).await.recovery;
    let opened = Log::open(rt.disk().clone(), name.dir(), log_config(settings), how).await;
    let (mut log, recovered) = opened.map_err(|error| BootError(error.to_string()))?;
    shard::open::announce(rt, METADATA, &log, &recovered);
    let Restored { snapshots, kept, image, view } =
        restore(rt, &mut log, &name, checkpoints, &meta.cluster).await?;
    let replicas = replicas(settings, meta);
    let me = replicas.local.me;
    let votes = replicas.voters.is_empty() || replicas.voters.contains_key(&me.id);
    let state = election_state(rt.disk(), &name.dir(), votes).await?;
    let voters = match replicas.voters.len() {
        0 => Voters::new([me]),
        // Voters that are configured are known by their ids alone (`kraft.version` 0).
        _ => Voters::new(replicas.voters.keys().map(|id| ReplicaKey { id: *id, directory: None })),
    };
    let config = Config { me, voters, timeouts: timeouts(&settings.quorum) };
    let quorum = Quorum::new(config, state, view);
    let mut controller = Controller::new(meta.cluster.clone(), controller::Settings::of(settings));
    if let Some(image) = image {
        controller.load(image);
    }
    let empty = ClusterImage::new(meta.cluster.clone());
    let holdings = Holdings {
        rt: rt.clone(),
        settings: settings.clone(),
        shards: shards.clone(),
        checkpoints: checkpoints.clone(),
        fences: fences.clone(),
        removals: Removals::start(rt, fences.clone()),
        told: None,
        brokers: Arc::default(),
        going: BTreeMap::new(),
    };
    let (applier, applied) = Applier::new(settings.node_id, holdings, empty);
    let published = applier.published();
    let (requests, inbox) = mpsc::channel(INBOX_MAX);
    let (heard, hearing) = mpsc::channel(HEARD_MAX);
    let patience = Duration::from_millis(settings.quorum.request_timeout_ms);
    let (alarms, alarmed) = mpsc::channel(ALARMS_MAX);
    let peers = Peers::start(rt, &replicas, patience, &heard, &alarms);
    let leadership = Arc::new(Snapshot::new(Leadership::default()));
    let stopping = Arc::new(Notify::new());
    let stuck = Arc::new(Snapshot::new(None));
    let node = Node {
        rt: rt.clone(),
        settings: settings.clone(),
        name,
        log,
        quorum,
        controller,
        snapshots,
        shelf: Shelf::new(settings.snapshots, kept),
        taking: None,
        incoming: None,
        applied: applied.clone(),
        checkpoints: checkpoints.clone(),
        fences: fences.clone(),
        descriptors,
        pending: Pending::default(),
        activation: VecDeque::new(),
        requests: inbox,
        stopping: stopping.clone(),
        full: Full::default(),
        stuck: stuck.clone(),
        heard: hearing,
        peers,
        asked: BTreeMap::new(),
        next_token: 0,
        leadership: leadership.clone(),
    };
    checkpoints.note(node.points());
    rt.spawn_detached("metadata", node.run());
    rt.spawn_detached("applier", applier.run());
    let handle = Handle { requests, stopping, stuck, heard, applied, leadership, alarms, refuses: false };
    // Where nobody else can register there is nobody to ask.
    if settings.roles.controller && !settings.controller_listeners.is_empty() {
        let probes = Probes::new(rt.clone(), settings, handle.clone(), alarmed);
        rt.spawn_detached("probes", probes.run());
    }
    Ok(Booted { handle, published, replicas })
}

/// This replica and the voters, as the settings have them.
fn replicas(settings: &BrokerSettings, meta: &MetaProperties) -> Replicas {
    let name = settings.controller_listeners.first().map_or("CONTROLLER", |listener| &listener.name);
    let endpoint = |at: &Endpoint| NodeEndpoint {
        name: name.to_owned(),
        host: at.host.clone(),
        port: at.port,
        security_protocol: 0,
    };
    let voters: BTreeMap<BrokerId, NodeEndpoint> =
        settings.quorum_voters.iter().map(|voter| (voter.id, endpoint(&voter.endpoint))).collect();
    let local = Local {
        cluster: meta.cluster.clone(),
        me: ReplicaKey { id: settings.node_id, directory: meta.directory },
        endpoints: voters.get(&settings.node_id).cloned().into_iter().collect(),
        portions: Portions {
            log: portion(settings.quorum.fetch_bytes_max),
            snapshot: portion(settings.quorum.fetch_snapshot_bytes_max),
        },
    };
    Replicas { local, voters }
}

fn portion(bytes: u32) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// The node can't take part in the quorum: the text says why.
#[derive(Debug)]
pub struct BootError(pub String);

fn timeouts(quorum: &QuorumSettings) -> Timeouts {
    Timeouts {
        election: Duration::from_millis(quorum.election_timeout_ms),
        fetch: Duration::from_millis(quorum.fetch_timeout_ms),
        election_backoff_max: Duration::from_millis(quorum.election_backoff_ms_max),
        backoff: Duration::from_millis(quorum.retry_backoff_ms),
        ..Timeouts::DEFAULT
    }
}

/// What the node remembers of elections. Without that a voter could vote twice: it does not start where that can't be read.
/// Of one that does not vote nothing depends on it.
async fn election_state<D: Disk>(
    disk: &D,
    dir: &Path,
    votes: bool,
) -> Result<Option<ElectionState>, BootError> {
    let path = dir.join(ELECTION_FILE_NAME);
    let damage = match log::read_text(disk, &path).await {
        Ok(text) => match text.as_deref().map(ElectionState::decode).transpose() {
            Ok(state) => return Ok(state),
            Err(error) => format!("{}: {error}", path.display()),
        },
        Err(error @ CheckpointError::Malformed { .. }) => error.to_string(),
        Err(error @ CheckpointError::Disk(_)) => return Err(BootError(error.to_string())),
    };
    if votes {
        return Err(BootError(damage));
    }
    warn!(damage, "this node does not vote, and does without");
    Ok(None)
}

fn log_config(settings: &BrokerSettings) -> LogConfig {
    let forever = |ms| i64::try_from(ms).unwrap_or(i64::MAX);
    LogConfig {
        segment_bytes: settings.metadata_segment_bytes,
        segment_ms: settings.metadata_segment_ms.map_or(i64::MAX, forever),
        producers: false,
        ..LogConfig::default()
    }
}
