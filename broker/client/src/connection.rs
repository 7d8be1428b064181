//! One connection to a broker, and calls over it, any number of them under way.
//!
//! Two tasks serve it: one writes frames in the order in which they were given, the other reads answers and hands
//! each to the call that it belongs to. Kafka answers a connection's requests in order; an answer out of turn ends
//! the connection, as it does in Kafka's own clients. What a call means to send is sent whether or not somebody
//! still waits for its answer.

use crate::error::{CallError, ConnectError, Ending};
use bytes::{Buf, Bytes, BytesMut};
use model::time::Instant;
use protocol::{Frame, Request};
use runtime::{Runtime, Stream, Task};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: i32 = 256 << 20;
/// An answer's buffer grows by this much at most before its bytes have come.
const READ_STEP_BYTES: usize = 64 << 10;
/// Requests waiting to be written and answered. `send` waits when there are more.
const UNDER_WAY_MAX: usize = 256;

/// A connection. Dropping it closes it; calls that wait end with [`Ending::Here`].
pub struct Connection<R: Runtime> {
    runtime: R,
    client_id: String,
    next_correlation_id: i32,
    outbox: mpsc::Sender<Outgoing>,
    /// The reader's, who closes it when the connection ends.
    expect: mpsc::Sender<Expected>,
    writer: R::Task<()>,
    reader: R::Task<()>,
}

/// A frame to write and who waits for its answer.
struct Outgoing {
    frame: Vec<Bytes>,
    expected: Option<Expected>,
}

struct Expected {
    correlation_id: i32,
    answer: oneshot::Sender<Result<Bytes, Ending>>,
}

/// A call under way. Dropping it leaves the request as it is.
#[must_use = "an answer that nobody waits for"]
pub struct Pending<R: Runtime, Q: Request> {
    runtime: R,
    version: i16,
    answer: oneshot::Receiver<Result<Bytes, Ending>>,
    request: PhantomData<fn() -> Q>,
}

impl<R: Runtime> Connection<R> {
    /// Connects, or gives up at `deadline`. `client_id` goes into every request's header.
    pub async fn open(
        runtime: &R,
        addr: SocketAddr,
        client_id: &str,
        deadline: Instant,
    ) -> Result<Connection<R>, ConnectError> {
        let stream = tokio::select! {
            biased;
            stream = runtime.connect(addr) => stream.map_err(|e| ConnectError::Failed(e.kind()))?,
            () = runtime.sleep_until(deadline) => return Err(ConnectError::TimedOut),
        };
        let (reader, writer) = stream.into_split();
        let (outbox, outgoing) = mpsc::channel(UNDER_WAY_MAX);
        let (expect, expected) = mpsc::channel(UNDER_WAY_MAX);
        Ok(Connection {
            runtime: runtime.clone(),
            client_id: client_id.to_string(),
            next_correlation_id: 0,
            outbox,
            expect: expect.clone(),
            writer: runtime.spawn("client-writer", write(writer, outgoing, expect)),
            reader: runtime.spawn("client-reader", read(reader, expected)),
        })
    }

    /// Whether the other end is not known to have ended it.
    pub fn is_open(&self) -> bool {
        !self.expect.is_closed()
    }

    /// Sends a request. Returns when it is in line to be written; the answer is waited for with [`Pending::answer`].
    pub async fn send<Q: Request>(&mut self, version: i16, request: &Q) -> Result<Pending<R, Q>, CallError> {
        let (sender, answer) = oneshot::channel();
        self.put(version, request, Some(sender)).await?;
        Ok(Pending { runtime: self.runtime.clone(), version, answer, request: PhantomData })
    }

    /// As [`Connection::send`], and never waits: when as many requests are under way as a connection takes, none is sent.
    pub fn post<Q: Request>(&mut self, version: i16, request: &Q) -> Result<Pending<R, Q>, CallError> {
        let (sender, answer) = oneshot::channel();
        let outgoing = self.outgoing(version, request, Some(sender))?;
        self.line_up_now(outgoing)?;
        Ok(Pending { runtime: self.runtime.clone(), version, answer, request: PhantomData })
    }

    /// As [`Connection::send_unanswered`], and never waits.
    pub fn post_unanswered<Q: Request>(&mut self, version: i16, request: &Q) -> Result<(), CallError> {
        let outgoing = self.outgoing(version, request, None)?;
        self.line_up_now(outgoing)
    }

    /// Sends a request that is never answered: a produce with acks=0.
    pub async fn send_unanswered<Q: Request>(&mut self, version: i16, request: &Q) -> Result<(), CallError> {
        self.put(version, request, None).await
    }

    /// Sends a request and waits for its answer.
    pub async fn call<Q: Request>(
        &mut self,
        version: i16,
        request: &Q,
        deadline: Instant,
    ) -> Result<Q::Response, CallError> {
        self.send(version, request).await?.answer(deadline).await
    }

    async fn put<Q: Request>(
        &mut self,
        version: i16,
        request: &Q,
        answer: Option<oneshot::Sender<Result<Bytes, Ending>>>,
    ) -> Result<(), CallError> {
        let outgoing = self.outgoing(version, request, answer)?;
        self.line_up(outgoing).await
    }

    fn outgoing<Q: Request>(
        &mut self,
        version: i16,
        request: &Q,
        answer: Option<oneshot::Sender<Result<Bytes, Ending>>>,
    ) -> Result<Outgoing, CallError> {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = correlation_id.wrapping_add(1);
        let frame = Frame::request(correlation_id, Some(&self.client_id), version, request)
            .map_err(CallError::Encode)?;
        let expected = answer.map(|answer| Expected { correlation_id, answer });
        Ok(Outgoing { frame, expected })
    }

    fn line_up_now(&mut self, outgoing: Outgoing) -> Result<(), CallError> {
        self.outbox.try_send(outgoing).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CallError::Busy,
            mpsc::error::TrySendError::Closed(_) => CallError::Closed(Ending::There),
        })
    }

    async fn line_up(&mut self, outgoing: Outgoing) -> Result<(), CallError> {
        self.outbox.send(outgoing).await.map_err(|_| CallError::Closed(Ending::There))
    }
}

impl<R: Runtime> Drop for Connection<R> {
    fn drop(&mut self) {
        self.writer.abort();
        self.reader.abort();
    }
}

impl<R: Runtime, Q: Request> Pending<R, Q> {
    /// Waits for the answer until `deadline`.
    pub async fn answer(self, deadline: Instant) -> Result<Q::Response, CallError> {
        let frame = tokio::select! {
            biased;
            // A sender that is gone: the connection was dropped, or its writer failed before this request's turn.
            answer = self.answer => answer.unwrap_or(Err(Ending::Here)).map_err(CallError::Closed)?,
            () = self.runtime.sleep_until(deadline) => return Err(CallError::TimedOut),
        };
        let (_, response) = Frame::decode_response::<Q>(frame, self.version).map_err(CallError::Answer)?;
        Ok(response)
    }
}

/// Writes frames in order. Whoever waits for an answer is announced to the reader before the request leaves.
async fn write(
    mut to: impl AsyncWrite + Send + Unpin,
    mut outgoing: mpsc::Receiver<Outgoing>,
    expect: mpsc::Sender<Expected>,
) {
    while let Some(Outgoing { frame, expected }) = outgoing.recv().await {
        if let Some(expected) = expected
            && expect.send(expected).await.is_err()
        {
            return;
        }
        if write_frame(&mut to, frame).await.is_err() {
            return;
        }
    }
}

async fn write_frame(to: &mut (impl AsyncWrite + Send + Unpin), frame: Vec<Bytes>) -> io::Result<()> {
    let mut pieces: VecDeque<Bytes> = frame.into_iter().filter(|piece| !piece.is_empty()).collect();
    while !pieces.is_empty() {
        let slices: Vec<io::IoSlice<'_>> =
            pieces.iter().take(64).map(|piece| io::IoSlice::new(piece)).collect();
        let mut written = to.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while let Some(piece) = pieces.front_mut() {
            let step = written.min(piece.len());
            piece.advance(step);
            written -= step;
            if piece.has_remaining() {
                break;
            }
            pieces.pop_front();
        }
    }
    to.flush().await
}

/// Reads answers until the connection ends, and tells everybody who still waits how it ended.
async fn read(mut from: impl AsyncRead + Send + Unpin, mut expected: mpsc::Receiver<Expected>) {
    let ending = loop {
        let frame = match read_frame(&mut from).await {
            Ok(frame) => frame,
            Err(ending) => break ending,
        };
        let came = Frame::correlation_id(&frame).unwrap_or(-1);
        // Announced before its request left, so it is here, or the broker answers what nobody asked.
        match expected.try_recv() {
            Ok(next) if next.correlation_id == came => {
                // Whoever gave up waiting has dropped the other end.
                let _ = next.answer.send(Ok(frame));
            }
            Ok(next) => {
                let ending = Ending::Order { due: next.correlation_id, came };
                let _ = next.answer.send(Err(ending));
                break ending;
            }
            Err(_) => break Ending::Order { due: -1, came },
        }
    };
    expected.close();
    while let Some(next) = expected.recv().await {
        let _ = next.answer.send(Err(ending));
    }
}

async fn read_frame(from: &mut (impl AsyncRead + Send + Unpin)) -> Result<Bytes, Ending> {
    let mut prefix = [0; 4];
    fill(from.read_exact(&mut prefix)).await?;
    let length = i32::from_be_bytes(prefix);
    if !(4..=ANSWER_BYTES_MAX).contains(&length) {
        return Err(Ending::Length(length));
    }
    let length = length as usize;
    let mut frame = BytesMut::new();
    while frame.len() < length {
        let at = frame.len();
        frame.resize(length.min(at + READ_STEP_BYTES), 0);
        fill(from.read_exact(&mut frame[at..])).await?;
    }
    Ok(frame.freeze())
}

/// Until when the first of so many addresses may be tried, so that the others have as long as it has.
pub fn share(now: Instant, deadline: Instant, addresses: usize) -> Instant {
    assert!(addresses > 0, "one to try");
    now + (deadline - now) / u32::try_from(addresses).unwrap_or(u32::MAX)
}

async fn fill(reading: impl Future<Output = io::Result<usize>>) -> Result<(), Ending> {
    match reading.await {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(Ending::There),
        Err(e) => Err(Ending::Failed(e.kind())),
    }
}

#[cfg(test)]
#[path = "connection_test.rs"]
mod tests;
