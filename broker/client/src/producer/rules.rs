//! How a producer behaves: Kafka's configurations, as values.

use crate::backoff::Backoff;
use model::time::Duration;
use records::batch::Compression;
use std::fmt;

/// Who must have a record before it counts as delivered (`acks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nobody: it is delivered when it has been sent.
    None,
    /// The partition's leader.
    Leader,
    /// Every replica in sync.
    All,
}

impl Acks {
    /// Its number on the wire.
    pub fn wire(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// The configuration of a producer.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// `acks`.
    pub acks: Acks,
    /// Whether what is sent again is written once (`enable.idempotence`). Needs [`Acks::All`].
    pub idempotent: bool,
    /// How long a batch waits for more records (`linger.ms`).
    pub linger: Duration,
    /// A batch is sent when it has grown to this (`batch.size`).
    pub batch_bytes: usize,
    /// How batches are compressed (`compression.type`).
    pub compression: Compression,
    /// Requests under way to one broker, and batches of one partition that nothing is known of; 1 to 5
    /// (`max.in.flight.requests.per.connection`).
    pub in_flight_max: usize,
    /// The longest request, but for its header (`max.request.size`).
    pub request_bytes_max: usize,
    /// Records that are not delivered yet; more wait (`buffer.memory`).
    pub buffer_bytes_max: usize,
    /// From when a record is given until it is told as undelivered, at the latest (`delivery.timeout.ms`).
    pub delivery_timeout: Duration,
    /// How long the leader may wait for other replicas (`timeout.ms` of the request: `request.timeout.ms` of clients).
    pub replicas_timeout: Duration,
    /// When a broker has been silent for so long, others are asked whether it still leads what it was asked for; and again
    /// each time that it is over. Whoever gives no id in that time is not waited for, either.
    pub patience: Duration,
    /// Between attempts (`retry.backoff.ms`, `retry.backoff.max.ms`).
    pub backoff: Backoff,
}

/// What makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesError {
    /// Idempotence means that every replica in sync has it.
    IdempotentWithoutAll,
    /// The number of requests under way.
    InFlight(usize),
    /// A batch would not fit into a request.
    BatchBytes,
}

impl Default for ProducerConfig {
    fn default() -> ProducerConfig {
        ProducerConfig {
            acks: Acks::All,
            idempotent: true,
            linger: Duration::from_millis(5),
            batch_bytes: 16_384,
            compression: Compression::None,
            in_flight_max: 5,
            request_bytes_max: 1 << 20,
            buffer_bytes_max: 32 << 20,
            delivery_timeout: Duration::from_secs(120),
            replicas_timeout: Duration::from_secs(30),
            patience: Duration::from_millis(250),
            backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_millis(1_000) },
        }
    }
}

impl ProducerConfig {
    /// Refuses what makes no sense.
    pub fn check(&self) -> Result<(), RulesError> {
        if self.idempotent && self.acks != Acks::All {
            return Err(RulesError::IdempotentWithoutAll);
        }
        // A broker remembers a producer's last five batches of a partition: of one that is older it can't tell the offset.
        if !(1..=5).contains(&self.in_flight_max) {
            return Err(RulesError::InFlight(self.in_flight_max));
        }
        if self.batch_bytes > self.request_bytes_max {
            return Err(RulesError::BatchBytes);
        }
        Ok(())
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RulesError::IdempotentWithoutAll => f.write_str("an idempotent producer needs acks=all"),
            RulesError::InFlight(given) => write!(f, "{given} requests under way where 1 to 5 are allowed"),
            RulesError::BatchBytes => f.write_str("a batch may not be larger than a request"),
        }
    }
}

impl std::error::Error for RulesError {}
