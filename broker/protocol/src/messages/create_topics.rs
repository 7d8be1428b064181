//! CreateTopics (key 19), versions 2 to 7.
//!
//! Version 4 lets the broker choose partitions and replication (-1, KIP-464), 5 is the first flexible one and answers with
//! the topic's configuration (KIP-525), 7 with its id (KIP-516).

use super::pair;
use model::Uuid;

records::message! {
    /// The topics to create.
    pub struct CreateTopicsRequest("2-7", flexible "5+") {
        /// The topics.
        topics: Vec<CreatableTopic>, "0+";
        /// Milliseconds to wait until they exist.
        timeout_ms: i32, "0+", default(60_000);
        /// Only check that they could be created.
        validate_only: bool, "1+";
    }

    /// One topic of a request.
    pub struct CreatableTopic {
        /// Its name.
        name: String, "0+";
        /// How many partitions; -1 for the broker's default, or when `assignments` says.
        num_partitions: i32, "0+";
        /// How many replicas of each; -1 for the broker's default, or when `assignments` says.
        replication_factor: i16, "0+";
        /// Who holds which partition, when the client decides that.
        assignments: Vec<CreatableReplicaAssignment>, "0+";
        /// Its configuration, where it differs from the defaults.
        configs: Vec<CreatableTopicConfig>, "0+";
    }

    /// The replicas of one partition.
    pub struct CreatableReplicaAssignment {
        /// The partition.
        partition_index: i32, "0+";
        /// The brokers, the preferred leader first.
        broker_ids: Vec<i32>, "0+";
    }

    /// One configuration of a request.
    pub struct CreatableTopicConfig {
        /// Its name.
        name: String, "0+";
        /// Its value.
        value: Option<String>, "0+", nullable("0+");
    }

    /// What became of them.
    pub struct CreateTopicsResponse("2-7", flexible "5+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "2+", ignorable;
        /// The topics.
        topics: Vec<CreatableTopicResult>, "0+";
    }

    /// One topic of an answer.
    pub struct CreatableTopicResult {
        /// Its name.
        name: String, "0+";
        /// The id that it got.
        topic_id: Uuid, "7+", ignorable;
        /// Zero, or why it was not created.
        error_code: i16, "0+";
        /// What was wrong, in words; null when nothing was.
        error_message: Option<String>, "1+", nullable("0+"), ignorable;
        /// Why the configuration is not told.
        topic_config_error_code: i16, "5+", tag(0, "5+"), ignorable;
        /// How many partitions it got.
        num_partitions: i32, "5+", default(-1), ignorable;
        /// How many replicas of each.
        replication_factor: i16, "5+", default(-1), ignorable;
        /// Its configuration; null when it is not told.
        configs: Option<Vec<CreatableTopicConfigs>>, "5+", nullable("5+"), ignorable;
    }

    /// One configuration of an answer.
    pub struct CreatableTopicConfigs {
        /// Its name.
        name: String, "5+";
        /// Its value; null when it is not told.
        value: Option<String>, "5+", nullable("5+");
        /// It can't be changed.
        read_only: bool, "5+";
        /// Where it comes from, as a number of `ConfigSource`.
        config_source: i8, "5+", default(-1), ignorable;
        /// Its value is a secret.
        is_sensitive: bool, "5+";
    }
}

pair!(CreateTopics: CreateTopicsRequest, CreateTopicsResponse);
