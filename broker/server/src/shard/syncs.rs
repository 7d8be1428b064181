//! The sync rounds of one shard: one at a time, each over everything that was dirty when it began.
//!
//! This is the group commit. While a round is on its way appends go on, and the next round covers all of them.

use super::partition::Partition;
use log::SyncDone;
use model::PartitionKey;
use runtime::{DiskError, Runtime};
use std::collections::{BTreeMap, BTreeSet};

/// What a round made durable, or why it did not: then none of it may be trusted.
pub type Outcome = Result<Vec<(PartitionKey, SyncDone)>, DiskError>;

/// What is dirty, and the round on its way.
pub struct Syncs<R: Runtime> {
    /// Partitions with something to sync that no round has begun to cover.
    dirty: BTreeSet<PartitionKey>,
    /// At most one. Everything in it was appended before it began.
    round: Option<R::Task<Outcome>>,
    /// What the round on its way covers.
    covered: BTreeSet<PartitionKey>,
}

impl<R: Runtime> Syncs<R> {
    /// Nothing dirty, no round.
    pub fn new() -> Syncs<R> {
        Syncs { dirty: BTreeSet::new(), round: None, covered: BTreeSet::new() }
    }

    /// `partition` has something to sync.
    pub fn mark(&mut self, partition: PartitionKey) {
        self.dirty.insert(partition);
    }

    /// Starts a round over everything dirty, unless one is on its way or nothing is.
    pub fn start(&mut self, rt: &R, partitions: &mut BTreeMap<PartitionKey, Partition<R::Disk>>) {
        if self.round.is_some() {
            return;
        }
        let (mut keys, mut tickets) = (Vec::new(), Vec::new());
        for key in std::mem::take(&mut self.dirty) {
            let Some(partition) = partitions.get_mut(&key) else { continue };
            if let Some(ticket) = partition.log.begin_sync() {
                keys.push(key);
                tickets.push(ticket);
            }
        }
        if keys.is_empty() {
            return;
        }
        let disk = rt.disk().clone();
        self.covered = keys.iter().copied().collect();
        self.round = Some(rt.spawn("sync", async move {
            let done = log::sync_round(&disk, tickets).await?;
            Ok(keys.into_iter().zip(done).collect())
        }));
    }

    /// Whether the round on its way covers `partition`: then its files are in use.
    pub fn covers(&self, partition: PartitionKey) -> bool {
        self.covered.contains(&partition)
    }

    /// Whether a round is on its way.
    pub fn under_way(&self) -> bool {
        self.round.is_some()
    }

    /// Waits for the round, which must be on its way. Safe to drop and call again before it is done.
    pub async fn done(&mut self) -> Outcome {
        let round = self.round.as_mut().expect("asked for a sync round that is not there");
        let outcome = round.await.expect("nobody aborts a sync round");
        self.round = None;
        self.covered.clear();
        outcome
    }
}
