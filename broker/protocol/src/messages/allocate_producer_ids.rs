//! AllocateProducerIds (key 67), version 0.
//!
//! A broker asks the controller for a block of producer ids of its own (KIP-730).

use super::pair;

records::message! {
    /// Who needs one.
    pub struct AllocateProducerIdsRequest("0", flexible "0+") {
        /// The broker.
        broker_id: i32, "0+";
        /// The incarnation of the broker: the epoch that its registration was answered with; -1 for none.
        broker_epoch: i64, "0+", default(-1);
    }

    /// The block.
    pub struct AllocateProducerIdsResponse("0", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// The first id of the block.
        producer_id_start: i64, "0+";
        /// How many ids there are in it.
        producer_id_len: i32, "0+";
    }
}

pair!(AllocateProducerIds: AllocateProducerIdsRequest, AllocateProducerIdsResponse);
