//! BeginQuorumEpoch (key 53), versions 0 to 1.
//!
//! A leader tells the voters that its epoch has begun (KIP-595).
//! Version 1 is flexible, and tells where the leader listens (KIP-853).

use super::pair;
use model::Uuid;

records::message! {
    /// I lead.
    pub struct BeginQuorumEpochRequest("0-1", flexible "1+") {
        /// The cluster that the sender means, if it knows.
        cluster_id: Option<String>, "0+", nullable("0+"), default_null;
        /// Who is asked, so that a wrong address is noticed; -1 when the sender does not say.
        voter_id: i32, "1+", default(-1), ignorable;
        /// One topic: the metadata log.
        topics: Vec<RequestedTopicData>, "0+";
        /// Where the leader listens.
        leader_endpoints: Vec<LeaderEndpoint>, "1+", ignorable;
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
        /// The receiver's metadata directory.
        voter_directory_id: Uuid, "1+", ignorable;
        /// The leader; -1 when it is not known.
        leader_id: i32, "0+";
        /// Its epoch.
        leader_epoch: i32, "0+";
    }

    /// One listener of the leader.
    pub struct LeaderEndpoint {
        /// Its name.
        name: String, "1+";
        /// Its host.
        host: String, "1+";
        /// Its port.
        port: u16, "1+";
    }

    /// What the voter knows of the leader.
    pub struct BeginQuorumEpochResponse("0-1", flexible "1+") {
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// One topic: the metadata log.
        topics: Vec<AnsweredTopicData>, "0+";
        /// Where the leader named above listens.
        node_endpoints: Vec<NodeEndpoint>, "1+", tag(0, "1+");
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

pair!(BeginQuorumEpoch: BeginQuorumEpochRequest, BeginQuorumEpochResponse);
