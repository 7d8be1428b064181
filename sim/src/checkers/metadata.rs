//! What a broker's disk says of the cluster's metadata, read by the simulator before a process starts from it.

use super::Batch;
use model::{LeaderEpoch, Offset};
use records::metadata::MetadataRecord;

/// See the file's header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The epoch in `quorum-state`; none where there is no such file.
    pub epoch: Option<LeaderEpoch>,
    /// Where the log begins.
    pub start: Offset,
    /// The log's batches, from its start.
    pub batches: Vec<Batch>,
    /// The records of each of them; none of a control batch.
    pub records: Vec<Vec<MetadataRecord>>,
    /// Whole snapshots, in the order of their ends.
    pub snapshots: Vec<Snapshot>,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// One past the last record that it stands for.
    pub end: Offset,
    /// That record's epoch.
    pub epoch: LeaderEpoch,
    /// What it consists of.
    pub records: Vec<MetadataRecord>,
}

impl Metadata {
    /// The records that lie between two offsets, each with its own; none of a log that does not hold all of them.
    pub fn between(&self, from: Offset, to: Offset) -> Option<Vec<(Offset, &MetadataRecord)>> {
        let mut next = from;
        let mut found = Vec::new();
        for (batch, records) in self.batches.iter().zip(&self.records) {
            if batch.base < from || batch.end > to {
                continue;
            }
            if batch.base != next {
                return None;
            }
            next = batch.end;
            found.extend((batch.base.0..).map(Offset).zip(records));
        }
        (next == to).then_some(found)
    }
}
