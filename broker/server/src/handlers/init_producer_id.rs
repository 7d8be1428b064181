//! InitProducerId (key 22): gives an idempotent producer its id.
//!
//! * Versions up to 5, as in Kafka 4.3, whose version 6 is not stable.
//! * Each request without a transactional id is given an id that nobody has had, and epoch 0; an id and an epoch that it
//!   names are not looked at, as in Kafka: whose batches were refused raises its own epoch (KIP-360). One of the two
//!   without the other is INVALID_REQUEST.
//! * While the controller gives out no ids, and there are none left: COORDINATOR_LOAD_IN_PROGRESS, upon which clients ask
//!   again.
//! * There are no transactions yet. A transactional id is refused with UNSUPPORTED_VERSION, which no client tries again; most
//!   don't come so far, because FindCoordinator is not offered. An empty one is INVALID_REQUEST.

use super::{Asked, Outcome, encode};
use crate::context::Context;
use protocol::ErrorCode;
use protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use std::sync::Arc;

/// No id, or no epoch.
const NONE: i16 = -1;

pub(super) fn apply(context: &Arc<Context>, asked: Asked, request: InitProducerIdRequest) -> Outcome {
    if let Err(code) = check(&request) {
        return Outcome::Ready(encode(&asked, &refused(code), Vec::new()));
    }
    let ids = context.producer_ids.clone();
    Outcome::Later(Box::pin(async move {
        let response = match ids.next().await {
            Some(id) => InitProducerIdResponse {
                producer_id: id.0,
                producer_epoch: 0,
                ..InitProducerIdResponse::default()
            },
            None => refused(ErrorCode::CoordinatorLoadInProgress),
        };
        encode(&asked, &response, Vec::new())
    }))
}

fn check(request: &InitProducerIdRequest) -> Result<(), ErrorCode> {
    let has_id = request.producer_id != i64::from(NONE);
    let has_epoch = request.producer_epoch != NONE;
    match request.transactional_id.as_deref() {
        _ if has_id != has_epoch => Err(ErrorCode::InvalidRequest),
        None => Ok(()),
        Some("") => Err(ErrorCode::InvalidRequest),
        Some(_) => Err(ErrorCode::UnsupportedVersion),
    }
}

fn refused(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: code as i16,
        producer_epoch: NONE,
        ..InitProducerIdResponse::default()
    }
}

#[cfg(test)]
#[path = "init_producer_id_test.rs"]
mod tests;
