//! Byte streams and listeners. Errors are `std::io::Error`: a peer's misfortune is not ours to classify.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connected byte stream with Nagle's algorithm off. Dropping both halves closes it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// The half that reads. Dropping it while the other lives closes nothing.
    type Reader: AsyncRead + Send + Unpin + 'static;
    /// The half that writes. Dropping it sends FIN.
    type Writer: AsyncWrite + Send + Unpin + 'static;

    /// Splits into two halves that different tasks may own.
    fn into_split(self) -> (Self::Reader, Self::Writer);

    /// The address of the other end.
    fn peer_addr(&self) -> io::Result<SocketAddr>;
}

/// A bound, listening socket. Dropping it stops listening; accepted streams live on.
pub trait Listener: Send + 'static {
    /// What `accept` gives.
    type Stream: Stream;

    /// The next connection. An error here is about that connection (or about descriptors), not the listener:
    /// callers log, pause and go on.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Where it listens.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}
