//! Producers that have been silent for long: every partition of a shard forgets them, whatever its role
//! (`producer.id.expiration.ms`).

use super::Shard;
use model::time::Duration;
use model::{Instant, Timestamp};
use runtime::Runtime;
use tracing::debug;

/// When to look for them, and for whom.
pub(super) struct Forgetting {
    next: Instant,
    every: Duration,
    after_ms: i64,
}

impl Forgetting {
    pub(super) fn new(now: Instant, settings: model::config::ProducerSettings) -> Forgetting {
        let every = Duration::from_millis(settings.check_interval_ms);
        let after_ms = i64::try_from(settings.expiration_ms).unwrap_or(i64::MAX);
        Forgetting { next: now + every, every, after_ms }
    }

    /// When to look next.
    pub(super) fn due(&self) -> Instant {
        self.next
    }
}

impl<R: Runtime> Shard<R> {
    pub(super) fn forget(&mut self) {
        let now = self.rt.now();
        if now < self.forgetting.next {
            return;
        }
        self.forgetting.next = now + self.forgetting.every;
        let (wall, after_ms) = (Timestamp(self.rt.wall_ms()), self.forgetting.after_ms);
        let logs = self.partitions.values_mut().map(|partition| &mut partition.log);
        let forgotten: usize = logs.map(|log| log.forget_producers(wall, after_ms)).sum();
        if forgotten > 0 {
            debug!(forgotten, "producers that have been silent for long are not known any more");
        }
    }
}
