//! Builds a batch: for the metadata log, the simulator's clients, the load generator and tests. What a client
//! sends is never rebuilt.

use super::{Attributes, BatchHeader, Compression, HEADER_LEN, LENGTH_PREFIX_LEN, Record, TimestampType};
use crate::compression;
use crate::varint;
use bytes::Bytes;
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};

/// Collects records and makes one batch of them.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    attributes: Attributes,
    producer_id: ProducerId,
    producer_epoch: i16,
    base_sequence: i32,
    /// When the broker appends, if that is what the records' timestamps are.
    log_append_time: Option<Timestamp>,
    /// Of the first record; meaningless without one.
    base_timestamp: Timestamp,
    max_timestamp: Timestamp,
    record_count: i32,
    last_offset_delta: i32,
    /// The records as they are before compression.
    body: Vec<u8>,
}

/// A header to be written: key and value.
pub type HeaderRef<'a> = (&'a str, Option<&'a [u8]>);

impl BatchBuilder {
    /// An empty batch that will start at `base_offset`, appended in `leader_epoch` (0 and -1 from a producer).
    pub fn new(base_offset: Offset, leader_epoch: LeaderEpoch) -> BatchBuilder {
        assert!(base_offset >= Offset::ZERO, "a batch at offset {base_offset}");
        BatchBuilder {
            base_offset,
            leader_epoch,
            attributes: Attributes::default(),
            producer_id: ProducerId(-1),
            producer_epoch: -1,
            base_sequence: -1,
            log_append_time: None,
            base_timestamp: Timestamp::NONE,
            max_timestamp: Timestamp::NONE,
            record_count: 0,
            last_offset_delta: -1,
            body: Vec::new(),
        }
    }

    /// As a producer sends it: base offset 0, no leader epoch.
    pub fn produced() -> BatchBuilder {
        BatchBuilder::new(Offset::ZERO, LeaderEpoch::UNKNOWN)
    }

    /// Compresses the records.
    pub fn compression(mut self, compression: Compression) -> BatchBuilder {
        self.attributes = self.attributes.with_compression(compression);
        self
    }

    /// Makes the batch one of control records.
    pub fn control(mut self) -> BatchBuilder {
        self.attributes = self.attributes.with_control(true);
        self
    }

    /// Makes the batch part of a transaction.
    pub fn transactional(mut self) -> BatchBuilder {
        self.attributes = self.attributes.with_transactional(true);
        self
    }

    /// Signs the batch as an idempotent producer's.
    pub fn producer(mut self, id: ProducerId, epoch: i16, base_sequence: i32) -> BatchBuilder {
        self.producer_id = id;
        self.producer_epoch = epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// Makes every record's timestamp the broker's at the append.
    pub fn log_append_time(mut self, now: Timestamp) -> BatchBuilder {
        self.attributes = self.attributes.with_timestamp_type(TimestampType::LogAppendTime);
        self.log_append_time = Some(now);
        self
    }

    /// Adds a record with a key and a value and without headers.
    pub fn push(&mut self, timestamp: Timestamp, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.push_with_headers(timestamp, key, value, &[]);
    }

    /// Adds a record behind the last one.
    pub fn push_with_headers(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) {
        let headers = headers.iter().map(|(key, value)| (key.as_bytes(), *value));
        self.push_at(self.last_offset_delta + 1, timestamp, key, value, headers);
    }

    /// Adds a record at its own offset, which may leave gaps but not go back: what compaction keeps.
    pub fn push_record(&mut self, record: &Record) {
        let delta = i32::try_from(record.offset.0 - self.base_offset.0).expect("offset within the batch");
        let headers = record.headers.iter().map(|header| (&header.key[..], header.value.as_deref()));
        self.push_at(delta, record.timestamp, record.key.as_deref(), record.value.as_deref(), headers);
    }

    /// Records so far.
    pub fn len(&self) -> usize {
        self.record_count as usize
    }

    /// Whether no record has been added.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Bytes of the batch if it were built now without compression.
    pub fn uncompressed_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// The batch, CRC included. Panics without a record, and beyond 2 GiB.
    pub fn build(self) -> Bytes {
        assert!(self.record_count > 0, "a batch without records");
        let records = match self.attributes.compression() {
            Compression::None => self.body,
            how => compression::compress(how, &self.body),
        };
        let length = HEADER_LEN - LENGTH_PREFIX_LEN + records.len();
        let mut header = BatchHeader {
            base_offset: self.base_offset,
            length: i32::try_from(length).expect("a batch is below 2 GiB"),
            leader_epoch: self.leader_epoch,
            crc: 0,
            attributes: self.attributes,
            last_offset_delta: self.last_offset_delta,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.log_append_time.unwrap_or(self.max_timestamp),
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            base_sequence: self.base_sequence,
            record_count: self.record_count,
        };
        header.crc = header.computed_crc(&records);
        let mut batch = Vec::with_capacity(header.total_len());
        batch.extend_from_slice(&header.to_bytes());
        batch.extend_from_slice(&records);
        batch.into()
    }

    fn push_at<'a>(
        &mut self,
        offset_delta: i32,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
    ) {
        assert!(offset_delta > self.last_offset_delta, "records of a batch in the order of their offsets");
        assert!(timestamp >= Timestamp::NONE, "timestamp {timestamp} below none");
        if self.record_count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let timestamp_delta = timestamp.0 - self.base_timestamp.0;

        let header_count = i32::try_from(headers.len()).expect("headers fit a batch");
        let mut length = 1 + varint::size_of_i64(timestamp_delta) + varint::size_of_i32(offset_delta);
        length += field_len(key) + field_len(value) + varint::size_of_i32(header_count);
        length += headers.clone().map(|(key, value)| field_len(Some(key)) + field_len(value)).sum::<usize>();

        let body = &mut self.body;
        varint::write_i32(body, i32::try_from(length).expect("a record is below 2 GiB"));
        let start = body.len();
        body.push(0);
        varint::write_i64(body, timestamp_delta);
        varint::write_i32(body, offset_delta);
        write_field(body, key);
        write_field(body, value);
        varint::write_i32(body, header_count);
        for (key, value) in headers {
            write_field(body, Some(key));
            write_field(body, value);
        }
        assert_eq!(body.len() - start, length, "the record's length was told before it was written");
        self.record_count += 1;
        self.last_offset_delta = offset_delta;
    }
}

fn field_len(bytes: Option<&[u8]>) -> usize {
    match bytes {
        None => varint::size_of_i32(-1),
        Some(bytes) => varint::size_of_i32(int_len(bytes)) + bytes.len(),
    }
}

fn write_field(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::write_i32(out, -1),
        Some(bytes) => {
            varint::write_i32(out, int_len(bytes));
            out.extend_from_slice(bytes);
        }
    }
}

fn int_len(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).expect("a field is below 2 GiB")
}
