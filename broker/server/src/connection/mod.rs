//! One client connection: a task that reads and applies requests, and a task that writes answers.
//!
//! ```text
//! socket ─▶ FrameReader ─▶ handlers::apply ──Outcome──▶ queue (in order, bounded) ─▶ await, write ─▶ socket
//!             one request at a time                        only the waits overlap
//! ```
//!
//! The next request starts when the one before it has taken effect; answers leave in the order of their
//! requests. A request that can't be parsed ends the connection, because nothing after it can be trusted either.

mod frame;
mod vectored;

pub use frame::{FrameError, FrameReader, Room};
pub use vectored::write_all;

use crate::context::Context;
use crate::handlers::{self, Answer, Conversation, Outcome, Side};
use bytes::Bytes;
use model::time::Duration;
use model::{BrokerId, Instant};
use runtime::{Event, Runtime, Stream, Task};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// Requests of one connection that may be applied but not answered; then it is no longer read from.
const IN_FLIGHT_MAX: usize = 256;

/// When room for arriving frames is short, a connection that holds some must bring so many bytes of its frame in each
/// so long, or it is ended: that is the line of a bad modem.
const PROGRESS_BYTES_MIN: usize = 32 * 1024;
const PROGRESS_WITHIN: Duration = Duration::from_secs(10);

/// How long answers may take to leave once a client has stopped sending.
const LAST_ANSWERS_MAX: Duration = Duration::from_secs(60);

/// An idle limit that is none.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A request that has taken effect, on its way to being answered.
struct InFlight {
    api: i16,
    version: i16,
    arrived: Instant,
    outcome: Outcome,
}

/// Serves one connection until it ends.
pub async fn serve<R: Runtime>(
    rt: R,
    stream: R::Stream,
    peer: SocketAddr,
    context: Arc<Context>,
    side: Side,
) {
    rt.observe(Event::Connected);
    let (reader, writer) = stream.into_split();
    let (queue, answers) = mpsc::channel(IN_FLIGHT_MAX);
    let reader = FrameReader::new(reader, context.settings.request_bytes_max as usize, context.room.clone());
    let idle_max = context.settings.connections_idle_ms_max.map_or(FOREVER, Duration::from_millis);
    let mut answering = rt.spawn("answers", answer(rt.clone(), writer, answers, idle_max));
    let mut heartbeats = None;
    let end = request(&rt, reader, &context, side, queue, idle_max, &mut heartbeats).await;
    debug!(%peer, %end, "connection ends");
    if let (Some(broker), End::Frame(_)) = (heartbeats, &end) {
        context.metadata.cut_off(broker);
    }
    match end {
        // Whoever has stopped sending may still be listening: what was asked is answered.
        End::Frame(FrameError::Closed | FrameError::Length(_)) | End::Malformed(_) | End::Closing => {
            let patience = rt.sleep_until(rt.now() + idle_max.min(LAST_ANSWERS_MAX));
            tokio::select! { biased;
                _ = &mut answering => {}
                () = patience => answering.abort(),
            }
        }
        End::Frame(FrameError::Broken(_)) | End::Stalled | End::Idle | End::Unwritable => answering.abort(),
    }
    rt.observe(Event::Disconnected);
}

/// Why a connection's requests end.
enum End {
    /// No further frame.
    Frame(FrameError),
    /// A frame that is no request.
    Malformed(String),
    /// Its frame held room that others need, and did not get on.
    Stalled,
    /// Nothing came for `connections.max.idle.ms`.
    Idle,
    /// The broker is about to stop.
    Closing,
    /// Answers can't be written any more.
    Unwritable,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Frame(error) => write!(f, "{error}"),
            End::Malformed(why) => write!(f, "malformed request: {why}"),
            End::Stalled => f.write_str("a large request does not get on, and its memory is needed"),
            End::Idle => f.write_str("idle for too long"),
            End::Closing => f.write_str("the broker stops"),
            End::Unwritable => f.write_str("the client takes no answers"),
        }
    }
}

/// Takes requests until there is no further one. `heartbeats`: the broker that sends its heartbeats here.
async fn request<R: Runtime>(
    rt: &R,
    mut reader: FrameReader<<R::Stream as Stream>::Reader>,
    context: &Arc<Context>,
    side: Side,
    queue: mpsc::Sender<InFlight>,
    idle_max: Duration,
    heartbeats: &mut Option<BrokerId>,
) -> End {
    let mut conversation = Conversation::new(rt.draw());
    loop {
        let idle = rt.sleep_until(rt.now() + idle_max);
        let frame = tokio::select! { biased;
            () = context.closing() => return End::Closing,
            frame = next_frame(rt, &mut reader, &context.room) => match frame {
                Ok(frame) => frame,
                Err(end) => return end,
            },
            () = queue.closed() => return End::Unwritable,
            () = idle => return End::Idle,
        };
        let arrived = rt.now();
        let parsed = match handlers::parse(frame) {
            Ok(parsed) => parsed,
            Err(why) => return End::Malformed(why),
        };
        // Before the body is decoded, which may take many times its length, and held until the request has taken
        // effect: by then its bytes are in a log, or nowhere.
        let memory = tokio::select! { biased;
            () = context.closing() => return End::Closing,
            memory = context.request_memory(parsed.memory()) => memory,
        };
        reader.let_go();
        let (api, version) = (parsed.api, parsed.version);
        *heartbeats = handlers::heartbeat_of(side, &parsed).or(*heartbeats);
        let outcome = match handlers::apply(context, &mut conversation, side, parsed, arrived).await {
            Ok(outcome) => outcome,
            Err(why) => return End::Malformed(why),
        };
        drop(memory);
        // While the queue is full the answering task is at work, and its patience with the client is limited.
        let in_flight = InFlight { api, version, arrived, outcome };
        if queue.send(in_flight).await.is_err() {
            return End::Unwritable;
        }
    }
}

/// The next frame, whatever it holds. Memory for those that are still arriving is for those that get on.
async fn next_frame<R: Runtime, S: AsyncRead + Unpin>(
    rt: &R,
    reader: &mut FrameReader<S>,
    room: &Room,
) -> Result<Bytes, End> {
    let length = reader.length().await.map_err(End::Frame)?;
    if let Some(frame) = reader.whole(length) {
        return Ok(frame);
    }
    let mut arrived = 0;
    loop {
        let judged = rt.now() + PROGRESS_WITHIN;
        let arriving = async {
            loop {
                if let Some(frame) = reader.step(length).await? {
                    return Ok(frame);
                }
            }
        };
        tokio::select! { biased;
            frame = arriving => return frame.map_err(End::Frame),
            () = rt.sleep_until(judged) => {}
        }
        // Whoever waits for room in vain while holding some does not get on either: so not everybody waits for everybody.
        let (holds, now) = reader.progress();
        if holds && room.is_short() && now - arrived < PROGRESS_BYTES_MIN {
            return Err(End::Stalled);
        }
        arrived = now;
    }
}

async fn answer<R: Runtime>(
    rt: R,
    mut writer: <R::Stream as Stream>::Writer,
    mut queue: mpsc::Receiver<InFlight>,
    idle_max: Duration,
) {
    while let Some(InFlight { api, version, arrived, outcome }) = queue.recv().await {
        let answer = match outcome {
            Outcome::Ready(answered) => Some(answered),
            Outcome::Later(answered) => Some(answered.await),
            Outcome::Silent(done) => {
                done.await;
                None
            }
        };
        if let Some(answered) = answer {
            let Answer { mut parts, events, .. } = match answered {
                Ok(answer) => answer,
                Err(why) => {
                    warn!(api, version, why, "a request can't be answered");
                    return;
                }
            };
            for event in events {
                rt.observe(event);
            }
            let written = tokio::select! { biased;
                written = write_all(&mut writer, &mut parts) => written.is_ok(),
                () = rt.sleep_until(rt.now() + idle_max) => false,
            };
            if !written {
                return;
            }
        }
        let nanos = u64::try_from(rt.now().since(arrived).as_nanos()).unwrap_or(u64::MAX);
        rt.observe(Event::Answered(runtime::Answer { api, version, nanos }));
    }
}
