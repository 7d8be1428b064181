//! How far partitions are committed, written down from time to time: after a restart readers get what was committed before
//! all replicas are back (`replica.high.watermark.checkpoint.interval.ms`, Kafka's `replication-offset-checkpoint`).

use super::Shard;
use model::time::Duration;
use model::{Instant, Offset, PartitionKey};
use runtime::Runtime;
use std::collections::BTreeMap;

/// When to look, and what was noted last.
pub(super) struct Noting {
    next: Instant,
    every: Duration,
    /// Bound: the shard's partitions.
    noted: BTreeMap<PartitionKey, Offset>,
}

impl Noting {
    pub(super) fn new(now: Instant, every: Duration) -> Noting {
        Noting { next: now + every, every, noted: BTreeMap::new() }
    }

    /// When to look next.
    pub(super) fn due(&self) -> Instant {
        self.next
    }
}

impl<R: Runtime> Shard<R> {
    pub(super) fn note_high_watermarks_if_due(&mut self) {
        if self.rt.now() >= self.noting.next {
            self.note_high_watermarks();
        }
    }

    /// Notes those that have moved.
    pub(super) fn note_high_watermarks(&mut self) {
        self.noting.next = self.rt.now() + self.noting.every;
        let all = self.partitions.iter().map(|(key, partition)| (*key, partition.high_watermark()));
        let all: BTreeMap<PartitionKey, Offset> = all.collect();
        let moved = all.iter().filter(|(key, to)| self.noting.noted.get(key) != Some(*to));
        let moved: Vec<_> = moved.map(|(key, to)| (self.partitions[key].name.clone(), *to)).collect();
        self.noting.noted = all;
        if !moved.is_empty() {
            self.checkpoints.note_high_watermarks(moved);
        }
    }
}
