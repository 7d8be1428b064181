//! ControllerRegistration (key 70), version 0.
//!
//! A controller makes itself known to the active one (KIP-919).

use super::pair;
use model::Uuid;

records::message! {
    /// Who has started.
    pub struct ControllerRegistrationRequest("0", flexible "0+") {
        /// The controller.
        controller_id: i32, "0+";
        /// Names this process: another one in its place has another.
        incarnation_id: Uuid, "0+";
        /// It could take over from ZooKeeper.
        zk_migration_ready: bool, "0+";
        /// Where it is reached.
        listeners: Vec<Listener>, "0+";
        /// What it supports.
        features: Vec<Feature>, "0+";
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

    /// Whether it is known now.
    pub struct ControllerRegistrationResponse("0", flexible "0+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "0+";
        /// Zero, or what went wrong.
        error_code: i16, "0+";
        /// What went wrong, in words; null when nothing did.
        error_message: Option<String>, "0+", nullable("0+");
    }
}

pair!(ControllerRegistration: ControllerRegistrationRequest, ControllerRegistrationResponse);
