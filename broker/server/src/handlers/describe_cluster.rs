//! DescribeCluster (key 60): the brokers and the cluster's id, from the image this broker has applied.
//!
//! * Versions 0 to 2. This listener tells of brokers only: who asks for controllers (from version 1 on, KIP-919) is
//!   answered MISMATCHED_ENDPOINT_TYPE, for anything else UNSUPPORTED_ENDPOINT_TYPE.
//! * Fenced brokers are shown from version 2 on, to those who ask for them (KIP-1073).
//! * The controller told is this broker: any broker passes requests on (KIP-590).
//! * Authorized operations, when asked for, are all there are: there is no authorizer yet.

use super::shown::CLUSTER_OPERATIONS;
use super::{Asked, Outcome, when_leaving};
use crate::context::Context;
use controller::ClusterImage;
use model::BrokerId;
use protocol::ErrorCode;
use protocol::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use std::sync::Arc;

/// Kafka's numbers for what listens.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: DescribeClusterRequest,
) -> Result<Outcome, String> {
    Ok(when_leaving(context, asked, move |context| {
        let settings = &context.settings;
        respond(&context.image(), settings.node_id, &settings.inter_broker_listener, &request)
    }))
}

fn respond(
    image: &ClusterImage,
    me: BrokerId,
    listener: &str,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    let refused = |code: ErrorCode, message: String| DescribeClusterResponse {
        error_code: code as i16,
        error_message: Some(message),
        ..DescribeClusterResponse::default()
    };
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type \
                           CONTROLLER";
            return refused(ErrorCode::MismatchedEndpointType, message.to_owned());
        }
        other => {
            return refused(ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {other}"));
        }
    }
    let shown = image.brokers().filter(|broker| request.include_fenced_brokers || !broker.fenced);
    let brokers: Vec<DescribeClusterBroker> = shown
        .filter_map(|broker| {
            let endpoint = broker.endpoint(listener)?;
            Some(DescribeClusterBroker {
                broker_id: broker.id.0,
                host: endpoint.host.clone(),
                port: i32::from(endpoint.port),
                rack: broker.rack.clone(),
                is_fenced: broker.fenced,
            })
        })
        .collect();
    // A client looks the controller up among the brokers.
    let known = brokers.iter().any(|broker| broker.broker_id == me.0);
    let told_operations = request.include_cluster_authorized_operations;
    DescribeClusterResponse {
        cluster_id: image.cluster_id().to_string(),
        controller_id: if known { me } else { BrokerId::NONE }.0,
        brokers,
        cluster_authorized_operations: if told_operations { CLUSTER_OPERATIONS } else { i32::MIN },
        ..DescribeClusterResponse::default()
    }
}

#[cfg(test)]
#[path = "describe_cluster_test.rs"]
mod tests;
