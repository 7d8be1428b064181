//! ElectLeaders (key 43), versions 0 to 2.
//!
//! Elects the leaders of partitions anew: the preferred replica, or one out of sync (KIP-183).
//! Version 1 tells which of the two (KIP-460), 2 is the first flexible one.

use super::pair;

records::message! {
    /// Which partitions.
    pub struct ElectLeadersRequest("0-2", flexible "2+") {
        /// 0 for the preferred replica; 1 for any that lives, though records may be lost.
        election_type: i8, "1+";
        /// The topics; null for all partitions.
        topic_partitions: Option<Vec<TopicPartitions>>, "0+", nullable("0+");
        /// Milliseconds to wait until it is done.
        timeout_ms: i32, "0+", default(60_000);
    }

    /// The partitions of one topic.
    pub struct TopicPartitions {
        /// Its name.
        topic: String, "0+";
        /// Their numbers.
        partitions: Vec<i32>, "0+";
    }

    /// What became of them.
    pub struct ElectLeadersResponse("0-2", flexible "2+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "1+";
        /// The topics.
        replica_election_results: Vec<ReplicaElectionResult>, "0+";
    }

    /// One topic.
    pub struct ReplicaElectionResult {
        /// Its name.
        topic: String, "0+";
        /// Its partitions.
        partition_result: Vec<PartitionResult>, "0+";
    }

    /// One partition.
    pub struct PartitionResult {
        /// Its number.
        partition_id: i32, "0+";
        /// Zero, or why its leader is who it was.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+");
    }
}

pair!(ElectLeaders: ElectLeadersRequest, ElectLeadersResponse);
