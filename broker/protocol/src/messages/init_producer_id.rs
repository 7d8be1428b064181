//! InitProducerId (key 22), versions 0 to 6: an identity for a producer (KIP-98).
//!
//! Version 2 is the first flexible one, 3 lets a producer name the identity that it has (KIP-360), 4 knows
//! PRODUCER_FENCED, 5 TRANSACTION_ABORTABLE (KIP-890), 6 two-phase commits (KIP-939), which Kafka holds to be unstable.

use super::pair;

records::message! {
    /// Who am I?
    pub struct InitProducerIdRequest("0-6", flexible "2+") {
        /// The producer's transactional id, if it has one.
        transactional_id: Option<String>, "0+", nullable("0+");
        /// Milliseconds after which an idle transaction is aborted; only with a transactional id.
        transaction_timeout_ms: i32, "0+";
        /// The id that it has; -1 for none.
        producer_id: i64, "3+", default(-1);
        /// The epoch that it has; -1 for none.
        producer_epoch: i16, "3+", default(-1);
        /// It takes part in two-phase commits.
        enable2_pc: bool, "6+";
        /// The transaction that is going on is kept.
        keep_prepared_txn: bool, "6+";
    }

    /// An identity.
    pub struct InitProducerIdResponse("0-6", flexible "2+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+", ignorable;
        /// Zero, or why there is none.
        error_code: i16, "0+";
        /// The id.
        producer_id: i64, "0+", default(-1);
        /// The epoch.
        producer_epoch: i16, "0+";
        /// The id of the transaction that was kept; -1 for none.
        ongoing_txn_producer_id: i64, "6+", default(-1);
        /// Its epoch; -1 for none.
        ongoing_txn_producer_epoch: i16, "6+", default(-1);
    }
}

pair!(InitProducerId: InitProducerIdRequest, InitProducerIdResponse);
