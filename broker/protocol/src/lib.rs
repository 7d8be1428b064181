//! Frames, headers and one file per request and response pair of Kafka's protocol.
//!
//! For server and client only: no core knows an RPC message. Messages are declared in [`messages`] with
//! [`records::message!`] and tested field by field against Kafka's schemas; decoding is bounded by the frame, and
//! an answer leaves as a list of `Bytes` in which record data is shared, not copied.
//!
//! A server reads a frame's length with [`Frame::length`], splits it with [`RequestHeader::decode`], looks its API up
//! in [`supported`], reads the body with [`Request::decode_body`] and answers with [`Frame::response`]. A client
//! writes with [`Frame::request`] and reads with [`Frame::correlation_id`] and [`Frame::decode_response`].
//!
//! ```
//! # use tidemark_protocol as protocol;
//! use bytes::Bytes;
//! use protocol::messages::metadata::{MetadataRequest, MetadataResponse};
//! use protocol::{Frame, Request, RequestHeader};
//!
//! let asked = Frame::request(7, Some("me"), 12, &MetadataRequest::default()).unwrap().concat();
//! let (header, body) = RequestHeader::decode(Bytes::from(asked).slice(4..)).unwrap();
//! assert_eq!((header.api_key, header.api_version), (MetadataRequest::KEY as i16, 12));
//! let request = MetadataRequest::decode_body(body, header.api_version).unwrap();
//! assert_eq!(request, MetadataRequest::default());
//!
//! let answer = Frame::response(header.correlation_id, 12, &MetadataResponse::default()).unwrap().concat();
//! let (correlation_id, response) = Frame::decode_response::<MetadataRequest>(Bytes::from(answer).slice(4..), 12).unwrap();
//! assert_eq!((correlation_id, response), (7, MetadataResponse::default()));
//! ```

mod api_key;
mod error_code;
mod frame;
mod header;
pub mod messages;

pub use api_key::{ApiKey, Supported, supported, supported_by_controllers};
pub use error_code::ErrorCode;
pub use frame::{
    BodyError, Frame, FrameLengthError, REQUEST_BYTES_MAX_DEFAULT, REQUEST_BYTES_MIN, Request, Response,
};
pub use header::{HeaderError, RequestHeader, request_header_version, response_header_version};
pub use records::codec::{DecodeError, EncodeError};
pub use records::message::{Message, RecordBytes};
