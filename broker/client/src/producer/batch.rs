//! Records that go together: built as they come, closed when they are first sent, signed with a sequence.
//!
//! A batch is compressed once. What a new attempt may change is its producer's epoch and its sequence, which are in the
//! header: they are stamped there, and the checksum computed anew.

use super::record::Record;
use bytes::{Bytes, BytesMut};
use model::time::Instant;
use model::{LeaderEpoch, ProducerId, Timestamp};
use protocol::ErrorCode;
use records::batch::{BatchBuilder, BatchHeader, Compression, HEADER_LEN};

/// A producer, as brokers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: ProducerId,
    pub(super) epoch: i16,
}

/// Where an attempt to deliver a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Never sent, or not under the sequence that it will get.
    Waiting,
    /// Sent within this request, to a broker that led in this epoch.
    InFlight { request: u64, node: i32, epoch: LeaderEpoch },
    /// To be sent again: not before then, unless another leads than in this epoch.
    Back { not_before: Instant, epoch: LeaderEpoch },
}

/// A batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// Ascending in the order in which records were given.
    pub(super) id: u64,
    pub(super) stand: Stand,
    /// Of its first record; none before it is sent under one.
    pub(super) sequence: Option<i32>,
    /// An attempt may have put it into the log.
    pub(super) doubt: bool,
    /// Attempts that have failed since the last one that was answered well.
    pub(super) failures: u32,
    /// What the last answer said.
    pub(super) last: Option<ErrorCode>,
    /// When its first record was given.
    pub(super) created: Instant,
    /// What it is charged for in the buffer.
    pub(super) charge: usize,
    /// Its records, as their producer's handle knows them. Empty when their fate has been told.
    pub(super) tickets: Vec<u64>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Open(Box<BatchBuilder>),
    Closed { batch: Bytes, records: i32 },
}

impl Batch {
    pub(super) fn new(id: u64, compression: Compression, now: Instant) -> Batch {
        Batch {
            id,
            stand: Stand::Waiting,
            sequence: None,
            doubt: false,
            failures: 0,
            last: None,
            created: now,
            charge: 0,
            tickets: Vec::new(),
            body: Body::Open(Box::new(BatchBuilder::produced().compression(compression))),
        }
    }

    /// Takes a record, if it is still open and small enough for that. The first one is always taken.
    pub(super) fn push(&mut self, ticket: u64, record: &Record, wall_ms: i64, bytes_max: usize) -> bool {
        let Body::Open(builder) = &mut self.body else { return false };
        let bytes = record.bytes_max();
        if !builder.is_empty() && builder.uncompressed_len() + bytes > bytes_max {
            return false;
        }
        let headers: Vec<(&str, Option<&[u8]>)> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let timestamp = Timestamp(record.timestamp_ms.unwrap_or(wall_ms).max(0));
        builder.push_with_headers(timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
        self.tickets.push(ticket);
        self.charge += bytes;
        true
    }

    /// Whether it has grown to its size, or can take no more for another reason.
    pub(super) fn is_full(&self, bytes_max: usize) -> bool {
        match &self.body {
            Body::Open(builder) => builder.uncompressed_len() >= bytes_max,
            Body::Closed { .. } => true,
        }
    }

    /// Bytes of it in a request, at most.
    pub(super) fn bytes_max(&self) -> usize {
        match &self.body {
            // What does not compress grows by a little.
            Body::Open(builder) => builder.uncompressed_len() + builder.uncompressed_len() / 64 + 64,
            Body::Closed { batch, .. } => batch.len(),
        }
    }

    /// How many records it has. Closes it.
    pub(super) fn close(&mut self) -> i32 {
        match &mut self.body {
            Body::Closed { records, .. } => *records,
            Body::Open(builder) => {
                let records = builder.len() as i32;
                let empty = Box::new(BatchBuilder::produced());
                let batch = std::mem::replace(builder, empty).build();
                self.body = Body::Closed { batch, records };
                records
            }
        }
    }

    /// Its bytes, signed with its sequence if it has one. Closes it.
    pub(super) fn bytes(&mut self, identity: Option<Identity>) -> Bytes {
        self.close();
        let Body::Closed { batch, .. } = &mut self.body else { unreachable!("closed above") };
        if let (Some(identity), Some(sequence)) = (identity, self.sequence) {
            let mut header = BatchHeader::parse(batch).expect("built here");
            if (header.producer_id, header.producer_epoch, header.base_sequence)
                != (identity.id, identity.epoch, sequence)
            {
                header.producer_id = identity.id;
                header.producer_epoch = identity.epoch;
                header.base_sequence = sequence;
                header.crc = header.computed_crc(&batch[HEADER_LEN..]);
                let mut signed = BytesMut::with_capacity(batch.len());
                signed.extend_from_slice(&header.to_bytes());
                signed.extend_from_slice(&batch[HEADER_LEN..]);
                *batch = signed.freeze();
            }
        }
        batch.clone()
    }

    pub(super) fn is_in_flight(&self) -> bool {
        matches!(self.stand, Stand::InFlight { .. })
    }
}
