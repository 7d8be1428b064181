//! Batches copied from another replica's log, checked before they get anywhere near a log.
//!
//! Another node can't be made to tell the truth without authentication, and a disk or a network that damages bytes is no
//! node's fault: a CRC is checked on every batch, and each must go on where the one before ended.

use super::{BatchError, BatchHeader, check_crc, frame};
use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use std::fmt;
use std::ops::RangeInclusive;

/// Where copied batches belong.
#[derive(Clone, Debug)]
pub struct Place {
    /// The first offset.
    pub from: Offset,
    /// The epochs that they may be of: from that of the record before to that which the leader is in.
    pub epochs: RangeInclusive<LeaderEpoch>,
    /// Whether offsets may be missing: compaction takes records out, of the middle of a batch too.
    pub holes: bool,
}

/// Bytes that are not what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A batch is damaged.
    Damaged(BatchError),
    /// The first batch is cut short: a leader sends at least that one whole.
    NoWholeBatch,
    /// A batch does not begin where the one before ended.
    Gap {
        /// Where it should begin.
        expected: Offset,
        /// Where it begins.
        found: Offset,
    },
    /// A batch holds fewer records than offsets. Nothing is ever taken out of this log.
    Holes(Offset),
    /// A batch's epoch is before that of the record before it, or after the leader's.
    Epoch(LeaderEpoch),
}

/// Splits `bytes` into batches that fit `place`, each with its header. What follows the last whole one is left out: a leader
/// that fills its answer up to the byte cuts a batch. None when there are no bytes at all.
pub fn check_copied(bytes: &Bytes, place: Place) -> Result<Vec<(BatchHeader, Bytes)>, Unfit> {
    let Place { from, epochs, holes } = place;
    let mut batches = Vec::new();
    let (mut whole, mut next, mut latest) = (0, from, *epochs.start());
    while whole < bytes.len() {
        let length = match frame(&bytes[whole..]) {
            Ok(length) => length,
            Err(BatchError::Truncated { .. }) if whole > 0 => break,
            Err(BatchError::Truncated { .. }) => return Err(Unfit::NoWholeBatch),
            Err(error) => return Err(Unfit::Damaged(error)),
        };
        let batch = bytes.slice(whole..whole + length);
        check_crc(&batch).map_err(Unfit::Damaged)?;
        let header = BatchHeader::parse(&batch).map_err(Unfit::Damaged)?;
        let base = header.base_offset;
        if base < next || (base > next && !holes) {
            return Err(Unfit::Gap { expected: next, found: base });
        }
        if i64::from(header.record_count) != i64::from(header.last_offset_delta) + 1 && !holes {
            return Err(Unfit::Holes(base));
        }
        let epoch = header.leader_epoch;
        if epoch < latest || epoch > *epochs.end() {
            return Err(Unfit::Epoch(epoch));
        }
        (whole, next, latest) = (whole + length, header.next_offset(), epoch);
        batches.push((header, batch));
    }
    Ok(batches)
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Damaged(error) => error.fmt(f),
            Unfit::NoWholeBatch => f.write_str("not one whole batch"),
            Unfit::Gap { expected, found } => write!(f, "a batch begins at {found}, not at {expected}"),
            Unfit::Holes(base) => write!(f, "the batch at {base} lacks records"),
            Unfit::Epoch(epoch) => write!(f, "a batch of epoch {epoch} has no place there"),
        }
    }
}

impl std::error::Error for Unfit {}
