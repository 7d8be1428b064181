//! DescribeQuorum (key 55), versions 0 to 2.
//!
//! How far the replicas of the metadata log are (KIP-595).
//! Version 1 tells when they fetched and caught up (KIP-836), 2 their directories and listeners (KIP-853).

use super::pair;
use model::Uuid;

records::message! {
    /// Which log: there is one.
    pub struct DescribeQuorumRequest("0-2", flexible "0+") {
        /// One topic: the metadata log.
        topics: Vec<RequestedTopicData>, "0+";
    }

    /// The topic.
    pub struct RequestedTopicData {
        /// Its name.
        topic_name: String, "0+";
        /// Its one partition.
        partitions: Vec<RequestedPartitionData>, "0+";
    }

    /// The partition.
    pub struct RequestedPartitionData {
        /// Its number.
        partition_index: i32, "0+";
    }

    /// How far its replicas are.
    pub struct DescribeQuorumResponse("0-2", flexible "0+") {
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// What went wrong, in words.
        error_message: Option<String>, "2+", nullable("2+"), ignorable;
        /// One topic: the metadata log.
        topics: Vec<AnsweredTopicData>, "0+";
        /// The voters as nodes.
        nodes: Vec<Node>, "2+";
    }

    /// The topic.
    pub struct AnsweredTopicData {
        /// Its name.
        topic_name: String, "0+";
        /// Its one partition.
        partitions: Vec<AnsweredPartitionData>, "0+";
    }

    /// The partition.
    pub struct AnsweredPartitionData {
        /// Its number.
        partition_index: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// What went wrong, in words.
        error_message: Option<String>, "2+", nullable("2+"), ignorable;
        /// The leader; -1 when it is not known.
        leader_id: i32, "0+";
        /// Its epoch.
        leader_epoch: i32, "0+";
        /// One past the last committed record.
        high_watermark: i64, "0+";
        /// The voters.
        current_voters: Vec<ReplicaState>, "0+";
        /// Those who follow without a vote.
        observers: Vec<ReplicaState>, "0+";
    }

    /// How far a replica is.
    pub struct ReplicaState {
        /// Who asks.
        replica_id: i32, "0+";
        /// The replica's metadata directory.
        replica_directory_id: Uuid, "2+";
        /// One past the last record that it is known to have; -1 when nothing is known.
        log_end_offset: i64, "0+";
        /// When it fetched last, in milliseconds by the leader's clock; -1 for the leader itself, or when it is not known.
        last_fetch_timestamp: i64, "1+", default(-1), ignorable;
        /// When it last had all that the leader had, in milliseconds by the leader's clock; -1 when it is not known.
        last_caught_up_timestamp: i64, "1+", default(-1), ignorable;
    }

    /// A voter as a node.
    pub struct Node {
        /// The node.
        node_id: i32, "2+";
        /// Where it listens.
        listeners: Vec<Listener>, "2+";
    }

    /// One listener of a node.
    pub struct Listener {
        /// Its name.
        name: String, "2+";
        /// Its host.
        host: String, "2+";
        /// Its port.
        port: u16, "2+";
    }
}

pair!(DescribeQuorum: DescribeQuorumRequest, DescribeQuorumResponse);
