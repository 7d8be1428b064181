//! Snapshots of the metadata, taken, served, fetched and installed (KIP-630).
//!
//! ```text
//! taken      a task writes the committed image as a file ─▶ the quorum knows it ─▶ the log is trimmed, older files go
//! installed  pieces written in order ─▶ whole, durable, loaded ─▶ recovery point lowered ─▶ the log starts over behind it
//!                                                                 ─▶ older files go ─▶ the controller has its image
//! ```
//!
//! The node goes on while a snapshot is taken: the image is a persistent map. Inside a metadata transaction none is, as
//! the transaction may be aborted. Snapshots of one id are the same bytes on every node.

use super::node::{METADATA, Node, NodeError};
use super::replay::ReplayError;
use super::restore;
use super::shelf::Kept;
use crate::checkpoints::Points;
use crate::fence::Fences;
use bytes::Bytes;
use controller::ClusterImage;
use log::AppendError;
use log::snapshot::{SnapshotError, Snapshots};
use model::{Offset, SnapshotId, Timestamp};
use raft::{Input, Rejection, SnapshotPiece};
use records::batch::BatchHeader;
use runtime::{Disk, DiskError, DiskErrorKind, Event, Runtime};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// A snapshot that is being taken.
pub(super) struct Taking {
    id: SnapshotId,
    last_contained: Timestamp,
    outcome: Outcome,
}

enum Outcome {
    Awaited(oneshot::Receiver<Result<u64, SnapshotError>>),
    /// None where a fence ended it.
    Known(Option<Result<u64, SnapshotError>>),
}

impl Taking {
    /// Waits until it is known what has become of it.
    pub(super) async fn ended(&mut self) {
        if let Outcome::Awaited(told) = &mut self.outcome {
            self.outcome = Outcome::Known(told.await.ok());
        }
    }
}

impl<R: Runtime> Node<R> {
    /// Takes note of a snapshot that was taken, and begins one that is due.
    pub(super) async fn see_to_snapshots(&mut self) -> Result<(), NodeError> {
        if matches!(&self.taking, Some(Taking { outcome: Outcome::Known(_), .. })) {
            let Taking { id, last_contained, outcome } = self.taking.take().expect("just looked at");
            let Outcome::Known(Some(outcome)) = outcome else { return Err(NodeError::Fenced) };
            self.taken(id, last_contained, outcome).await?;
        }
        if self.incoming.as_ref().is_some_and(|incoming| self.quorum.fetching() != Some(incoming.id())) {
            self.give_incoming_up().await?;
        }
        if self.taking.is_none() && self.incoming.is_none() && self.shelf.is_due(self.rt.now()) {
            self.begin_snapshot().await?;
        }
        Ok(())
    }

    async fn begin_snapshot(&mut self) -> Result<(), NodeError> {
        self.unfenced()?;
        let image = self.controller.committed();
        if image.transaction().is_some() {
            self.shelf.postpone(self.rt.now());
            return Ok(());
        }
        let (end, latest) = (image.end(), self.shelf.latest().map_or(Offset::ZERO, |latest| latest.end));
        self.shelf.begun();
        if end <= latest.max(self.log.start()) {
            return Ok(());
        }
        let last = self.log.slice(Offset(end.0 - 1), end, 1, true).read().await;
        let last = last.map_err(|error| NodeError::Replay(ReplayError::Read(error)))?;
        let last = BatchHeader::parse(&last)
            .map_err(|error| NodeError::Replay(ReplayError::Batch(Offset(end.0 - 1), error)))?;
        assert_eq!(last.next_offset(), end, "an image that does not end with a batch");
        let (id, last_contained) = (SnapshotId { end, epoch: last.leader_epoch }, last.max_timestamp);
        let (tell, told) = oneshot::channel();
        let (files, fences, image) = (self.snapshots.clone(), self.fences.clone(), image.clone());
        self.taking = Some(Taking { id, last_contained, outcome: Outcome::Awaited(told) });
        self.rt.spawn_detached("snapshot", async move {
            if let Some(written) = write(&files, &fences, id, &image, last_contained).await {
                // The node may have ended.
                let _ = tell.send(written);
            }
        });
        Ok(())
    }

    async fn taken(
        &mut self,
        id: SnapshotId,
        last_contained: Timestamp,
        outcome: Result<u64, SnapshotError>,
    ) -> Result<(), NodeError> {
        let bytes = match outcome {
            Ok(bytes) => bytes,
            Err(error) => {
                // Later there may be space, or another image.
                self.shelf.postpone(self.rt.now());
                return self.give_up(id, error).await;
            }
        };
        if self.shelf.latest() >= Some(id) {
            // The leader's has come meanwhile, and stands for more.
            return match self.shelf.latest() == Some(id) {
                true => Ok(()),
                false => self.snapshots.remove(id).await.map_err(NodeError::Disk),
            };
        }
        info!(snapshot = %id, bytes, "took a snapshot of the metadata");
        self.shelf.add(Kept { id, bytes, last_contained });
        self.rt.observe(Event::SnapshotTaken { partition: METADATA, end: id.end, epoch: id.epoch });
        self.take(Input::SnapshotTaken(id)).await?;
        self.trim().await
    }

    /// Removes snapshots that are too old or too many, and the log below the oldest that is left.
    pub(super) async fn trim(&mut self) -> Result<(), NodeError> {
        while let Some(to) = self.shelf.surplus(self.log.size_bytes(), self.wall()) {
            self.unfenced()?;
            if self.log.active_base() < to.end {
                // So that the next time the file goes, and not only the right to read it.
                match self.log.roll().await {
                    Ok(()) | Err(AppendError::NoSpace(_)) => {}
                    Err(error) => return Err(NodeError::Append(error)),
                }
            }
            let Points { name, recovery_point, .. } = self.points();
            let points = Points { name, recovery_point, log_start: to.end };
            match self.checkpoints.note_durably(points).await {
                Ok(()) => {}
                Err(error) if error.kind == DiskErrorKind::NoSpace => {
                    warn!(%error, "the disk is full: the metadata log can't be trimmed");
                    return Ok(());
                }
                Err(error) => return Err(NodeError::Disk(error)),
            }
            self.unfenced()?;
            self.log.trim_to(to.end).await.map_err(NodeError::Disk)?;
            self.snapshots.remove_before(to).await.map_err(NodeError::Disk)?;
            self.shelf.removed_before(to);
            info!(snapshot = %to, "trimmed the metadata log");
            self.rt.observe(Event::Trimmed { partition: METADATA, start: to.end });
            self.take(Input::Trimmed(to)).await?;
        }
        Ok(())
    }

    /// The piece of a snapshot that another replica asks for: its bytes, and those of the whole.
    pub(super) async fn piece(
        &mut self,
        piece: &SnapshotPiece,
        bytes_max: usize,
    ) -> Result<Result<(Bytes, u64), Rejection>, NodeError> {
        let snapshot = self.snapshots.read(piece.id).await.map_err(NodeError::Disk)?;
        let Some(snapshot) = snapshot else { return Ok(Err(Rejection::SnapshotNotFound)) };
        if piece.position >= snapshot.len() {
            return Ok(Err(Rejection::PositionOutOfRange));
        }
        let bytes = snapshot.piece(piece.position, bytes_max).await.map_err(NodeError::Disk)?;
        Ok(Ok((bytes, snapshot.len())))
    }

    /// Writes a piece of the leader's snapshot.
    pub(super) async fn write_piece(&mut self, piece: SnapshotPiece) -> Result<Option<Input>, NodeError> {
        let SnapshotPiece { id, position, bytes, .. } = piece;
        self.unfenced()?;
        if position == 0 {
            // It may be the same one that is being taken here.
            if let Some(taking) = &mut self.taking {
                taking.ended().await;
            }
            self.give_incoming_up().await?;
            match self.snapshots.begin(id).await {
                Ok(writer) => self.incoming = Some(writer),
                Err(error) => return self.not_installed(id, error.into()).await.map(Some),
            }
        }
        // The piece before could not be written, and the quorum knows: it asked for this one before.
        let Some(incoming) = self.incoming.as_mut().filter(|incoming| incoming.id() == id) else {
            return Ok(Some(Input::SnapshotFailed(id)));
        };
        match incoming.write(position, bytes).await {
            Ok(()) => Ok(None),
            Err(error) => {
                self.incoming = None;
                self.not_installed(id, error).await.map(Some)
            }
        }
    }

    /// Makes the snapshot whose pieces have all been written the beginning of everything.
    pub(super) async fn install(&mut self, id: SnapshotId) -> Result<Input, NodeError> {
        self.unfenced()?;
        let Some(incoming) = self.incoming.take().filter(|incoming| incoming.id() == id) else {
            return Ok(Input::SnapshotFailed(id));
        };
        let bytes = incoming.position();
        if let Err(error) = incoming.finish().await {
            return self.not_installed(id, error).await;
        }
        let cluster = self.controller.committed().cluster_id().clone();
        let image = match restore::load(&self.snapshots, id, &cluster).await {
            Ok(image) => image.expect("a snapshot that was just written"),
            Err(restore::LoadError::Snapshot(SnapshotError::Disk(error))) => {
                return Err(NodeError::Disk(error));
            }
            Err(error) => {
                error!(snapshot = %id, %error, "the leader's snapshot can't be loaded");
                self.snapshots.remove(id).await.map_err(NodeError::Disk)?;
                return Ok(Input::SnapshotFailed(id));
            }
        };
        self.unfenced()?;
        let (log, name) = (&mut self.log, &self.name);
        let replaced = restore::replace_log(&self.rt, log, name, &self.checkpoints, id).await;
        match replaced {
            Ok(()) => {}
            Err(error) if error.kind == DiskErrorKind::NoSpace => {
                warn!(snapshot = %id, %error, "the disk is full: the leader's snapshot is not installed");
                self.snapshots.remove(id).await.map_err(NodeError::Disk)?;
                return Ok(Input::SnapshotFailed(id));
            }
            Err(error) => return Err(NodeError::Disk(error)),
        }
        self.snapshots.remove_before(id).await.map_err(NodeError::Disk)?;
        let installed = self.snapshots.read(id).await.map_err(NodeError::Disk)?;
        let installed = installed.expect("a snapshot that was just loaded");
        let last_contained = restore::last_contained(&installed).await;
        let last_contained =
            last_contained.map_err(|error| disk(error).map_or(NodeError::Fenced, NodeError::Disk))?;
        self.shelf.replace(Kept { id, bytes, last_contained });
        self.checkpoints.note(self.points());
        info!(snapshot = %id, bytes, "the leader's snapshot takes the place of the metadata log");
        self.controller.load(image);
        Ok(Input::SnapshotInstalled(id))
    }

    /// What was written of the leader's snapshot is no use.
    async fn not_installed(&mut self, id: SnapshotId, error: SnapshotError) -> Result<Input, NodeError> {
        self.give_up(id, error).await?;
        Ok(Input::SnapshotFailed(id))
    }

    /// Removes what was written of the leader's snapshot, if anything was.
    pub(super) async fn give_incoming_up(&mut self) -> Result<(), NodeError> {
        match self.incoming.take() {
            Some(incoming) => self.snapshots.discard(incoming.id()).await.map_err(NodeError::Disk),
            None => Ok(()),
        }
    }

    /// Removes what there is of a snapshot that could not be written. A full disk is no reason to end, and what can't
    /// be written, or was no snapshot, isn't either.
    async fn give_up(&mut self, id: SnapshotId, error: SnapshotError) -> Result<(), NodeError> {
        if let Some(error) = disk(error.clone())
            && error.kind != DiskErrorKind::NoSpace
        {
            return Err(NodeError::Disk(error));
        }
        warn!(snapshot = %id, %error, "a snapshot of the metadata is not written");
        self.snapshots.discard(id).await.map_err(NodeError::Disk)
    }
}

fn disk(error: SnapshotError) -> Option<DiskError> {
    match error {
        SnapshotError::Disk(error) => Some(error),
        _ => None,
    }
}

/// Writes a snapshot of `image`: the bytes of its file. `None` behind a fence.
async fn write<D: Disk>(
    files: &Snapshots<D>,
    fences: &Fences,
    id: SnapshotId,
    image: &ClusterImage,
    last_contained: Timestamp,
) -> Option<Result<u64, SnapshotError>> {
    // Stamped by the log and not by this node's clock: other nodes write the same.
    let batches = records::snapshot::write(image.records(), id.epoch, last_contained, last_contained);
    let mut writer = match files.begin(id).await {
        Ok(writer) => writer,
        Err(error) => return Some(Err(error.into())),
    };
    for batch in batches {
        if fences.is_fenced() {
            return None;
        }
        let written = match batch {
            Ok(batch) => writer.write(writer.position(), batch).await,
            Err(error) => Err(SnapshotError::Write(error)),
        };
        if let Err(error) = written {
            return Some(Err(error));
        }
    }
    if fences.is_fenced() {
        return None;
    }
    let bytes = writer.position();
    Some(writer.finish().await.map(|()| bytes))
}
