//! Vote (key 52), versions 0 to 2.
//!
//! A voter asks another for its vote (KIP-595).
//! Version 1 names voters by directory as well (KIP-853), 2 brought pre-votes (KIP-996).

use super::pair;
use model::Uuid;

records::message! {
    /// Will you vote for me?
    pub struct VoteRequest("0-2", flexible "0+") {
        /// The cluster that the sender means, if it knows.
        cluster_id: Option<String>, "0+", nullable("0+"), default_null;
        /// Who is asked, so that a wrong address is noticed; -1 when the sender does not say.
        voter_id: i32, "1+", default(-1), ignorable;
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
        /// The epoch of the election; of a pre-vote, the epoch that the sender is in.
        replica_epoch: i32, "0+";
        /// Who asks.
        replica_id: i32, "0+";
        /// The replica's metadata directory.
        replica_directory_id: Uuid, "1+", ignorable;
        /// The receiver's metadata directory.
        voter_directory_id: Uuid, "1+", ignorable;
        /// The epoch of the last record of the sender's log.
        last_offset_epoch: i32, "0+";
        /// One past the last record of the sender's log.
        last_offset: i64, "0+";
        /// Whether it only asks if it would be elected.
        pre_vote: bool, "2+";
    }

    /// Whether it does.
    pub struct VoteResponse("0-2", flexible "0+") {
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
        /// Whether the vote is given.
        vote_granted: bool, "0+";
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

pair!(Vote: VoteRequest, VoteResponse);
