//! FetchSnapshot (key 59), versions 0 to 1.
//!
//! A follower asks the leader for a piece of a snapshot (KIP-630).
//! Version 1 tells the follower's directory, and where the leader listens (KIP-853).

use super::pair;
use bytes::Bytes;
use model::Uuid;

records::message! {
    /// Which piece.
    pub struct FetchSnapshotRequest("0-1", flexible "0+") {
        /// The cluster that the sender means, if it knows.
        cluster_id: Option<String>, "0+", nullable("0+"), default_null, tag(0, "0+");
        /// Who asks.
        replica_id: i32, "0+", default(-1);
        /// Most bytes of the answer.
        max_bytes: i32, "0+", default(0x7fff_ffff);
        /// One topic: the metadata log.
        topics: Vec<RequestedTopicSnapshot>, "0+";
    }

    /// The topic.
    pub struct RequestedTopicSnapshot {
        /// Its name.
        name: String, "0+";
        /// Its one partition.
        partitions: Vec<RequestedPartitionSnapshot>, "0+";
    }

    /// The partition.
    pub struct RequestedPartitionSnapshot {
        /// Its number.
        partition: i32, "0+";
        /// The epoch that the sender is in; -1 when it knows none.
        current_leader_epoch: i32, "0+";
        /// Which snapshot.
        snapshot_id: RequestedSnapshotId, "0+";
        /// The first byte, within the whole snapshot.
        position: i64, "0+";
        /// The replica's metadata directory.
        replica_directory_id: Uuid, "1+", tag(0, "1+"), ignorable;
    }

    /// A snapshot by what it stands for.
    pub struct RequestedSnapshotId {
        /// One past the last record that it stands for.
        end_offset: i64, "0+";
        /// That record's epoch.
        epoch: i32, "0+";
    }

    /// The piece.
    pub struct FetchSnapshotResponse("0-1", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+", ignorable;
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// One topic: the metadata log.
        topics: Vec<AnsweredTopicSnapshot>, "0+";
        /// Where the leader named above listens.
        node_endpoints: Vec<NodeEndpoint>, "1+", tag(0, "1+");
    }

    /// The topic.
    pub struct AnsweredTopicSnapshot {
        /// Its name.
        name: String, "0+";
        /// Its one partition.
        partitions: Vec<AnsweredPartitionSnapshot>, "0+";
    }

    /// The partition.
    pub struct AnsweredPartitionSnapshot {
        /// Its number.
        index: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// Which snapshot.
        snapshot_id: AnsweredSnapshotId, "0+";
        /// Who leads now.
        current_leader: LeaderIdAndEpoch, "0+", tag(0, "0+");
        /// Bytes of the whole snapshot.
        size: i64, "0+";
        /// The first byte, within the whole snapshot.
        position: i64, "0+";
        /// The piece: it may begin and end within a batch.
        unaligned_records: Bytes, "0+", records;
    }

    /// A snapshot by what it stands for.
    pub struct AnsweredSnapshotId {
        /// One past the last record that it stands for.
        end_offset: i64, "0+";
        /// That record's epoch.
        epoch: i32, "0+";
    }

    /// A leader and its epoch.
    pub struct LeaderIdAndEpoch {
        /// The leader; -1 when it is not known.
        leader_id: i32, "0+";
        /// Its epoch.
        leader_epoch: i32, "0+";
    }

    /// Where a node listens.
    pub struct NodeEndpoint {
        /// The node.
        node_id: i32, "1+";
        /// Its host.
        host: String, "1+";
        /// Its port.
        port: u16, "1+";
    }
}

pair!(FetchSnapshot: FetchSnapshotRequest, FetchSnapshotResponse);
