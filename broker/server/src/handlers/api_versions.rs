//! ApiVersions (key 18): what this listener offers, asked before anything else.
//!
//! * The body of an unknown version can't be read: it is answered in version 0 with UNSUPPORTED_VERSION and our
//!   own range for this API, from which the client picks another (KIP-511).
//! * Versions 0 to 3 leave out supported features whose lowest level is 0.
//! * From version 5 on the client may say whom it means to talk to, by cluster and node; if either is not us it is
//!   told to bootstrap anew (KIP-1242). One without the other is INVALID_REQUEST.
//! * A client's name and version, from 3 on, must be made of letters, digits, `-` and `.`.

use super::{Answered, Asked, Side, encode};
use crate::context::Context;
use bytes::Bytes;
use controller::features;
use protocol::messages::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use protocol::{ApiKey, ErrorCode, Request};

pub(super) fn answer(context: &Context, side: Side, asked: &Asked, body: Bytes) -> Answered {
    let offers = side.offers();
    let range = offers.iter().find(|range| range.key == ApiKey::ApiVersions).expect("we offer it");
    if !range.accepts(asked.version) {
        let asked = Asked { version: 0, ..*asked };
        return encode(&asked, &ApiVersionsResponse::unsupported(offers), Vec::new());
    }
    let request = ApiVersionsRequest::decode_body(body, asked.version).map_err(|error| error.to_string())?;
    let image = context.image();
    let (cluster_id, node_id) = (&*image.cluster_id().0, context.settings.node_id.0);
    if let Err(code) = check(&request, asked.version, cluster_id, node_id) {
        let response = ApiVersionsResponse { error_code: code as i16, ..ApiVersionsResponse::default() };
        return encode(asked, &response, Vec::new());
    }
    let supported_feature = |(name, range): (String, controller::FeatureRange)| SupportedFeatureKey {
        name,
        min_version: range.min,
        max_version: range.max,
    };
    let finalized = |(name, level): (&str, i16)| FinalizedFeatureKey {
        name: name.to_owned(),
        max_version_level: level,
        min_version_level: level,
    };
    let response = ApiVersionsResponse {
        supported_features: features::supported().into_iter().map(supported_feature).collect(),
        finalized_features_epoch: image.finalized_features_epoch(),
        finalized_features: image.finalized_features().map(finalized).collect(),
        ..ApiVersionsResponse::offering(offers)
    };
    encode(asked, &response.suited_to(asked.version), Vec::new())
}

/// Refuses a request that is not well formed, or that means a broker other than this one.
fn check(
    request: &ApiVersionsRequest,
    version: i16,
    cluster_id: &str,
    node_id: i32,
) -> Result<(), ErrorCode> {
    if version >= 5 && request.cluster_id.is_some() != (request.node_id != -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    if version >= 3 && !(is_name(&request.client_software_name) && is_name(&request.client_software_version))
    {
        return Err(ErrorCode::InvalidRequest);
    }
    match &request.cluster_id {
        Some(cluster) if version >= 5 && (cluster != cluster_id || request.node_id != node_id) => {
            Err(ErrorCode::RebootstrapRequired)
        }
        _ => Ok(()),
    }
}

/// Kafka's pattern for client names and versions: `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
#[path = "api_versions_test.rs"]
mod tests;
