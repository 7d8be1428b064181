//! ControllerRegistration (key 70): a controller that has started makes itself known to the active one (KIP-919).

use super::{Asked, Outcome, encode_of_controller};
use crate::context::Context;
use crate::refusal;
use controller::{ControllerRegistration, FeatureRange, NodeEndpoint};
use model::BrokerId;
use protocol::messages::controller_registration::{
    ControllerRegistrationRequest, ControllerRegistrationResponse, Feature, Listener,
};
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: ControllerRegistrationRequest,
) -> Result<Outcome, String> {
    super::check_named(request.listeners.iter().map(|_| 0).chain(request.features.iter().map(|_| 0)))?;
    let outcome = context.metadata.register_controller(read(request)).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let response = match outcome {
        Ok(()) => ControllerRegistrationResponse::default(),
        Err(refused) => ControllerRegistrationResponse {
            error_code: refusal::controller(refused.reason) as i16,
            error_message: Some(refused.message),
            ..ControllerRegistrationResponse::default()
        },
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}

fn read(request: ControllerRegistrationRequest) -> ControllerRegistration {
    let endpoint = |at: Listener| {
        let Listener { name, host, port, security_protocol } = at;
        NodeEndpoint { name, host, port, security_protocol }
    };
    let feature = |feature: Feature| {
        let Feature { name, min_supported_version, max_supported_version } = feature;
        (name, FeatureRange { min: min_supported_version, max: max_supported_version })
    };
    ControllerRegistration {
        id: BrokerId(request.controller_id),
        incarnation: request.incarnation_id,
        endpoints: request.listeners.into_iter().map(endpoint).collect(),
        features: request.features.into_iter().map(feature).collect(),
    }
}
