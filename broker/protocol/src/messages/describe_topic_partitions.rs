//! DescribeTopicPartitions (key 75), version 0.
//!
//! Topics and their partitions, page by page (KIP-966).

use super::pair;
use model::Uuid;

records::message! {
    /// Which topics, and where the page begins.
    pub struct DescribeTopicPartitionsRequest("0", flexible "0+") {
        /// The topics; none for all.
        topics: Vec<TopicRequest>, "0+";
        /// Most partitions of the answer.
        response_partition_limit: i32, "0+", default(2000);
        /// Where the page begins; null for the first one.
        cursor: Option<RequestedCursor>, "0+", nullable("0+"), default_null;
    }

    /// One topic of a request.
    pub struct TopicRequest {
        /// Its name.
        name: String, "0+";
    }

    /// A place between pages.
    pub struct RequestedCursor {
        /// The topic.
        topic_name: String, "0+";
        /// Its partition.
        partition_index: i32, "0+";
    }

    /// The page.
    pub struct DescribeTopicPartitionsResponse("0", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+", ignorable;
        /// The topics, by name.
        topics: Vec<DescribeTopicPartitionsResponseTopic>, "0+";
        /// Where the next page begins; null when this is the last one.
        next_cursor: Option<AnsweredCursor>, "0+", nullable("0+"), default_null;
    }

    /// One topic of an answer.
    pub struct DescribeTopicPartitionsResponseTopic {
        /// Zero, or why there is nothing to tell.
        error_code: i16, "0+";
        /// Its name.
        name: Option<String>, "0+", nullable("0+");
        /// Its id.
        topic_id: Uuid, "0+", ignorable;
        /// It is one of the cluster's own.
        is_internal: bool, "0+", ignorable;
        /// Its partitions.
        partitions: Vec<DescribeTopicPartitionsResponsePartition>, "0+";
        /// What the sender may do to it, as a bit field; the least number when that is not told.
        topic_authorized_operations: i32, "0+", default(-2_147_483_648);
    }

    /// One partition.
    pub struct DescribeTopicPartitionsResponsePartition {
        /// Zero, or why it can't be used.
        error_code: i16, "0+";
        /// Its number.
        partition_index: i32, "0+";
        /// The leader; -1 when there is none.
        leader_id: i32, "0+";
        /// Its epoch.
        leader_epoch: i32, "0+", default(-1), ignorable;
        /// Who holds it.
        replica_nodes: Vec<i32>, "0+";
        /// Who is in sync.
        isr_nodes: Vec<i32>, "0+";
        /// Who could lead it though out of sync; null when that is not told.
        eligible_leader_replicas: Option<Vec<i32>>, "0+", nullable("0+"), default_null;
        /// Who could last; null when that is not told.
        last_known_elr: Option<Vec<i32>>, "0+", nullable("0+"), default_null;
        /// Who holds it and is not there.
        offline_replicas: Vec<i32>, "0+", ignorable;
    }

    /// A place between pages.
    pub struct AnsweredCursor {
        /// The topic.
        topic_name: String, "0+";
        /// Its partition.
        partition_index: i32, "0+";
    }
}

pair!(DescribeTopicPartitions: DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse);
