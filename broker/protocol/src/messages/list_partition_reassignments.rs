//! ListPartitionReassignments (key 46), version 0.
//!
//! Which partitions are being moved (KIP-455).

use super::pair;

records::message! {
    /// Which partitions to look at.
    pub struct ListPartitionReassignmentsRequest("0", flexible "0+") {
        /// Milliseconds to wait for the answer.
        timeout_ms: i32, "0+", default(60_000);
        /// The topics; null for all.
        topics: Option<Vec<ListPartitionReassignmentsTopics>>, "0+", nullable("0+"), default_null;
    }

    /// One topic of a request.
    pub struct ListPartitionReassignmentsTopics {
        /// Its name.
        name: String, "0+";
        /// Its partitions.
        partition_indexes: Vec<i32>, "0+";
    }

    /// Those that are being moved.
    pub struct ListPartitionReassignmentsResponse("0", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+");
        /// The topics.
        topics: Vec<OngoingTopicReassignment>, "0+";
    }

    /// One topic of an answer.
    pub struct OngoingTopicReassignment {
        /// Its name.
        name: String, "0+";
        /// Its partitions that are being moved.
        partitions: Vec<OngoingPartitionReassignment>, "0+";
    }

    /// One partition.
    pub struct OngoingPartitionReassignment {
        /// Its number.
        partition_index: i32, "0+";
        /// Who holds it now, old and new.
        replicas: Vec<i32>, "0+";
        /// Who is to hold it and does not yet.
        adding_replicas: Vec<i32>, "0+";
        /// Who is not to hold it any more.
        removing_replicas: Vec<i32>, "0+";
    }
}

pair!(ListPartitionReassignments: ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse);
