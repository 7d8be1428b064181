//! The four compressions of Kafka, each behind one function in and one out, so that an implementation can be
//! swapped (zstd's is C).
//!
//! A few bytes may decompress to gigabytes. Whoever wants all of them gives a cap, and the output grows only as
//! bytes come; whoever only wants to look at them as they pass streams them, in fixed memory. What an implementation
//! holds besides is bounded by its format or by the caller: 32 KiB for gzip, a few blocks of at most 4 MiB for LZ4,
//! a block for snappy, a window for zstd.

mod snappy;

use crate::batch::Compression;
use bytes::Bytes;
use std::fmt;
use std::io::{self, Read, Write};

/// Compressed data that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionError {
    /// Not what the compression's format allows.
    Malformed(Compression),
    /// More than `cap_bytes` when decompressed.
    TooLarge {
        /// The cap that was given.
        cap_bytes: usize,
    },
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompressionError::Malformed(compression) => write!(f, "malformed {} data", compression.name()),
            CompressionError::TooLarge { cap_bytes } => write!(f, "more than {cap_bytes} bytes decompressed"),
        }
    }
}

impl std::error::Error for CompressionError {}

/// Decompresses `input`, to at most `cap_bytes` bytes. Without compression the input itself is returned, uncapped.
pub fn decompress(how: Compression, input: &Bytes, cap_bytes: usize) -> Result<Bytes, CompressionError> {
    if how == Compression::None {
        return Ok(input.clone());
    }
    let decoder = stream(how, input, cap_bytes.max(1 << ZSTD_WINDOW_LOG_MIN))?;
    let mut output = Vec::new();
    // One more than allowed, to tell "exactly the cap" from "more".
    let limit = (cap_bytes as u64).saturating_add(1);
    match decoder.take(limit).read_to_end(&mut output) {
        Ok(_) if output.len() > cap_bytes => Err(CompressionError::TooLarge { cap_bytes }),
        Ok(_) => Ok(output.into()),
        Err(error) => Err(failed(how, &error, cap_bytes)),
    }
}

/// Decompresses `input` as it is read. However long the output, it holds a fixed amount besides `input`: what the
/// format needs (32 KiB for gzip, 13 MiB for LZ4), or `working_bytes_max` for a block of snappy or a window of zstd.
/// One that needs more is an error.
pub(crate) fn stream<'a>(
    how: Compression,
    input: &'a [u8],
    working_bytes_max: usize,
) -> Result<Box<dyn Read + 'a>, CompressionError> {
    Ok(match how {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
        Compression::Snappy => Box::new(snappy::Blocks::new(input, working_bytes_max)),
        Compression::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(input)),
        Compression::Zstd => {
            let malformed = |_| CompressionError::Malformed(Compression::Zstd);
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(malformed)?;
            decoder.window_log_max(working_bytes_max.ilog2().min(ZSTD_WINDOW_LOG_MAX)).map_err(malformed)?;
            Box::new(decoder)
        }
    })
}

/// What an error of a decoder means that `stream` made.
pub(crate) fn failed(how: Compression, error: &io::Error, cap_bytes: usize) -> CompressionError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => CompressionError::TooLarge { cap_bytes },
        _ => CompressionError::Malformed(how),
    }
}

/// Compresses `input` at the level that Kafka's producer uses by default.
pub fn compress(how: Compression, input: &[u8]) -> Vec<u8> {
    const INFALLIBLE: &str = "compression into memory does no I/O";
    match how {
        Compression::None => input.to_vec(),
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(input).expect(INFALLIBLE);
            encoder.finish().expect(INFALLIBLE)
        }
        Compression::Snappy => snappy::compress(input),
        Compression::Lz4 => {
            // Kafka's own clients write independent blocks of 64 KiB, and can read nothing else.
            let info = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .block_mode(lz4_flex::frame::BlockMode::Independent);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(input).expect(INFALLIBLE);
            encoder.finish().expect(INFALLIBLE)
        }
        Compression::Zstd => zstd::stream::encode_all(input, ZSTD_LEVEL).expect(INFALLIBLE),
    }
}

/// Kafka's default for `compression.zstd.level`.
const ZSTD_LEVEL: i32 = 3;
/// The window of levels up to 19, which a frame of unknown size announces however short it turns out.
const ZSTD_WINDOW_LOG_MIN: u32 = 23;
/// Most that zstd's own tools accept without being asked; Kafka's clients accept no more.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

#[cfg(test)]
#[path = "compression_test.rs"]
mod tests;
