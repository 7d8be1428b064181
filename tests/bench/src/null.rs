//! The null broker: one thread that receives frames, appends them, syncs and acknowledges, and nothing else.
//!
//! It is the floor under every broker on this machine: what it costs, the kernel costs. A round is what had
//! arrived when the thread looked, as in a broker that commits in groups.

use crate::arguments::Arguments;
use crate::usage::thread_nanos;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
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

/// `--duty receive|append|sync --dir D [--bytes N]`
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let duty = match arguments.text("duty")? {
        "receive" => Duty::Receive,
        "append" => Duty::Append,
        "sync" => Duty::Sync,
        other => return Err(format!("there is no duty {other:?}")),
    };
    let frames = arguments.or("bytes", 2_000_000_000u64)?.div_ceil(FRAME as u64);
    let path = PathBuf::from(arguments.text("dir")?).join("null");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let addr = listener.local_addr().map_err(|error| error.to_string())?;
    let sending =
        std::thread::spawn(move || TcpStream::connect(addr).and_then(|stream| send(stream, frames)));
    let (stream, _) = listener.accept().map_err(|error| error.to_string())?;
    let measured = receive(stream, duty, &path, frames);
    let sent = sending.join().map_err(|_| "the sender panicked")?;
    let _ = fs::remove_file(&path);
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
    stream.set_nodelay(true)?;
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

/// Does its duty by `frames` frames; the seconds it took and the nanoseconds that this thread ran.
fn receive(mut stream: TcpStream, duty: Duty, path: &Path, frames: u64) -> Result<(f64, u64), String> {
    let told = |error: std::io::Error| format!("receiver: {error}");
    stream.set_nodelay(true).map_err(told)?;
    let mut file = File::create(path).map_err(told)?;
    let mut chunk = vec![0; CHUNK];
    let (mut received, mut acked) = (0u64, 0u64);
    let (began, before) = (Instant::now(), thread_nanos()?);
    while acked < frames {
        let read = stream.read(&mut chunk).map_err(told)?;
        if read == 0 {
            return Err("the sender went away".to_string());
        }
        received += read as u64;
        if duty != Duty::Receive {
            file.write_all(&chunk[..read]).map_err(told)?;
        }
        let whole = received / (4 + FRAME as u64);
        if whole > acked {
            if duty == Duty::Sync {
                file.sync_data().map_err(told)?;
            }
            acked = whole;
            stream.write_all(&acked.to_be_bytes()).map_err(told)?;
        }
    }
    Ok((began.elapsed().as_secs_f64(), thread_nanos()? - before))
}
