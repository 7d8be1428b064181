//! Whose data directory it is: formatted on purpose (`tidemark format`) or by a first start, checked by every start.
//!
//! ```text
//! new ──▶ quorum-state, of a voter of a new cluster ──▶ meta.properties: formatted
//! ```
//!
//! A voter of several that finds no `quorum-state` can't know whether it ever voted: it may be new, or its disk may have been
//! replaced. It takes no part in elections until it knows better. So a new cluster is formatted with such files, and
//! a voter whose disk was lost is formatted without one.

use crate::broker::StartError;
use bytes::Bytes;
use controller::METADATA_TOPIC;
use log::{Directory, MetaProperties, PartitionName};
use model::config::BrokerSettings;
use model::{ClusterId, DirectoryId, PartitionIndex, Uuid};
use raft::{ELECTION_FILE_NAME, ElectionState};
use runtime::{Disk, DiskErrorKind, Runtime};
use std::path::Path;
use tracing::info;

/// How a data directory is formatted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formatting {
    /// The cluster is not new: the node was a part of it, and has lost what it stored.
    pub replacement: bool,
    /// A directory that is this node's already is left as it is.
    pub ignore_formatted: bool,
}

/// What has become of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatted {
    /// It is this node's from now on.
    Now(MetaProperties),
    /// It was before, and nothing has changed.
    Before(MetaProperties),
}

/// Makes the runtime's data directory the node's that `settings` describe, durably. The cluster's id is
/// `settings.cluster_id`, or is drawn where the node is a cluster by itself. After an error or a crash the directory is
/// formatted or can be formatted again.
pub async fn format<R: Runtime>(
    rt: &R,
    settings: &BrokerSettings,
    formatting: Formatting,
) -> Result<Formatted, StartError> {
    if is_one_of_several(settings) && settings.cluster_id.is_none() {
        let why = "this node is one of several: the cluster's id has to be given, the same to all of them";
        return Err(StartError::Settings(why.to_owned()));
    }
    if let Some(ClusterId(id)) = &settings.cluster_id
        && (id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control()))
    {
        return Err(StartError::Settings(format!("{id:?} can't be a cluster's id")));
    }
    let mut directory = Directory::open(rt.disk().clone()).await.map_err(StartError::Directory)?;
    if let Some(meta) = directory.meta().cloned() {
        if !formatting.ignore_formatted {
            let why = format!("it is formatted already, for node {} of cluster {}", meta.node, meta.cluster);
            return Err(StartError::Identity(why));
        }
        check(&meta, settings)?;
        if let Some(clean) = directory.clean_shutdown() {
            // Nothing was touched, so that what the last incarnation vouched for still holds.
            let epoch = clean.broker_epoch.unwrap_or(model::BrokerEpoch(-1));
            directory.close(epoch).await.map_err(|error| StartError::Directory(error.into()))?;
        }
        return Ok(Formatted::Before(meta));
    }
    refuse_foreign(rt.disk(), &directory).await?;
    let votes = settings.quorum_voters.len() > 1
        && settings.quorum_voters.iter().any(|voter| voter.id == settings.node_id);
    let written = match votes && !formatting.replacement {
        true => write_election_state(rt.disk(), settings).await,
        false => remove_election_state(rt.disk()).await,
    };
    written.map_err(|error| StartError::Directory(error.into()))?;
    let meta = meta_properties(rt, settings);
    directory.format(meta.clone()).await.map_err(|error| StartError::Directory(error.into()))?;
    Ok(Formatted::Now(meta))
}

/// Whose the runtime's data directory is; `None` if it has to be formatted. Somebody may be using it.
pub async fn identity<R: Runtime>(rt: &R) -> Result<Option<MetaProperties>, StartError> {
    MetaProperties::read(rt.disk()).await.map_err(|error| StartError::Directory(error.into()))
}

/// Formats a new directory, or checks that an old one is this node's.
pub(crate) async fn identify<R: Runtime>(
    rt: &R,
    directory: &mut Directory<R::Disk>,
    settings: &BrokerSettings,
) -> Result<MetaProperties, StartError> {
    if let Some(meta) = directory.meta() {
        check(meta, settings)?;
        return Ok(meta.clone());
    }
    refuse_foreign(rt.disk(), directory).await?;
    if is_one_of_several(settings) && settings.cluster_id.is_none() {
        // Each node would found a cluster of its own.
        let why = "it is not formatted, and this node is one of several: run `tidemark format`, or set \
                   tidemark.cluster.id to the same on all of them";
        return Err(StartError::Identity(why.to_owned()));
    }
    let meta = meta_properties(rt, settings);
    let formatted = directory.format(meta.clone()).await;
    formatted.map_err(|error| StartError::Directory(error.into()))?;
    info!(cluster = %meta.cluster, node = %meta.node, "formatted a new data directory");
    Ok(meta)
}

/// Whether others have to agree with this node on the cluster's id before any has started.
fn is_one_of_several(settings: &BrokerSettings) -> bool {
    settings.quorum_voters.len() > 1 || !settings.roles.controller
}

fn check(meta: &MetaProperties, settings: &BrokerSettings) -> Result<(), StartError> {
    let mine = meta.node == settings.node_id;
    let same_cluster = settings.cluster_id.as_ref().is_none_or(|cluster| *cluster == meta.cluster);
    if mine && same_cluster {
        return Ok(());
    }
    Err(StartError::Identity(format!("it belongs to node {} of cluster {}", meta.node, meta.cluster)))
}

/// Another node's data would be taken over under a new identity, or left to rot beside ours.
async fn refuse_foreign<D: Disk>(disk: &D, directory: &Directory<D>) -> Result<(), StartError> {
    let failed = |error: runtime::DiskError| StartError::Directory(error.into());
    for partition in directory.partitions().await.map_err(failed)? {
        let dir = partition.dir();
        // A formatting that was cut short leaves this behind.
        let entries = disk.list(&dir).await.map_err(failed)?;
        let election_only = |entry: &runtime::Entry| entry.name.starts_with(ELECTION_FILE_NAME);
        if partition == metadata() && entries.iter().all(election_only) {
            let text = log::read_text(disk, &dir.join(ELECTION_FILE_NAME)).await;
            let text = text.map_err(|error| StartError::Directory(error.into()))?;
            if text.is_none_or(|text| ElectionState::decode(&text) == Ok(ElectionState::NONE)) {
                continue;
            }
        }
        let why = format!("it holds {} but no meta.properties says whose it is", dir.display());
        return Err(StartError::Identity(why));
    }
    Ok(())
}

fn meta_properties<R: Runtime>(rt: &R, settings: &BrokerSettings) -> MetaProperties {
    MetaProperties {
        cluster: settings.cluster_id.clone().unwrap_or_else(|| random_cluster_id(|| rt.draw())),
        node: settings.node_id,
        directory: Some(DirectoryId(Uuid::from_draws(rt.draw(), rt.draw()))),
    }
}

/// A new cluster's id: one that command lines don't take for an option.
pub fn random_cluster_id(mut draw: impl FnMut() -> u64) -> ClusterId {
    loop {
        let id = Uuid::from_draws(draw(), draw()).to_string();
        if !id.starts_with('-') {
            return ClusterId(id.into());
        }
    }
}

fn metadata() -> PartitionName {
    PartitionName::new(METADATA_TOPIC, PartitionIndex(0))
}

/// Says that this voter has never voted.
async fn write_election_state<D: Disk>(
    disk: &D,
    settings: &BrokerSettings,
) -> Result<(), runtime::DiskError> {
    let dir = metadata().dir();
    match disk.create_dir(&dir).await {
        Err(error) if error.kind != DiskErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    disk.sync_dir(Path::new("")).await?;
    let never = ElectionState::NONE.encode(settings.quorum_voters.iter().map(|voter| voter.id));
    log::replace(disk, &dir, ELECTION_FILE_NAME, Bytes::from(never)).await
}

/// Takes back what a formatting that was cut short has said.
async fn remove_election_state<D: Disk>(disk: &D) -> Result<(), runtime::DiskError> {
    let dir = metadata().dir();
    match disk.remove_file(&dir.join(ELECTION_FILE_NAME)).await {
        Ok(()) => disk.sync_dir(&dir).await,
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
