//! The simulator's own reading of what a data directory says of the cluster's metadata: log, snapshots and quorum-state.

use super::replay::Files;
use crate::checkers::{Batch, Metadata, Snapshot};
use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use records::batch::{BatchHeader, split};
use records::metadata::MetadataRecord;
use records::snapshot::{Part, Reader, metadata};

/// What the directories of the metadata log are called.
pub(super) const DIR: &str = "__cluster_metadata-";

/// Reads what is in the directory `dir`, whose log begins at `start` and has these batches, each with where it lies: the path of
/// its segment and the position in it.
pub(super) fn read(files: &Files, dir: &str, start: Offset, placed: Vec<(Batch, String, u64)>) -> Metadata {
    let mut read = Metadata { epoch: epoch(files, dir), start, ..Metadata::default() };
    for (batch, path, position) in placed {
        let bytes = files.get(&path).map_or(Bytes::new(), |bytes| bytes.slice(position as usize..));
        read.records.push(records_of(bytes));
        read.batches.push(batch);
    }
    let in_dir = |path: &str| path.strip_prefix(dir)?.strip_prefix('/').map(str::to_string);
    for (path, bytes) in files {
        let Some((end, epoch)) = in_dir(path).and_then(|name| snapshot_id(&name)) else { continue };
        if let Ok(records) = snapshot(bytes) {
            read.snapshots.push(Snapshot { end, epoch, records });
        }
    }
    read.snapshots.sort_by_key(|snapshot| (snapshot.end, snapshot.epoch));
    read
}

/// The records of a snapshot's file, if it is whole.
pub(super) fn snapshot(bytes: &Bytes) -> Result<Vec<MetadataRecord>, String> {
    let mut reader = Reader::new();
    let mut records = Vec::new();
    for batch in split(bytes.clone()) {
        let batch = batch.map_err(|error| error.to_string())?;
        if let Part::Data(batch) = reader.read(&batch).map_err(|error| error.to_string())? {
            records.extend(metadata(&batch).map_err(|error| error.to_string())?);
        }
    }
    reader.finish().map_err(|error| error.to_string())?;
    Ok(records)
}

/// What a snapshot's name says: where it ends, and the epoch of the record before.
pub(super) fn snapshot_id(name: &str) -> Option<(Offset, LeaderEpoch)> {
    let (end, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    Some((Offset(end.parse().ok()?), LeaderEpoch(epoch.parse().ok()?)))
}

/// The records of the batch that these bytes begin with.
fn records_of(bytes: Bytes) -> Vec<MetadataRecord> {
    let header = BatchHeader::parse(&bytes).expect("a batch that was replayed");
    if header.is_control() {
        return Vec::new();
    }
    metadata(&bytes.slice(..header.total_len())).unwrap_or_default()
}

fn epoch(files: &Files, dir: &str) -> Option<LeaderEpoch> {
    let text = files.get(&format!("{dir}/quorum-state"))?;
    let state: serde_json::Value = serde_json::from_slice(text).ok()?;
    Some(LeaderEpoch(i32::try_from(state.get("leaderEpoch")?.as_i64()?).ok()?))
}
