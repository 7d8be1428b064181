//! The end of a producer's transaction, as a control batch in the log tells it.

use bytes::Bytes;
use model::Timestamp;
use records::batch::{BatchHeader, records};
use records::control::ControlRecord;

/// What the table needs of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Epoch of the coordinator that wrote it.
    pub(crate) coordinator_epoch: i32,
    /// When.
    pub(crate) timestamp: Timestamp,
}

impl Marker {
    /// Whether a batch's bytes are needed to tell what it means to its producer.
    pub(crate) fn is_in(header: &BatchHeader) -> bool {
        header.is_control() && header.has_producer_id()
    }

    /// The marker that a control batch holds; none when there is no other than of a kind unknown, or when the cleaner has
    /// taken it out.
    pub(crate) fn read(batch: &Bytes) -> Option<Marker> {
        let record = records(batch).next()?.ok()?;
        match ControlRecord::decode(&record).ok()? {
            ControlRecord::Abort(marker) | ControlRecord::Commit(marker) => {
                Some(Marker { coordinator_epoch: marker.coordinator_epoch, timestamp: record.timestamp })
            }
            _ => None,
        }
    }
}
