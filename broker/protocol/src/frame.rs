//! Whole frames: a length, a header, a body; and what makes a message a request or a response.

use std::fmt;

use bytes::Bytes;
use records::codec::{DecodeError, EncodeError, Reader, Writer};
use records::message::Message;

use crate::header::response_header_version;
use crate::{ApiKey, RequestHeader};

/// Kafka's default for `socket.request.max.bytes`: the longest request frame, its length prefix not counted.
pub const REQUEST_BYTES_MAX_DEFAULT: usize = 104_857_600;

/// The shortest request frame: key, version and correlation id.
pub const REQUEST_BYTES_MIN: usize = 8;

/// Room that the gathered part of a frame starts with.
const GATHERED_BYTES: usize = 256;

/// What a client asks.
pub trait Request: Message {
    /// Its API.
    const KEY: ApiKey;
    /// What answers it.
    type Response: Response;

    /// Reads the body of a request, in the memory that [`ApiKey::decoding_bytes_max`] allows. Bytes after the message
    /// are ignored, as in Kafka.
    fn decode_body(body: Bytes, version: i16) -> Result<Self, BodyError> {
        decode(Reader::with_factor(body, Self::KEY.decoded_factor()), version)
    }
}

/// What a broker answers.
pub trait Response: Message {
    /// Its API.
    const KEY: ApiKey;
}

/// A body that is not what its header says. The connection ends: the client speaks another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyError {
    /// The message, by its name in Kafka's schemas.
    pub message: &'static str,
    /// The version that was read.
    pub version: i16,
    /// The field whose reading began last; empty before any.
    pub field: &'static str,
    /// What was wrong.
    pub cause: DecodeError,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.message, self.version)?;
        if !self.field.is_empty() {
            write!(f, ", field {}", self.field)?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for BodyError {}

/// A length prefix that no frame of the protocol has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLengthError {
    /// The length that was claimed.
    pub claimed: i32,
    /// The longest one allowed.
    pub max: usize,
}

impl fmt::Display for FrameLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a frame of {} bytes, where {REQUEST_BYTES_MIN} to {} are allowed", self.claimed, self.max)
    }
}

impl std::error::Error for FrameLengthError {}

/// Frames as they go over a connection. Nothing but a name for these functions.
pub struct Frame;

impl Frame {
    /// The length that a prefix gives to a request, within [`REQUEST_BYTES_MIN`] and `max`.
    pub fn length(prefix: [u8; 4], max: usize) -> Result<usize, FrameLengthError> {
        let claimed = i32::from_be_bytes(prefix);
        usize::try_from(claimed)
            .ok()
            .filter(|length| (REQUEST_BYTES_MIN..=max).contains(length))
            .ok_or(FrameLengthError { claimed, max })
    }

    /// An answer, its length included, as segments for one vectored write; records are not copied.
    ///
    /// An error says that the message can't be carried at this version: a field that the version lacks, or a text
    /// beyond 32767 bytes (an error message that quotes what the client sent, say). It depends on data, so
    /// it must not end the process; answering with fewer words or ending the connection are both honest.
    pub fn response<R: Response>(
        correlation_id: i32,
        version: i16,
        response: &R,
    ) -> Result<Vec<Bytes>, EncodeError> {
        let mut writer = Writer::frame(GATHERED_BYTES);
        writer.i32(correlation_id);
        if response_header_version(R::KEY, version) >= 1 {
            writer.uvarint(0);
        }
        response.encode(&mut writer, version)?;
        writer.finish_frame()
    }

    /// A request, its length included, as segments for one vectored write; records are not copied.
    pub fn request<Q: Request>(
        correlation_id: i32,
        client_id: Option<&str>,
        version: i16,
        request: &Q,
    ) -> Result<Vec<Bytes>, EncodeError> {
        let header = RequestHeader {
            api_key: Q::KEY as i16,
            api_version: version,
            correlation_id,
            client_id: client_id.map(str::to_owned),
        };
        let mut writer = Writer::frame(GATHERED_BYTES);
        header.encode(&mut writer)?;
        request.encode(&mut writer, version)?;
        writer.finish_frame()
    }

    /// The correlation id of an answer (without its length): which request it belongs to.
    pub fn correlation_id(frame: &Bytes) -> Result<i32, DecodeError> {
        frame.first_chunk().map(|bytes| i32::from_be_bytes(*bytes)).ok_or(DecodeError::Truncated)
    }

    /// Reads an answer (without its length) to a request of type `Q` at `version`.
    pub fn decode_response<Q: Request>(frame: Bytes, version: i16) -> Result<(i32, Q::Response), BodyError> {
        let schema = Q::Response::SCHEMA;
        let error = |cause| BodyError { message: schema.name, version, field: "", cause };
        let mut reader = Reader::new(frame);
        let correlation_id = reader.i32().map_err(error)?;
        if response_header_version(Q::KEY, version) >= 1 {
            reader.skip_tagged_fields().map_err(error)?;
        }
        let response = Q::Response::decode(&mut reader, version)
            .map_err(|cause| BodyError { field: reader.field(), ..error(cause) })?;
        Ok((correlation_id, response))
    }
}

fn decode<M: Message>(mut reader: Reader, version: i16) -> Result<M, BodyError> {
    M::decode(&mut reader, version).map_err(|cause| BodyError {
        message: M::SCHEMA.name,
        version,
        field: reader.field(),
        cause,
    })
}

#[cfg(test)]
#[path = "frame_test.rs"]
mod tests;
