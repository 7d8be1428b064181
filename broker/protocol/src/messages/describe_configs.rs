//! DescribeConfigs (key 32), versions 1 to 4.
//!
//! Version 3 added types and documentation (KIP-569), 4 is the first flexible one.

use super::pair;

records::message! {
    /// Whose configuration is wanted.
    pub struct DescribeConfigsRequest("1-4", flexible "4+") {
        /// The things configured.
        resources: Vec<DescribeConfigsResource>, "0+";
        /// Tell what each configuration would fall back to.
        include_synonyms: bool, "1+";
        /// Tell what each configuration is for.
        include_documentation: bool, "3+";
    }

    /// One thing configured.
    pub struct DescribeConfigsResource {
        /// Its kind, as a number of `ConfigResource.Type`: 2 a topic, 4 a broker.
        resource_type: i8, "0+";
        /// Its name.
        resource_name: String, "0+";
        /// The configurations wanted; null for all.
        configuration_keys: Option<Vec<String>>, "0+", nullable("0+");
    }

    /// The configurations.
    pub struct DescribeConfigsResponse("1-4", flexible "4+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// The things configured.
        results: Vec<DescribeConfigsResult>, "0+";
    }

    /// One thing configured.
    pub struct DescribeConfigsResult {
        /// Zero, or why there is nothing to tell.
        error_code: i16, "0+";
        /// What was wrong, in words; null when nothing was.
        error_message: Option<String>, "0+", nullable("0+");
        /// Its kind.
        resource_type: i8, "0+";
        /// Its name.
        resource_name: String, "0+";
        /// Its configurations.
        configs: Vec<DescribeConfigsResourceResult>, "0+";
    }

    /// One configuration.
    pub struct DescribeConfigsResourceResult {
        /// Its name.
        name: String, "0+";
        /// Its value; null when it is not told.
        value: Option<String>, "0+", nullable("0+");
        /// It can't be changed.
        read_only: bool, "0+";
        /// Where it comes from, as a number of `ConfigSource`.
        config_source: i8, "1+", default(-1), ignorable;
        /// Its value is a secret.
        is_sensitive: bool, "0+";
        /// What it falls back to, nearest first, itself included.
        synonyms: Vec<DescribeConfigsSynonym>, "1+", ignorable;
        /// Its type, as a number of `ConfigType`.
        config_type: i8, "3+", ignorable;
        /// What it is for.
        documentation: Option<String>, "3+", nullable("0+"), ignorable;
    }

    /// What a configuration falls back to.
    pub struct DescribeConfigsSynonym {
        /// Its name.
        name: String, "1+";
        /// Its value; null when it is not told.
        value: Option<String>, "1+", nullable("0+");
        /// Where it comes from.
        source: i8, "1+";
    }
}

pair!(DescribeConfigs: DescribeConfigsRequest, DescribeConfigsResponse);
