//! A record on its way, and what can become of it.

use bytes::Bytes;
use protocol::ErrorCode;
use std::fmt;

/// A record to produce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where to.
    pub topic: String,
    /// Which partition; chosen by the key, or any, where none is given.
    pub partition: Option<i32>,
    /// Records with the same key go to the same partition.
    pub key: Option<Bytes>,
    /// None deletes what the key named before, where the topic is compacted.
    pub value: Option<Bytes>,
    /// Names and values.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Milliseconds since the Unix epoch; the time at which it is given to the producer where none is given.
    pub timestamp_ms: Option<i64>,
}

impl Record {
    /// Bytes that it may take within a batch, at most.
    pub(super) fn bytes_max(&self) -> usize {
        /// Length, attributes, timestamp, offset, and the lengths of key, value and list of headers.
        const FRAMING: usize = 5 + 1 + 10 + 5 + 3 * 5;
        let field = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let header = |(name, value): &(String, Option<Bytes>)| name.len() + field(value) + 10;
        FRAMING + field(&self.key) + field(&self.value) + self.headers.iter().map(header).sum::<usize>()
    }
}

/// Where a record has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The partition.
    pub partition: i32,
    /// Its offset. None with acks=0, and where the broker remembers that it has the record, not where.
    pub offset: Option<i64>,
}

/// A record that was not delivered, or perhaps not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Why.
    pub cause: Cause,
    /// Whether it is certain that it is not in the log, and never will be. If not, it is there once or not at all.
    pub definite: bool,
}

/// Why a record was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A broker refused it, in these words.
    Refused {
        /// Its error code.
        code: ErrorCode,
        /// What else it said.
        words: Option<String>,
    },
    /// It was not delivered in its time (`delivery.timeout.ms`).
    Overdue {
        /// Why the last attempt failed: none was answered, or none was made, where it says nothing.
        last: Option<ErrorCode>,
    },
    /// A broker did not know any more what it had of this producer, while nobody knew what had become of the record.
    Forgotten,
    /// It is larger than a request may be (`max.request.size`).
    TooLarge {
        /// How large it may get.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// There is no such partition.
    NoPartition,
    /// Too many topics are written to.
    TooManyTopics,
    /// The brokers give this producer no id, which idempotence needs.
    NoProducerId(ErrorCode),
    /// The producer was closed before.
    Closed,
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)?;
        match self.definite {
            true => Ok(()),
            false => f.write_str(" (it may have been written all the same)"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Refused { code, words: Some(words) } => write!(f, "{code:?}: {words}"),
            Cause::Refused { code, words: None } => write!(f, "{code:?}: {}", code.description()),
            Cause::Overdue { last: None } => f.write_str("no answer in time"),
            Cause::Overdue { last: Some(code) } => {
                write!(f, "not delivered in time; the last answer was {code:?}: {}", code.description())
            }
            Cause::Forgotten => f.write_str("the broker has forgotten what it had of this producer"),
            Cause::TooLarge { bytes, bytes_max } => {
                write!(f, "it may take {bytes} bytes, {bytes_max} are allowed (max.request.size)")
            }
            Cause::NoPartition => f.write_str("the topic has no such partition"),
            Cause::TooManyTopics => f.write_str("more topics than one producer follows"),
            Cause::NoProducerId(code) => {
                write!(f, "the brokers give no producer id ({code:?}); produce without idempotence")
            }
            Cause::Closed => f.write_str("the producer was closed"),
        }
    }
}

impl std::error::Error for Undelivered {}
