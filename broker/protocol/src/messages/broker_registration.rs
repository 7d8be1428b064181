//! BrokerRegistration (key 62), versions 0 to 4.
//!
//! A broker makes itself known to the controller when it starts (KIP-631).
//! Version 1 was for brokers that came from ZooKeeper, 2 names log directories (KIP-858), 3 the epoch before a clean shutdown
//! (KIP-966), 4 allows features whose lowest level is 0 (KAFKA-17011).

use super::pair;
use model::Uuid;

records::message! {
    /// Who has started.
    pub struct BrokerRegistrationRequest("0-4", flexible "0+") {
        /// The broker.
        broker_id: i32, "0+";
        /// The cluster that it belongs to.
        cluster_id: String, "0+";
        /// Names this process: another one in its place has another.
        incarnation_id: Uuid, "0+";
        /// Where clients reach it.
        listeners: Vec<Listener>, "0+";
        /// What it supports; before version 4, those whose lowest level is 0 are left out.
        features: Vec<Feature>, "0+";
        /// Its rack, if it has one.
        rack: Option<String>, "0+", nullable("0+");
        /// It comes from ZooKeeper.
        is_migrating_zk_broker: bool, "1+";
        /// Its log directories that work.
        log_dirs: Vec<Uuid>, "2+", ignorable;
        /// Its epoch before it was shut down cleanly; -1 when it was not.
        previous_broker_epoch: i64, "3+", default(-1), ignorable;
    }

    /// One listener.
    pub struct Listener {
        /// Its name.
        name: String, "0+";
        /// Its host.
        host: String, "0+";
        /// Its port.
        port: u16, "0+";
        /// How to speak to it, as a number of `SecurityProtocol`: 0 plaintext, 1 TLS, 2 SASL, 3 both.
        security_protocol: i16, "0+";
    }

    /// One feature.
    pub struct Feature {
        /// Its name.
        name: String, "0+";
        /// The lowest level supported.
        min_supported_version: i16, "0+";
        /// The highest level supported.
        max_supported_version: i16, "0+";
    }

    /// Under which epoch it is known.
    pub struct BrokerRegistrationResponse("0-4", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// Its epoch; -1 when it is not registered.
        broker_epoch: i64, "0+", default(-1);
    }
}

pair!(BrokerRegistration: BrokerRegistrationRequest, BrokerRegistrationResponse);
