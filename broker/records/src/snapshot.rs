//! What a snapshot of the metadata holds (KIP-630), batch by batch, as Kafka's `RecordsSnapshotWriter` writes it.
//!
//! ```text
//! control batch   SnapshotHeader, and from kraft.version 1 on KRaftVersion and Voters
//! data batches    metadata records
//! control batch   SnapshotFooter: without it the snapshot is not whole
//! ```
//!
//! The offsets are the snapshot's own: they count from 0 on and have nothing to do with the log's. The epoch of every
//! batch is that of the last record that the snapshot stands for. Which records make up the metadata is not known
//! here, nor where the bytes are kept: whoever writes draws one batch after the other, whoever reads hands them in.

use crate::batch::{
    BatchBuilder, BatchError, BatchHeader, HEADER_LEN, check_crc, records as batch_records, records_capped,
};
use crate::codec::EncodeError;
use crate::control::{ControlError, ControlRecord, SnapshotFooterRecord, SnapshotHeaderRecord};
use crate::metadata::{MetadataRecord, RecordError};
use bytes::Bytes;
use model::{LeaderEpoch, Offset, Timestamp};
use std::fmt;

/// A batch that is written takes no further record when it would grow beyond so many bytes.
const WRITTEN_BATCH_BYTES: usize = 1 << 20;

/// Most bytes of a batch, decompressed: `KafkaRaftClient.MAX_BATCH_SIZE_BYTES`, beyond which Kafka writes none and
/// reads none.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// Records could not be made a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// A record has no bytes: a text in it is too long.
    Encode(EncodeError),
    /// A record, of so many bytes, has no room in a batch.
    TooLarge(usize),
}

/// Bytes are not a snapshot, or not the next batch of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// A batch can't be read, or its checksum is wrong.
    Batch(BatchError),
    /// A batch of so many bytes: see [`BATCH_BYTES_MAX`].
    TooLarge(usize),
    /// A batch begins at another offset than the one before it ended.
    Offset {
        /// Where it begins.
        found: Offset,
        /// Where it should.
        expected: Offset,
    },
    /// The first record is not a snapshot's header, or there is another header.
    Header,
    /// Something follows the footer, or stands before it in its batch that should not.
    Footer,
    /// There is no footer: the end is missing.
    NotWhole,
    /// A control record can't be read.
    Control(ControlError),
    /// A metadata record can't be read.
    Record(Offset, RecordError),
}

/// Draws the batches of a snapshot, which stands for a log up to a record of `epoch`, appended at
/// `last_contained`. Batches are stamped `now`.
///
/// After an error nothing more comes.
pub fn write<I>(
    records: I,
    epoch: LeaderEpoch,
    last_contained: Timestamp,
    now: Timestamp,
) -> Batches<I::IntoIter>
where
    I: IntoIterator<Item = MetadataRecord>,
{
    let records = records.into_iter();
    Batches { records, epoch, last_contained, now, next: Offset::ZERO, value: None, stage: Stage::Header }
}

/// The batches of a snapshot that is being written, see [`write()`].
pub struct Batches<I> {
    records: I,
    epoch: LeaderEpoch,
    last_contained: Timestamp,
    now: Timestamp,
    /// Offset of the next record.
    next: Offset,
    /// A record that found no room in the last batch.
    value: Option<Bytes>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Data,
    End,
}

impl<I: Iterator<Item = MetadataRecord>> Batches<I> {
    fn control(&mut self, record: ControlRecord) -> Result<Bytes, WriteError> {
        let base = self.next;
        self.next = base.plus(1);
        ControlRecord::batch(&[record], base, self.epoch, self.now).map_err(WriteError::Encode)
    }

    /// As many of the records that are left as one batch has room for; `None` when none is left.
    fn data(&mut self) -> Result<Option<Bytes>, WriteError> {
        let mut batch = BatchBuilder::new(self.next, self.epoch);
        while let Some(value) = self.draw()? {
            // A record's own lengths and deltas take no more than that.
            const AROUND_BYTES: usize = 32;
            let len = batch.uncompressed_len() + value.len() + AROUND_BYTES;
            if batch.is_empty() && len > BATCH_BYTES_MAX {
                return Err(WriteError::TooLarge(value.len()));
            }
            if !batch.is_empty() && len > WRITTEN_BATCH_BYTES {
                self.value = Some(value);
                break;
            }
            batch.push(self.now, None, Some(&value));
            self.next = self.next.plus(1);
        }
        Ok((!batch.is_empty()).then(|| batch.build()))
    }

    fn draw(&mut self) -> Result<Option<Bytes>, WriteError> {
        if let Some(value) = self.value.take() {
            return Ok(Some(value));
        }
        let record = self.records.next();
        record.map(|record| record.encode()).transpose().map_err(WriteError::Encode)
    }
}

impl<I: Iterator<Item = MetadataRecord>> Iterator for Batches<I> {
    type Item = Result<Bytes, WriteError>;

    fn next(&mut self) -> Option<Result<Bytes, WriteError>> {
        let batch = match self.stage {
            Stage::End => return None,
            Stage::Header => {
                self.stage = Stage::Data;
                let last_contained_log_timestamp = self.last_contained.0;
                let header = SnapshotHeaderRecord { version: 0, last_contained_log_timestamp };
                self.control(ControlRecord::SnapshotHeader(header))
            }
            Stage::Data => match self.data() {
                Ok(Some(batch)) => Ok(batch),
                Ok(None) => {
                    self.stage = Stage::End;
                    self.control(ControlRecord::SnapshotFooter(SnapshotFooterRecord { version: 0 }))
                }
                Err(error) => Err(error),
            },
        };
        if batch.is_err() {
            self.stage = Stage::End;
        }
        Some(batch)
    }
}

/// What a batch of a snapshot is.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Notes of the quorum: the header first, the footer last, and what stands with them.
    Control(Vec<ControlRecord>),
    /// Metadata: see [`metadata`].
    Data(Bytes),
}

/// Checks a snapshot batch by batch. Nothing of it may count before [`Reader::finish`] has said that it is whole.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Offset of the next record.
    next: Offset,
    footer: bool,
}

impl Reader {
    /// At the beginning of a snapshot.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Takes the next batch, which must be a whole one.
    pub fn read(&mut self, batch: &Bytes) -> Result<Part, ReadError> {
        if self.footer {
            return Err(ReadError::Footer);
        }
        if batch.len() > BATCH_BYTES_MAX {
            return Err(ReadError::TooLarge(batch.len()));
        }
        let header = BatchHeader::parse(batch).map_err(ReadError::Batch)?;
        check_crc(batch).map_err(ReadError::Batch)?;
        if header.base_offset != self.next {
            return Err(ReadError::Offset { found: header.base_offset, expected: self.next });
        }
        let part = match header.is_control() {
            true => Part::Control(self.notes(batch)?),
            false if self.next == Offset::ZERO => return Err(ReadError::Header),
            false => Part::Data(batch.clone()),
        };
        self.next = header.next_offset();
        Ok(part)
    }

    fn notes(&mut self, batch: &Bytes) -> Result<Vec<ControlRecord>, ReadError> {
        let mut notes = Vec::new();
        for record in batch_records(batch) {
            let record = record.map_err(ReadError::Batch)?;
            let note = ControlRecord::decode(&record).map_err(ReadError::Control)?;
            let first = self.next == Offset::ZERO && notes.is_empty();
            if matches!(note, ControlRecord::SnapshotHeader(_)) != first {
                return Err(ReadError::Header);
            }
            if self.footer {
                return Err(ReadError::Footer);
            }
            self.footer = matches!(note, ControlRecord::SnapshotFooter(_));
            notes.push(note);
        }
        if notes.is_empty() && self.next == Offset::ZERO { Err(ReadError::Header) } else { Ok(notes) }
    }

    /// No batch is left.
    pub fn finish(self) -> Result<(), ReadError> {
        if self.footer { Ok(()) } else { Err(ReadError::NotWhole) }
    }
}

/// The records of a [`Part::Data`], in the order in which they are to be replayed.
pub fn metadata(batch: &Bytes) -> Result<Vec<MetadataRecord>, ReadError> {
    let mut read = Vec::new();
    for record in records_capped(batch, BATCH_BYTES_MAX - HEADER_LEN) {
        let record = record.map_err(ReadError::Batch)?;
        let decoded = MetadataRecord::decode(record.value.unwrap_or_default());
        read.push(decoded.map_err(|error| ReadError::Record(record.offset, error))?);
    }
    Ok(read)
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Encode(error) => write!(f, "record of a snapshot: {error}"),
            WriteError::TooLarge(bytes) => write!(f, "record of {bytes} bytes, too large for a snapshot"),
        }
    }
}

impl std::error::Error for WriteError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Batch(error) => write!(f, "batch of a snapshot: {error}"),
            ReadError::TooLarge(bytes) => write!(f, "batch of {bytes} bytes in a snapshot"),
            ReadError::Offset { found, expected } => {
                write!(f, "batch of a snapshot at offset {found} where {expected} comes next")
            }
            ReadError::Header => f.write_str("a snapshot begins with a header and has no other"),
            ReadError::Footer => f.write_str("something follows a snapshot's footer"),
            ReadError::NotWhole => f.write_str("a snapshot without its end"),
            ReadError::Control(error) => error.fmt(f),
            ReadError::Record(offset, error) => write!(f, "record {offset} of a snapshot: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
#[path = "snapshot_test.rs"]
mod tests;
