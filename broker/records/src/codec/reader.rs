//! Reading primitives from a frame that a stranger wrote.
//!
//! The reader owns its frame as `Bytes`, so that record data leaves it as a slice of the same memory, and an
//! allocation budget: every string and array is charged *before* it is allocated. Whatever a message's
//! declaration looks like, decoding `n` bytes allocates at most `ALLOCATION_FREE + ALLOCATION_FACTOR * n`.

use bytes::Bytes;
use model::Uuid;

use super::{DecodeError, STRING_BYTES_MAX};
use crate::varint::{self, VarintError};

/// Bytes that decoding may allocate however short the input is.
pub const ALLOCATION_FREE: usize = 64 * 1024;
/// Bytes that decoding may allocate for each byte of input: the densest honest message (an array of empty
/// strings, 24 bytes of `String` for one byte on the wire) stays below.
pub const ALLOCATION_FACTOR: usize = 32;

/// A position in a frame, and what may still be read and allocated.
#[derive(Clone, Debug)]
pub struct Reader {
    frame: Bytes,
    /// Next byte to read; never beyond `end`.
    at: usize,
    /// One past the last byte that may be read: the frame's length, or less within a tagged field.
    end: usize,
    /// Bytes that may still be allocated.
    allowance: usize,
    /// The field begun last, for error messages.
    field: &'static str,
}

impl Reader {
    /// Reads `frame` from its first byte.
    pub fn new(frame: Bytes) -> Reader {
        Reader::with_factor(frame, ALLOCATION_FACTOR)
    }

    /// As [`Reader::new`], but decoding may allocate only `factor` bytes, and not [`ALLOCATION_FACTOR`], for each byte
    /// of input.
    pub fn with_factor(frame: Bytes, factor: usize) -> Reader {
        let end = frame.len();
        let allowance = ALLOCATION_FREE.saturating_add(end.saturating_mul(factor));
        Reader { frame, at: 0, end, allowance, field: "" }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// True when every byte has been read.
    pub fn is_empty(&self) -> bool {
        self.at == self.end
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Everything not read yet, sharing the frame's memory.
    pub fn rest(self) -> Bytes {
        self.frame.slice(self.at..self.end)
    }

    /// Name of the field whose decoding began last: where it went wrong, after an error. Empty before any.
    pub fn field(&self) -> &'static str {
        self.field
    }

    pub(crate) fn begin_field(&mut self, name: &'static str) {
        self.field = name;
    }

    /// The next `count` bytes, borrowed.
    #[inline]
    pub fn raw(&mut self, count: usize) -> Result<&[u8], DecodeError> {
        if count > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        let from = self.at;
        self.at += count;
        Ok(&self.frame[from..self.at])
    }

    /// The next `count` bytes as a slice of the frame's own memory: no copy.
    pub fn bytes(&mut self, count: usize) -> Result<Bytes, DecodeError> {
        if count > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        let from = self.at;
        self.at += count;
        Ok(self.frame.slice(from..self.at))
    }

    /// Passes over the next `count` bytes.
    pub fn skip(&mut self, count: usize) -> Result<(), DecodeError> {
        self.raw(count).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    /// One byte; any value but zero is true, as in Kafka.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }

    /// int8.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    /// int16, big-endian like all that follow.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// uint16.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// int32.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// uint32.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// int64.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// float64.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    /// uuid: sixteen bytes.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        Ok(Uuid(self.array()?))
    }

    /// Unsigned varint of 32 bits: compact lengths, tags, sizes.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        self.variable(varint::read_u32)
    }

    /// Zigzag varint of 32 bits.
    pub fn varint(&mut self) -> Result<i32, DecodeError> {
        self.variable(varint::read_i32)
    }

    /// Zigzag varint of 64 bits.
    pub fn varlong(&mut self) -> Result<i64, DecodeError> {
        self.variable(varint::read_i64)
    }

    #[inline]
    fn variable<T>(&mut self, read: impl Fn(&mut &[u8]) -> Result<T, VarintError>) -> Result<T, DecodeError> {
        let mut input = &self.frame[self.at..self.end];
        let value = read(&mut input).map_err(|error| match error {
            VarintError::Truncated => DecodeError::Truncated,
            VarintError::Overflow => DecodeError::VarintOverflow,
        })?;
        self.at = self.end - input.len();
        Ok(value)
    }

    /// Length of a string: int16, or compact. `None` is null.
    pub fn string_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        let length = if flexible { self.compact_length()? } else { length(i64::from(self.i16()?))? };
        match length {
            Some(length) if length > STRING_BYTES_MAX => Err(DecodeError::StringTooLong),
            length => Ok(length),
        }
    }

    /// Length of an array, of bytes or of records: int32, or compact. `None` is null.
    pub fn long_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible { self.compact_length() } else { length(i64::from(self.i32()?)) }
    }

    /// A length plus one as an unsigned varint; zero is null.
    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok((self.uvarint()? as usize).checked_sub(1))
    }

    /// A string, or `None` for null.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<String>, DecodeError> {
        let Some(length) = self.string_length(flexible)? else { return Ok(None) };
        if length > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        self.charge(length)?;
        let text = std::str::from_utf8(self.raw(length)?).map_err(|_| DecodeError::NotUtf8)?;
        Ok(Some(text.to_owned()))
    }

    /// A string that is not null.
    pub fn string(&mut self, flexible: bool) -> Result<String, DecodeError> {
        self.nullable_string(flexible)?.ok_or(DecodeError::UnexpectedNull)
    }

    /// Bytes or records, sharing the frame's memory; `None` for null.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>, DecodeError> {
        match self.long_length(flexible)? {
            Some(length) => self.bytes(length).map(Some),
            None => Ok(None),
        }
    }

    /// Takes `bytes` from the allowance, before they are allocated.
    pub fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.allowance = self.allowance.checked_sub(bytes).ok_or(DecodeError::AllocationTooLarge)?;
        Ok(())
    }

    /// Passes over a whole section of tagged fields: for structures that declare none.
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        for _ in 0..self.uvarint()? {
            self.uvarint()?;
            let size = self.uvarint()? as usize;
            self.skip(size)?;
        }
        Ok(())
    }

    /// Narrows the reader to the next `size` bytes; the answer is for [`Reader::widen`].
    pub(crate) fn narrow(&mut self, size: usize) -> Result<usize, DecodeError> {
        if size > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        Ok(std::mem::replace(&mut self.end, self.at + size))
    }

    /// Undoes [`Reader::narrow`]; everything within must have been read.
    pub(crate) fn widen(&mut self, end: usize) -> Result<(), DecodeError> {
        if self.at != self.end {
            return Err(DecodeError::TaggedFieldSize);
        }
        assert!(end >= self.end && end <= self.frame.len(), "a reader widens to where it was narrowed from");
        self.end = end;
        Ok(())
    }
}

fn length(value: i64) -> Result<Option<usize>, DecodeError> {
    match value {
        -1 => Ok(None),
        value => usize::try_from(value).map(Some).map_err(|_| DecodeError::NegativeLength),
    }
}
