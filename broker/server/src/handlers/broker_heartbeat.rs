//! BrokerHeartbeat (key 63): a broker tells the active controller that it lives, and what it wants (KIP-631).
//!
//! * Whatever the heartbeat changes is committed before it is answered.
//! * A broker of another epoch than the registered one is told STALE_BROKER_EPOCH.

use super::{Asked, Outcome, encode_of_controller};
use crate::context::Context;
use crate::refusal;
use bytes::Bytes;
use controller::Heartbeat;
use model::{BrokerEpoch, BrokerId, Offset};
use protocol::Request;
use protocol::messages::broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};
use std::sync::Arc;

/// Whose heartbeat it is; `None` if it is malformed.
pub(super) fn sender(body: Bytes, version: i16) -> Option<BrokerId> {
    let request = BrokerHeartbeatRequest::decode_body(body, version).ok()?;
    Some(BrokerId(request.broker_id))
}

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: BrokerHeartbeatRequest,
) -> Result<Outcome, String> {
    let heartbeat = Heartbeat {
        id: BrokerId(request.broker_id),
        epoch: BrokerEpoch(request.broker_epoch),
        metadata_offset: Offset(request.current_metadata_offset),
        want_fence: request.want_fence,
        want_shutdown: request.want_shut_down,
    };
    let outcome = context.metadata.heartbeat(heartbeat).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let response = match outcome {
        Ok(committed) => BrokerHeartbeatResponse {
            is_caught_up: committed.value.caught_up,
            is_fenced: committed.value.fenced,
            should_shut_down: committed.value.should_shut_down,
            ..BrokerHeartbeatResponse::default()
        },
        Err(refused) => BrokerHeartbeatResponse {
            error_code: refusal::controller(refused.reason) as i16,
            ..BrokerHeartbeatResponse::default()
        },
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}
