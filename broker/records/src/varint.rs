//! Variable-length integers, as Kafka and Protocol Buffers write them: seven bits a byte, lowest first.
//!
//! The records of a batch and the frames of metadata records are made of these. Every reader takes a slice,
//! advances it past what was read, and refuses what does not fit the type: no value has more bytes than its
//! width allows (5 for 32 bits, 10 for 64), so a reader never runs away with its input.

use std::fmt;

/// Most bytes that a 32-bit value takes.
pub const VARINT_BYTES_MAX: usize = 5;
/// Most bytes that a 64-bit value takes.
pub const VARLONG_BYTES_MAX: usize = 10;

/// The bytes are not a variable-length integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarintError {
    /// The input ended within the number.
    Truncated,
    /// The number has more bits than its type.
    Overflow,
}

impl fmt::Display for VarintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VarintError::Truncated => "the input ends within a variable-length integer",
            VarintError::Overflow => "a variable-length integer is wider than its type",
        })
    }
}

impl std::error::Error for VarintError {}

/// Reads an unsigned 32-bit value: lengths and counts of compact fields.
#[inline]
pub fn read_u32(input: &mut &[u8]) -> Result<u32, VarintError> {
    let mut rest = *input;
    let wide = read(&mut rest, VARINT_BYTES_MAX)?;
    let value = u32::try_from(wide).map_err(|_| VarintError::Overflow)?;
    *input = rest;
    Ok(value)
}

/// Reads a zigzag 32-bit value: Kafka's `varint`.
#[inline]
pub fn read_i32(input: &mut &[u8]) -> Result<i32, VarintError> {
    let zigzag = read_u32(input)?;
    Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
}

/// Reads an unsigned 64-bit value.
#[inline]
pub fn read_u64(input: &mut &[u8]) -> Result<u64, VarintError> {
    read(input, VARLONG_BYTES_MAX)
}

/// Reads a zigzag 64-bit value: Kafka's `varlong`.
#[inline]
pub fn read_i64(input: &mut &[u8]) -> Result<i64, VarintError> {
    let zigzag = read_u64(input)?;
    Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

/// Appends an unsigned 32-bit value.
pub fn write_u32(out: &mut Vec<u8>, value: u32) {
    write_u64(out, u64::from(value));
}

/// Appends a zigzag 32-bit value.
pub fn write_i32(out: &mut Vec<u8>, value: i32) {
    write_u32(out, ((value << 1) ^ (value >> 31)) as u32);
}

/// Appends an unsigned 64-bit value.
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a zigzag 64-bit value.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    write_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Bytes that [`write_u64`] (or, for a small enough value, [`write_u32`]) would append.
pub fn size_of_u64(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes that [`write_i32`] would append.
pub fn size_of_i32(value: i32) -> usize {
    size_of_u64(u64::from(((value << 1) ^ (value >> 31)) as u32))
}

/// Bytes that [`write_i64`] would append.
pub fn size_of_i64(value: i64) -> usize {
    size_of_u64(((value << 1) ^ (value >> 63)) as u64)
}

/// The one loop: up to `bytes_max` bytes, the last of which must not carry bits beyond the sixty-fourth.
#[inline]
fn read(input: &mut &[u8], bytes_max: usize) -> Result<u64, VarintError> {
    let mut value = 0u64;
    for (index, &byte) in input.iter().take(bytes_max).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == VARLONG_BYTES_MAX - 1 && bits > 1 {
            return Err(VarintError::Overflow);
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            *input = &input[index + 1..];
            return Ok(value);
        }
    }
    Err(if input.len() >= bytes_max { VarintError::Overflow } else { VarintError::Truncated })
}

#[cfg(test)]
#[path = "varint_prop.rs"]
mod properties;
