//! UnregisterBroker (key 64), version 0.
//!
//! An administrator takes the registration of a broker back that will not return (KIP-631).

use super::pair;

records::message! {
    /// Which broker.
    pub struct UnregisterBrokerRequest("0", flexible "0+") {
        /// The broker.
        broker_id: i32, "0+";
    }

    /// Whether that was done.
    pub struct UnregisterBrokerResponse("0", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+");
    }
}

pair!(UnregisterBroker: UnregisterBrokerRequest, UnregisterBrokerResponse);
