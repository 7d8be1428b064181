//! AlterPartition (key 56), versions 2 to 3.
//!
//! A leader asks the controller for another in-sync set (KIP-497).
//! Version 2 names topics by id (KIP-841), 3 tells the epochs of the brokers in the set (KIP-903).

use super::pair;
use model::Uuid;

records::message! {
    /// The sets that a broker wants for the partitions that it leads.
    pub struct AlterPartitionRequest("2-3", flexible "0+") {
        /// The broker.
        broker_id: i32, "0+";
        /// The incarnation of the broker: the epoch that its registration was answered with; -1 for none.
        broker_epoch: i64, "0+", default(-1);
        /// The topics.
        topics: Vec<RequestedTopicData>, "0+";
    }

    /// One topic.
    pub struct RequestedTopicData {
        /// Its id.
        topic_id: Uuid, "2+", ignorable;
        /// Its partitions.
        partitions: Vec<RequestedPartitionData>, "0+";
    }

    /// One partition.
    pub struct RequestedPartitionData {
        /// Its number.
        partition_index: i32, "0+";
        /// The epoch in which the sender leads it.
        leader_epoch: i32, "0+";
        /// The set, before version 3.
        new_isr: Vec<i32>, "0-2";
        /// The set.
        new_isr_with_epochs: Vec<BrokerState>, "3+";
        /// 1 while the partition recovers from an unclean election.
        leader_recovery_state: i8, "1+";
        /// The epoch of the partition that the sender knows: it must not have changed since.
        partition_epoch: i32, "0+";
    }

    /// One broker of the set.
    pub struct BrokerState {
        /// The broker.
        broker_id: i32, "3+";
        /// Its epoch; -1 when it is not known.
        broker_epoch: i64, "3+", default(-1);
    }

    /// What they are now.
    pub struct AlterPartitionResponse("2-3", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// The topics.
        topics: Vec<AnsweredTopicData>, "0+";
    }

    /// One topic.
    pub struct AnsweredTopicData {
        /// Its id.
        topic_id: Uuid, "2+", ignorable;
        /// Its partitions.
        partitions: Vec<AnsweredPartitionData>, "0+";
    }

    /// One partition.
    pub struct AnsweredPartitionData {
        /// Its number.
        partition_index: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// The leader; -1 when there is none.
        leader_id: i32, "0+";
        /// Its epoch.
        leader_epoch: i32, "0+";
        /// The set.
        isr: Vec<i32>, "0+";
        /// 1 while the partition recovers from an unclean election.
        leader_recovery_state: i8, "1+", ignorable;
        /// The epoch of the partition.
        partition_epoch: i32, "0+";
    }
}

pair!(AlterPartition: AlterPartitionRequest, AlterPartitionResponse);
