//! The metadata log as records: what a node reads before it serves.

use bytes::Bytes;
use log::{Log, ReadError};
use model::Offset;
use records::batch::{BatchError, BatchHeader, check_crc, records};
use records::metadata::{MetadataRecord, RecordError};
use runtime::Disk;
use std::fmt;

/// Bytes read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// One batch of the metadata log.
pub(super) struct Batch {
    /// Offset of its first record.
    pub base: Offset,
    /// One past its last record.
    pub end: Offset,
    /// Bytes that it takes in the log.
    pub bytes: u64,
    /// Its records; none of a control batch.
    pub records: Vec<MetadataRecord>,
}

/// The metadata log can't be read. There is nothing to be done about it here: the node does not start.
#[derive(Debug)]
pub enum ReplayError {
    /// From the disk.
    Read(ReadError),
    /// A batch whose checksum does not match, or that is not one in spite of it.
    Batch(Offset, BatchError),
    /// A record of no known type or form.
    Record(Offset, RecordError),
    /// A record that does not fit what came before it.
    Meaning(controller::ReplayError),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Read(error) => write!(f, "metadata log: {error}"),
            ReplayError::Batch(offset, error) => write!(f, "metadata log: batch at {offset}: {error}"),
            ReplayError::Record(offset, error) => write!(f, "metadata log: record {offset}: {error}"),
            ReplayError::Meaning(error) => write!(f, "metadata log: {error}"),
        }
    }
}

/// Reads the batches of `log` from `from` up to `below`, and gives each to `take`.
pub(super) async fn replay<D: Disk>(
    log: &Log<D>,
    from: Offset,
    below: Offset,
    mut take: impl FnMut(Batch) -> Result<(), controller::ReplayError>,
) -> Result<(), ReplayError> {
    let mut next = from;
    while next < below {
        let bytes = log.slice(next, below, READ_BYTES, true).read().await.map_err(ReplayError::Read)?;
        assert!(!bytes.is_empty(), "the metadata log has no batch at {next}, but ends at {below}");
        for batch in records::batch::split(bytes) {
            let batch = batch.map_err(|error| ReplayError::Batch(next, error))?;
            let batch = decode(next, &batch)?;
            next = batch.end;
            take(batch).map_err(ReplayError::Meaning)?;
        }
    }
    Ok(())
}

/// The batch that was found at `at`, its checksum verified.
fn decode(at: Offset, bytes: &Bytes) -> Result<Batch, ReplayError> {
    let refused = |error| ReplayError::Batch(at, error);
    let header = BatchHeader::parse(bytes).map_err(refused)?;
    check_crc(bytes).map_err(refused)?;
    let mut values = Vec::new();
    if !header.is_control() {
        for record in records(bytes) {
            let record = record.map_err(refused)?;
            let decoded = MetadataRecord::decode(record.value.unwrap_or_default());
            values.push(decoded.map_err(|error| ReplayError::Record(record.offset, error))?);
        }
    }
    let len = bytes.len() as u64;
    Ok(Batch { base: header.base_offset, end: header.next_offset(), bytes: len, records: values })
}

#[cfg(test)]
#[path = "replay_test.rs"]
mod tests;
