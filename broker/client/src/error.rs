//! Why a call gave no answer.

use protocol::{BodyError, EncodeError};
use std::fmt;
use std::io;

/// A connection could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Refused, reset, unreachable: the platform's own kind.
    Failed(io::ErrorKind),
    /// Nothing had happened by the deadline.
    TimedOut,
}

/// A call gave no answer. Only `Encode`, `Unspoken` and `Busy` say for sure that the broker did not act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The request can't be written at that version. Nothing was sent.
    Encode(EncodeError),
    /// There is no version of the request that both ends speak. Nothing was sent.
    Unspoken,
    /// As many requests are under way as the connection takes. Nothing was sent.
    Busy,
    /// The connection ended, by whosoever's doing.
    Closed(Ending),
    /// No answer had come by the deadline. It may still come: the connection goes on.
    TimedOut,
    /// The answer is not what its version says.
    Answer(BodyError),
}

/// How a connection ended, as far as this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// This side closed it.
    Here,
    /// The broker closed it in order.
    There,
    /// The platform reported this.
    Failed(io::ErrorKind),
    /// The broker sent a frame of a length that no answer has.
    Length(i32),
    /// The broker answered another request than the next one: answers leave in order.
    Order {
        /// The correlation id that was due.
        due: i32,
        /// The one that came.
        came: i32,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Failed(kind) => write!(f, "connect: {kind}"),
            ConnectError::TimedOut => f.write_str("connect: timed out"),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Encode(why) => write!(f, "the request can't be written: {why}"),
            CallError::Unspoken => {
                f.write_str("the broker does not offer the request at a version known here")
            }
            CallError::Busy => f.write_str("too many requests are under way"),
            CallError::Closed(ending) => ending.fmt(f),
            CallError::TimedOut => f.write_str("no answer in time"),
            CallError::Answer(why) => write!(f, "the answer can't be read: {why}"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Here => f.write_str("closed here"),
            Ending::There => f.write_str("closed by the broker"),
            Ending::Failed(kind) => write!(f, "connection lost: {kind}"),
            Ending::Length(length) => write!(f, "an answer of {length} bytes"),
            Ending::Order { due, came } => write!(f, "answer {came} where {due} was due"),
        }
    }
}

impl std::error::Error for ConnectError {}
impl std::error::Error for CallError {}
