//! Metadata (key 3), versions 0 to 13: the brokers, and topics with their partitions and leaders.
//!
//! Version 4 lets clients forbid the creation of topics, 8 to 10 ask for the cluster's authorized operations
//! (KIP-430), 9 is the first flexible one, 10 and 11 carry topic ids that only 12 may ask by (KIP-516), 13 has an error
//! of its own for the whole answer (KIP-1102).

use super::pair;
use model::Uuid;

records::message! {
    /// Which topics are wanted: see [`MetadataRequest::asked`].
    pub struct MetadataRequest("0-13", flexible "9+") {
        /// The topics.
        topics: Option<Vec<MetadataRequestTopic>>, "0+", nullable("1+");
        /// Topics that do not exist may be created, if the broker does so at all.
        allow_auto_topic_creation: bool, "4+", default_true;
        /// Tell what the client may do to the cluster.
        include_cluster_authorized_operations: bool, "8-10";
        /// Tell what the client may do to each topic.
        include_topic_authorized_operations: bool, "8+";
    }

    /// One topic of a request.
    pub struct MetadataRequestTopic {
        /// Its id, zero to ask by name. Used from version 12 on.
        topic_id: Uuid, "10+", ignorable;
        /// Its name, null to ask by id.
        name: Option<String>, "0+", nullable("10+");
    }

    /// The cluster as the broker knows it.
    pub struct MetadataResponse("0-13", flexible "9+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "3+", ignorable;
        /// The live brokers.
        brokers: Vec<MetadataResponseBroker>, "0+";
        /// The cluster's id.
        cluster_id: Option<String>, "2+", nullable("2+"), default_null, ignorable;
        /// A broker that takes requests for the controller; -1 for none.
        controller_id: i32, "1+", default(-1), ignorable;
        /// The topics.
        topics: Vec<MetadataResponseTopic>, "0+";
        /// Bits of what the client may do to the cluster; the minimum when it did not ask.
        cluster_authorized_operations: i32, "8-10", default(-2_147_483_648);
        /// Zero, or what was wrong with the whole request.
        error_code: i16, "13+", ignorable;
    }

    /// A broker.
    pub struct MetadataResponseBroker {
        /// Its id.
        node_id: i32, "0+";
        /// Its host name.
        host: String, "0+";
        /// Its port.
        port: i32, "0+";
        /// Its rack, if it has one.
        rack: Option<String>, "1+", nullable("1+"), default_null, ignorable;
    }

    /// One topic of an answer.
    pub struct MetadataResponseTopic {
        /// Zero, or why there is nothing to tell.
        error_code: i16, "0+";
        /// Its name; null when it was asked for by id and is not known.
        name: Option<String>, "0+", nullable("12+");
        /// Its id; zero when it was asked for by name and is not known.
        topic_id: Uuid, "10+", ignorable;
        /// True for a topic of the cluster's own.
        is_internal: bool, "1+", ignorable;
        /// Its partitions.
        partitions: Vec<MetadataResponsePartition>, "0+";
        /// Bits of what the client may do to it; the minimum when it did not ask.
        topic_authorized_operations: i32, "8+", default(-2_147_483_648);
    }

    /// A partition.
    pub struct MetadataResponsePartition {
        /// Zero, or what is wrong with it.
        error_code: i16, "0+";
        /// Its number.
        partition_index: i32, "0+";
        /// Its leader; -1 for none.
        leader_id: i32, "0+";
        /// The leader's epoch.
        leader_epoch: i32, "7+", default(-1), ignorable;
        /// The brokers that hold it.
        replica_nodes: Vec<i32>, "0+";
        /// Those that are in sync.
        isr_nodes: Vec<i32>, "0+";
        /// Those that are not available.
        offline_replicas: Vec<i32>, "5+", ignorable;
    }
}

pair!(Metadata: MetadataRequest, MetadataResponse);

impl MetadataRequest {
    /// The topics asked for, `None` for all of them. In version 0 an empty list means all; later null does, and an
    /// empty list means none.
    pub fn asked(&self, version: i16) -> Option<&[MetadataRequestTopic]> {
        match &self.topics {
            Some(topics) if topics.is_empty() && version == 0 => None,
            topics => topics.as_deref(),
        }
    }
}

#[cfg(test)]
#[path = "metadata_test.rs"]
mod tests;
