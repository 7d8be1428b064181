//! Bytes on their way: order, volume, backpressure.

use super::net::{ANY, hear, pair, say};
use super::{PATIENCE, pause, within};
use crate::{Listener, Runtime, Stream};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// More than any socket's buffers hold.
const VOLUME: usize = 24 << 20;

pub(super) async fn bytes_arrive_in_order<R: Runtime>(rt: &R) {
    let (mut connected, mut accepted) = pair(rt).await;
    let sending = rt.spawn("send", async move {
        let mut sent = 0;
        // Odd lengths, so that pieces and buffers never line up.
        for piece in (1..).map(|n| n * 37 % 9973 + 1) {
            let piece: Vec<u8> = (sent..sent + piece).map(byte_at).collect();
            connected.write_all(&piece).await?;
            sent += piece.len();
            if sent > 1 << 20 {
                break;
            }
        }
        Ok::<usize, io::Error>(sent)
    });
    let mut got = Vec::new();
    let read = within(rt, PATIENCE, accepted.read_to_end(&mut got)).await;
    read.expect("the transfer hangs").expect("the transfer ends in order");
    let sent = sending.await.expect("nobody aborts it").expect("writing succeeds");
    assert_eq!(got.len(), sent, "bytes are missing");
    let wrong = got.iter().enumerate().find(|(at, byte)| **byte != byte_at(*at));
    assert_eq!(wrong, None, "a byte is not in its place");
}

pub(super) async fn vectored_writes_keep_their_order<R: Runtime>(rt: &R) {
    let (connected, mut accepted) = pair(rt).await;
    let (_reader, mut writer) = connected.into_split();
    let parts: Vec<Vec<u8>> = (0..100usize).map(|n| vec![byte_at(n); n * 31 % 700]).collect();
    let whole: Vec<u8> = parts.concat();
    let len = whole.len();
    let sending = rt.spawn("send", async move {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = &mut slices[..];
        while rest.iter().any(|slice| !slice.is_empty()) {
            let written = poll_fn(|cx| Pin::new(&mut writer).poll_write_vectored(cx, rest)).await?;
            assert!(written > 0, "a vectored write of something wrote nothing");
            IoSlice::advance_slices(&mut rest, written);
        }
        writer.flush().await
    });
    assert_eq!(hear(rt, &mut accepted, len).await, whole, "parts arrived out of order");
    sending.await.expect("nobody aborts it").expect("writing succeeds");
}

pub(super) async fn both_directions_at_once<R: Runtime>(rt: &R) {
    let (connected, accepted) = pair(rt).await;
    let mut ends = Vec::new();
    for stream in [connected, accepted] {
        let (mut reader, mut writer) = stream.into_split();
        let sending = rt.spawn("send", async move { writer.write_all(&vec![5; 4 << 20]).await });
        let receiving = rt.spawn("receive", async move {
            let mut got = Vec::new();
            reader.read_to_end(&mut got).await.map(|_| got.len())
        });
        ends.push((sending, receiving));
    }
    for (sending, receiving) in ends {
        let sent = within(rt, PATIENCE, sending).await.expect("the two directions block each other");
        sent.expect("nobody aborts it").expect("writing succeeds");
        let got = within(rt, PATIENCE, receiving).await.expect("the end of file never comes");
        assert_eq!(got.expect("nobody aborts it").expect("reading succeeds"), 4 << 20);
    }
}

pub(super) async fn a_reader_that_waits_holds_the_writer_back<R: Runtime>(rt: &R) {
    let (mut connected, mut accepted) = pair(rt).await;
    let mut sending = rt.spawn("send", async move { connected.write_all(&vec![9; VOLUME]).await });
    let early = within(rt, Duration::from_millis(200), &mut sending).await;
    assert!(early.is_none(), "{VOLUME} bytes were taken while nobody read: no backpressure");
    let mut got = 0;
    let mut buffer = vec![0; 100_000];
    loop {
        let read = within(rt, PATIENCE, accepted.read(&mut buffer)).await.expect("the transfer hangs");
        match read.expect("reading succeeds") {
            0 => break,
            read => got += read,
        }
    }
    assert_eq!(got, VOLUME);
    sending.await.expect("nobody aborts it").expect("writing succeeds");
}

pub(super) async fn many_connections_at_once<R: Runtime>(rt: &R) {
    const CLIENTS: usize = 50;
    let mut listener = rt.listen(ANY).await.expect("port 0 can be listened on");
    let addr = listener.local_addr().expect("a listener has an address");
    let inner = rt.clone();
    rt.spawn_detached("accept", async move {
        for _ in 0..CLIENTS {
            let (mut stream, _) = listener.accept().await.expect("a connection is accepted");
            inner.spawn_detached("echo", async move {
                let mut word = [0; 8];
                stream.read_exact(&mut word).await.expect("a client speaks");
                stream.write_all(&word).await.expect("a client listens");
                stream.flush().await.expect("a client listens");
            });
        }
    });
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let inner = rt.clone();
        clients.push(rt.spawn("client", async move {
            let mut stream = inner.connect(addr).await.expect("a listening port is connected to");
            pause(&inner, (client % 7) as u64).await;
            let word = (client as u64).to_be_bytes();
            say(&inner, &mut stream, &word).await;
            assert_eq!(hear(&inner, &mut stream, 8).await, word, "connections are mixed up");
        }));
    }
    for client in clients {
        within(rt, PATIENCE, client).await.expect("a client hangs").expect("nobody aborts it");
    }
}

/// What the suite sends at each place of a stream.
fn byte_at(place: usize) -> u8 {
    (place % 251) as u8
}
