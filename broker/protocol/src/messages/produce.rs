//! Produce (key 0), versions 3 to 13: appends record batches to partitions.
//!
//! Version 13 names topics by id (KIP-516); 10 tells clients who leads now (KIP-951); 9 is the first flexible one.
//! With acks=0 there is no answer at all. Versions 0 to 2 are advertised and refused: see [`crate::supported`].

use super::pair;
use bytes::Bytes;
use model::Uuid;

records::message! {
    /// Batches for partitions.
    pub struct ProduceRequest("3-13", flexible "9+") {
        /// The producer's transactional id, if it has one.
        transactional_id: Option<String>, "3+", nullable("3+"), default_null;
        /// Who must have the records before the answer: 0 nobody, 1 the leader, -1 every replica in sync.
        acks: i16, "0+";
        /// Milliseconds to wait for that.
        timeout_ms: i32, "0+";
        /// The topics.
        topic_data: Vec<TopicProduceData>, "0+";
    }

    /// One topic of a request.
    pub struct TopicProduceData {
        /// Its name, before version 13.
        name: String, "0-12", ignorable;
        /// Its id, from version 13 on.
        topic_id: Uuid, "13+", ignorable;
        /// Its partitions.
        partition_data: Vec<PartitionProduceData>, "0+";
    }

    /// One partition of a request.
    pub struct PartitionProduceData {
        /// Its number.
        index: i32, "0+";
        /// The batch, a slice of the frame.
        records: Option<Bytes>, "0+", records, nullable("0+");
    }

    /// Where the batches went.
    pub struct ProduceResponse("3-13", flexible "9+") {
        /// The topics, in the order of the request.
        responses: Vec<TopicProduceResponse>, "0+";
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "1+", ignorable;
        /// Where the leaders live that partitions name as their current one.
        node_endpoints: Vec<NodeEndpoint>, "10+", tag(0, "10+");
    }

    /// One topic of an answer.
    pub struct TopicProduceResponse {
        /// Its name, before version 13.
        name: String, "0-12", ignorable;
        /// Its id, from version 13 on.
        topic_id: Uuid, "13+", ignorable;
        /// Its partitions.
        partition_responses: Vec<PartitionProduceResponse>, "0+";
    }

    /// One partition of an answer.
    pub struct PartitionProduceResponse {
        /// Its number.
        index: i32, "0+";
        /// Zero, or why nothing was appended.
        error_code: i16, "0+";
        /// The offset that the first record got.
        base_offset: i64, "0+";
        /// The time that the broker gave the records, in milliseconds; -1 when they kept their own.
        log_append_time_ms: i64, "2+", default(-1), ignorable;
        /// The first offset of the log.
        log_start_offset: i64, "5+", default(-1), ignorable;
        /// The records for whose sake the batch was refused.
        record_errors: Vec<BatchIndexAndErrorMessage>, "8+", ignorable;
        /// What was wrong, in words.
        error_message: Option<String>, "8+", nullable("8+"), default_null, ignorable;
        /// Who leads now, when it is not this broker.
        current_leader: LeaderIdAndEpoch, "10+", tag(0, "10+");
    }

    /// A record that was refused.
    pub struct BatchIndexAndErrorMessage {
        /// Its place in the batch.
        batch_index: i32, "8+";
        /// What was wrong, in words.
        batch_index_error_message: Option<String>, "8+", nullable("8+"), default_null;
    }

    /// A leader and its epoch.
    pub struct LeaderIdAndEpoch {
        /// The broker; -1 when it is not known.
        leader_id: i32, "10+", default(-1);
        /// Its epoch.
        leader_epoch: i32, "10+", default(-1);
    }

    /// Where a broker lives.
    pub struct NodeEndpoint {
        /// The broker.
        node_id: i32, "10+";
        /// Its host name.
        host: String, "10+";
        /// Its port.
        port: i32, "10+";
        /// Its rack, if it has one.
        rack: Option<String>, "10+", nullable("10+"), default_null;
    }
}

pair!(Produce: ProduceRequest, ProduceResponse);

#[cfg(test)]
#[path = "produce_test.rs"]
mod tests;
