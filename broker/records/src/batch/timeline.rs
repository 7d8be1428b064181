//! When each record of a batch is from, read in fixed memory: for finding offsets by time.
//!
//! A batch of a megabyte may decompress to gigabytes, and whoever asks for offsets pays nothing for it. So nothing is
//! kept here: the records stream through a buffer, of each only its first bytes are looked at, and how much may be
//! decompressed is the caller's to say.

use super::record::{RawRecord, within};
use super::{BatchError, BatchHeader, Compression, HEADER_LEN, RecordProblem};
use crate::compression;
use crate::varint::{self, VARINT_BYTES_MAX, VARLONG_BYTES_MAX};
use model::{Offset, Timestamp};
use std::io::{BufRead, BufReader, Read, Take};

/// Most memory for a block of snappy, or for zstd's window: what its levels up to 19 use. LZ4 and gzip need at most
/// 13 MiB, whatever they are fed. A batch that needs more is an error.
const WORKING_BYTES_MAX: usize = 8 << 20;

/// Memory for what was decompressed and not looked at yet.
const BUFFER_LEN: usize = 8 << 10;

/// The offset and timestamp of each record of a batch, in order. The first error ends it; checksum, keys, values and
/// headers are not looked at.
pub struct Timeline<'a> {
    header: BatchHeader,
    source: BufReader<Take<Box<dyn Read + 'a>>>,
    /// Bytes that may be decompressed.
    limit: u64,
    /// Bytes of the record before that have not been passed over.
    behind: usize,
    /// Records that have been read.
    index: u32,
    /// Offset delta of the record before, -1 at first.
    last_delta: i32,
    failed: bool,
}

impl<'a> Timeline<'a> {
    /// Of a whole batch. When it is compressed, no more than `limit_bytes` of its records are decompressed.
    pub fn new(batch: &'a [u8], limit_bytes: u64) -> Result<Timeline<'a>, BatchError> {
        let header = BatchHeader::parse(batch)?;
        let (needed, have) = (header.total_len(), batch.len());
        if have < needed {
            return Err(BatchError::Truncated { needed, have });
        }
        let records = &batch[HEADER_LEN..needed];
        let limit = match header.compression() {
            Compression::None => records.len() as u64,
            _ => limit_bytes,
        };
        let source = compression::stream(header.compression(), records, WORKING_BYTES_MAX)
            .map_err(BatchError::Compression)?;
        let source = BufReader::with_capacity(BUFFER_LEN, source.take(limit));
        Ok(Timeline { header, source, limit, behind: 0, index: 0, last_delta: -1, failed: false })
    }

    /// Bytes of records that were read so far, decompressed.
    pub fn read_bytes(&self) -> u64 {
        self.limit - self.source.get_ref().limit()
    }

    fn record(&mut self) -> Result<(Offset, Timestamp), BatchError> {
        self.pass_over()?;
        let mut length = 0;
        let claimed = self.number(VARINT_BYTES_MAX, &mut length, varint::read_i32)?;
        let rest = usize::try_from(claimed).map_err(|_| self.malformed(RecordProblem::Length))?;
        let mut taken = 0;
        self.byte(&mut taken)?;
        let timestamp_delta = self.number(VARLONG_BYTES_MAX, &mut taken, varint::read_i64)?;
        let offset_delta = self.number(VARINT_BYTES_MAX, &mut taken, varint::read_i32)?;
        self.behind = rest.checked_sub(taken).ok_or(self.malformed(RecordProblem::Length))?;
        if offset_delta <= self.last_delta || offset_delta > self.header.last_offset_delta {
            return Err(self.malformed(RecordProblem::Offset));
        }
        let timestamp = RawRecord::timestamp_at(timestamp_delta, &self.header)
            .map_err(|problem| self.malformed(problem))?;
        self.last_delta = offset_delta;
        Ok((self.header.base_offset.plus(i64::from(offset_delta)), timestamp))
    }

    fn malformed(&self, problem: RecordProblem) -> BatchError {
        BatchError::Record { index: self.index, problem }
    }

    /// What is in the buffer, filled when it is empty: never nothing.
    fn buffered(&mut self) -> Result<&[u8], BatchError> {
        let (how, cap_bytes) = (self.header.compression(), self.limit as usize);
        if let Err(error) = self.source.fill_buf() {
            return Err(BatchError::Compression(compression::failed(how, &error, cap_bytes)));
        }
        if self.source.buffer().is_empty() {
            let spent = how != Compression::None && self.source.get_ref().limit() == 0;
            return Err(if spent {
                BatchError::Compression(compression::CompressionError::TooLarge { cap_bytes })
            } else {
                self.malformed(RecordProblem::Truncated)
            });
        }
        Ok(self.source.buffer())
    }

    fn byte(&mut self, taken: &mut usize) -> Result<u8, BatchError> {
        let byte = self.buffered()?[0];
        self.source.consume(1);
        *taken += 1;
        Ok(byte)
    }

    fn pass_over(&mut self) -> Result<(), BatchError> {
        while self.behind > 0 {
            let here = self.buffered()?.len().min(self.behind);
            self.source.consume(here);
            self.behind -= here;
        }
        Ok(())
    }

    /// A number of at most `bytes_max` bytes, which `read` makes of them.
    fn number<T>(
        &mut self,
        bytes_max: usize,
        taken: &mut usize,
        read: impl Fn(&mut &[u8]) -> Result<T, varint::VarintError>,
    ) -> Result<T, BatchError> {
        let mut bytes = [0; VARLONG_BYTES_MAX];
        let mut len = 0;
        loop {
            bytes[len] = self.byte(taken)?;
            len += 1;
            if bytes[len - 1] < 0x80 || len == bytes_max {
                return read(&mut &bytes[..len]).map_err(|error| self.malformed(within(error)));
            }
        }
    }
}

impl Iterator for Timeline<'_> {
    type Item = Result<(Offset, Timestamp), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || i64::from(self.index) >= i64::from(self.header.record_count) {
            return None;
        }
        let record = self.record();
        self.failed = record.is_err();
        self.index += 1;
        Some(record)
    }
}

#[cfg(test)]
#[path = "timeline_test.rs"]
mod tests;
