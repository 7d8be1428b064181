//! What clients did and saw, one operation per line: the only thing that the history checkers read.
//!
//! The workload of the simulator writes it, and so may any program that drives the real binary; the checkers
//! can't tell. The form is JSON lines, one entry each, in the order in which things happened:
//!
//! ```text
//! {"t":1500000,"client":"p1","op":7,"is":"invoke","call":{"produce":{"topic":"a","partition":0,"acks":-1,"values":["1/40","1/41"]}}}
//! {"t":2100000,"client":"p1","op":7,"is":"ok","reply":{"produced":{"base":120}}}
//! ```
//!
//! * `t` is nanoseconds on one clock that all clients share; lines are sorted by it.
//! * `client` names who did it; `op` is unique in the file and pairs an invocation with its completion.
//! * `is` is `invoke`, then exactly one of `ok`; `fail`: an error that means *it did not happen*; `info`: nobody
//!   knows (a timeout, a broken connection, an error that says nothing). An operation without a completion counts
//!   as `info`. Whoever writes a history classifies errors with the table of [`definite`].
//! * Values are `client/counter`: a number for the producer and a counter that it never uses twice, but for what
//!   it sends again as it was, under the same sequence: each attempt is an operation. A record's value on the wire
//!   begins with that text and ends there or at a space; what follows is filler.
//! * `note` lines tell what was done to the brokers (`killed`, `power_lost`, ...): without them a page-cache topic
//!   that lost its unsynced tail would look like a broken promise.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Nanoseconds since the history began.
    #[serde(rename = "t")]
    pub time: u64,
    /// Who.
    pub client: String,
    /// Which operation; unique in the history. 0 for notes.
    #[serde(default)]
    pub op: u64,
    /// What happened to it.
    #[serde(flatten)]
    pub step: Step,
}

/// What happened to an operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Step {
    /// It begins.
    Invoke {
        /// What is asked.
        call: Call,
    },
    /// It succeeded.
    Ok {
        /// What was answered.
        reply: Reply,
    },
    /// It certainly had no effect.
    Fail {
        /// Why, for people.
        error: String,
    },
    /// Nobody knows whether it had an effect.
    Info {
        /// Why, for people.
        error: String,
    },
    /// Not an operation: something was done to a broker.
    Note {
        /// What.
        note: Note,
    },
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// One batch to one partition.
    Produce {
        /// Topic name.
        topic: String,
        /// Partition.
        partition: i32,
        /// 0, 1 or -1.
        acks: i16,
        /// The records' values, in order.
        values: Vec<Value>,
    },
    /// One partition's records from an offset on.
    Fetch {
        /// Topic name.
        topic: String,
        /// Partition.
        partition: i32,
        /// The first offset wanted.
        from: i64,
    },
    /// A consumer starts anew at an offset of its own choice: its next fetch need not follow its last.
    Assign {
        /// Topic name.
        topic: String,
        /// Partition.
        partition: i32,
        /// Where it will begin.
        from: i64,
    },
    /// The offset for a timestamp; -1 latest, -2 earliest.
    ListOffsets {
        /// Topic name.
        topic: String,
        /// Partition.
        partition: i32,
        /// What is asked for.
        timestamp: i64,
    },
    /// A topic is created.
    CreateTopic {
        /// Topic name.
        topic: String,
        /// How many partitions.
        partitions: i32,
        /// Whether it promises durability (`flush.messages=1`).
        durable: bool,
        /// Replicas of each partition.
        #[serde(default = "one_replica")]
        replicas: i16,
        /// `min.insync.replicas`.
        #[serde(default = "one_replica")]
        min_insync: i16,
    },
    /// A topic gets more partitions.
    GrowTopic {
        /// Topic name.
        topic: String,
        /// How many it is to have, those that it has included.
        partitions: i32,
    },
    /// A topic is deleted.
    DeleteTopic {
        /// Topic name.
        topic: String,
    },
    /// The topics are listed.
    Metadata,
}

impl Call {
    /// The topic that it is about, if it is about one.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Call::Produce { topic, .. }
            | Call::Fetch { topic, .. }
            | Call::Assign { topic, .. }
            | Call::ListOffsets { topic, .. }
            | Call::CreateTopic { topic, .. }
            | Call::GrowTopic { topic, .. }
            | Call::DeleteTopic { topic } => Some(topic),
            Call::Metadata => None,
        }
    }
}

fn one_replica() -> i16 {
    1
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The batch was taken.
    Produced {
        /// The offset of its first record; -1 when nothing was told (acks=0).
        base: i64,
    },
    /// Records.
    Fetched {
        /// The high watermark told along with them.
        high_watermark: i64,
        /// Log start offset.
        log_start: i64,
        /// Offset and value, ascending, none below the offset asked for. CRCs were checked by the client.
        records: Vec<(i64, Value)>,
    },
    /// Records came that are not what their checksum, header or order says.
    Corrupt {
        /// Offset asked for.
        from: i64,
        /// What is wrong.
        why: String,
    },
    /// An offset.
    Offset {
        /// It; -1 when there is none.
        offset: i64,
    },
    /// Topics: name and number of partitions.
    Topics {
        /// Sorted by name.
        topics: Vec<(String, i32)>,
    },
    /// Nothing to tell but that it is done.
    Done,
}

/// What was done to a broker, or which phase begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The process was killed or died; the page cache survived.
    Killed {
        /// Which broker.
        broker: i32,
    },
    /// The machine lost power; what was not synced may be gone.
    PowerLost {
        /// Which broker.
        broker: i32,
    },
    /// The disk was replaced by an empty one, and the node formatted anew as the one that it was.
    Wiped {
        /// Which broker.
        broker: i32,
    },
    /// The power that was lost has taken what a lying disk had confirmed: nothing binds the node that it says of itself.
    DiskLied {
        /// Which broker.
        broker: i32,
    },
    /// The process stopped in order.
    Stopped {
        /// Which broker.
        broker: i32,
    },
    /// The process is to serve again.
    Starting {
        /// Which broker.
        broker: i32,
    },
    /// From here on every partition is read from its start to its end by the client `reader-<round>`, which ends
    /// each partition by a fetch that returns nothing at the high watermark. Acknowledged records must be there.
    ReadAll {
        /// 1, 2, ...
        round: u32,
    },
    /// The reading of that round is complete.
    ReadDone {
        /// 1, 2, ...
        round: u32,
    },
    /// Everything has healed and was read, and has had time to settle. From here on nothing is done to anybody.
    RestBegins,
    /// The rest is over.
    RestEnds,
}

/// A record's value: which client made it, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// The producer's number.
    pub client: u32,
    /// Never used twice by that producer; ascending in the order in which it sends.
    pub counter: u64,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.client, self.counter)
    }
}

/// The text is not a value's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueError;

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a value: client/counter expected")
    }
}

impl FromStr for Value {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Value, ValueError> {
        let (client, counter) = text.split_once('/').ok_or(ValueError)?;
        Ok(Value {
            client: client.parse().map_err(|_| ValueError)?,
            counter: counter.parse().map_err(|_| ValueError)?,
        })
    }
}

impl Value {
    /// The value that a record's bytes begin with.
    pub fn from_record(bytes: &[u8]) -> Result<Value, ValueError> {
        let end = bytes.iter().position(|b| *b == b' ').unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).map_err(|_| ValueError)?.parse()
    }
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a produce that was answered with this Kafka error code certainly left nothing in the log.
///
/// Everything that is decided before the append is definite. The rest is not: a timeout (7), too few replicas
/// after the append (20), a storage error (56: the write may be there, its sync failed), a lost leadership
/// (6: Kafka tells it to parked producers too), the unknown error (-1).
pub fn definite(code: i16) -> bool {
    const CORRUPT_MESSAGE: i16 = 2;
    const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    const MESSAGE_TOO_LARGE: i16 = 10;
    const INVALID_TOPIC: i16 = 17;
    const RECORD_LIST_TOO_LARGE: i16 = 18;
    const NOT_ENOUGH_REPLICAS: i16 = 19;
    const INVALID_REQUIRED_ACKS: i16 = 21;
    const INVALID_TIMESTAMP: i16 = 32;
    const UNSUPPORTED_VERSION: i16 = 35;
    const INVALID_REQUEST: i16 = 42;
    const UNSUPPORTED_FOR_MESSAGE_FORMAT: i16 = 43;
    const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;
    const INVALID_RECORD: i16 = 87;
    const UNKNOWN_TOPIC_ID: i16 = 100;
    matches!(
        code,
        CORRUPT_MESSAGE
            | UNKNOWN_TOPIC_OR_PARTITION
            | MESSAGE_TOO_LARGE
            | INVALID_TOPIC
            | RECORD_LIST_TOO_LARGE
            | NOT_ENOUGH_REPLICAS
            | INVALID_REQUIRED_ACKS
            | INVALID_TIMESTAMP
            | UNSUPPORTED_VERSION
            | INVALID_REQUEST
            | UNSUPPORTED_FOR_MESSAGE_FORMAT
            | UNSUPPORTED_COMPRESSION_TYPE
            | INVALID_RECORD
            | UNKNOWN_TOPIC_ID
    )
}

/// Reads a whole history. The error names the line.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| serde_json::from_str(line).map_err(|e| format!("line {}: {e}", n + 1)))
        .collect()
}

#[cfg(test)]
#[path = "history_test.rs"]
mod tests;
