//! The metadata log as records: what a node reads before it serves.

use log::{Log, ReadError};
use model::Offset;
use records::batch::{BatchError, BatchHeader, records};
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
    /// Its records; none of a control batch.
    pub records: Vec<MetadataRecord>,
}

/// The metadata log can't be read. There is nothing to be done about it here: the node does not start.
#[derive(Debug)]
pub enum ReplayError {
    /// From the disk.
    Read(ReadError),
    /// A batch that is not one, in spite of its checksum.
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
            let header = BatchHeader::parse(&batch).map_err(|error| ReplayError::Batch(next, error))?;
            let mut values = Vec::new();
            if !header.is_control() {
                for record in records(&batch) {
                    let record = record.map_err(|error| ReplayError::Batch(header.base_offset, error))?;
                    let value = record.value.unwrap_or_default();
                    let decoded = MetadataRecord::decode(value);
                    values.push(decoded.map_err(|error| ReplayError::Record(record.offset, error))?);
                }
            }
            next = header.next_offset();
            let batch = Batch { base: header.base_offset, end: next, records: values };
            take(batch).map_err(ReplayError::Meaning)?;
        }
    }
    Ok(())
}
