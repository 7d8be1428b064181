//! Where one batch ends and the next begins, told from lengths alone.

use super::{BatchError, HEADER_LEN, LENGTH_PREFIX_LEN, MAGIC};
use bytes::Bytes;

/// The whole length in bytes of the batch that `bytes` begins with, which is never more than `bytes.len()`.
///
/// Looks at the format version and the length only; [`super::BatchHeader::parse`] looks at the rest.
pub fn frame(bytes: &[u8]) -> Result<usize, BatchError> {
    // The version first: older formats are shorter, and "too old" says more than "too short".
    match bytes.get(16) {
        Some(&magic) if magic as i8 != MAGIC => return Err(BatchError::UnsupportedMagic(magic as i8)),
        Some(_) => {}
        None => return Err(BatchError::Truncated { needed: HEADER_LEN, have: bytes.len() }),
    }
    let length = i32::from_be_bytes(bytes[8..12].try_into().expect("17 bytes at least"));
    if length < (HEADER_LEN - LENGTH_PREFIX_LEN) as i32 {
        return Err(BatchError::LengthTooSmall(length));
    }
    let total = LENGTH_PREFIX_LEN + length as usize;
    if total > bytes.len() {
        return Err(BatchError::Truncated { needed: total, have: bytes.len() });
    }
    Ok(total)
}

/// Splits `bytes` into whole batches without copying: each item keeps `bytes` alive.
///
/// The first error ends the iteration; for the answer to a fetch, [`BatchError::Truncated`] at the end is normal.
pub fn split(bytes: Bytes) -> Batches {
    Batches { rest: bytes }
}

/// The batches of a byte string, see [`split`].
#[derive(Clone, Debug)]
pub struct Batches {
    /// What has not been handed out. Empty after an error.
    rest: Bytes,
}

impl Iterator for Batches {
    type Item = Result<Bytes, BatchError>;

    fn next(&mut self) -> Option<Result<Bytes, BatchError>> {
        if self.rest.is_empty() {
            return None;
        }
        match frame(&self.rest) {
            Ok(total) => Some(Ok(self.rest.split_to(total))),
            Err(error) => {
                self.rest = Bytes::new();
                Some(Err(error))
            }
        }
    }
}

impl std::iter::FusedIterator for Batches {}
