//! Snappy as Kafka uses it: blocks in the framing of xerial's snappy-java, or one bare block (librdkafka and
//! others have sent both).
//!
//! ```text
//! 0x82 "SNAPPY" 0x00 | version i32 | oldest compatible version i32 | { length i32 | snappy block }*
//! ```

use std::io::{self, Read};

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

/// Decompresses one block after the other, and holds one at a time.
pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    framing: Framing,
    /// The block that is being read, and how much of it has been.
    block: Vec<u8>,
    read: usize,
    /// Most bytes of a block.
    block_bytes_max: usize,
}

enum Framing {
    /// Nothing has been read.
    Unknown,
    /// Blocks behind their lengths.
    Xerial,
    /// One block, which has been read.
    Bare,
}

impl<'a> Blocks<'a> {
    /// Reads `input`, none of whose blocks may be longer than `block_bytes_max`.
    pub(super) fn new(input: &'a [u8], block_bytes_max: usize) -> Blocks<'a> {
        Blocks { rest: input, framing: Framing::Unknown, block: Vec::new(), read: 0, block_bytes_max }
    }

    /// The next compressed block. `None` at the end.
    fn next(&mut self) -> io::Result<Option<&'a [u8]>> {
        if let Framing::Unknown = self.framing {
            if !self.rest.starts_with(&MAGIC) {
                self.framing = Framing::Bare;
                return Ok(Some(std::mem::take(&mut self.rest)));
            }
            self.framing = Framing::Xerial;
            self.rest = self.rest.get(PREAMBLE_LEN..).ok_or(io::ErrorKind::InvalidData)?;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (length, behind) = self.rest.split_first_chunk::<4>().ok_or(io::ErrorKind::InvalidData)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| io::ErrorKind::InvalidData)?;
        let (compressed, behind) = behind.split_at_checked(length).ok_or(io::ErrorKind::InvalidData)?;
        self.rest = behind;
        Ok(Some(compressed))
    }

    fn decompress(&mut self, compressed: &[u8]) -> io::Result<()> {
        let length = snap::raw::decompress_len(compressed).map_err(|_| io::ErrorKind::InvalidData)?;
        if length > compressed.len() * RATIO_MAX + RATIO_SLACK {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if length > self.block_bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.read = 0;
        self.block.resize(length, 0);
        let written = snap::raw::Decoder::new().decompress(compressed, &mut self.block);
        if written.is_ok_and(|written| written == length) {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while self.read == self.block.len() {
            match self.next()? {
                Some(compressed) => self.decompress(compressed)?,
                None => return Ok(0),
            }
        }
        let given = (self.block.len() - self.read).min(output.len());
        output[..given].copy_from_slice(&self.block[self.read..self.read + given]);
        self.read += given;
        Ok(given)
    }
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
