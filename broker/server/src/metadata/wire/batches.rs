//! Fetched batches of the metadata log, as the quorum takes them.

use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use raft::{Batches, EpochStart};
pub use records::batch::Unfit;
use records::batch::{Place, check_copied};
use std::ops::RangeInclusive;

/// Where fetched batches belong.
#[derive(Clone, Debug)]
pub struct Batched {
    /// The first offset.
    pub from: Offset,
    /// The epochs that they may be of: from that of the record before to that which the leader is in.
    pub epochs: RangeInclusive<LeaderEpoch>,
}

/// The whole batches in `bytes`, which have to fit `place`. `None` when there are no bytes at all.
pub fn check(bytes: Bytes, place: Batched) -> Result<Option<Batches>, Unfit> {
    let Batched { from, epochs } = place;
    let batches = check_copied(&bytes, Place { from, epochs, holes: false })?;
    let Some((last, _)) = batches.last() else { return Ok(None) };
    let end = last.next_offset();
    let whole: usize = batches.iter().map(|(_, batch)| batch.len()).sum();
    let mut epochs: Vec<EpochStart> = Vec::new();
    for (header, _) in &batches {
        let epoch = header.leader_epoch;
        if epochs.last().is_none_or(|last| last.epoch < epoch) {
            epochs.push(EpochStart { epoch, start: header.base_offset });
        }
    }
    Ok(Some(Batches { bytes: bytes.slice(..whole), base: from, end, epochs }))
}

#[cfg(test)]
#[path = "batches_test.rs"]
mod tests;
