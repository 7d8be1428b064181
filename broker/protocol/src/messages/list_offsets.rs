//! ListOffsets (key 2), versions 1 to 11: offsets by time, and the ends of the log.
//!
//! Timestamps below zero are names, and each came with a version: -1 the end, -2 the beginning, -3 the largest
//! timestamp (7, KIP-734), -4 the local beginning (8, KIP-405), -5 the end of what is tiered (9, KIP-1005), -6 the
//! beginning of what is not uploaded yet (11, KIP-1023). Version 6 is the first flexible one.

use super::pair;

records::message! {
    /// Which offsets are wanted.
    pub struct ListOffsetsRequest("1-11", flexible "6+") {
        /// The follower that asks; -1 for a consumer.
        replica_id: i32, "0+";
        /// 0 for every record, 1 for committed transactions only.
        isolation_level: i8, "2+";
        /// The topics.
        topics: Vec<ListOffsetsTopic>, "0+";
        /// Milliseconds to wait for tiered storage.
        timeout_ms: i32, "10+", ignorable;
    }

    /// One topic of a request.
    pub struct ListOffsetsTopic {
        /// Its name.
        name: String, "0+";
        /// Its partitions.
        partitions: Vec<ListOffsetsPartition>, "0+";
    }

    /// One partition of a request.
    pub struct ListOffsetsPartition {
        /// Its number.
        partition_index: i32, "0+";
        /// The leader epoch that the client knows; -1 for none.
        current_leader_epoch: i32, "4+", default(-1), ignorable;
        /// Milliseconds since the epoch, or one of the names above.
        timestamp: i64, "0+";
    }

    /// The offsets.
    pub struct ListOffsetsResponse("1-11", flexible "6+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "2+", ignorable;
        /// The topics.
        topics: Vec<ListOffsetsTopicResponse>, "0+";
    }

    /// One topic of an answer.
    pub struct ListOffsetsTopicResponse {
        /// Its name.
        name: String, "0+";
        /// Its partitions.
        partitions: Vec<ListOffsetsPartitionResponse>, "0+";
    }

    /// One partition of an answer.
    pub struct ListOffsetsPartitionResponse {
        /// Its number.
        partition_index: i32, "0+";
        /// Zero, or why there is no offset.
        error_code: i16, "0+";
        /// The timestamp of the record found; -1 for the ends of the log.
        timestamp: i64, "1+", default(-1);
        /// The offset; -1 when no record is that late.
        offset: i64, "1+", default(-1);
        /// The leader epoch of that offset; -1 when it is not known.
        leader_epoch: i32, "4+", default(-1);
    }
}

pair!(ListOffsets: ListOffsetsRequest, ListOffsetsResponse);
