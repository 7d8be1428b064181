//! The 61 bytes before the records: all that the broker's hot path looks at.

use super::{
    Attributes, BatchError, CRC_COVERS_FROM, Compression, HEADER_LEN, LENGTH_PREFIX_LEN, MAGIC,
    TimestampType, crc32c, crc32c_append, frame,
};
use bytes::Bytes;
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};

/// The header of a batch.
///
/// Fields may be set freely; what [`BatchHeader::parse`] returns satisfies: `length >= 49`, `base_offset >= 0`,
/// `last_offset_delta >= 0`, `0 <= record_count <= last_offset_delta + 1`, and no offset overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record (of those the producer sent: compaction may have removed it).
    pub base_offset: Offset,
    /// Bytes after the length field.
    pub length: i32,
    /// Epoch of the leader that appended the batch; -1 on the way from a producer. Outside the CRC, like the
    /// two fields above.
    pub leader_epoch: LeaderEpoch,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Compression, clock, transactional, control.
    pub attributes: Attributes,
    /// Offset of the last record, counted from the base offset.
    pub last_offset_delta: i32,
    /// What the timestamps of the records are counted from; -1 for a batch without records.
    pub base_timestamp: Timestamp,
    /// Highest timestamp of the records, or the time of the append.
    pub max_timestamp: Timestamp,
    /// Who produced it; -1 if not idempotent.
    pub producer_id: ProducerId,
    /// The producer's incarnation; -1 if not idempotent.
    pub producer_epoch: i16,
    /// Sequence number of the first record; -1 if not idempotent.
    pub base_sequence: i32,
    /// Records in the batch; 0 when compaction removed them all.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header that `bytes` begins with. The records need not be at hand, and the CRC is not checked:
    /// see [`check_crc`].
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        match frame(bytes) {
            Ok(_) => {}
            // A header without all of its records is what this function is for.
            Err(BatchError::Truncated { .. }) if bytes.len() >= HEADER_LEN => {}
            Err(error) => return Err(error),
        }
        let header = BatchHeader {
            base_offset: Offset(i64::from_be_bytes(field(bytes, 0))),
            length: i32::from_be_bytes(field(bytes, 8)),
            leader_epoch: LeaderEpoch(i32::from_be_bytes(field(bytes, 12))),
            crc: u32::from_be_bytes(field(bytes, 17)),
            attributes: Attributes::from_bits(i16::from_be_bytes(field(bytes, 21)))?,
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: Timestamp(i64::from_be_bytes(field(bytes, 27))),
            max_timestamp: Timestamp(i64::from_be_bytes(field(bytes, 35))),
            producer_id: ProducerId(i64::from_be_bytes(field(bytes, 43))),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            record_count: i32::from_be_bytes(field(bytes, 57)),
        };
        header.check()?;
        Ok(header)
    }

    /// Writes the header, the CRC as the field says.
    pub fn write(&self, out: &mut [u8; HEADER_LEN]) {
        out[0..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        out[8..12].copy_from_slice(&self.length.to_be_bytes());
        out[12..16].copy_from_slice(&self.leader_epoch.0.to_be_bytes());
        out[16] = MAGIC as u8;
        out[17..21].copy_from_slice(&self.crc.to_be_bytes());
        out[21..23].copy_from_slice(&self.attributes.bits().to_be_bytes());
        out[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        out[27..35].copy_from_slice(&self.base_timestamp.0.to_be_bytes());
        out[35..43].copy_from_slice(&self.max_timestamp.0.to_be_bytes());
        out[43..51].copy_from_slice(&self.producer_id.0.to_be_bytes());
        out[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        out[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        out[57..61].copy_from_slice(&self.record_count.to_be_bytes());
    }

    /// The header as bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        self.write(&mut out);
        out
    }

    /// Bytes of the whole batch.
    pub fn total_len(&self) -> usize {
        LENGTH_PREFIX_LEN + self.length as usize
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }

    /// Where the next batch goes.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().plus(1)
    }

    /// Sequence number of the last record, wrapping from the highest int32 to 0; -1 if not idempotent.
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence {
            -1 => -1,
            base => base.wrapping_add(self.last_offset_delta) & i32::MAX,
        }
    }

    /// Whether the producer is idempotent.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id.0 > -1
    }

    /// Whether the batch holds control records.
    pub fn is_control(&self) -> bool {
        self.attributes.is_control()
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes.is_transactional()
    }

    /// How the records are compressed.
    pub fn compression(&self) -> Compression {
        self.attributes.compression()
    }

    /// Whose clock the timestamps are from.
    pub fn timestamp_type(&self) -> TimestampType {
        self.attributes.timestamp_type()
    }

    /// Places the batch in a log: neither field is covered by the CRC, so the records need not be read.
    pub fn place(&mut self, base_offset: Offset, leader_epoch: LeaderEpoch) {
        assert!(base_offset >= Offset::ZERO, "a batch is placed at offset {base_offset}");
        self.base_offset = base_offset;
        self.leader_epoch = leader_epoch;
    }

    /// Makes `now` the timestamp of every record (`message.timestamp.type=LogAppendTime`). The attributes and
    /// the max timestamp are covered by the CRC, so `records`, all bytes after the header, are read again.
    pub fn stamp_log_append_time(&mut self, now: Timestamp, records: &[u8]) {
        self.attributes = self.attributes.with_timestamp_type(TimestampType::LogAppendTime);
        self.max_timestamp = now;
        self.crc = self.computed_crc(records);
    }

    /// The CRC that this header with these records should carry.
    pub fn computed_crc(&self, records: &[u8]) -> u32 {
        crc32c_append(crc32c(&self.to_bytes()[CRC_COVERS_FROM..]), records)
    }

    /// The batch's stored form in two pieces: this header, and the records of `batch`, which are not copied.
    pub fn pieces(&self, batch: &Bytes) -> (Bytes, Bytes) {
        assert_eq!(batch.len(), self.total_len(), "header of another batch");
        (Bytes::copy_from_slice(&self.to_bytes()), batch.slice(HEADER_LEN..))
    }

    fn check(&self) -> Result<(), BatchError> {
        let (count, last_offset_delta) = (self.record_count, self.last_offset_delta);
        if self.base_offset < Offset::ZERO {
            return Err(BatchError::NegativeBaseOffset(self.base_offset.0));
        }
        if last_offset_delta < 0 {
            return Err(BatchError::NegativeLastOffsetDelta(last_offset_delta));
        }
        // One further than the last offset must exist too: it is where the next batch goes.
        if self.base_offset.0.checked_add(i64::from(last_offset_delta) + 1).is_none() {
            return Err(BatchError::OffsetOverflow);
        }
        if count < 0 || i64::from(count) > i64::from(last_offset_delta) + 1 {
            return Err(BatchError::CountOutOfRange { count, last_offset_delta });
        }
        Ok(())
    }
}

/// Checks the CRC of one whole batch.
pub fn check_crc(batch: &[u8]) -> Result<(), BatchError> {
    let total = frame(batch)?;
    if total < batch.len() {
        return Err(BatchError::TrailingBytes { extra: batch.len() - total });
    }
    let stored = u32::from_be_bytes(field(batch, 17));
    let computed = crc32c(&batch[CRC_COVERS_FROM..]);
    if stored != computed {
        return Err(BatchError::CrcMismatch { stored, computed });
    }
    Ok(())
}

/// `N` bytes at `at`, which the caller has made sure of.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("slice of the array's length")
}
