//! CRC-32C (Castagnoli), in one place so that the implementation can be swapped where another one measures
//! faster.

/// The checksum of `bytes`, as the header of a batch carries it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c_append(0, bytes)
}

/// The checksum of what `crc` already covers followed by `bytes`.
pub fn crc32c_append(crc: u32, bytes: &[u8]) -> u32 {
    ::crc32c::crc32c_append(crc, bytes)
}
