//! Reading request frames: a 4-byte length, then that many bytes, into one buffer per frame.
//!
//! A length prefix is a claim. Memory is given for what has arrived, not for what was claimed: a connection's
//! first large frame grows by doubling, and a later frame is given at once what earlier frames really brought, up to
//! [`CREDIT_MAX`]: one frame of a hundred megabytes is no credit for four bytes that claim the next.
//!
//! Frames that are still arriving share a bound: each holds [`FREE_BYTES`] for nothing, and takes the rest from
//! [`Room`] before it is allocated. While there is none it is not read on. Whoever holds room and does not get on gives
//! it back by losing its connection (`connection` watches), so that half-dead clients keep nobody from sending.

use bytes::{BufMut, Bytes, BytesMut};
use protocol::{Frame, FrameLengthError};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory given to a frame before any of it has arrived.
const CREDIT_MIN: usize = 16 * 1024;

/// Most memory that earlier frames may earn the next one in advance: what an ordinary producer's largest request needs,
/// whose bound is a megabyte with every client's defaults. What is longer doubles from there.
const CREDIT_MAX: usize = (1 << 20) + FREE_BYTES;

/// What a frame may hold without taking room.
pub const FREE_BYTES: usize = 64 * 1024;

/// Memory for the frames that are still arriving, of all connections together, beyond [`FREE_BYTES`] of each. It is
/// counted in KiB, because a semaphore counts in 32 bits, and handed out in the order in which it was asked for.
#[derive(Clone)]
pub struct Room {
    kib: Arc<Semaphore>,
    kib_max: usize,
}

impl Room {
    /// Room of so many bytes, but for one frame of `frame_max` at least: that one has to arrive some time.
    pub fn new(bytes: usize, frame_max: usize) -> Room {
        let kib_max = bytes.max(frame_max).div_ceil(1024).min(u32::MAX as usize >> 1);
        Room { kib: Arc::new(Semaphore::new(kib_max)), kib_max }
    }

    /// Whether more than half of it is taken: then whoever holds some must get on.
    pub fn is_short(&self) -> bool {
        self.kib.available_permits() < self.kib_max / 2
    }

    async fn take(&self, kib: usize) -> OwnedSemaphorePermit {
        let kib = u32::try_from(kib).expect("a frame's length is a positive i32");
        self.kib.clone().acquire_many_owned(kib).await.expect("nobody closes this semaphore")
    }
}

/// Reads a connection's frames.
pub struct FrameReader<S> {
    stream: S,
    /// Bytes that arrived with the frame before; always shorter than what was asked for.
    ahead: BytesMut,
    /// What one frame may hold in advance: the largest frame that this connection has completed, at most [`CREDIT_MAX`].
    credit: usize,
    frame_max: usize,
    room: Room,
    /// What was taken of it for the frame that is arriving, or that has and was not let go.
    held: Option<OwnedSemaphorePermit>,
    /// The frame that is arriving. A vector, because it grows by exactly what there is room for.
    frame: Vec<u8>,
}

/// Why there is no next frame.
#[derive(Debug)]
pub enum FrameError {
    /// The client closed the connection between two frames.
    Closed,
    /// The client closed the connection, or the network broke it, amid a frame.
    Broken(io::Error),
    /// The length is negative, shorter than any header, or above `socket.request.max.bytes`: framing is lost.
    Length(FrameLengthError),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Closed => f.write_str("closed by the client"),
            FrameError::Broken(error) => write!(f, "broken: {error}"),
            FrameError::Length(error) => error.fmt(f),
        }
    }
}

impl<S: AsyncRead + Unpin> FrameReader<S> {
    /// Reads frames of at most `frame_max` bytes from `stream`.
    pub fn new(stream: S, frame_max: usize, room: Room) -> FrameReader<S> {
        let (ahead, frame) = (BytesMut::new(), Vec::new());
        FrameReader { stream, ahead, credit: CREDIT_MIN, frame_max, room, held: None, frame }
    }

    /// Whether the frame holds room, and how much of it has arrived.
    pub fn progress(&self) -> (bool, usize) {
        (self.held.is_some(), self.frame.len())
    }

    /// Gives back the room of the frame that `step` returned: something else is charged for it now.
    pub fn let_go(&mut self) {
        self.held = None;
    }

    /// The length of the next frame, once its prefix has arrived.
    pub async fn length(&mut self) -> Result<usize, FrameError> {
        while self.ahead.len() < 4 {
            self.ahead.reserve(CREDIT_MIN);
            match self.stream.read_buf(&mut self.ahead).await {
                Ok(0) if self.ahead.is_empty() => return Err(FrameError::Closed),
                Ok(0) => return Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(FrameError::Broken(error)),
            }
        }
        let prefix = self.ahead[..4].try_into().expect("four bytes");
        Frame::length(prefix, self.frame_max).map_err(FrameError::Length)
    }

    /// The body of the frame whose length `length()` gave, if it came with the frame before.
    pub fn whole(&mut self, length: usize) -> Option<Bytes> {
        let prefixed = length + 4;
        (self.ahead.len() >= prefixed).then(|| self.ahead.split_to(prefixed).freeze().slice(4..))
    }

    /// Waits for room, or for bytes, of the frame whose length `length()` gave and that is not `whole`; its body when that
    /// is all of it. May be dropped and called again.
    pub async fn step(&mut self, length: usize) -> Result<Option<Bytes>, FrameError> {
        // Twice at first, when just as much has arrived with the frame before as it may hold.
        while self.frame.len() == self.frame.capacity() {
            self.grow(length).await;
        }
        let room = (self.frame.capacity() - self.frame.len()).min(length - self.frame.len());
        match self.stream.read_buf(&mut (&mut self.frame).limit(room)).await {
            Ok(0) => return Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) => return Err(FrameError::Broken(error)),
        }
        if self.frame.len() < length {
            return Ok(None);
        }
        self.credit = self.credit.max(length.min(CREDIT_MAX));
        Ok(Some(Bytes::from(std::mem::take(&mut self.frame))))
    }

    /// Makes place for more of the frame, once there is room. The frame gets a buffer of its own, so that what it keeps
    /// alive is itself and not its successors.
    async fn grow(&mut self, length: usize) {
        let have = self.frame.len();
        let wanted = if self.frame.capacity() == 0 {
            length.min(self.credit.max(self.ahead.len() - 4))
        } else {
            have + (length - have).min(have.max(CREDIT_MIN))
        };
        let kib = wanted.saturating_sub(FREE_BYTES).div_ceil(1024);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if kib > held {
            let more = self.room.take(kib - held).await;
            match &mut self.held {
                Some(held) => held.merge(more),
                none => *none = Some(more),
            }
        }
        if self.frame.capacity() == 0 {
            self.frame.reserve_exact(wanted);
            self.frame.put_slice(&self.ahead[4..]);
            self.ahead.clear();
        } else {
            self.frame.reserve_exact(wanted - have);
        }
    }
}

#[cfg(test)]
#[path = "frame_test.rs"]
mod tests;
