//! The two halves of a connection as a process holds them.

use super::connection::{Segment, Side};
use crate::runtime::Process;
use ::runtime::Stream;
use bytes::{Buf, Bytes, BytesMut};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that travels as one segment (as with TCP segmentation offload).
const SEGMENT_BYTES: usize = 64 * 1024;

/// A connected stream of a simulated process.
pub struct SimStream {
    reader: SimReader,
    writer: SimWriter,
}

/// The half that reads.
pub struct SimReader {
    socket: Socket,
}

/// The half that writes.
pub struct SimWriter {
    socket: Socket,
}

#[derive(Clone)]
struct Socket {
    process: Process,
    connection: u64,
    side: Side,
}

impl SimStream {
    pub(super) fn new(process: Process, connection: u64, side: Side) -> SimStream {
        let socket = Socket { process, connection, side };
        SimStream { reader: SimReader { socket: socket.clone() }, writer: SimWriter { socket } }
    }
}

impl Stream for SimStream {
    type Reader = SimReader;
    type Writer = SimWriter;

    fn into_split(self) -> (SimReader, SimWriter) {
        (self.reader, self.writer)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        let socket = &self.reader.socket;
        let state = socket.process.shared.lock();
        let connection = state.net.connections.get(&socket.connection).ok_or(ErrorKind::NotConnected)?;
        Ok(connection.ends[socket.side ^ 1].addr)
    }
}

impl Socket {
    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (id, side, other) = (self.connection, self.side, self.side ^ 1);
        let mut state = self.process.shared.lock();
        if !state.lives(self.process.node, self.process.incarnation) {
            return Poll::Pending;
        }
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let short_ppm = state.net.knobs.short_ppm;
        let connection = state.net.connections.get_mut(&id).expect("owned by this stream");
        let (own, peer) = (connection.ends[side].node, connection.ends[other].node);
        let end = &mut connection.ends[side];
        let pipe = &mut connection.pipes[other];
        if pipe.received.is_empty() {
            if let Some(kind) = end.error {
                return Poll::Ready(Err(kind.into()));
            }
            if pipe.fin_received {
                return Poll::Ready(Ok(()));
            }
            end.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let calls = &mut state.link(peer, own).calls;
        let short = calls.chance(short_ppm);
        let most = if short { calls.between(1, buf.remaining() as u64) as usize } else { buf.remaining() };
        let connection = state.net.connections.get_mut(&id).expect("owned by this stream");
        let received = &mut connection.pipes[other].received;
        let mut moved = 0;
        while moved < most {
            let Some(first) = received.front_mut() else { break };
            let take = first.len().min(most - moved);
            buf.put_slice(&first[..take]);
            first.advance(take);
            moved += take;
            if first.is_empty() {
                received.pop_front();
            }
        }
        state.consumed(id, other, moved);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let (id, side) = (self.connection, self.side);
        let mut state = self.process.shared.lock();
        if !state.lives(self.process.node, self.process.incarnation) {
            return Poll::Pending;
        }
        let (window, short_ppm) = (state.net.knobs.window_bytes, state.net.knobs.short_ppm);
        let connection = state.net.connections.get_mut(&id).expect("owned by this stream");
        let (own, peer) = (connection.ends[side].node, connection.ends[side ^ 1].node);
        let (end, pipe) = (&mut connection.ends[side], &mut connection.pipes[side]);
        if let Some(kind) = end.error {
            return Poll::Ready(Err(kind.into()));
        }
        if pipe.fin_sent {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let wanted: usize = parts.iter().map(|part| part.len()).sum();
        if wanted == 0 {
            return Poll::Ready(Ok(0));
        }
        let room = window.saturating_sub(pipe.outstanding);
        if room == 0 {
            end.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut most = wanted.min(room);
        let calls = &mut state.link(own, peer).calls;
        if calls.chance(short_ppm) {
            most = calls.between(1, most as u64) as usize;
        }
        let mut data = gather(parts, most);
        let connection = state.net.connections.get_mut(&id).expect("owned by this stream");
        connection.pipes[side].outstanding += most;
        while !data.is_empty() {
            let segment = data.split_to(data.len().min(SEGMENT_BYTES));
            state.send(id, side, Segment::Data(segment));
        }
        Poll::Ready(Ok(most))
    }

    fn shut_down(&self) {
        let mut state = self.process.shared.lock();
        if state.lives(self.process.node, self.process.incarnation) {
            state.finish(self.connection, self.side);
        }
    }

    fn drop_half(&self, writer: bool) {
        let mut state = self.process.shared.lock();
        if !state.lives(self.process.node, self.process.incarnation) {
            return;
        }
        let Some(connection) = state.net.connections.get_mut(&self.connection) else { return };
        let end = &mut connection.ends[self.side];
        if writer {
            end.writer_dropped = true;
        } else {
            end.reader_dropped = true;
        }
        if end.reader_dropped && end.writer_dropped {
            state.close(self.connection, self.side);
        } else if writer {
            state.finish(self.connection, self.side);
        }
    }
}

/// The first `bytes` of the parts, in one piece.
fn gather(parts: &[IoSlice<'_>], bytes: usize) -> Bytes {
    let mut data = BytesMut::with_capacity(bytes);
    for part in parts {
        let take = part.len().min(bytes - data.len());
        data.extend_from_slice(&part[..take]);
    }
    data.freeze()
}

impl AsyncRead for SimReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_read(cx, buf)
    }
}

impl AsyncWrite for SimWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_write(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.shut_down();
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reader.socket.poll_read(cx, buf)
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writer.socket.poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writer.socket.poll_write(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.socket.shut_down();
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimReader {
    fn drop(&mut self) {
        self.socket.drop_half(false);
    }
}

impl Drop for SimWriter {
    fn drop(&mut self) {
        self.socket.drop_half(true);
    }
}
