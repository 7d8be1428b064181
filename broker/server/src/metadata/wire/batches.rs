//! Fetched bytes, checked before they get anywhere near a log.
//!
//! A replica that is not to be trusted can't be excluded from a quorum without authentication, and a disk or a network
//! that damages bytes is no replica's fault: a CRC is checked on every batch, and each must go on where the one before ended.

use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use raft::{Batches, EpochStart};
use records::batch::{BatchError, BatchHeader, check_crc, frame};
use std::fmt;
use std::ops::RangeInclusive;

/// Where fetched batches belong.
#[derive(Clone, Debug)]
pub struct Batched {
    /// The first offset.
    pub from: Offset,
    /// The epochs that they may be of: from that of the record before to that which the leader is in.
    pub epochs: RangeInclusive<LeaderEpoch>,
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

/// Splits `bytes` into batches that fit `place`. What follows the last whole one is left out: a leader that fills
/// its answer up to the byte cuts a batch. `None` when there are no bytes at all.
pub fn check(bytes: Bytes, place: Batched) -> Result<Option<Batches>, Unfit> {
    let Batched { from, epochs: allowed } = place;
    let mut epochs: Vec<EpochStart> = Vec::new();
    let (mut whole, mut next, mut latest) = (0, from, *allowed.start());
    while whole < bytes.len() {
        let length = match frame(&bytes[whole..]) {
            Ok(length) => length,
            Err(BatchError::Truncated { .. }) if whole > 0 => break,
            Err(BatchError::Truncated { .. }) => return Err(Unfit::NoWholeBatch),
            Err(error) => return Err(Unfit::Damaged(error)),
        };
        let batch = &bytes[whole..whole + length];
        check_crc(batch).map_err(Unfit::Damaged)?;
        let header = BatchHeader::parse(batch).map_err(Unfit::Damaged)?;
        if header.base_offset != next {
            return Err(Unfit::Gap { expected: next, found: header.base_offset });
        }
        if i64::from(header.record_count) != i64::from(header.last_offset_delta) + 1 {
            return Err(Unfit::Holes(header.base_offset));
        }
        let epoch = header.leader_epoch;
        if epoch < latest || epoch > *allowed.end() {
            return Err(Unfit::Epoch(epoch));
        }
        if epochs.last().is_none_or(|last| last.epoch < epoch) {
            epochs.push(EpochStart { epoch, start: header.base_offset });
        }
        // Parsing has made sure that there is such an offset.
        next = header.base_offset.plus(i64::from(header.record_count));
        (whole, latest) = (whole + length, epoch);
    }
    if whole == 0 {
        return Ok(None);
    }
    Ok(Some(Batches { bytes: bytes.slice(..whole), base: from, end: next, epochs }))
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

#[cfg(test)]
#[path = "batches_test.rs"]
mod tests;
