//! Fetch (key 1), versions 4 to 18: record batches for consumers and for followers.
//!
//! Version 7 brought sessions (KIP-227), 9 leader epochs (KIP-320), 11 the rack (KIP-392), 12 divergence (KIP-595)
//! and flexible fields, 13 topic ids (KIP-516), 15 the replica's epoch (KIP-903), 16 endpoints (KIP-951),
//! 17 the replica's directory (KIP-853), 18 its high watermark (KIP-1166).

use super::pair;
use model::Uuid;
use records::RecordBytes;

records::message! {
    /// What to fetch, and how long to wait for it.
    pub struct FetchRequest("4-18", flexible "12+") {
        /// The cluster that the sender means, if it knows.
        cluster_id: Option<String>, "12+", nullable("12+"), default_null, tag(0, "12+"), ignorable;
        /// The follower that asks, before version 15; -1 for a consumer.
        replica_id: i32, "0-14", default(-1);
        /// The follower that asks, from version 15 on.
        replica_state: ReplicaState, "15+", tag(1, "15+");
        /// Milliseconds to wait for `min_bytes`.
        max_wait_ms: i32, "0+";
        /// Bytes worth answering for.
        min_bytes: i32, "0+";
        /// Most bytes of the whole answer, though its first batch comes whole (KIP-74).
        max_bytes: i32, "3+", default(0x7fff_ffff), ignorable;
        /// 0 for every record, 1 for committed transactions only.
        isolation_level: i8, "4+", ignorable;
        /// The fetch session, 0 for none.
        session_id: i32, "7+", ignorable;
        /// The place of this request in its session; -1 for none.
        session_epoch: i32, "7+", default(-1), ignorable;
        /// The topics; with a session, those that changed.
        topics: Vec<FetchTopic>, "0+";
        /// The partitions that the session no longer wants.
        forgotten_topics_data: Vec<ForgottenTopic>, "7+";
        /// The consumer's rack, to be served from near it.
        rack_id: String, "11+", ignorable;
    }

    /// A follower.
    pub struct ReplicaState {
        /// Its broker id; -1 for a consumer.
        replica_id: i32, "15+", default(-1);
        /// Its broker epoch; -1 when it has none.
        replica_epoch: i64, "15+", default(-1);
    }

    /// One topic of a request.
    pub struct FetchTopic {
        /// Its name, before version 13.
        topic: String, "0-12", ignorable;
        /// Its id, from version 13 on.
        topic_id: Uuid, "13+", ignorable;
        /// Its partitions.
        partitions: Vec<FetchPartition>, "0+";
    }

    /// One partition of a request.
    pub struct FetchPartition {
        /// Its number.
        partition: i32, "0+";
        /// The leader epoch that the sender knows; -1 for none.
        current_leader_epoch: i32, "9+", default(-1), ignorable;
        /// The first offset wanted.
        fetch_offset: i64, "0+";
        /// The epoch of the last record that the sender has; -1 for none.
        last_fetched_epoch: i32, "12+", default(-1);
        /// The first offset of the follower's log; -1 from a consumer.
        log_start_offset: i64, "5+", default(-1), ignorable;
        /// Most bytes of this partition; see `max_bytes`.
        partition_max_bytes: i32, "0+";
        /// The follower's log directory.
        replica_directory_id: Uuid, "17+", tag(0, "17+"), ignorable;
        /// The high watermark that the follower knows: -1 none, the maximum when it does not tell.
        high_watermark: i64, "18+", default(i64::MAX), tag(1, "18+"), ignorable;
    }

    /// A topic of which partitions are no longer wanted.
    pub struct ForgottenTopic {
        /// Its name, before version 13.
        topic: String, "7-12", ignorable;
        /// Its id, from version 13 on.
        topic_id: Uuid, "13+", ignorable;
        /// The partitions.
        partitions: Vec<i32>, "7+";
    }

    /// What there was.
    pub struct FetchResponse("4-18", flexible "12+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "1+", ignorable;
        /// Zero, or what was wrong with the whole request.
        error_code: i16, "7+", ignorable;
        /// The fetch session, 0 for none.
        session_id: i32, "7+";
        /// The topics.
        responses: Vec<FetchableTopicResponse>, "0+";
        /// Where the leaders live that partitions name as their current one.
        node_endpoints: Vec<NodeEndpoint>, "16+", tag(0, "16+");
    }

    /// One topic of an answer.
    pub struct FetchableTopicResponse {
        /// Its name, before version 13.
        topic: String, "0-12", ignorable;
        /// Its id, from version 13 on.
        topic_id: Uuid, "13+", ignorable;
        /// Its partitions.
        partitions: Vec<PartitionData>, "0+";
    }

    /// One partition of an answer.
    pub struct PartitionData {
        /// Its number.
        partition_index: i32, "0+";
        /// Zero, or why there are no records.
        error_code: i16, "0+";
        /// The high watermark.
        high_watermark: i64, "0+";
        /// The end of what no open transaction holds back.
        last_stable_offset: i64, "4+", default(-1), ignorable;
        /// The first offset of the log.
        log_start_offset: i64, "5+", default(-1), ignorable;
        /// Where the follower's log leaves the leader's, when it does.
        diverging_epoch: EpochEndOffset, "12+", tag(0, "12+");
        /// Who leads now, when it is not this broker.
        current_leader: LeaderIdAndEpoch, "12+", tag(1, "12+");
        /// The snapshot to fetch instead of records that are gone.
        snapshot_id: SnapshotId, "12+", tag(2, "12+");
        /// The aborted transactions among the records; null unless committed ones only were asked for.
        aborted_transactions: Option<Vec<AbortedTransaction>>, "4+", nullable("4+"), ignorable;
        /// The replica that the consumer had better ask; -1 for this one.
        preferred_read_replica: i32, "11+", default(-1);
        /// The batches. Never written as null: that broke a client.
        records: RecordBytes, "0+", nullable("0+"), default_null;
    }

    /// The end of an epoch.
    pub struct EpochEndOffset {
        /// The epoch.
        epoch: i32, "12+", default(-1);
        /// One past its last offset.
        end_offset: i64, "12+", default(-1);
    }

    /// A leader and its epoch.
    pub struct LeaderIdAndEpoch {
        /// The broker; -1 when it is not known.
        leader_id: i32, "12+", default(-1);
        /// Its epoch.
        leader_epoch: i32, "12+", default(-1);
    }

    /// A snapshot of the metadata log.
    pub struct SnapshotId {
        /// One past the last offset that it holds.
        end_offset: i64, "0+", default(-1);
        /// The epoch of that offset.
        epoch: i32, "0+", default(-1);
    }

    /// An aborted transaction.
    pub struct AbortedTransaction {
        /// Its producer.
        producer_id: i64, "4+";
        /// Its first offset.
        first_offset: i64, "4+";
    }

    /// Where a broker lives.
    pub struct NodeEndpoint {
        /// The broker.
        node_id: i32, "16+";
        /// Its host name.
        host: String, "16+";
        /// Its port.
        port: i32, "16+";
        /// Its rack, if it has one.
        rack: Option<String>, "16+", nullable("16+"), default_null;
    }
}

pair!(Fetch: FetchRequest, FetchResponse);

#[cfg(test)]
#[path = "fetch_test.rs"]
mod tests;
