//! OffsetForLeaderEpoch (key 23), versions 2 to 4: where an epoch ends in the leader's log (KIP-101, KIP-279, KIP-320).
//!
//! Version 2 names the epoch in which the sender takes the receiver for the leader, 3 who asks, 4 is the first flexible one.

use super::pair;

records::message! {
    /// Where do these epochs end?
    pub struct OffsetForLeaderEpochRequest("2-4", flexible "4+") {
        /// The follower that asks; -1 for a consumer, -2 for whoever may look beyond the high watermark.
        replica_id: i32, "3+", default(-2), ignorable;
        /// The topics.
        topics: Vec<OffsetForLeaderTopic>, "0+";
    }

    /// One topic of a request.
    pub struct OffsetForLeaderTopic {
        /// Its name.
        topic: String, "0+";
        /// Its partitions.
        partitions: Vec<OffsetForLeaderPartition>, "0+";
    }

    /// One partition of a request.
    pub struct OffsetForLeaderPartition {
        /// Its number.
        partition: i32, "0+";
        /// The leader epoch that the sender knows; -1 for none.
        current_leader_epoch: i32, "2+", default(-1), ignorable;
        /// The epoch whose end is wanted.
        leader_epoch: i32, "0+";
    }

    /// There.
    pub struct OffsetForLeaderEpochResponse("2-4", flexible "4+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "2+", ignorable;
        /// The topics.
        topics: Vec<OffsetForLeaderTopicResult>, "0+";
    }

    /// One topic of an answer.
    pub struct OffsetForLeaderTopicResult {
        /// Its name.
        topic: String, "0+";
        /// Its partitions.
        partitions: Vec<EpochEndOffset>, "0+";
    }

    /// One partition of an answer.
    pub struct EpochEndOffset {
        /// Zero, or why there is nothing to tell.
        error_code: i16, "0+";
        /// Its number.
        partition: i32, "0+";
        /// The last epoch of the log up to the one that was asked for; -1 when there is none.
        leader_epoch: i32, "1+", default(-1), ignorable;
        /// One past its last offset; -1 when there is none.
        end_offset: i64, "0+", default(-1);
    }
}

pair!(OffsetForLeaderEpoch: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse);
