//! Who uses the brokers, and how.

use serde::{Deserialize, Serialize};

/// One client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// Its name, unique in the scenario: it keys the client's randomness.
    pub name: String,
    /// Time from one operation to the next, in microseconds on average.
    pub gap_us: u64,
    /// Operations come in bursts of so many, at most, without a gap between them; the average stays what it is.
    #[serde(default = "one")]
    pub burst: u32,
    /// It stops after so many operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations_max: Option<u64>,
    /// What it does.
    pub kind: ClientKind,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn one() -> u32 {
    1
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientKind {
    /// Sends batches to random partitions. Never sends a value twice.
    Producer {
        /// The number in its values.
        number: u32,
        /// 0, 1 or -1.
        acks: i16,
        /// Sends that may be unanswered at a time.
        in_flight: u32,
        /// Batches in a request, each for another partition, at most.
        partitions: u32,
        /// Records in a batch, at most.
        batch_records: u32,
        /// Bytes of a record's value, at most.
        value_bytes: u32,
        /// The codecs it draws from, batch by batch.
        codecs: Vec<Codec>,
        /// Chance that a send is broken on purpose and must be refused, in parts per million.
        broken_ppm: u32,
        /// How long it waits for an answer, in milliseconds.
        timeout_ms: u64,
    },
    /// Gives records to an idempotent producer, which sends them again where they may have been lost.
    Writer {
        /// The number in its values.
        number: u32,
        /// Requests that may be under way to a broker.
        in_flight: u32,
        /// Records whose fate may be unknown at a time.
        unanswered: u32,
        /// `batch.size`.
        batch_bytes: u32,
        /// `linger.ms`.
        linger_ms: u64,
        /// Bytes of a record's value, at most.
        value_bytes: u32,
        /// How its batches are compressed.
        codec: Codec,
        /// `delivery.timeout.ms`.
        delivery_ms: u64,
    },
    /// Numbers what it sends to a partition, as an idempotent producer, and sends some of it again when many later batches
    /// of its have been written.
    Repeater {
        /// The number in its values.
        number: u32,
        /// Batches that may be unanswered at a time, but for those that come late.
        unanswered: u32,
        /// How many of a hundred sends are late.
        late_percent: u32,
        /// Records in a batch, at most.
        batch_records: u32,
        /// Bytes of a record's value, at most.
        value_bytes: u32,
        /// How long it waits for an answer, in milliseconds.
        timeout_ms: u64,
    },
    /// Reads some partitions from their beginning, and follows their leaders.
    Reader {
        /// How many, at most.
        partitions: u32,
        /// `fetch.max.bytes`, of the answer and of each partition.
        max_bytes: u32,
        /// `fetch.max.wait.ms`.
        max_wait_ms: u32,
        /// `max.poll.records`.
        poll_records: u32,
    },
    /// Reads some partitions for a while, then others.
    Consumer {
        /// Where it begins when it is assigned a partition.
        start: StartAt,
        /// `max.bytes` of a poll, at most.
        max_bytes: u32,
        /// `max.wait.ms` of a poll, at most.
        max_wait_ms: u32,
        /// How many polls before it takes other partitions, at most.
        polls: u32,
        /// How many partitions it takes at a time, at most.
        partitions: u32,
    },
    /// Asks for offsets by timestamp, and for metadata.
    Lister,
    /// Creates topics of its own, at most so many, deletes some of them, and adds partitions to some.
    Creator {
        /// How many.
        topics: u32,
        /// How many operations of a hundred delete a topic, which may be created again. None in scenarios that were
        /// stored before there were deletions.
        #[serde(default)]
        deletes_percent: u32,
        /// How many of a hundred give a topic one partition more.
        #[serde(default, skip_serializing_if = "is_zero")]
        grows_percent: u32,
    },
    /// Does what no client should.
    Hostile {
        /// Which of it.
        tricks: Vec<Hostility>,
    },
}

/// How a batch is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

/// Where a consumer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// At the first offset there is.
    Earliest,
    /// At the end.
    Latest,
    /// Anywhere between.
    Random,
    /// One of the three, each time anew.
    Any,
}

/// What hostile and half-dead clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hostility {
    /// Connects and says nothing.
    Silence,
    /// Sends random bytes.
    Noise,
    /// Sends a part of a frame and stops.
    HalfFrame,
    /// Announces a frame of absurd length.
    HugeLength,
    /// Sends requests whose bodies are random.
    RandomBody,
    /// Sends fetches and never reads an answer.
    NeverReads,
    /// Connects and hangs up, again and again.
    HangUp,
}
