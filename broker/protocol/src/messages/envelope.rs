//! Envelope (key 58), version 0.
//!
//! A request that a broker passes on to the controller, in the name of its client (KIP-590).

use super::pair;
use bytes::Bytes;

records::message! {
    /// The request.
    pub struct EnvelopeRequest("0", flexible "0+") {
        /// The request with its header.
        request_data: Bytes, "0+";
        /// Who sent it, serialized; null when nobody was authenticated.
        request_principal: Option<Bytes>, "0+", nullable("0+");
        /// The client's address, 4 or 16 bytes.
        client_host_address: Bytes, "0+";
    }

    /// Its answer.
    pub struct EnvelopeResponse("0", flexible "0+") {
        /// The answer with its header; null when there is none.
        response_data: Option<Bytes>, "0+", nullable("0+"), default_null;
        /// Zero, or what went wrong.
        error_code: i16, "0+";
    }
}

pair!(Envelope: EnvelopeRequest, EnvelopeResponse);
