//! BrokerHeartbeat (key 63), versions 0 to 2.
//!
//! A broker tells the controller that it lives, how far it has read the metadata, and whether it wants to serve (KIP-631).
//! Version 1 tells which log directories failed (KIP-858), 2 which are cordoned (KIP-1066).

use super::pair;
use model::Uuid;

records::message! {
    /// I live.
    pub struct BrokerHeartbeatRequest("0-2", flexible "0+") {
        /// The broker.
        broker_id: i32, "0+";
        /// The incarnation of the broker: the epoch that its registration was answered with; -1 for none.
        broker_epoch: i64, "0+", default(-1);
        /// The highest offset of the metadata log that it has applied.
        current_metadata_offset: i64, "0+";
        /// It does not want to serve.
        want_fence: bool, "0+";
        /// It wants to stop, and its partitions to be led by others before.
        want_shut_down: bool, "0+";
        /// Its log directories that have failed.
        offline_log_dirs: Vec<Uuid>, "1+", tag(0, "1+");
        /// Its log directories that get no new partitions; null when it has not told yet.
        cordoned_log_dirs: Option<Vec<Uuid>>, "2+", nullable("2+"), default_null, tag(1, "2+");
    }

    /// What the controller makes of it.
    pub struct BrokerHeartbeatResponse("0-2", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// It knows about all of the metadata.
        is_caught_up: bool, "0+";
        /// It must not serve.
        is_fenced: bool, "0+", default_true;
        /// It may stop now.
        should_shut_down: bool, "0+";
    }
}

pair!(BrokerHeartbeat: BrokerHeartbeatRequest, BrokerHeartbeatResponse);
