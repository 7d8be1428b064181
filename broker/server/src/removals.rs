//! The task that removes what was set aside as deleted, a file at a time, while the broker serves.
//!
//! What is to be removed is what is there under such a name: nothing has to be remembered, and what one incarnation has
//! not finished the next one goes on with. Nothing of it needs to be durable: what a power cut brings back is met again.

use crate::aside;
use crate::fence::Fences;
use log::is_deleted_dir;
use model::time::Duration;
use runtime::{Disk, DiskError, DiskErrorKind, Event, Fence, Runtime};
use std::path::Path;
use tokio::sync::mpsc;
use tracing::{debug, error, warn};

/// How long it rests after something could not be removed.
const REST: Duration = Duration::from_secs(60);

/// A handle to the task. Cheap to clone.
#[derive(Clone)]
pub struct Removals {
    wake: mpsc::Sender<()>,
}

impl Removals {
    /// Starts the task, which begins with what an earlier incarnation has left.
    pub fn start<R: Runtime>(rt: &R, fences: Fences) -> Removals {
        let (wake, woken) = mpsc::channel(1);
        rt.spawn_detached("removals", run(rt.clone(), fences, woken));
        Removals { wake }
    }

    /// There is more to remove.
    pub fn wake(&self) {
        // One wake is enough: a full channel has one.
        let _ = self.wake.try_send(());
    }
}

async fn run<R: Runtime>(rt: R, fences: Fences, mut woken: mpsc::Receiver<()>) {
    while !fences.is_fenced() {
        let rest = match remove_all(rt.disk(), &fences).await {
            Ok(()) => None,
            Err(Failed::Sync(error)) => {
                error!(%error, "the names of directories can't be made durable");
                if fences.fence(Fence::SyncFailed) {
                    rt.observe(Event::Fenced(Fence::SyncFailed));
                }
                return;
            }
            Err(Failed::Remove(error)) => {
                warn!(%error, "what is deleted can't be removed now: it is tried again");
                Some(rt.now() + REST)
            }
        };
        tokio::select! { biased;
            woken = woken.recv() => if woken.is_none() { return },
            () = rt.sleep_until(rest.unwrap_or_default()), if rest.is_some() => {}
        }
    }
}

/// Why something is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failed {
    /// Nothing may be written any more.
    Sync(DiskError),
    /// Trying again later may help.
    Remove(DiskError),
}

/// Removes every directory that is to be removed. The first failure is told when all others have been tried.
async fn remove_all<D: Disk>(disk: &D, fences: &Fences) -> Result<(), Failed> {
    let dirs = aside::dirs(disk).await.map_err(Failed::Remove)?;
    let dirs: Vec<String> = dirs.into_iter().filter(|dir| is_deleted_dir(dir)).collect();
    if !dirs.is_empty() {
        // A process that was killed may have left a name that a power cut would take back: what is left of the log then
        // must be all of it, or it might not be known for what it is.
        disk.sync_dir(Path::new("")).await.map_err(Failed::Sync)?;
    }
    let mut failed = Ok(());
    for dir in dirs {
        if fences.is_fenced() {
            return Ok(());
        }
        debug!(dir, "removing a directory");
        let removed = remove(disk, Path::new(&dir)).await;
        failed = failed.and(removed.map_err(Failed::Remove));
    }
    failed
}

async fn remove<D: Disk>(disk: &D, dir: &Path) -> Result<(), DiskError> {
    for entry in disk.list(dir).await? {
        gone(disk.remove_file(&dir.join(entry.name)).await)?;
    }
    gone(disk.remove_dir(dir).await)
}

fn gone(removed: Result<(), DiskError>) -> Result<(), DiskError> {
    match removed {
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
