//! One file per request and response pair. Names, fields and versions are those of Kafka's JSON schemas.
//!
//! Every declaration is compared with the schema, field by field, by the tests in `tests/wire`. A nullable field defaults
//! to its empty value, not to null, unless it says `default_null`: Kafka's rule, so name such fields in answers.

pub mod allocate_producer_ids;
pub mod alter_partition;
pub mod api_versions;
pub mod begin_quorum_epoch;
pub mod broker_heartbeat;
pub mod broker_registration;
pub mod controller_registration;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod elect_leaders;
pub mod end_quorum_epoch;
pub mod envelope;
pub mod fetch;
pub mod fetch_snapshot;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod unregister_broker;
pub mod vote;

/// Makes two messages a pair.
macro_rules! pair {
    ($key:ident: $request:ident, $response:ident) => {
        impl crate::Request for $request {
            const KEY: crate::ApiKey = crate::ApiKey::$key;
            type Response = $response;
        }

        impl crate::Response for $response {
            const KEY: crate::ApiKey = crate::ApiKey::$key;
        }
    };
}
use pair;
