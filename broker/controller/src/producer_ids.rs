//! AllocateProducerIds (key 67): ids of producers, in blocks that are given to brokers (KIP-730).
//!
//! A block is given once, for ever: what a broker leaves of it when it goes is lost. There are enough of them.

use crate::brokers;
use crate::decision::{Decision, Reason, Refusal};
use crate::image::ClusterImage;
use model::{BrokerEpoch, BrokerId, ProducerId};
use records::metadata::ProducerIdsRecord;

/// How many ids are given at once.
pub const PRODUCER_ID_BLOCK_SIZE: i32 = 1000;

/// The ids from `first` on, [`PRODUCER_ID_BLOCK_SIZE`] of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first one.
    pub first: ProducerId,
    /// How many.
    pub size: i32,
}

/// Gives a broker the next block.
pub(crate) fn allocate(
    image: &ClusterImage,
    id: BrokerId,
    epoch: BrokerEpoch,
) -> Result<Decision<ProducerIdBlock>, Refusal> {
    brokers::check_epoch(image, id, epoch)?;
    let first = image.next_producer_id();
    let Some(next) = first.0.checked_add(i64::from(PRODUCER_ID_BLOCK_SIZE)) else {
        let message =
            "Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit";
        return Err(Refusal::new(Reason::Unexpected, message));
    };
    let record = ProducerIdsRecord { broker_id: id.0, broker_epoch: epoch.0, next_producer_id: next };
    let block = ProducerIdBlock { first, size: PRODUCER_ID_BLOCK_SIZE };
    Ok(Decision::whole(vec![record.into()], block))
}
