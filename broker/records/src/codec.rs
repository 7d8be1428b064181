//! Kafka's primitives, read within bounds and written without copying record data.
//!
//! Everything on the wire and in the metadata log is made of these: big-endian integers, variable-length
//! integers, strings, bytes, arrays and tagged fields, in an old form (fixed-width lengths) and a *flexible*
//! one (KIP-482: lengths are unsigned varints plus one). A [`Reader`] never reads past its frame and owns a
//! budget for what decoding may allocate; a [`Writer`] takes record data as `Bytes` and never copies it.

mod reader;
mod writer;

use std::fmt;

pub use reader::{ALLOCATION_FACTOR, ALLOCATION_FREE, Reader};
pub(crate) use writer::join;
pub use writer::{COPY_MAX, Writer};

/// Longest string that Kafka accepts, in bytes of UTF-8, also where the compact form could carry more.
pub const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// Why bytes are not the value that they should be. Always the sender's fault; never a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The input ends before the value does.
    Truncated,
    /// A variable-length integer is wider than its type.
    VarintOverflow,
    /// A length below zero where it does not mean null.
    NegativeLength,
    /// An array claims more elements than the bytes that are left can hold.
    ArrayTooLong,
    /// A string is longer than [`STRING_BYTES_MAX`].
    StringTooLong,
    /// A string is not UTF-8.
    NotUtf8,
    /// Null where this version has no null.
    UnexpectedNull,
    /// The content of a tagged field is shorter than the size written before it.
    TaggedFieldSize,
    /// The same tag occurs twice in one structure.
    DuplicateTag,
    /// Decoding would allocate more than the input pays for: [`ALLOCATION_FREE`] bytes plus
    /// [`ALLOCATION_FACTOR`] times its length, or another factor where the reader was given one.
    AllocationTooLarge,
    /// The message has no such version.
    UnsupportedVersion,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::Truncated => "the input ends within a value",
            DecodeError::VarintOverflow => "a variable-length integer is wider than its type",
            DecodeError::NegativeLength => "a length is negative",
            DecodeError::ArrayTooLong => "an array claims more elements than its bytes can hold",
            DecodeError::StringTooLong => "a string is longer than 32767 bytes",
            DecodeError::NotUtf8 => "a string is not UTF-8",
            DecodeError::UnexpectedNull => "null in a field that can't be null",
            DecodeError::TaggedFieldSize => "a tagged field is shorter than its size says",
            DecodeError::DuplicateTag => "a tag occurs twice",
            DecodeError::AllocationTooLarge => "the message would take much more memory than its size",
            DecodeError::UnsupportedVersion => "the message has no such version",
        })
    }
}

impl std::error::Error for DecodeError {}

/// Why a value can't be written at a version. A mistake of the program that built the message, but one that
/// depends on data (a long error text, a version negotiated with a peer): therefore a value, not a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The message has no such version.
    UnsupportedVersion {
        /// Name of the message in Kafka's schemas.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// The field does not exist at this version, is not ignorable, and has a value other than its default.
    FieldNotInVersion {
        /// Name of the field in our declaration.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// The field is null, which it can't be at this version.
    UnexpectedNull {
        /// Name of the field in our declaration.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A string, array or byte field is longer than its length prefix can say.
    TooLong {
        /// Name of the field in our declaration.
        field: &'static str,
    },
    /// The whole message is longer than a frame can be: 2 GiB less one byte.
    FrameTooLong,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::UnsupportedVersion { message, version } => {
                write!(f, "{message} has no version {version}")
            }
            EncodeError::FieldNotInVersion { field, version } => {
                write!(f, "{field} has a value that version {version} can't carry")
            }
            EncodeError::UnexpectedNull { field, version } => {
                write!(f, "{field} is null, which version {version} can't carry")
            }
            EncodeError::TooLong { field } => write!(f, "{field} is too long to be written"),
            EncodeError::FrameTooLong => f.write_str("the message is longer than a frame can be"),
        }
    }
}

impl std::error::Error for EncodeError {}

#[cfg(test)]
#[path = "codec_test.rs"]
mod tests;
