//! ApiVersions: a client that speaks a version from the future, and features that begin at 0.

use bytes::Bytes;

use super::*;
use crate::{Frame, supported};

/// Trap: an unknown version is answered in version 0 with error 35 and the range of ApiVersions alone (KIP-511).
#[test]
fn an_unknown_version_is_answered_in_version_0_with_the_own_range() {
    let frame = Frame::response(3, 0, &ApiVersionsResponse::unsupported(supported())).unwrap().concat();
    // Length, correlation id, error 35, one API: 18 from 0 to 5. No throttle time, no tagged fields.
    assert_eq!(frame, [0, 0, 0, 16, 0, 0, 0, 3, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 5]);
    let frame = Bytes::from(frame).slice(4..);
    let (correlation_id, response) = ApiVersionsResponse::decode_frame(frame, 5).unwrap();
    assert_eq!((correlation_id, response.error_code), (3, 35));
    assert_eq!(response.api_keys, [ApiVersion { api_key: 18, min_version: 0, max_version: 5 }]);
}

/// Trap: the flexible answer has no flexible header: its body follows the correlation id at once.
#[test]
fn a_flexible_answer_has_a_header_without_tagged_fields() {
    let frame = Frame::response(3, 3, &ApiVersionsResponse::default()).unwrap().concat();
    // Error 0, no API, throttle time 0, no tagged field.
    assert_eq!(frame, [0, 0, 0, 12, 0, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0]);
    let frame = Bytes::from(frame).slice(4..);
    assert_eq!(ApiVersionsResponse::decode_frame(frame, 3), Ok((3, ApiVersionsResponse::default())));
}

/// Trap: before version 4 clients can't read a feature whose lowest level is 0 (KAFKA-17492).
#[test]
fn features_that_begin_at_0_are_told_from_version_4_on() {
    let feature =
        |name: &str, min_version| SupportedFeatureKey { name: name.into(), min_version, max_version: 1 };
    let response = ApiVersionsResponse {
        supported_features: vec![feature("group.version", 0), feature("metadata.version", 7)],
        ..ApiVersionsResponse::offering(supported())
    };
    let names = |version| -> Vec<String> {
        response
            .clone()
            .suited_to(version)
            .supported_features
            .into_iter()
            .map(|feature| feature.name)
            .collect()
    };
    assert_eq!(names(3), ["metadata.version"]);
    assert_eq!(names(4), ["group.version", "metadata.version"]);
}

/// Versions 0 to 2 have no features at all, so that they may be set regardless.
#[test]
fn features_are_dropped_where_there_are_none() {
    let feature = SupportedFeatureKey { name: "metadata.version".into(), min_version: 7, max_version: 30 };
    let response = ApiVersionsResponse {
        supported_features: vec![feature],
        finalized_features_epoch: 4,
        ..ApiVersionsResponse::offering(supported())
    };
    for version in 0..3 {
        let frame = Bytes::from(Frame::response(1, version, &response).unwrap().concat()).slice(4..);
        let (_, decoded) = ApiVersionsResponse::decode_frame(frame, version).unwrap();
        assert_eq!(decoded, ApiVersionsResponse::offering(supported()));
    }
}
