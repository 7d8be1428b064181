//! How a consumer behaves, where it begins, and what it can't help.

use crate::backoff::Backoff;
use model::time::Duration;
use protocol::ErrorCode;
use std::fmt;

/// Where to go when a position is not in the log (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// To the first record.
    Earliest,
    /// To the end.
    Latest,
    /// Nowhere: it is an error.
    Error,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first record.
    Earliest,
    /// With what is written from now on.
    Latest,
    /// At this offset.
    At(i64),
    /// With the first record of this time or later, in milliseconds since the Unix epoch; at the end if there is none.
    Time(i64),
}

impl Start {
    /// What ListOffsets calls it; none for an offset.
    pub(super) fn timestamp(self) -> Option<i64> {
        match self {
            Start::Earliest => Some(-2),
            Start::Latest => Some(-1),
            Start::Time(ms) => Some(ms.max(0)),
            Start::At(_) => None,
        }
    }
}

/// The configuration of a consumer.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// `auto.offset.reset`.
    pub reset: Reset,
    /// How long a broker may wait for data (`fetch.max.wait.ms`).
    pub max_wait: Duration,
    /// What it waits for (`fetch.min.bytes`).
    pub min_bytes: i32,
    /// The most bytes of an answer (`fetch.max.bytes`), but for a first batch that is larger.
    pub max_bytes: i32,
    /// The most bytes of one partition in it (`max.partition.fetch.bytes`).
    pub partition_max_bytes: i32,
    /// The most records of one poll (`max.poll.records`).
    pub poll_records_max: usize,
    /// What a batch may become when it is decompressed; larger ones are an error.
    pub batch_bytes_max: usize,
    /// When a broker has been silent for so long beyond `max_wait`, others are asked whether it still leads; and
    /// again each time that it is over.
    pub patience: Duration,
    /// When brokers have said for so long that a topic does not exist, its partitions stop. Less would take a broker that
    /// is behind at its word.
    pub topic_patience: Duration,
    /// Between attempts (`retry.backoff.ms`, `retry.backoff.max.ms`).
    pub backoff: Backoff,
}

impl Default for ConsumerConfig {
    fn default() -> ConsumerConfig {
        ConsumerConfig {
            reset: Reset::Latest,
            max_wait: Duration::from_millis(500),
            min_bytes: 1,
            max_bytes: 50 << 20,
            partition_max_bytes: 1 << 20,
            poll_records_max: 500,
            batch_bytes_max: 64 << 20,
            patience: Duration::from_millis(250),
            topic_patience: Duration::from_secs(10),
            backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_millis(1_000) },
        }
    }
}

/// What stops a partition until its owner decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumeError {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Where it stands.
    pub offset: i64,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What is wrong with a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is nothing at this offset, and no reset is wanted.
    OutOfRange,
    /// Records that were read are no longer in the log, which goes on differently from this offset, if that is known
    /// (KIP-320); and no reset is wanted.
    Truncated {
        /// From there on.
        diverges_at: Option<i64>,
    },
    /// The topic was deleted, and there is another one of its name, in which the position means nothing; and no reset is
    /// wanted.
    Recreated,
    /// The topic does not exist, or no more.
    NoTopic,
    /// What came is not what its checksum, its framing or its compression says.
    Corrupt(String),
    /// The broker refuses for good.
    Refused(ErrorCode),
}

impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConsumeError { topic, partition, offset, trouble } = self;
        write!(f, "{topic}-{partition} at offset {offset}: ")?;
        match trouble {
            Trouble::OutOfRange => f.write_str("there is nothing at this offset"),
            Trouble::Truncated { diverges_at: Some(at) } => {
                write!(f, "the log was truncated: it is another one from offset {at} on")
            }
            Trouble::Truncated { diverges_at: None } => f.write_str("the log was truncated"),
            Trouble::Recreated => f.write_str("the topic was deleted and created anew"),
            Trouble::NoTopic => f.write_str("the topic does not exist, or was deleted"),
            Trouble::Corrupt(why) => write!(f, "the records are damaged: {why}"),
            Trouble::Refused(code) => write!(f, "{code:?}: {}", code.description()),
        }
    }
}

impl std::error::Error for ConsumeError {}
