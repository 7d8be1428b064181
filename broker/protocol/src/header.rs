//! Request and response headers, and which version of them a message has.
//!
//! ```text
//! request header   0: key, version, correlation id          (ControlledShutdown 0 only, gone since Kafka 4.0)
//!                  1: and client id                         fixed versions of an API
//!                  2: and tagged fields                     flexible versions; the client id keeps its int16 length
//! response header  0: correlation id                        fixed versions, and ApiVersions always
//!                  1: and tagged fields                     flexible versions
//! ```
//!
//! An ApiVersions answer has header 0 at every version: the client that reads it does not know yet what the
//! broker speaks (KIP-511).

use std::fmt;

use bytes::Bytes;
use records::codec::{DecodeError, EncodeError, Reader, Writer};

use crate::ApiKey;

/// Key of ControlledShutdown, whose version 0 had no client id.
const CONTROLLED_SHUTDOWN: i16 = 7;

/// What precedes the body of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API, known or not: see [`ApiKey::from_key`].
    pub api_key: i16,
    /// The version of the body, supported or not.
    pub api_version: i16,
    /// Chosen by the client, repeated in the answer.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<String>,
}

/// A request whose header can't be read. Nothing after it can be trusted: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// What was wrong.
    pub cause: DecodeError,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request header: {}", self.cause)
    }
}

impl std::error::Error for HeaderError {}

impl RequestHeader {
    /// Splits a frame (without its length) into header and body; the body shares the frame's memory.
    ///
    /// The header of an API that is not declared is read as version 1, its common part: its body is of no use then.
    pub fn decode(frame: Bytes) -> Result<(RequestHeader, Bytes), HeaderError> {
        let mut reader = Reader::new(frame);
        let header = RequestHeader::read(&mut reader).map_err(|cause| HeaderError { cause })?;
        Ok((header, reader.rest()))
    }

    fn read(reader: &mut Reader) -> Result<RequestHeader, DecodeError> {
        let (api_key, api_version) = (reader.i16()?, reader.i16()?);
        let correlation_id = reader.i32()?;
        let version = request_header_version(api_key, api_version);
        let client_id = if version >= 1 { reader.nullable_string(false)? } else { None };
        if version >= 2 {
            reader.skip_tagged_fields()?;
        }
        Ok(RequestHeader { api_key, api_version, correlation_id, client_id })
    }

    /// Writes the header in the version that its API and API version call for.
    pub fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.i16(self.api_key);
        writer.i16(self.api_version);
        writer.i32(self.correlation_id);
        let version = request_header_version(self.api_key, self.api_version);
        if version >= 1 {
            let client_id = self.client_id.as_deref();
            if !writer.string_length(client_id.map(str::len), false) {
                return Err(EncodeError::TooLong { field: "client_id" });
            }
            writer.raw(client_id.unwrap_or_default().as_bytes());
        }
        if version >= 2 {
            writer.uvarint(0);
        }
        Ok(())
    }
}

/// The header version of a request.
pub fn request_header_version(api_key: i16, api_version: i16) -> i16 {
    if (api_key, api_version) == (CONTROLLED_SHUTDOWN, 0) {
        return 0;
    }
    let flexible = ApiKey::from_key(api_key).and_then(ApiKey::flexible);
    if flexible.is_some_and(|versions| versions.contains(api_version)) { 2 } else { 1 }
}

/// The header version of an answer.
pub fn response_header_version(api: ApiKey, api_version: i16) -> i16 {
    if api == ApiKey::ApiVersions {
        return 0;
    }
    i16::from(api.flexible().is_some_and(|versions| versions.contains(api_version)))
}

#[cfg(test)]
#[path = "header_test.rs"]
mod tests;
