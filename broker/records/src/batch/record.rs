//! The records inside a batch. The broker's hot path never comes here: clients, tools, compaction and the
//! metadata log do.
//!
//! ```text
//! length varint | attributes i8 | timestamp delta varlong | offset delta varint | key | value
//! | header count varint | { header key | header value }*
//! ```
//!
//! Keys and values are a varint length and that many bytes, -1 for null. A decoded record holds slices of the
//! batch (or of its decompressed form): nothing is copied.

use super::{BatchError, BatchHeader, HEADER_LEN, RecordProblem, TimestampType};
use crate::compression;
use crate::varint::{self, VarintError};
use bytes::Bytes;
use model::{Offset, Timestamp};

/// Most bytes that [`records`] decompresses a batch to.
pub const DECOMPRESSED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its offset in the partition.
    pub offset: Offset,
    /// Milliseconds since the epoch, or -1.
    pub timestamp: Timestamp,
    /// Its key; `None` is Kafka's null, unlike the empty key.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in order, keys possibly repeated.
    pub headers: Vec<Header>,
}

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its key: UTF-8 by contract, but nobody on the way checks, so these are bytes.
    pub key: Bytes,
    /// Its value.
    pub value: Option<Bytes>,
}

/// Reads the records of one whole batch, decompressing them to at most [`DECOMPRESSED_BYTES_MAX`] bytes.
///
/// The CRC is not checked here. The first error ends the iteration.
pub fn records(batch: &Bytes) -> Records {
    records_capped(batch, DECOMPRESSED_BYTES_MAX)
}

/// As [`records`], decompressing to at most `cap_bytes`.
pub fn records_capped(batch: &Bytes, cap_bytes: usize) -> Records {
    match open(batch, cap_bytes) {
        Ok((header, body)) => Records { state: State::Reading(Reading::new(header, body)) },
        Err(error) => Records { state: State::Failed(error) },
    }
}

/// The records of a batch, see [`records`].
#[derive(Debug)]
pub struct Records {
    state: State,
}

#[derive(Debug)]
enum State {
    Reading(Reading),
    /// The error is still to be told.
    Failed(BatchError),
    Done,
}

#[derive(Debug)]
struct Reading {
    header: BatchHeader,
    /// The records, decompressed.
    body: Bytes,
    /// Bytes of `body` that have been read.
    at: usize,
    /// Records that have been read.
    index: u32,
    /// Offset delta of the record before, -1 at first.
    last_delta: i32,
}

impl Iterator for Records {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Result<Record, BatchError>> {
        let item = match &mut self.state {
            State::Reading(reading) => reading.next().transpose(),
            State::Failed(error) => Some(Err(*error)),
            State::Done => None,
        };
        if !matches!(item, Some(Ok(_))) {
            self.state = State::Done;
        }
        item
    }
}

impl std::iter::FusedIterator for Records {}

fn open(batch: &Bytes, cap_bytes: usize) -> Result<(BatchHeader, Bytes), BatchError> {
    let header = BatchHeader::parse(batch)?;
    let (needed, have) = (header.total_len(), batch.len());
    if have < needed {
        return Err(BatchError::Truncated { needed, have });
    }
    if have > needed {
        return Err(BatchError::TrailingBytes { extra: have - needed });
    }
    if header.record_count == 0 && have == HEADER_LEN {
        // Compaction leaves such headers behind, with the compression of the records that are gone.
        return Ok((header, Bytes::new()));
    }
    let body = compression::decompress(header.compression(), &batch.slice(HEADER_LEN..), cap_bytes)
        .map_err(BatchError::Compression)?;
    Ok((header, body))
}

impl Reading {
    fn new(header: BatchHeader, body: Bytes) -> Reading {
        Reading { header, body, at: 0, index: 0, last_delta: -1 }
    }

    fn next(&mut self) -> Result<Option<Record>, BatchError> {
        if i64::from(self.index) == i64::from(self.header.record_count) {
            return match self.body.len() - self.at {
                0 => Ok(None),
                extra => Err(BatchError::BytesAfterRecords { extra }),
            };
        }
        let index = self.index;
        let record = self.read().map_err(|problem| BatchError::Record { index, problem })?;
        self.index += 1;
        Ok(Some(record))
    }

    fn read(&mut self) -> Result<Record, RecordProblem> {
        let mut rest = &self.body[self.at..];
        let raw = RawRecord::read(&mut rest)?;
        let delta = raw.offset_delta;
        if delta <= self.last_delta || delta > self.header.last_offset_delta {
            return Err(RecordProblem::Offset);
        }
        let record = Record {
            offset: self.header.base_offset.plus(i64::from(delta)),
            timestamp: raw.timestamp(&self.header)?,
            key: raw.key.map(|key| self.body.slice_ref(key)),
            value: raw.value.map(|value| self.body.slice_ref(value)),
            headers: self.headers(&raw)?,
        };
        self.at = self.body.len() - rest.len();
        self.last_delta = delta;
        Ok(record)
    }

    fn headers(&self, raw: &RawRecord<'_>) -> Result<Vec<Header>, RecordProblem> {
        // The count was checked against the bytes there are: two at least for each.
        let mut headers = Vec::with_capacity(raw.header_count);
        let mut rest = raw.headers;
        for _ in 0..raw.header_count {
            let key = bytes_field(&mut rest)?.ok_or(RecordProblem::Headers)?;
            let value = bytes_field(&mut rest)?;
            headers.push(Header {
                key: self.body.slice_ref(key),
                value: value.map(|value| self.body.slice_ref(value)),
            });
        }
        if rest.is_empty() { Ok(headers) } else { Err(RecordProblem::Length) }
    }
}

/// A record as slices, before anything is allocated for it.
#[derive(Debug)]
pub(super) struct RawRecord<'a> {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    /// At most half as many as `headers` has bytes.
    pub(super) header_count: usize,
    pub(super) headers: &'a [u8],
}

impl<'a> RawRecord<'a> {
    /// Reads one record and advances `input` past it. The headers are left for later.
    pub(super) fn read(input: &mut &'a [u8]) -> Result<RawRecord<'a>, RecordProblem> {
        let length = varint::read_i32(input).map_err(|error| match error {
            VarintError::Truncated => RecordProblem::Truncated,
            VarintError::Overflow => RecordProblem::Varint,
        })?;
        let length = usize::try_from(length).map_err(|_| RecordProblem::Length)?;
        let (mut record, behind) = input.split_at_checked(length).ok_or(RecordProblem::Truncated)?;
        let (_attributes, rest) = record.split_first().ok_or(RecordProblem::Length)?;
        record = rest;
        let timestamp_delta = varint::read_i64(&mut record).map_err(within)?;
        let offset_delta = varint::read_i32(&mut record).map_err(within)?;
        let key = bytes_field(&mut record)?;
        let value = bytes_field(&mut record)?;
        let header_count = varint::read_i32(&mut record).map_err(within)?;
        let header_count = usize::try_from(header_count).map_err(|_| RecordProblem::Headers)?;
        if header_count > record.len() / 2 {
            return Err(RecordProblem::Headers);
        }
        *input = behind;
        Ok(RawRecord { timestamp_delta, offset_delta, key, value, header_count, headers: record })
    }

    /// The record's timestamp within a batch with this header.
    pub(super) fn timestamp(&self, header: &BatchHeader) -> Result<Timestamp, RecordProblem> {
        RawRecord::timestamp_at(self.timestamp_delta, header)
    }

    /// The timestamp that a record's delta means within a batch with this header.
    pub(super) fn timestamp_at(delta: i64, header: &BatchHeader) -> Result<Timestamp, RecordProblem> {
        match header.timestamp_type() {
            TimestampType::LogAppendTime => Ok(header.max_timestamp),
            TimestampType::CreateTime => {
                header.base_timestamp.0.checked_add(delta).map(Timestamp).ok_or(RecordProblem::Timestamp)
            }
        }
    }

    /// Walks over the headers without keeping them.
    pub(super) fn check_headers(&self) -> Result<(), RecordProblem> {
        let mut rest = self.headers;
        for _ in 0..self.header_count {
            bytes_field(&mut rest)?.ok_or(RecordProblem::Headers)?;
            bytes_field(&mut rest)?;
        }
        if rest.is_empty() { Ok(()) } else { Err(RecordProblem::Length) }
    }
}

/// A varint length and that many bytes; any negative length is null, as Kafka reads it.
fn bytes_field<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordProblem> {
    let length = varint::read_i32(input).map_err(within)?;
    let Ok(length) = usize::try_from(length) else {
        return Ok(None);
    };
    let (bytes, rest) = input.split_at_checked(length).ok_or(RecordProblem::Length)?;
    *input = rest;
    Ok(Some(bytes))
}

/// Within a record, running out of bytes means that its length is wrong.
pub(super) fn within(error: VarintError) -> RecordProblem {
    match error {
        VarintError::Truncated => RecordProblem::Length,
        VarintError::Overflow => RecordProblem::Varint,
    }
}
