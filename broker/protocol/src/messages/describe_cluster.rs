//! DescribeCluster (key 60), versions 0 to 2.
//!
//! Who is in the cluster (KIP-700).
//! Version 1 asks for controllers as well (KIP-919), 2 for fenced brokers (KIP-1073).

use super::pair;

records::message! {
    /// What to tell.
    pub struct DescribeClusterRequest("0-2", flexible "0+") {
        /// Tell what the sender may do to the cluster.
        include_cluster_authorized_operations: bool, "0+";
        /// Who to tell of: 1 for brokers, 2 for controllers.
        endpoint_type: i8, "1+", default(1);
        /// Fenced brokers as well.
        include_fenced_brokers: bool, "2+";
    }

    /// The cluster.
    pub struct DescribeClusterResponse("0-2", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+"), default_null;
        /// Who is told of: 1 for brokers, 2 for controllers.
        endpoint_type: i8, "1+", default(1);
        /// The id of the cluster.
        cluster_id: String, "0+";
        /// A node to send requests to that are meant for the controller; -1 when there is none.
        controller_id: i32, "0+", default(-1);
        /// Its nodes.
        brokers: Vec<DescribeClusterBroker>, "0+";
        /// What the sender may do to the cluster, as a bit field; the least number when that is not told.
        cluster_authorized_operations: i32, "0+", default(-2_147_483_648);
    }

    /// One node.
    pub struct DescribeClusterBroker {
        /// The node.
        broker_id: i32, "0+";
        /// Its host.
        host: String, "0+";
        /// Its port.
        port: i32, "0+";
        /// Its rack, if it has one.
        rack: Option<String>, "0+", nullable("0+"), default_null;
        /// It is fenced.
        is_fenced: bool, "2+";
    }
}

pair!(DescribeCluster: DescribeClusterRequest, DescribeClusterResponse);
