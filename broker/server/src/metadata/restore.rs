//! What a start makes of the snapshots and the log that it finds.
//!
//! ```text
//! the latest snapshot is whole, the log holds its end         the usual: its image, and the log behind it
//! .., the log ends before it, or went another way             it was being installed: finished now
//! it is damaged, an older one or none is left, and the log
//!     goes back that far                                      that one, and the log behind it; the damaged one is removed
//!     does not                                                the node does not start
//! snapshots from below the log's start                        removed: a crash has saved them
//! ```

use super::boot::BootError;
use super::node::METADATA;
use super::shelf::Kept;
use crate::checkpoints::{Checkpoints, Points};
use controller::ClusterImage;
use log::snapshot::{Snapshot, SnapshotError, Snapshots};
use log::{Log, PartitionName};
use model::{ClusterId, LeaderEpoch, Offset, SnapshotId, Timestamp};
use raft::{EpochStart, LogView};
use records::control::ControlRecord;
use records::snapshot::{Part, ReadError, metadata};
use runtime::{Disk, Event, Runtime};
use std::fmt;
use tracing::{info, warn};

/// What was found.
pub(super) struct Restored<D: Disk> {
    /// The snapshots' files.
    pub(super) snapshots: Snapshots<D>,
    /// Those that are there, oldest first.
    pub(super) kept: Vec<Kept>,
    /// The latest one's image.
    pub(super) image: Option<ClusterImage>,
    /// What the quorum is to know of the log.
    pub(super) view: LogView,
}

/// Restores the metadata from `log`, which was just opened, and from what lies beside it.
pub(super) async fn restore<R: Runtime>(
    rt: &R,
    log: &mut Log<R::Disk>,
    name: &PartitionName,
    checkpoints: &Checkpoints,
    cluster: &ClusterId,
) -> Result<Restored<R::Disk>, BootError> {
    let failed = |error: &dyn fmt::Display| BootError(error.to_string());
    let opened = Snapshots::open(rt.disk().clone(), log.dir().to_owned()).await;
    let (snapshots, mut ids) = opened.map_err(|error| failed(&error))?;
    // Kafka keeps one of offset 0 where it was told how the cluster begins: it stands for no record of the log.
    ids.retain(|id| id.end > Offset::ZERO);
    let chosen = choose(&snapshots, &ids, log.start(), cluster).await?;
    let latest = chosen.as_ref().map(|(id, _)| *id);
    for damaged in ids.iter().filter(|id| latest.is_none_or(|latest| **id > latest)) {
        snapshots.remove(*damaged).await.map_err(|error| failed(&error))?;
    }
    ids.retain(|id| latest.is_some_and(|latest| *id <= latest));
    if let Some(latest) = latest.filter(|latest| !holds(log, *latest)) {
        warn!(snapshot = %latest, end = %log.end(), "a snapshot was being installed: it takes the place of the log");
        let replaced = replace_log(rt, log, name, checkpoints, latest).await;
        replaced.map_err(|error| failed(&error))?;
    }
    let start = log.start();
    let base = ids.iter().copied().find(|id| id.end == start);
    if let Some(base) = base {
        snapshots.remove_before(base).await.map_err(|error| failed(&error))?;
    }
    let mut kept = Vec::new();
    for id in ids.into_iter().filter(|id| base.is_none_or(|base| *id >= base)) {
        let snapshot = snapshots.read(id).await.map_err(|error| failed(&error))?;
        let snapshot = snapshot.ok_or_else(|| BootError(format!("snapshot {id} has vanished")))?;
        let last_contained = last_contained(&snapshot).await.map_err(|error| failed(&error))?;
        kept.push(Kept { id, bytes: snapshot.len(), last_contained });
    }
    let base = base.unwrap_or(SnapshotId { end: start, epoch: first_epoch(log) });
    let view = log_view(log, base, latest)?;
    if let Some(latest) = latest {
        info!(snapshot = %latest, log_start = %start, log_end = %log.end(), "restored the metadata");
    }
    Ok(Restored { snapshots, kept, image: chosen.map(|(_, image)| image), view })
}

/// The latest snapshot that can be loaded. None where none is needed: the log has everything.
async fn choose<D: Disk>(
    snapshots: &Snapshots<D>,
    ids: &[SnapshotId],
    start: Offset,
    cluster: &ClusterId,
) -> Result<Option<(SnapshotId, ClusterImage)>, BootError> {
    let mut damaged = String::new();
    for id in ids.iter().rev().copied().take_while(|id| id.end >= start) {
        match load(snapshots, id, cluster).await {
            Ok(Some(image)) => return Ok(Some((id, image))),
            Ok(None) => {}
            Err(LoadError::Snapshot(SnapshotError::Disk(error))) => {
                return Err(BootError(format!("snapshot {id} of the metadata: {error}")));
            }
            Err(error) => {
                warn!(snapshot = %id, %error, "a snapshot of the metadata is damaged");
                damaged += &format!("; snapshot {id} is damaged: {error}");
            }
        }
    }
    if start == Offset::ZERO {
        return Ok(None);
    }
    Err(BootError(format!(
        "the metadata log begins at {start}, and no snapshot stands for what came before{damaged}"
    )))
}

/// Whether the log has the records up to the end of `id`, which are committed.
fn holds<D: Disk>(log: &Log<D>, id: SnapshotId) -> bool {
    let last = Offset(id.end.0 - 1);
    id.end == log.start() || (id.end <= log.end().0 && log.epoch_at(last) == Some(id.epoch))
}

/// Replaces the log by the snapshot `id`, which is durable.
pub(super) async fn replace_log<R: Runtime>(
    rt: &R,
    log: &mut Log<R::Disk>,
    name: &PartitionName,
    checkpoints: &Checkpoints,
    id: SnapshotId,
) -> Result<(), runtime::DiskError> {
    let recovery_point = log.recovery_point().min(id.end);
    checkpoints.note_durably(Points { name: name.clone(), recovery_point, log_start: log.start() }).await?;
    log.start_over(id.end).await?;
    rt.observe(Event::SnapshotInstalled { partition: METADATA, end: id.end, epoch: id.epoch });
    rt.observe(Event::Synced { partition: METADATA, end: log.durable_end() });
    Ok(())
}

/// The epoch of the log's first record; of one without records nothing is known.
fn first_epoch<D: Disk>(log: &Log<D>) -> LeaderEpoch {
    let known = log.start() > Offset::ZERO && log.end().0 > log.start();
    known.then(|| log.epoch_at(log.start())).flatten().unwrap_or(LeaderEpoch(0))
}

/// What the quorum is to know of a log that begins at `base`.
fn log_view<D: Disk>(
    log: &Log<D>,
    base: SnapshotId,
    latest: Option<SnapshotId>,
) -> Result<LogView, BootError> {
    // An epoch that had no record yet when the process ended left no trace but here.
    let with_records = log.epochs().iter().filter(|entry| entry.start < log.end().0);
    let epochs = with_records.map(|entry| EpochStart { epoch: entry.epoch, start: entry.start }).collect();
    LogView::recovered(base, latest, epochs, log.end()).map_err(|error| BootError(error.to_string()))
}

/// A snapshot can't be loaded.
#[derive(Debug)]
pub(super) enum LoadError {
    /// It is no snapshot, or the disk failed.
    Snapshot(SnapshotError),
    /// What is in it can't be read.
    Read(ReadError),
    /// A record does not fit what came before it.
    Meaning(controller::ReplayError),
    /// It has more records than the log that it stands for.
    Long,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Snapshot(error) => error.fmt(f),
            LoadError::Read(error) => error.fmt(f),
            LoadError::Meaning(error) => error.fmt(f),
            LoadError::Long => f.write_str("more records than the log had"),
        }
    }
}

/// The image that a snapshot stands for; `None` when it is not there.
pub(super) async fn load<D: Disk>(
    snapshots: &Snapshots<D>,
    id: SnapshotId,
    cluster: &ClusterId,
) -> Result<Option<ClusterImage>, LoadError> {
    let failed = |error| LoadError::Snapshot(SnapshotError::Disk(error));
    let Some(snapshot) = snapshots.read(id).await.map_err(failed)? else { return Ok(None) };
    let mut image = ClusterImage::new(cluster.clone());
    let mut parts = snapshot.parts();
    while let Some(part) = parts.next().await.map_err(LoadError::Snapshot)? {
        let Part::Data(batch) = part else { continue };
        for record in metadata(&batch).map_err(LoadError::Read)? {
            let at = image.end();
            image.replay(at, &record).map_err(LoadError::Meaning)?;
        }
    }
    if image.end() > id.end {
        return Err(LoadError::Long);
    }
    image.skip_to(id.end);
    Ok(Some(image))
}

/// When the last record was appended that a snapshot stands for. One that can't be read is taken for an old one.
pub(super) async fn last_contained<D: Disk>(snapshot: &Snapshot<D>) -> Result<Timestamp, SnapshotError> {
    match snapshot.parts().next().await {
        Ok(Some(Part::Control(notes))) => match notes.first() {
            Some(ControlRecord::SnapshotHeader(header)) => Ok(Timestamp(header.last_contained_log_timestamp)),
            _ => Ok(Timestamp(0)),
        },
        Err(error @ SnapshotError::Disk(_)) => Err(error),
        Ok(_) | Err(_) => Ok(Timestamp(0)),
    }
}
