//! The null broker: one thread that receives frames, appends them, syncs and acknowledges, and nothing else.
//!
//! It is the floor under every broker on this machine: what it costs, the kernel costs. A round is what had
//! arrived when the thread looked, as in a broker that commits in groups. With several writers the first passes what it
//! has received on to the others, each with a file of its own, and a frame is acknowledged when all of them have it.

use crate::arguments::Arguments;
use crate::usage::thread_nanos;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Bytes of payload per frame, as a producer with batches of 1 MB sends them.
const FRAME: usize = 1_000_000;
/// Frames that the sender has unacknowledged at most: librdkafka's default for what is in flight.
const IN_FLIGHT: u64 = 5;
/// What the receiver takes from the socket at once.
const CHUNK: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq)]
enum Duty {
    Receive,
    Append,
    Sync,
}

/// `--duty receive|append|sync --dir D [--bytes N] [--writers 1]`
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let duty = match arguments.text("duty")? {
        "receive" => Duty::Receive,
        "append" => Duty::Append,
        "sync" => Duty::Sync,
        other => return Err(format!("there is no duty {other:?}")),
    };
    let frames = arguments.or("bytes", 2_000_000_000u64)?.div_ceil(FRAME as u64);
    let (writers, dir) = (arguments.or("writers", 1usize)?.max(1), Path::new(arguments.text("dir")?));
    let paths: Vec<PathBuf> = (0..writers).map(|n| dir.join(format!("null-{n}"))).collect();
    let (sender, stream) = pair().map_err(|error| error.to_string())?;
    let sending = std::thread::spawn(move || send(sender, frames));
    let measured = lead(stream, duty, &paths, frames);
    let sent = sending.join().map_err(|_| "the sender panicked")?;
    for path in &paths {
        let _ = fs::remove_file(path);
    }
    sent.map_err(|error| format!("sender: {error}"))?;
    let (seconds, nanos) = measured?;
    let bytes = frames * FRAME as u64;
    Ok(json!({
        "messages": frames,
        "bytes": bytes,
        "seconds": seconds,
        "broker_cpu": nanos as f64 / 1e9,
    }))
}

/// Sends length-prefixed frames, a few ahead of their acknowledgements.
fn send(mut stream: TcpStream, frames: u64) -> std::io::Result<()> {
    let mut frame = vec![b'x'; 4 + FRAME];
    frame[..4].copy_from_slice(&(FRAME as u32).to_be_bytes());
    let (mut sent, mut acked) = (0, 0);
    let mut ack = [0; 8];
    while acked < frames {
        if sent < frames && sent < acked + IN_FLIGHT {
            stream.write_all(&frame)?;
            sent += 1;
        } else {
            stream.read_exact(&mut ack)?;
            acked = u64::from_be_bytes(ack);
        }
    }
    Ok(())
}

/// The writers: the first receives from `stream` and passes on to the others. The seconds that it took, and the nanoseconds
/// that their threads ran.
fn lead(stream: TcpStream, duty: Duty, paths: &[PathBuf], frames: u64) -> Result<(f64, u64), String> {
    let told = |error: std::io::Error| format!("receiver: {error}");
    let sender = stream.try_clone().map_err(told)?;
    let acknowledged =
        Acknowledged { by: paths.iter().map(|_| AtomicU64::new(0)).collect(), to: Mutex::new((sender, 0)) };
    let acknowledged = &acknowledged;
    let began = Instant::now();
    let nanos = std::thread::scope(|scope| {
        let (mut followers, mut threads) = (Vec::new(), Vec::new());
        for (n, path) in paths.iter().enumerate().skip(1) {
            let (here, there) = pair().map_err(told)?;
            let mut answers = there.try_clone().map_err(told)?;
            let answer = move |count: u64| answers.write_all(&count.to_be_bytes());
            threads.push(scope.spawn(move || receive(there, &mut [], duty, path, frames, answer)));
            let mut acks = here.try_clone().map_err(told)?;
            threads.push(scope.spawn(move || {
                let (mut ack, before) = ([0; 8], thread_nanos()?);
                while u64::from_be_bytes(ack) < frames {
                    acks.read_exact(&mut ack).map_err(told)?;
                    acknowledged.has(n, u64::from_be_bytes(ack)).map_err(told)?;
                }
                Ok(thread_nanos()? - before)
            }));
            followers.push(here);
        }
        let answer = |count| acknowledged.has(0, count);
        let mut nanos = receive(stream, &mut followers, duty, &paths[0], frames, answer)?;
        for thread in threads {
            nanos += thread.join().map_err(|_| "a writer panicked")??;
        }
        Ok::<u64, String>(nanos)
    })?;
    Ok((began.elapsed().as_secs_f64(), nanos))
}

/// How many frames each writer has, and the sender, who is told what all of them have.
struct Acknowledged {
    by: Vec<AtomicU64>,
    to: Mutex<(TcpStream, u64)>,
}

impl Acknowledged {
    /// A writer has so many.
    fn has(&self, writer: usize, frames: u64) -> std::io::Result<()> {
        self.by[writer].store(frames, Ordering::SeqCst);
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.by.iter().map(|frames| frames.load(Ordering::SeqCst)).min().unwrap_or(0);
        if all > to.1 {
            to.1 = all;
            to.0.write_all(&all.to_be_bytes())?;
        }
        Ok(())
    }
}

/// Does its duty by `frames` frames, passing them on as they come, and says how many it has. The nanoseconds that this
/// thread ran.
fn receive(
    mut stream: TcpStream,
    followers: &mut [TcpStream],
    duty: Duty,
    path: &Path,
    frames: u64,
    mut answer: impl FnMut(u64) -> std::io::Result<()>,
) -> Result<u64, String> {
    let told = |error: std::io::Error| format!("receiver: {error}");
    let mut file = File::create(path).map_err(told)?;
    let mut chunk = vec![0; CHUNK];
    let (mut received, mut acked) = (0u64, 0u64);
    let before = thread_nanos()?;
    while acked < frames {
        let read = stream.read(&mut chunk).map_err(told)?;
        if read == 0 {
            return Err("the sender went away".to_string());
        }
        received += read as u64;
        for follower in followers.iter_mut() {
            follower.write_all(&chunk[..read]).map_err(told)?;
        }
        if duty != Duty::Receive {
            file.write_all(&chunk[..read]).map_err(told)?;
        }
        let whole = received / (4 + FRAME as u64);
        if whole > acked {
            if duty == Duty::Sync {
                file.sync_data().map_err(told)?;
            }
            acked = whole;
            answer(acked).map_err(told)?;
        }
    }
    Ok(thread_nanos()? - before)
}

/// Both ends of a connection.
fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    let (there, _) = listener.accept()?;
    for end in [&here, &there] {
        end.set_nodelay(true)?;
    }
    Ok((here, there))
}
