//! The task that owns the data directory's own files: recovery points, log starts, high watermarks, the clean-shutdown file.
//!
//! High watermarks are written down so that after a restart of everything readers get what was committed before all replicas
//! are back. They lag behind, which harms nobody: a partition's watermark is at least as high.
//!
//! Recovery points only save work at the next start, so they are written now and then, and a note that finds
//! the inbox full is dropped. What the files said at the start is kept for logs that nobody has opened. The clean-shutdown
//! file is different: it vouches for every log, and is written once, after all of them have been closed. Behind a
//! raised fence nothing is written.

use crate::fence::Fences;
use log::{Directory, OffsetCheckpoint, PartitionName, Recovery};
use model::time::Duration;
use model::{BrokerEpoch, Offset};
use runtime::{Disk, DiskError, Runtime};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{SetOnce, mpsc, oneshot};
use tracing::warn;

/// Notes that may wait to be taken down.
const INBOX_MAX: usize = 4096;
/// How often changed recovery points are written: Kafka's `log.flush.offset.checkpoint.interval.ms`.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// A handle to the task. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    notes: mpsc::Sender<Note>,
    /// Behind a raised fence: nothing vouches for the replicas any more, or it can't be helped.
    distrusted: Arc<SetOnce<()>>,
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
    HighWatermarks(Vec<(PartitionName, Offset)>),
    Closed(Points),
    Durably { points: Points, reply: oneshot::Sender<Result<(), DiskError>> },
    Registered { boot: String, epoch: BrokerEpoch },
    Known { name: PartitionName, reply: oneshot::Sender<Known> },
    Forget { names: Vec<PartitionName>, reply: oneshot::Sender<Result<(), DiskError>> },
    Close { epoch: BrokerEpoch, reply: oneshot::Sender<bool> },
}

/// What is known of a log that is not open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// How it is to be recovered.
    pub recovery: Recovery,
    /// Records below were committed; the log may end before that.
    pub high_watermark: Offset,
}

/// What the files are to say: one entry for each log ever noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    recovery_points: OffsetCheckpoint,
    log_starts: OffsetCheckpoint,
    high_watermarks: OffsetCheckpoint,
}

impl Table {
    fn note(&mut self, points: Points) {
        self.recovery_points.insert(points.name.clone(), points.recovery_point);
        self.log_starts.insert(points.name, points.log_start);
    }

    fn forget(&mut self, name: &PartitionName) {
        self.recovery_points.remove(name);
        self.log_starts.remove(name);
        self.high_watermarks.remove(name);
    }
}

impl Checkpoints {
    /// Starts the task, which owns `directory` from now on.
    pub fn start<R: Runtime>(
        rt: &R,
        directory: Directory<R::Disk>,
        fences: Fences,
        high_watermarks_every: Duration,
    ) -> Checkpoints {
        for damage in directory.damage() {
            warn!(%damage, "a checkpoint is taken for an empty one: recovery takes longer");
        }
        let (notes, inbox) = mpsc::channel(INBOX_MAX);
        let distrusted = Arc::new(SetOnce::new());
        let task = run(rt.clone(), directory, fences, high_watermarks_every, inbox, distrusted.clone());
        rt.spawn_detached("checkpoints", task);
        Checkpoints { notes, distrusted }
    }

    /// What is known of the log of `name`, which is not open: by what was on disk when the process started, or by where it
    /// was closed since.
    pub async fn known(&self, name: PartitionName) -> Known {
        let (reply, answer) = oneshot::channel();
        if self.notes.send(Note::Known { name, reply }).await.is_err() {
            return Known::default();
        }
        answer.await.unwrap_or_default()
    }

    /// Nothing is known any more of the logs of `names`, none of which is open: durably, when this returns.
    pub async fn forget(&self, names: Vec<PartitionName>) -> Result<(), DiskError> {
        let (reply, answer) = oneshot::channel();
        if self.notes.send(Note::Forget { names, reply }).await.is_err() {
            return Ok(());
        }
        // Without an answer the broker is at its end, and nothing is opened any more.
        answer.await.unwrap_or(Ok(()))
    }

    /// Takes down that the broker is registered under this epoch, in this run of the machine's kernel.
    pub async fn note_registered(&self, boot: String, epoch: BrokerEpoch) {
        let _ = self.notes.send(Note::Registered { boot, epoch }).await;
    }

    /// Waits, behind a raised fence, until the next start does not take the replicas for whole any more.
    pub async fn distrusted(&self) {
        self.distrusted.wait().await;
    }

    /// Takes down how far partitions are committed, if there is room.
    pub fn note_high_watermarks(&self, of: Vec<(PartitionName, Offset)>) {
        // What is lost here is noted again when it has grown.
        let _ = self.notes.try_send(Note::HighWatermarks(of));
    }

    /// Takes a log's points down, if there is room.
    pub fn note(&self, points: Points) {
        // A lost note costs a longer recovery, no more.
        let _ = self.notes.try_send(Note::Points(points));
    }

    /// Takes a log's points down: durably, when this returns.
    pub async fn note_durably(&self, points: Points) -> Result<(), DiskError> {
        let (reply, answer) = oneshot::channel();
        if self.notes.send(Note::Durably { points, reply }).await.is_err() {
            return Ok(());
        }
        // Without an answer the broker is at its end, and nothing is written any more.
        answer.await.unwrap_or(Ok(()))
    }

    /// Takes a closed log's points down for certain.
    pub async fn note_closed(&self, points: Points) {
        let _ = self.notes.send(Note::Closed(points)).await;
    }

    /// Writes everything, then the clean-shutdown file. Every log must have been closed without an error. True
    /// when all of it was written; otherwise the next start recovers.
    pub async fn close(&self, epoch: BrokerEpoch) -> bool {
        let (reply, answer) = oneshot::channel();
        if self.notes.send(Note::Close { epoch, reply }).await.is_err() {
            return false;
        }
        answer.await.unwrap_or(false)
    }
}

async fn run<R: Runtime>(
    rt: R,
    mut directory: Directory<R::Disk>,
    fences: Fences,
    high_watermarks_every: Duration,
    mut inbox: mpsc::Receiver<Note>,
    distrusted: Arc<SetOnce<()>>,
) {
    let mut table = Table {
        recovery_points: directory.recovery_points().clone(),
        log_starts: directory.log_starts().clone(),
        high_watermarks: directory.high_watermarks().clone(),
    };
    // Where logs were closed that may be opened again. One entry for each at most.
    let mut closed_at: BTreeMap<PartitionName, Recovery> = BTreeMap::new();
    let mut changed = false;
    let mut write_at = rt.now() + WRITE_EVERY;
    // When high watermarks are to be written; none while nothing has changed.
    let mut high_watermarks_at = None;
    loop {
        let note = tokio::select! { biased;
            _ = fences.fenced(), if !distrusted.initialized() => {
                // What was written may be gone from the page cache: the next start must not vouch for it.
                if let Err(error) = directory.forget_boot().await {
                    warn!(%error, "the next start may take replicas for whole that are not");
                }
                let _ = distrusted.set(());
                continue;
            }
            note = inbox.recv() => note,
            () = rt.sleep_until(write_at), if changed => {
                changed = false;
                write_at = rt.now() + WRITE_EVERY;
                if fences.is_fenced() {
                    continue;
                }
                if let Err(error) = write(&directory, &table).await {
                    warn!(%error, "recovery points not written: the next recovery takes longer");
                }
                continue;
            }
            () = rt.sleep_until(high_watermarks_at.unwrap_or_default()), if high_watermarks_at.is_some() => {
                high_watermarks_at = None;
                if !fences.is_fenced()
                    && let Err(error) = directory.write_high_watermarks(&table.high_watermarks).await
                {
                    warn!(%error, "high watermarks not written: after a restart less is known to be committed");
                }
                continue;
            }
        };
        match note {
            None => return,
            Some(Note::Closed(points)) => {
                let Points { name, recovery_point, log_start } = points.clone();
                closed_at.insert(name, Recovery { clean: true, recovery_point, log_start });
                // It is written now and then too: without it, less would be believed at the next start.
                changed = true;
                table.note(points);
            }
            Some(Note::Points(noted)) => {
                if !changed {
                    write_at = rt.now() + WRITE_EVERY;
                }
                changed = true;
                table.note(noted);
            }
            Some(Note::Registered { boot, epoch }) => {
                if !fences.is_fenced()
                    && let Err(error) = directory.write_boot(&boot, epoch).await
                {
                    warn!(%error, "should this process be killed, the next one can't vouch for its replicas");
                }
            }
            Some(Note::HighWatermarks(of)) => {
                table.high_watermarks.extend(of);
                high_watermarks_at.get_or_insert(rt.now() + high_watermarks_every);
            }
            Some(Note::Durably { points, reply }) => {
                table.note(points);
                let written = if fences.is_fenced() { Ok(()) } else { write(&directory, &table).await };
                let _ = reply.send(written);
            }
            Some(Note::Known { name, reply }) => {
                let closed = closed_at.get(&name).copied();
                let recovery = closed.unwrap_or_else(|| directory.recovery(&name));
                let high_watermark = table.high_watermarks.get(&name).copied().unwrap_or(Offset::ZERO);
                let _ = reply.send(Known { recovery, high_watermark });
            }
            Some(Note::Forget { names, reply }) => {
                for name in &names {
                    table.forget(name);
                    directory.forget(name);
                    closed_at.remove(name);
                }
                let _ = reply.send(write_all(&directory, &table).await);
            }
            Some(Note::Close { epoch, reply }) => {
                let closed =
                    if fences.is_fenced() { Ok(false) } else { close(directory, &table, epoch).await };
                let closed = closed.unwrap_or_else(|error| {
                    warn!(%error, "the clean-shutdown file is not written");
                    false
                });
                let _ = reply.send(closed);
                return;
            }
        }
    }
}

async fn write<D: Disk>(directory: &Directory<D>, table: &Table) -> Result<(), DiskError> {
    directory.write_recovery_points(&table.recovery_points).await?;
    directory.write_log_starts(&table.log_starts).await
}

/// With high watermarks too: what is left of a log that is gone would be believed of the next one of its name.
async fn write_all<D: Disk>(directory: &Directory<D>, table: &Table) -> Result<(), DiskError> {
    write(directory, table).await?;
    directory.write_high_watermarks(&table.high_watermarks).await
}

async fn close<D: Disk>(
    directory: Directory<D>,
    table: &Table,
    epoch: BrokerEpoch,
) -> Result<bool, DiskError> {
    write_all(&directory, table).await?;
    directory.close(epoch).await?;
    Ok(true)
}

#[cfg(test)]
#[path = "checkpoints_test.rs"]
mod tests;
