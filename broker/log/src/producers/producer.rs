//! One producer, as one partition knows it: its epoch, its last batches, and what becomes of the next one.
//!
//! The rules are Kafka's `ProducerStateEntry` and `ProducerAppendInfo`: KIP-98, and KIP-360 for producers that are unknown,
//! because their records are gone or they were silent for long. One is added: a batch that lies before those that are
//! remembered, but is certainly in the log, is not called out of order. Kafka's own client sends such a batch again and
//! again until its time is over; it gets there when it goes on at a new leader while the old one owes it an answer.

use super::Marker;
use model::{Offset, Timestamp};
use records::batch::BatchHeader;
use std::fmt;

/// Batches that are remembered of each producer: as many as a client may have on their way at a time.
pub const BATCHES_MAX: usize = 5;

/// So many records in a row are told from each other by their sequence numbers: these wrap at 2^31, and half of them lie ahead.
const RUN_MAX: u32 = 1 << 30;

/// What is known of one producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Its epoch; -1 before its first batch.
    pub(super) epoch: i16,
    /// Its last batches in this epoch, oldest first, [`BATCHES_MAX`] at the most. None after a marker of a new epoch.
    pub(super) batches: Vec<Kept>,
    /// Of its records in this epoch, how many in a row are known to be in the log, up to the last one; [`RUN_MAX`] at the
    /// most.
    pub(super) run: u32,
    /// Epoch of the coordinator that ended its last transaction; -1 before that.
    pub(super) coordinator_epoch: i32,
    /// The highest timestamp of its last batch, or that of a marker.
    pub(super) timestamp: Timestamp,
    /// The first offset of its transaction that is open.
    pub(super) transaction: Option<Offset>,
}

/// A batch that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sequence number of its last record.
    pub last_sequence: i32,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Its last offset less its first: as many sequence numbers lie between its first and its last record, too.
    pub offset_delta: i32,
    /// Its highest timestamp, or the time of the append.
    pub timestamp: Timestamp,
}

/// What is to be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes next.
    Append,
    /// It is in the log: there.
    Duplicate(Kept),
    /// It is in the log, and nobody remembers where.
    Written {
        /// Somewhere below this.
        below: Offset,
    },
}

/// Why a batch is not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its producer has been here in a later epoch.
    StaleEpoch {
        /// The batch's epoch.
        found: i16,
        /// The producer's.
        known: i16,
    },
    /// Batches before it are missing, or it is too old to be remembered and not known to be in the log; in a new epoch, it is
    /// not the first one.
    OutOfOrder {
        /// Sequence number of its first record.
        found: i32,
        /// That of the last record in the log; -1 if there is none in its epoch.
        last: i32,
    },
    /// It is part of a transaction that nobody has begun.
    NoTransaction,
    /// It is part of no transaction, while its producer has one open.
    InTransaction,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::StaleEpoch { found, known } => write!(f, "producer epoch {found} after {known}"),
            Refusal::OutOfOrder { found, last } => write!(f, "sequence number {found} after {last}"),
            Refusal::NoTransaction => f.write_str("part of a transaction that has not begun"),
            Refusal::InTransaction => f.write_str("part of no transaction while one is open"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Kept {
    fn of(header: &BatchHeader) -> Kept {
        Kept {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        }
    }

    /// Offset of its first record.
    pub fn first_offset(&self) -> Offset {
        Offset(self.last_offset.0.saturating_sub(self.offset_delta.into()))
    }

    /// How many sequence numbers it has.
    fn records(&self) -> u32 {
        u32::try_from(self.offset_delta).map_or(1, |delta| delta + 1)
    }

    /// Sequence number of its first record. They wrap from the highest int32 to 0.
    pub fn first_sequence(&self) -> i32 {
        self.last_sequence.wrapping_sub(self.offset_delta) & i32::MAX
    }
}

impl Default for Producer {
    /// One that nothing is known of.
    fn default() -> Producer {
        Producer {
            epoch: -1,
            batches: Vec::new(),
            run: 0,
            coordinator_epoch: -1,
            timestamp: Timestamp::NONE,
            transaction: None,
        }
    }
}

impl Producer {
    /// Its epoch; -1 before its first batch.
    pub fn epoch(&self) -> i16 {
        self.epoch
    }

    /// Its last batches, oldest first.
    pub fn batches(&self) -> &[Kept] {
        &self.batches
    }

    /// The first offset of its transaction that is open.
    pub fn transaction(&self) -> Option<Offset> {
        self.transaction
    }

    /// The highest timestamp of its last batch, or that of the marker behind it.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Offset of its last record; -1 when none is remembered.
    pub fn last_offset(&self) -> Offset {
        self.batches.last().map_or(Offset(-1), |last| last.last_offset)
    }

    /// Sequence number of its last record; -1 when none is remembered.
    pub fn last_sequence(&self) -> i32 {
        self.batches.last().map_or(-1, |last| last.last_sequence)
    }

    /// What becomes of a client's batch, in Kafka's order: whether it is here, whether its epoch is over, whether it has a
    /// transaction, whether it comes next.
    pub(super) fn judge(&self, header: &BatchHeader) -> Result<Verdict, Refusal> {
        if let Some(kept) = self.find(header) {
            return Ok(Verdict::Duplicate(kept));
        }
        if let Some(below) = self.written_below(header) {
            return Ok(Verdict::Written { below });
        }
        let (epoch, first) = (header.producer_epoch, header.base_sequence);
        if epoch < self.epoch {
            return Err(Refusal::StaleEpoch { found: epoch, known: self.epoch });
        }
        let in_transaction = self.transaction.is_some() && epoch == self.epoch;
        if header.is_transactional() && !in_transaction {
            return Err(Refusal::NoTransaction);
        }
        let next = match (self.epoch, self.last_sequence()) {
            // Its records may be gone: whatever comes is taken for the next.
            (-1, _) => true,
            (known, _) if known != epoch => first == 0,
            (_, i32::MAX) => first == 0,
            (_, last) => first == last + 1,
        };
        if !next {
            let last = if epoch == self.epoch { self.last_sequence() } else { -1 };
            return Err(Refusal::OutOfOrder { found: first, last });
        }
        if self.transaction.is_some() && !header.is_transactional() {
            return Err(Refusal::InTransaction);
        }
        Ok(Verdict::Append)
    }

    /// The same batch as one that is remembered.
    fn find(&self, header: &BatchHeader) -> Option<Kept> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        let (first, last) = (header.base_sequence, header.last_sequence());
        let same = |kept: &&Kept| kept.first_sequence() == first && kept.last_sequence == last;
        self.batches.iter().find(same).copied()
    }

    /// Where the remembered batches begin, if this one lies before them and all of its records are known to be in the log.
    fn written_below(&self, header: &BatchHeader) -> Option<Offset> {
        let oldest = self.batches.first().filter(|_| header.producer_epoch == self.epoch)?;
        // How many records ago a sequence number was.
        let ago = |sequence: i32| (self.last_sequence().wrapping_sub(sequence) & i32::MAX) as u32;
        let (first, last) = (ago(header.base_sequence), ago(header.last_sequence()));
        let remembered = self.batches.iter().fold(0u32, |sum, kept| sum.saturating_add(kept.records()));
        let before = remembered <= last && last <= first && first < self.run;
        (before && header.base_sequence >= 0).then(|| oldest.first_offset())
    }

    /// Takes note of a batch of records in the log.
    pub(super) fn append(&mut self, header: &BatchHeader) {
        self.enter(header.producer_epoch);
        self.remember(Kept::of(header));
        self.timestamp = header.max_timestamp;
        if header.is_transactional() {
            self.transaction.get_or_insert(header.base_offset);
        }
    }

    /// Takes note of a transaction's end in the log.
    pub(super) fn end(&mut self, epoch: i16, marker: Marker) {
        self.enter(epoch);
        self.coordinator_epoch = marker.coordinator_epoch;
        self.timestamp = marker.timestamp;
        self.transaction = None;
    }

    pub(super) fn remember(&mut self, kept: Kept) {
        let follows = self.last_sequence().wrapping_add(1) & i32::MAX == kept.first_sequence();
        let before = if follows { self.run } else { 0 };
        self.run = before.saturating_add(kept.records()).min(RUN_MAX);
        if self.batches.len() == BATCHES_MAX {
            self.batches.remove(0);
        }
        self.batches.push(kept);
    }

    pub(super) fn is_expired(&self, now: Timestamp, after_ms: i64) -> bool {
        self.transaction.is_none() && now.0.saturating_sub(self.timestamp.0) >= after_ms
    }

    fn enter(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.batches.clear();
            (self.run, self.epoch) = (0, epoch);
        }
    }
}
