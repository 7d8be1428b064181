//! ApiVersions (key 18), versions 0 to 5: what a broker offers. The first request on most connections.
//!
//! The client does not know yet what the broker speaks, so the answer's header is always version 0, and a request of
//! an unknown version is answered in version 0 without reading its body (KIP-511): [`ApiVersionsResponse::unsupported`].
//! Version 3 added features (KIP-584) and is the first flexible one, 4 lets a feature begin at 0 (KAFKA-17011), 5 lets
//! a client say whom it means to talk to (KIP-1242).

use super::pair;
use crate::{ApiKey, ErrorCode, Supported};
use bytes::Bytes;
use records::codec::{DecodeError, Reader};
use records::message::Message;

records::message! {
    /// Asks what the broker offers.
    pub struct ApiVersionsRequest("0-5", flexible "3+") {
        /// The name of the client's library.
        client_software_name: String, "3+", ignorable;
        /// Its version.
        client_software_version: String, "3+", ignorable;
        /// The cluster that the client means.
        cluster_id: Option<String>, "5+", nullable("5+"), default_null, ignorable;
        /// The node that the client means; -1 for any.
        node_id: i32, "5+", default(-1), ignorable;
    }

    /// What the broker offers.
    pub struct ApiVersionsResponse("0-5", flexible "3+") {
        /// Zero, or what was wrong with the request.
        error_code: i16, "0+";
        /// The APIs.
        api_keys: Vec<ApiVersion>, "0+";
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "1+", ignorable;
        /// The features that the broker knows.
        supported_features: Vec<SupportedFeatureKey>, "3+", tag(0, "3+"), ignorable;
        /// The epoch of the finalized features; -1 when it is not known.
        finalized_features_epoch: i64, "3+", default(-1), tag(1, "3+"), ignorable;
        /// The features that the whole cluster has agreed on.
        finalized_features: Vec<FinalizedFeatureKey>, "3+", tag(2, "3+"), ignorable;
        /// Of the migration from ZooKeeper; never set.
        zk_migration_ready: bool, "3+", tag(3, "3+"), ignorable;
    }

    /// An API and its versions.
    pub struct ApiVersion {
        /// The API.
        api_key: i16, "0+";
        /// Its lowest version.
        min_version: i16, "0+";
        /// Its highest version.
        max_version: i16, "0+";
    }

    /// A feature that the broker knows.
    pub struct SupportedFeatureKey {
        /// Its name.
        name: String, "3+";
        /// Its lowest level.
        min_version: i16, "3+";
        /// Its highest level.
        max_version: i16, "3+";
    }

    /// A feature that the cluster has agreed on.
    pub struct FinalizedFeatureKey {
        /// Its name.
        name: String, "3+";
        /// Its highest level.
        max_version_level: i16, "3+";
        /// Its lowest level.
        min_version_level: i16, "3+";
    }
}

pair!(ApiVersions: ApiVersionsRequest, ApiVersionsResponse);

impl From<&Supported> for ApiVersion {
    fn from(supported: &Supported) -> ApiVersion {
        ApiVersion { api_key: supported.key as i16, min_version: supported.min, max_version: supported.max }
    }
}

impl ApiVersionsResponse {
    /// The APIs of `table` and no features.
    pub fn offering(table: &[Supported]) -> ApiVersionsResponse {
        ApiVersionsResponse { api_keys: table.iter().map(ApiVersion::from).collect(), ..Default::default() }
    }

    /// The answer, to be encoded as version 0, to a request of a version that is not known: an error, and the versions
    /// of ApiVersions alone, so that the client can ask again.
    pub fn unsupported(table: &[Supported]) -> ApiVersionsResponse {
        let own = table.iter().filter(|supported| supported.key == ApiKey::ApiVersions);
        ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion as i16,
            api_keys: own.map(ApiVersion::from).collect(),
            ..Default::default()
        }
    }

    /// Leaves out what clients of `version` can't read: before version 4, features whose lowest level is 0
    /// (KAFKA-17492).
    pub fn suited_to(mut self, version: i16) -> ApiVersionsResponse {
        if version < 4 {
            self.supported_features.retain(|feature| feature.min_version != 0);
        }
        self
    }

    /// Reads an answer (without its length) to a request of `version`. The broker may not know that version and have
    /// answered in version 0.
    pub fn decode_frame(frame: Bytes, version: i16) -> Result<(i32, ApiVersionsResponse), DecodeError> {
        let mut reader = Reader::new(frame);
        let correlation_id = reader.i32()?;
        let mut again = reader.clone();
        let response = ApiVersionsResponse::decode(&mut reader, version)
            .or_else(|_| ApiVersionsResponse::decode(&mut again, 0))?;
        Ok((correlation_id, response))
    }
}

#[cfg(test)]
#[path = "api_versions_test.rs"]
mod tests;
