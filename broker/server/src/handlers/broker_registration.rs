//! BrokerRegistration (key 62): a broker that has started makes itself known to the active controller (KIP-631).
//!
//! * The answer is the broker's epoch, which names this incarnation of it from now on.
//! * From version 3 on the broker says after which epoch it was shut down in order (KIP-966): what another left may lack records.
//! * While the incarnation before may be alive it is DUPLICATE_BROKER_REGISTRATION, unless the data directory is the same.

use super::{Asked, Outcome, encode_of_controller};
use crate::context::Context;
use crate::refusal;
use controller::{BrokerRegistration, FeatureRange, NodeEndpoint};
use model::{BrokerEpoch, BrokerId, ClusterId, DirectoryId};
use protocol::messages::broker_registration::{
    BrokerRegistrationRequest, BrokerRegistrationResponse, Feature, Listener,
};
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: BrokerRegistrationRequest,
) -> Result<Outcome, String> {
    let registration = read(request);
    let outcome = context.metadata.register_broker(registration).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let response = match outcome {
        Ok(committed) => BrokerRegistrationResponse {
            broker_epoch: committed.value.0,
            ..BrokerRegistrationResponse::default()
        },
        Err(refused) => BrokerRegistrationResponse {
            error_code: refusal::controller(refused.reason) as i16,
            ..BrokerRegistrationResponse::default()
        },
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}

fn read(request: BrokerRegistrationRequest) -> BrokerRegistration {
    let endpoint = |at: Listener| {
        let Listener { name, host, port, security_protocol } = at;
        NodeEndpoint { name, host, port, security_protocol }
    };
    let feature = |feature: Feature| {
        let Feature { name, min_supported_version, max_supported_version } = feature;
        (name, FeatureRange { min: min_supported_version, max: max_supported_version })
    };
    BrokerRegistration {
        id: BrokerId(request.broker_id),
        cluster_id: ClusterId(request.cluster_id.into()),
        incarnation: request.incarnation_id,
        endpoints: request.listeners.into_iter().map(endpoint).collect(),
        features: request.features.into_iter().map(feature).collect(),
        rack: request.rack,
        directories: request.log_dirs.into_iter().map(DirectoryId).collect(),
        previous_epoch: (request.previous_broker_epoch >= 0)
            .then_some(BrokerEpoch(request.previous_broker_epoch)),
    }
}
