//! Reading request frames: a 4-byte length, then that many bytes, into one buffer per frame.
//!
//! A length prefix is a claim. Memory is given for what has arrived, not for what was claimed: a connection's
//! first large frame grows by doubling, and a later frame is given at once what earlier frames really brought.

use bytes::{BufMut, Bytes, BytesMut};
use protocol::{Frame, FrameLengthError};
use std::fmt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Memory given to a frame before any of it has arrived.
const CREDIT_MIN: usize = 16 * 1024;

/// Reads a connection's frames.
pub struct FrameReader<S> {
    stream: S,
    /// Bytes that arrived with the frame before; always shorter than what was asked for.
    ahead: BytesMut,
    /// What one frame may hold in advance: the largest frame that this connection has completed.
    credit: usize,
    frame_max: usize,
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
    pub fn new(stream: S, frame_max: usize) -> FrameReader<S> {
        FrameReader { stream, ahead: BytesMut::new(), credit: CREDIT_MIN, frame_max }
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

    /// The body of the frame whose length `length()` gave.
    pub async fn body(&mut self, length: usize) -> Result<Bytes, FrameError> {
        let prefixed = length + 4;
        if self.ahead.len() >= prefixed {
            let frame = self.ahead.split_to(prefixed).freeze();
            return Ok(frame.slice(4..));
        }
        // The frame gets a buffer of its own, so that what it keeps alive is itself and not its successors.
        let mut frame = BytesMut::with_capacity(length.min(self.credit.max(self.ahead.len() - 4)));
        frame.put_slice(&self.ahead[4..]);
        self.ahead.clear();
        while frame.len() < length {
            if frame.len() == frame.capacity() {
                frame.reserve((length - frame.len()).min(frame.len()));
            }
            let room = (frame.capacity() - frame.len()).min(length - frame.len());
            match self.stream.read_buf(&mut (&mut frame).limit(room)).await {
                Ok(0) => return Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(FrameError::Broken(error)),
            }
        }
        self.credit = self.credit.max(length);
        Ok(frame.freeze())
    }
}

#[cfg(test)]
#[path = "frame_test.rs"]
mod tests;
