//! UnregisterBroker (key 64): a broker that will not come back is forgotten, through the controller (KIP-631).
//!
//! * It remains a replica where it is one: what it holds has to be reassigned.
//! * One that is not registered is BROKER_ID_NOT_REGISTERED.

use super::{Asked, Outcome, encode_of_controller};
use crate::metadata::Handle;
use crate::refusal;
use model::BrokerId;
use protocol::messages::unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};

pub(super) async fn apply(
    metadata: &Handle,
    asked: Asked,
    request: UnregisterBrokerRequest,
) -> Result<Outcome, String> {
    let outcome = metadata.unregister_broker(BrokerId(request.broker_id)).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let response = match outcome {
        Ok(()) => UnregisterBrokerResponse::default(),
        Err(refused) => UnregisterBrokerResponse {
            error_code: refusal::controller(refused.reason) as i16,
            error_message: Some(refused.message),
            ..UnregisterBrokerResponse::default()
        },
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}
