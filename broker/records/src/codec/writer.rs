//! Writing primitives, with record data passed through as it is.
//!
//! Small values are gathered in one buffer. A large `Bytes` is not copied into it but noted with its place;
//! at the end the buffer is cut there, and the answer is a list of `Bytes` for one vectored write.

use bytes::{BufMut, Bytes, BytesMut};
use model::Uuid;

use super::EncodeError;

/// Longest `Bytes` that [`Writer::shared`] copies: below this a copy is cheaper than one more segment.
pub const COPY_MAX: usize = 512;

/// A message being written: gathered bytes, and the shared ones that go between them.
#[derive(Debug, Default)]
pub struct Writer {
    gathered: BytesMut,
    /// Shared bytes, each with the length that `gathered` had when they were put. Places ascend.
    shared: Vec<(usize, Bytes)>,
    shared_len: usize,
    /// The first four bytes are a place for the frame's length.
    framed: bool,
}

/// Bytes of a frame's length prefix.
const PREFIX: usize = 4;

impl Writer {
    /// An empty message.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// An empty message whose gathered part is expected to take `bytes`.
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { gathered: BytesMut::with_capacity(bytes), ..Writer::default() }
    }

    /// An empty frame: a message with its length before it, for [`Writer::finish_frame`].
    pub fn frame(bytes: usize) -> Writer {
        let mut gathered = BytesMut::with_capacity(PREFIX + bytes);
        gathered.put_bytes(0, PREFIX);
        Writer { gathered, framed: true, ..Writer::default() }
    }

    /// Bytes written so far, shared ones included, a frame's prefix not.
    pub fn len(&self) -> usize {
        self.gathered.len() + self.shared_len - if self.framed { PREFIX } else { 0 }
    }

    /// True while nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The segments in order, none of them empty: what was written, for one vectored write.
    pub fn finish(self) -> Vec<Bytes> {
        assert!(!self.framed, "a frame is finished with its length");
        self.cut()
    }

    /// The segments of a frame begun with [`Writer::frame`]: an int32 length, then what was written.
    pub fn finish_frame(mut self) -> Result<Vec<Bytes>, EncodeError> {
        assert!(self.framed, "only what began as a frame has a place for its length");
        let length = i32::try_from(self.len()).map_err(|_| EncodeError::FrameTooLong)?;
        self.gathered[..PREFIX].copy_from_slice(&length.to_be_bytes());
        Ok(self.cut())
    }

    fn cut(self) -> Vec<Bytes> {
        let mut gathered = self.gathered.freeze();
        let mut segments = Vec::with_capacity(2 * self.shared.len() + 1);
        let mut cut = 0;
        for (place, bytes) in self.shared {
            if place > cut {
                segments.push(gathered.split_to(place - cut));
                cut = place;
            }
            segments.push(bytes);
        }
        if !gathered.is_empty() {
            segments.push(gathered);
        }
        segments
    }

    /// What was written as one `Bytes`; copies when there are several segments.
    pub fn into_bytes(self) -> Bytes {
        join(self.finish())
    }

    /// Appends bytes as they are, copied.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.gathered.put_slice(bytes);
    }

    /// Appends bytes as they are; more than [`COPY_MAX`] of them are shared, not copied.
    pub fn shared(&mut self, bytes: &Bytes) {
        if bytes.len() <= COPY_MAX {
            self.raw(bytes);
        } else {
            self.shared_len += bytes.len();
            self.shared.push((self.gathered.len(), bytes.clone()));
        }
    }

    /// bool: one byte, 1 or 0.
    pub fn bool(&mut self, value: bool) {
        self.gathered.put_u8(u8::from(value));
    }

    /// int8.
    pub fn i8(&mut self, value: i8) {
        self.gathered.put_i8(value);
    }

    /// int16, big-endian like all that follow.
    pub fn i16(&mut self, value: i16) {
        self.gathered.put_i16(value);
    }

    /// uint16.
    pub fn u16(&mut self, value: u16) {
        self.gathered.put_u16(value);
    }

    /// int32.
    pub fn i32(&mut self, value: i32) {
        self.gathered.put_i32(value);
    }

    /// uint32.
    pub fn u32(&mut self, value: u32) {
        self.gathered.put_u32(value);
    }

    /// int64.
    pub fn i64(&mut self, value: i64) {
        self.gathered.put_i64(value);
    }

    /// float64.
    pub fn f64(&mut self, value: f64) {
        self.gathered.put_f64(value);
    }

    /// uuid.
    pub fn uuid(&mut self, value: Uuid) {
        self.raw(&value.0);
    }

    /// Unsigned varint.
    pub fn uvarint(&mut self, value: u32) {
        let (bytes, length) = uvarint_bytes(u64::from(value));
        self.raw(&bytes[..length]);
    }

    /// Zigzag varint of 32 bits.
    pub fn varint(&mut self, value: i32) {
        self.uvarint(((value << 1) ^ (value >> 31)) as u32);
    }

    /// Zigzag varint of 64 bits.
    pub fn varlong(&mut self, value: i64) {
        let (bytes, length) = uvarint_bytes(((value << 1) ^ (value >> 63)) as u64);
        self.raw(&bytes[..length]);
    }

    /// Length of a string: int16, or compact. `None` is null. False when the length does not fit.
    #[must_use]
    pub fn string_length(&mut self, length: Option<usize>, flexible: bool) -> bool {
        if length.is_some_and(|length| length > super::STRING_BYTES_MAX) {
            return false;
        }
        if flexible {
            return self.compact_length(length);
        }
        self.i16(length.map_or(-1, |length| length as i16));
        true
    }

    /// Length of an array, of bytes or of records: int32, or compact. `None` is null. False when it does not fit.
    #[must_use]
    pub fn long_length(&mut self, length: Option<usize>, flexible: bool) -> bool {
        if flexible {
            return self.compact_length(length);
        }
        let Ok(length) = length.map_or(Ok(-1), i32::try_from) else { return false };
        self.i32(length);
        true
    }

    fn compact_length(&mut self, length: Option<usize>) -> bool {
        match length.map_or(Some(0), |length| length.checked_add(1)).map(i32::try_from) {
            Some(Ok(length)) => {
                self.uvarint(length as u32);
                true
            }
            _ => false,
        }
    }

    /// Starts a part whose size will be written before it: [`Writer::end_sized`] takes the answer.
    pub(crate) fn begin_sized(&self) -> (usize, usize) {
        (self.gathered.len(), self.shared.len())
    }

    /// Writes the size of everything since `begin` before it, as an unsigned varint. False when it does not fit.
    #[must_use]
    pub(crate) fn end_sized(&mut self, begin: (usize, usize)) -> bool {
        let (place, shared) = begin;
        let shared_len: usize = self.shared[shared..].iter().map(|(_, bytes)| bytes.len()).sum();
        let size = self.gathered.len() - place + shared_len;
        let Ok(size) = i32::try_from(size) else { return false };
        let (bytes, length) = uvarint_bytes(size as u64);
        for (later, _) in &mut self.shared[shared..] {
            *later += length;
        }
        self.open_gap(place, length);
        self.gathered[place..place + length].copy_from_slice(&bytes[..length]);
        true
    }

    /// Moves what was gathered from `place` on by `length` bytes.
    fn open_gap(&mut self, place: usize, length: usize) {
        let end = self.gathered.len();
        self.gathered.put_bytes(0, length);
        self.gathered.copy_within(place..end, place + length);
    }
}

/// One `Bytes` out of many; copies unless there is just one.
pub(crate) fn join(mut segments: Vec<Bytes>) -> Bytes {
    match segments.len() {
        0 => Bytes::new(),
        1 => segments.remove(0),
        _ => {
            let mut joined = BytesMut::with_capacity(segments.iter().map(Bytes::len).sum());
            segments.iter().for_each(|segment| joined.put_slice(segment));
            joined.freeze()
        }
    }
}

fn uvarint_bytes(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    (bytes, length + 1)
}
