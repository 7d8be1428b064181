//! Snappy as Kafka uses it: blocks in the framing of xerial's snappy-java, or one bare block (librdkafka and
//! others have sent both).
//!
//! ```text
//! 0x82 "SNAPPY" 0x00 | version i32 | oldest compatible version i32 | { length i32 | snappy block }*
//! ```

use super::CompressionError;
use crate::batch::Compression;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Magic and the two versions.
const PREAMBLE_LEN: usize = 16;
/// Bytes compressed at a time: what snappy-java does.
const BLOCK_LEN: usize = 32 * 1024;
/// Snappy's best case is a copy of 64 bytes in 3: an output more than 22 times its input is a lie, refused
/// before memory is taken for it.
const RATIO_MAX: usize = 22;
/// Slack of that rule for the shortest inputs.
const RATIO_SLACK: usize = 64;

const MALFORMED: CompressionError = CompressionError::Malformed(Compression::Snappy);

pub(super) fn decompress(input: &[u8], cap_bytes: usize) -> Result<Vec<u8>, CompressionError> {
    let mut output = Vec::new();
    if !input.starts_with(&MAGIC) {
        block(input, &mut output, cap_bytes)?;
        return Ok(output);
    }
    let mut rest = input.get(PREAMBLE_LEN..).ok_or(MALFORMED)?;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| MALFORMED)?;
        let (compressed, behind) = behind.split_at_checked(length).ok_or(MALFORMED)?;
        block(compressed, &mut output, cap_bytes)?;
        rest = behind;
    }
    if rest.is_empty() { Ok(output) } else { Err(MALFORMED) }
}

pub(super) fn compress(input: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(PREAMBLE_LEN + input.len() / 2);
    output.extend_from_slice(&MAGIC);
    output.extend_from_slice(&1i32.to_be_bytes());
    output.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for chunk in input.chunks(BLOCK_LEN) {
        let compressed = encoder.compress_vec(chunk).expect("a block of 32 KiB is within snappy's limit");
        output.extend_from_slice(&(compressed.len() as i32).to_be_bytes());
        output.extend_from_slice(&compressed);
    }
    output
}

/// Appends one decompressed block, never beyond `cap_bytes` in all.
fn block(compressed: &[u8], output: &mut Vec<u8>, cap_bytes: usize) -> Result<(), CompressionError> {
    let length = snap::raw::decompress_len(compressed).map_err(|_| MALFORMED)?;
    if length > compressed.len() * RATIO_MAX + RATIO_SLACK {
        return Err(MALFORMED);
    }
    let start = output.len();
    if length > cap_bytes - start {
        return Err(CompressionError::TooLarge { cap_bytes });
    }
    output.resize(start + length, 0);
    let written =
        snap::raw::Decoder::new().decompress(compressed, &mut output[start..]).map_err(|_| MALFORMED)?;
    if written == length { Ok(()) } else { Err(MALFORMED) }
}
