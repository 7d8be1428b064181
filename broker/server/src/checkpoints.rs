//! The task that owns the data directory's own files: recovery points, log starts, the clean-shutdown file.
//!
//! Recovery points only save work at the next start, so they are written now and then, and a note that finds
//! the inbox full is dropped. The clean-shutdown file is different: it vouches for every log, and is written
//! once, after all of them have been closed.

use log::{Directory, PartitionName, Recovery};
use model::time::Duration;
use model::{BrokerEpoch, Offset};
use runtime::{DiskError, Runtime};
use std::collections::BTreeMap;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

/// Notes that may wait to be taken down.
const INBOX_MAX: usize = 4096;
/// How often changed recovery points are written: Kafka's `log.flush.offset.checkpoint.interval.ms`.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// A handle to the task. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    notes: mpsc::Sender<Note>,
}

/// How far one log needs no recovery, and where it begins.
#[derive(Clone, Debug)]
pub struct Points {
    /// Whose.
    pub name: PartitionName,
    /// Everything below is in stable storage.
    pub recovery_point: Offset,
    /// The first offset.
    pub log_start: Offset,
}

#[derive(Debug)]
enum Note {
    Points(Points),
    Recovery { name: PartitionName, reply: oneshot::Sender<Recovery> },
    Close { epoch: BrokerEpoch, reply: oneshot::Sender<Result<(), DiskError>> },
}

impl Checkpoints {
    /// Starts the task, which owns `directory` from now on.
    pub fn start<R: Runtime>(rt: &R, directory: Directory<R::Disk>) -> Checkpoints {
        let (notes, inbox) = mpsc::channel(INBOX_MAX);
        rt.spawn_detached("checkpoints", run(rt.clone(), directory, inbox));
        Checkpoints { notes }
    }

    /// How the log of `name` is to be recovered: by what was on disk when the process started.
    pub async fn recovery(&self, name: PartitionName) -> Recovery {
        let (reply, answer) = oneshot::channel();
        if self.notes.send(Note::Recovery { name, reply }).await.is_err() {
            return Recovery::default();
        }
        answer.await.unwrap_or_default()
    }

    /// Takes a log's points down, if there is room.
    pub fn note(&self, points: Points) {
        // A lost note costs a longer recovery, no more.
        let _ = self.notes.try_send(Note::Points(points));
    }

    /// Takes a closed log's points down for certain.
    pub async fn note_closed(&self, points: Points) {
        let _ = self.notes.send(Note::Points(points)).await;
    }

    /// Writes everything, then the clean-shutdown file. Every log must have been closed without an error.
    pub async fn close(&self, epoch: BrokerEpoch) -> Result<(), DiskError> {
        let (reply, answer) = oneshot::channel();
        if self.notes.send(Note::Close { epoch, reply }).await.is_err() {
            return Ok(());
        }
        answer.await.unwrap_or(Ok(()))
    }
}

async fn run<R: Runtime>(rt: R, directory: Directory<R::Disk>, mut inbox: mpsc::Receiver<Note>) {
    let mut points: BTreeMap<PartitionName, Points> = BTreeMap::new();
    let mut changed = false;
    let mut write_at = rt.now() + WRITE_EVERY;
    loop {
        let note = tokio::select! { biased;
            note = inbox.recv() => note,
            () = rt.sleep_until(write_at), if changed => {
                changed = false;
                write_at = rt.now() + WRITE_EVERY;
                if let Err(error) = write(&directory, &points).await {
                    warn!(%error, "recovery points not written: the next recovery takes longer");
                }
                continue;
            }
        };
        match note {
            None => return,
            Some(Note::Points(noted)) => {
                if !changed {
                    write_at = rt.now() + WRITE_EVERY;
                }
                changed = true;
                points.insert(noted.name.clone(), noted);
            }
            Some(Note::Recovery { name, reply }) => {
                let _ = reply.send(directory.recovery(&name));
            }
            Some(Note::Close { epoch, reply }) => {
                let written = write(&directory, &points).await;
                let closed = match written {
                    Ok(()) => directory.close(epoch).await,
                    Err(error) => Err(error),
                };
                let _ = reply.send(closed);
                return;
            }
        }
    }
}

async fn write<D: runtime::Disk>(
    directory: &Directory<D>,
    points: &BTreeMap<PartitionName, Points>,
) -> Result<(), DiskError> {
    let recovery_points = points.values().map(|p| (p.name.clone(), p.recovery_point)).collect();
    let log_starts = points.values().map(|p| (p.name.clone(), p.log_start)).collect();
    directory.write_recovery_points(&recovery_points).await?;
    directory.write_log_starts(&log_starts).await
}
