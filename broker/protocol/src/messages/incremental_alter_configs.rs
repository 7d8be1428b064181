//! IncrementalAlterConfigs (key 44), versions 0 to 1. Declared, not offered yet.
//!
//! Changes some configurations and leaves the others as they are (KIP-339).
//! Version 1 is the first flexible one.

use super::pair;

records::message! {
    /// What to change.
    pub struct IncrementalAlterConfigsRequest("0-1", flexible "1+") {
        /// The things configured.
        resources: Vec<AlterConfigsResource>, "0+";
        /// Only check that it could be changed.
        validate_only: bool, "0+";
    }

    /// One thing configured.
    pub struct AlterConfigsResource {
        /// Its kind, as a number of `ConfigResource.Type`: 2 a topic, 4 a broker.
        resource_type: i8, "0+";
        /// Its name.
        resource_name: String, "0+";
        /// What to change of it.
        configs: Vec<AlterableConfig>, "0+";
    }

    /// One change.
    pub struct AlterableConfig {
        /// The name of the configuration.
        name: String, "0+";
        /// 0 sets the value, 1 takes it away, 2 appends to a list, 3 takes out of a list.
        config_operation: i8, "0+";
        /// The value; null for none.
        value: Option<String>, "0+", nullable("0+");
    }

    /// What became of it.
    pub struct IncrementalAlterConfigsResponse("0-1", flexible "1+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// The things configured.
        responses: Vec<AlterConfigsResourceResponse>, "0+";
    }

    /// One thing configured.
    pub struct AlterConfigsResourceResponse {
        /// Zero, or why nothing of it was changed.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+");
        /// Its kind.
        resource_type: i8, "0+";
        /// Its name.
        resource_name: String, "0+";
    }
}

pair!(IncrementalAlterConfigs: IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse);
