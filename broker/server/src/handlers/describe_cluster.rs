//! DescribeCluster (key 60): the nodes and the cluster's id, from the image this node has applied.
//!
//! * Versions 0 to 2. Clients' listeners tell of brokers, controllers' of controllers (from version 1 on, KIP-919); who
//!   asks for the others is answered MISMATCHED_ENDPOINT_TYPE, for anything else UNSUPPORTED_ENDPOINT_TYPE.
//! * Fenced brokers are shown from version 2 on, to those who ask for them (KIP-1073).
//! * The controller that a broker tells is itself, as any broker passes requests on (KIP-590), or while it is fenced another
//!   one that is not. A controller tells the active one.
//! * A controller is shown by its first listener: its peers are reached there.
//! * Authorized operations, when asked for, are all there are: there is no authorizer yet.

use super::shown::{self, CLUSTER_OPERATIONS};
use super::{Asked, Outcome, Side, when_leaving};
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
    side: Side,
    asked: Asked,
    request: DescribeClusterRequest,
) -> Result<Outcome, String> {
    Ok(when_leaving(context, asked, move |context| {
        let (settings, image) = (&context.settings, context.image());
        match side {
            Side::Broker => brokers(&image, settings.node_id, &settings.inter_broker_listener, &request),
            Side::Controller => controllers(&image, context.metadata.leadership().leader, &request),
        }
    }))
}

/// The refusal of whoever does not ask for what is told here.
fn check(asked_for: i8, told: i8) -> Result<(), DescribeClusterResponse> {
    let refused = |code: ErrorCode, message: String| DescribeClusterResponse {
        error_code: code as i16,
        error_message: Some(message),
        ..DescribeClusterResponse::default()
    };
    let kind = |endpoint_type| if endpoint_type == BROKERS { "BROKER" } else { "CONTROLLER" };
    match asked_for {
        BROKERS | CONTROLLERS if asked_for == told => Ok(()),
        BROKERS | CONTROLLERS => {
            let (here, wanted) = (kind(told), kind(asked_for));
            let message = format!(
                "The request was sent to an endpoint of type {here}, but we wanted an endpoint of type {wanted}"
            );
            Err(refused(ErrorCode::MismatchedEndpointType, message))
        }
        other => {
            Err(refused(ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {other}")))
        }
    }
}

/// What is the same for brokers and controllers.
fn told(
    image: &ClusterImage,
    controller_id: i32,
    brokers: Vec<DescribeClusterBroker>,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    let told_operations = request.include_cluster_authorized_operations;
    DescribeClusterResponse {
        cluster_id: image.cluster_id().to_string(),
        endpoint_type: request.endpoint_type,
        controller_id,
        brokers,
        cluster_authorized_operations: if told_operations { CLUSTER_OPERATIONS } else { i32::MIN },
        ..DescribeClusterResponse::default()
    }
}

fn controllers(
    image: &ClusterImage,
    active: Option<BrokerId>,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    if let Err(refusal) = check(request.endpoint_type, CONTROLLERS) {
        return refusal;
    }
    let shown = image.controllers().filter_map(|node| {
        let endpoint = node.endpoints.first()?;
        Some(DescribeClusterBroker {
            broker_id: node.id.0,
            host: endpoint.host.clone(),
            port: i32::from(endpoint.port),
            rack: None,
            is_fenced: false,
        })
    });
    let shown: Vec<_> = shown.collect();
    // A client looks the controller up among the nodes.
    let active = active.filter(|active| shown.iter().any(|node| node.broker_id == active.0));
    told(image, active.unwrap_or(BrokerId::NONE).0, shown, request)
}

fn brokers(
    image: &ClusterImage,
    me: BrokerId,
    listener: &str,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    if let Err(refusal) = check(request.endpoint_type, BROKERS) {
        return refusal;
    }
    let shown = image.brokers().filter(|broker| request.include_fenced_brokers || !broker.fenced);
    let shown = shown.filter_map(|broker| {
        let endpoint = broker.endpoint(listener)?;
        Some(DescribeClusterBroker {
            broker_id: broker.id.0,
            host: endpoint.host.clone(),
            port: i32::from(endpoint.port),
            rack: broker.rack.clone(),
            is_fenced: broker.fenced,
        })
    });
    let shown: Vec<_> = shown.collect();
    let online = shown.iter().filter(|broker| !broker.is_fenced).map(|broker| broker.broker_id);
    told(image, shown::controller(me, online), shown, request)
}

#[cfg(test)]
#[path = "describe_cluster_test.rs"]
mod tests;
