//! AllocateProducerIds (key 67): a broker gets producer ids that nobody else gives out, from the active controller (KIP-730).
//!
//! * A broker of another epoch than the registered one is told STALE_BROKER_EPOCH.
//! * The block is committed before it is answered: it is given once, for ever.

use super::{Asked, Outcome, encode_of_controller};
use crate::context::Context;
use crate::refusal;
use model::{BrokerEpoch, BrokerId};
use protocol::messages::allocate_producer_ids::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: AllocateProducerIdsRequest,
) -> Result<Outcome, String> {
    let (id, epoch) = (BrokerId(request.broker_id), BrokerEpoch(request.broker_epoch));
    let outcome = context.metadata.allocate_producer_ids(id, epoch).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let response = match outcome {
        Ok(block) => AllocateProducerIdsResponse {
            producer_id_start: block.first.0,
            producer_id_len: block.size,
            ..AllocateProducerIdsResponse::default()
        },
        Err(refused) => AllocateProducerIdsResponse {
            error_code: refusal::controller(refused.reason) as i16,
            ..AllocateProducerIdsResponse::default()
        },
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}
