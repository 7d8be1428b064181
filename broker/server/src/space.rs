//! Whether the disk has space for what is to be written, and whether others should lead while it has none.
//!
//! ```text
//!             refused                        still, after SHORT_AFTER
//!   enough ────────────▶ in doubt ──────────────────────────────────▶ short
//!      ▲                    │                                           │
//!      └────────────────────┴── ENOUGH bytes are free, and nothing was ─┘
//!                               refused for a while (CALM)
//! ```
//!
//! A file that comes and goes fills a disk for moments; a producer tries again that long. After that it needs a leader
//! that has space, and a follower without any keeps everybody waiting until it is out of the ISR: the broker asks to be
//! fenced, and is available again when there is space. Not where it alone has what is committed: what can't be written
//! can still be read.

use controller::ClusterImage;
use model::BrokerId;
use model::time::Duration;
use runtime::{Disk, Runtime};
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{Notify, mpsc};
use tracing::{info, warn};

/// So long may appends be refused before others are to lead.
const SHORT_AFTER: Duration = Duration::from_secs(1);
/// Between two looks at a disk that is in doubt, or short of space.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes that are free again on a disk that is not short of space any more. A few batches more than one request brings.
const ENOUGH_BYTES: u64 = 16 * 1024 * 1024;
/// So long has nothing been refused on a disk that is not short of space any more. Followers try again once a second.
const CALM: Duration = Duration::from_millis(1250);

/// What is known of the disk's space. Cheap to clone; every clone is of the same disk.
#[derive(Clone)]
pub struct Space {
    refused: mpsc::Sender<()>,
    short: Arc<Snapshot<bool>>,
    turned: Arc<Notify>,
}

impl Space {
    /// Starts the task that looks at the disk of `rt` when something was refused for want of space.
    pub fn start<R: Runtime>(rt: &R) -> Space {
        // One that waits to be seen says as much as many.
        let (refused, refusals) = mpsc::channel(1);
        let space = Space { refused, short: Arc::new(Snapshot::new(false)), turned: Arc::new(Notify::new()) };
        let (short, turned) = (space.short.clone(), space.turned.clone());
        rt.spawn_detached("space", watch(rt.clone(), refusals, short, turned));
        space
    }

    /// Something was not written for want of space.
    pub fn refused(&self) {
        // Full: one is waiting to be seen. Closed: the process ends.
        let _ = self.refused.try_send(());
    }

    /// Whether others are to lead, if there are any that can.
    pub fn is_short(&self) -> bool {
        *self.short.load()
    }

    /// Waits until the answer to [`Space::is_short`] has changed. One waits at a time.
    pub async fn turned(&self) {
        self.turned.notified().await;
    }
}

async fn watch<R: Runtime>(
    rt: R,
    mut refusals: mpsc::Receiver<()>,
    short: Arc<Snapshot<bool>>,
    turned: Arc<Notify>,
) {
    while refusals.recv().await.is_some() {
        let since = rt.now();
        let mut latest = since;
        loop {
            rt.sleep_until(rt.now() + LOOK_EVERY).await;
            if refusals.try_recv().is_ok() {
                latest = rt.now();
            }
            // Whoever can't say how much is free learns by what is refused.
            let free = rt.disk().free().await.unwrap_or(u64::MAX);
            if free >= ENOUGH_BYTES && rt.now() >= latest + CALM {
                break;
            }
            let still = free < ENOUGH_BYTES || latest > since;
            if still && !*short.load() && rt.now() >= since + SHORT_AFTER {
                warn!("the disk has been full for a second: others are to lead until it has space");
                short.publish(true);
                turned.notify_one();
            }
        }
        if *short.load() {
            info!("the disk has space again");
            short.publish(false);
            turned.notify_one();
        }
    }
}

/// Whether a broker that is short of space does better to be fenced, by what it has applied of the metadata: others are in sync
/// with what it holds, or it is fenced already; and nothing waits for it alone that others could copy from it. A topic
/// of one replica does not count: nobody will ever lead that in its place.
pub fn gives_way(image: &ClusterImage, me: BrokerId) -> bool {
    let Some(broker) = image.broker(me) else { return false };
    let mut shared = false;
    for key in image.partitions_in_sync_on(me) {
        let Some(partition) = image.partition(key) else { continue };
        if partition.replicas.len() > 1 && partition.isr == [me] {
            return false;
        }
        shared |= partition.isr.len() > 1;
    }
    let waits_for_me = |key| {
        let Some(partition) = image.partition(key) else { return false };
        let elected = [&partition.isr, &partition.elr, &partition.last_known_elr];
        partition.replicas.len() > 1 && elected.iter().any(|members| members.contains(&me))
    };
    (shared || broker.fenced) && !image.partitions_without_leader().any(waits_for_me)
}

#[cfg(test)]
#[path = "space_test.rs"]
mod tests;
