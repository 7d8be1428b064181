//! CreatePartitions (key 37), versions 0 to 3.
//!
//! Gives topics more partitions (KIP-195).
//! Version 2 is the first flexible one, 3 may be answered with THROTTLING_QUOTA_EXCEEDED (KIP-599).

use super::pair;

records::message! {
    /// The topics to give more partitions.
    pub struct CreatePartitionsRequest("0-3", flexible "2+") {
        /// The topics.
        topics: Vec<CreatePartitionsTopic>, "0+";
        /// Milliseconds to wait until they exist.
        timeout_ms: i32, "0+";
        /// Only check that they could be created.
        validate_only: bool, "0+";
    }

    /// One topic of a request.
    pub struct CreatePartitionsTopic {
        /// Its name.
        name: String, "0+";
        /// How many partitions it is to have, those that it has included.
        count: i32, "0+";
        /// Who holds the new ones, in order; null when the controller decides that.
        assignments: Option<Vec<CreatePartitionsAssignment>>, "0+", nullable("0+");
    }

    /// The replicas of one new partition.
    pub struct CreatePartitionsAssignment {
        /// The brokers, the preferred leader first.
        broker_ids: Vec<i32>, "0+";
    }

    /// What became of them.
    pub struct CreatePartitionsResponse("0-3", flexible "2+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// The topics.
        results: Vec<CreatePartitionsTopicResult>, "0+";
    }

    /// One topic of an answer.
    pub struct CreatePartitionsTopicResult {
        /// Its name.
        name: String, "0+";
        /// Zero, or why it has no more partitions.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+"), default_null;
    }
}

pair!(CreatePartitions: CreatePartitionsRequest, CreatePartitionsResponse);
