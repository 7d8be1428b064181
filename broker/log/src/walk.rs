//! Walking over the batches of a segment file, header by header, reading the file in large pieces.
//!
//! The walk trusts nothing: lengths are bounded by the file, and what is not a batch is told apart from the end.
//! Bodies are read only when asked for.

use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use records::batch::{BatchError, BatchHeader, HEADER_LEN, check_crc};
use runtime::{DiskError, File};
use std::fmt;

/// Bytes of one read.
const CHUNK_LEN: usize = 256 << 10;

/// Why the bytes at a position are not the next batch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// They are no batch, or one that is cut short, or its checksum does not match.
    Batch(BatchError),
    /// Its first offset is below what must come next.
    Offset {
        /// The batch's base offset.
        found: Offset,
        /// The least that it may be.
        expected: Offset,
    },
    /// Its leader epoch is below that of the batch before it.
    Epoch {
        /// The batch's.
        found: LeaderEpoch,
        /// That of the batch before.
        after: LeaderEpoch,
    },
    /// Its last offset is too far from the segment's base offset for the indexes, or its position is.
    TooFar,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Batch(error) => error.fmt(f),
            Flaw::Offset { found, expected } => {
                write!(f, "base offset {found} where {expected} is the least")
            }
            Flaw::Epoch { found, after } => write!(f, "leader epoch {found} after {after}"),
            Flaw::TooFar => f.write_str("too far from the segment's base"),
        }
    }
}

/// A batch, or what is there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A batch that lies within the limit as a whole. Its checksum has not been looked at.
    Batch(At),
    /// The walk is over.
    End,
    /// Not a batch.
    Flaw(Flaw),
}

/// A batch and its first byte's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// Its header.
    pub(crate) header: BatchHeader,
    /// Its first byte.
    pub(crate) position: u64,
}

/// A walk over the batches of a file.
pub(crate) struct Walk<F> {
    file: F,
    /// Where the walk began.
    from: u64,
    /// First byte of the next batch.
    next: u64,
    /// Where the walk ends.
    limit: u64,
    /// The bytes read last, and where they are from.
    chunk: Bytes,
    chunk_at: u64,
}

impl<F: File> Walk<F> {
    /// Walks from `from`, which must be where a batch begins, to `limit`.
    pub(crate) fn new(file: F, from: u64, limit: u64) -> Walk<F> {
        Walk { file, from, next: from, limit, chunk: Bytes::new(), chunk_at: 0 }
    }

    /// First byte of the next batch.
    pub(crate) fn position(&self) -> u64 {
        self.next
    }

    /// Whether the walk began within the file and has met no batch: the index that sent it there was wrong.
    pub(crate) fn misled(&self) -> bool {
        self.next == self.from && self.from > 0
    }

    /// Begins again, at the beginning of the file.
    pub(crate) fn restart(&mut self) {
        (self.from, self.next) = (0, 0);
    }

    /// The next batch. After a flaw the walk stays where it is.
    pub(crate) async fn next(&mut self) -> Result<Step, DiskError> {
        if self.next >= self.limit {
            return Ok(Step::End);
        }
        let position = self.next;
        let bytes = self.read(position, HEADER_LEN).await?;
        let header = match BatchHeader::parse(&bytes) {
            Ok(header) => header,
            Err(error) => return Ok(Step::Flaw(Flaw::Batch(error))),
        };
        let room = self.limit - position;
        if header.total_len() as u64 > room {
            let error = BatchError::Truncated { needed: header.total_len(), have: room as usize };
            return Ok(Step::Flaw(Flaw::Batch(error)));
        }
        self.next = position + header.total_len() as u64;
        Ok(Step::Batch(At { header, position }))
    }

    /// All bytes of a batch that `next` gave, their checksum checked.
    pub(crate) async fn checked(&mut self, at: &At) -> Result<Result<Bytes, BatchError>, DiskError> {
        let bytes = self.read(at.position, at.header.total_len()).await?;
        Ok(check_crc(&bytes).map(|()| bytes))
    }

    /// Up to `len` bytes from `position`; fewer at the limit or where the file ends.
    async fn read(&mut self, position: u64, len: usize) -> Result<Bytes, DiskError> {
        let len = len.min((self.limit - position) as usize);
        let within = position.checked_sub(self.chunk_at).filter(|skip| *skip <= self.chunk.len() as u64);
        if let Some(skip) = within {
            let skip = skip as usize;
            if self.chunk.len() - skip >= len {
                return Ok(self.chunk.slice(skip..skip + len));
            }
        }
        let ahead = len.max(CHUNK_LEN).min((self.limit - position) as usize);
        self.chunk = self.file.read_at(position, ahead).await?;
        self.chunk_at = position;
        Ok(self.chunk.slice(..len.min(self.chunk.len())))
    }
}

/// What must hold from one batch to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The segment's base offset.
    base: Offset,
    /// The least base offset of the next batch.
    pub(crate) expected: Offset,
    /// Epoch of the last batch; unknown at the beginning.
    epoch: LeaderEpoch,
}

impl Order {
    /// At the beginning of a segment.
    pub(crate) fn new(base: Offset) -> Order {
        Order { base, expected: base, epoch: LeaderEpoch::UNKNOWN }
    }

    /// Takes a batch as the next one, or says why it can't be. Gaps between batches are compaction's doing, here
    /// or at the leader it was copied from.
    pub(crate) fn admit(&mut self, header: &BatchHeader, position: u64) -> Result<(), Flaw> {
        if header.base_offset < self.expected {
            return Err(Flaw::Offset { found: header.base_offset, expected: self.expected });
        }
        if header.leader_epoch < self.epoch {
            return Err(Flaw::Epoch { found: header.leader_epoch, after: self.epoch });
        }
        if header.last_offset().0 - self.base.0 > i64::from(i32::MAX) || position > i32::MAX as u64 {
            return Err(Flaw::TooFar);
        }
        self.expected = header.next_offset();
        self.epoch = header.leader_epoch;
        Ok(())
    }
}
