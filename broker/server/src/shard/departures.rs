//! The partitions of one shard that it leads no more, on their way out: nothing is appended to them, nobody waits for them,
//! but their files may still be in use.
//!
//! ```text
//! Leave ─▶ waiting: for the sync round or the opening that is at it ─┬▶ kept: a task syncs and closes ─▶ left
//!                                                                     └▶ gone: dropped ──────────────────▶ left
//! ```

use super::inbox::{Leave, LeftLog};
use super::partition::Partition;
use crate::checkpoints::{Checkpoints, Points};
use log::SyncDone;
use model::{DurableEnd, PartitionKey};
use protocol::ErrorCode;
use runtime::{DiskError, Runtime};
use std::collections::BTreeMap;
use tokio::sync::{mpsc, oneshot};

/// Logs that one shard closes at once: as many as it opens at once, for the same reason.
const AT_ONCE_MAX: usize = 16;

/// What is on its way out.
pub struct Departures<R: Runtime> {
    /// One entry for each partition that the shard had, at most.
    waiting: BTreeMap<PartitionKey, Departing<R>>,
    under_way: usize,
    /// Has room for the outcome of every task under way.
    finished: mpsc::Sender<Departed>,
    outcomes: mpsc::Receiver<Departed>,
}

struct Departing<R: Runtime> {
    /// None when it was not open.
    partition: Option<Partition<R::Disk>>,
    leave: Leave,
}

/// A partition that is left.
pub struct Departed {
    /// Which one.
    pub key: PartitionKey,
    /// Where its log was closed, if it was; or why it could not be.
    pub result: Result<Option<DurableEnd>, DiskError>,
    /// Who waits for it.
    pub done: oneshot::Sender<Result<(), ErrorCode>>,
}

impl<R: Runtime> Departures<R> {
    /// Nothing on its way.
    pub fn new() -> Departures<R> {
        let (finished, outcomes) = mpsc::channel(AT_ONCE_MAX);
        Departures { waiting: BTreeMap::new(), under_way: 0, finished, outcomes }
    }

    /// A partition is left.
    pub fn add(&mut self, leave: Leave, partition: Option<Partition<R::Disk>>) {
        let key = leave.partition;
        let before = self.waiting.insert(key, Departing { partition, leave });
        assert!(before.is_none(), "{key} is left twice");
    }

    /// Whether a partition waits to be let go.
    pub fn has(&self, partition: PartitionKey) -> bool {
        self.waiting.contains_key(&partition)
    }

    /// A task that was at a partition when it was left has opened it.
    pub fn opened(&mut self, key: PartitionKey, partition: Partition<R::Disk>) {
        let departing = self.waiting.get_mut(&key).expect("asked for by has");
        assert!(departing.partition.is_none(), "{key} is open twice");
        departing.partition = Some(partition);
    }

    /// A sync round that began before a partition was left is done.
    pub fn synced(&mut self, key: PartitionKey, done: SyncDone) {
        // Behind a raised fence everything is given up, whatever covers it.
        let Some(departing) = self.waiting.get_mut(&key) else { return };
        let partition = departing.partition.as_mut().expect("what is synced is open");
        partition.log.finish_sync(done);
    }

    /// Lets go of what is not busy, as far as there is room.
    pub fn start(&mut self, rt: &R, checkpoints: &Checkpoints, busy: impl Fn(PartitionKey) -> bool) {
        let ready: Vec<PartitionKey> = self
            .waiting
            .keys()
            .copied()
            .filter(|key| !busy(*key))
            .take(AT_ONCE_MAX - self.under_way)
            .collect();
        for key in ready {
            let Departing { partition, leave } = self.waiting.remove(&key).expect("just listed");
            let (checkpoints, finished) = (checkpoints.clone(), self.finished.clone());
            self.under_way += 1;
            rt.spawn_detached("departure", async move {
                let result = match partition {
                    Some(partition) if leave.log == LeftLog::Kept => close(partition, &checkpoints).await,
                    _ => Ok(None),
                };
                // The shard is gone only when the process is.
                let _ = finished.send(Departed { key, result, done: leave.done }).await;
            });
        }
    }

    /// Whether a task is under way.
    pub fn under_way(&self) -> bool {
        self.under_way > 0
    }

    /// Waits for a task, one of which must be under way. Safe to drop and call again before one is done.
    pub async fn done(&mut self) -> Departed {
        assert!(self.under_way > 0, "asked for a departure that is not there");
        let departed = self.outcomes.recv().await.expect("self has a sender");
        self.under_way -= 1;
        departed
    }

    /// Tells whoever waits for what no task is at that it will not come to that.
    pub fn give_up(&mut self, code: ErrorCode) {
        for (_, departing) in std::mem::take(&mut self.waiting) {
            let _ = departing.leave.done.send(Err(code));
        }
    }
}

async fn close<D: runtime::Disk>(
    partition: Partition<D>,
    checkpoints: &Checkpoints,
) -> Result<Option<DurableEnd>, DiskError> {
    let Partition { name, log, .. } = partition;
    let log_start = log.start();
    let recovery_point = log.close().await?;
    checkpoints.note_closed(Points { name, recovery_point, log_start }).await;
    Ok(Some(DurableEnd(recovery_point)))
}
