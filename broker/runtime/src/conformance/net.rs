//! Listening, connecting, closing.

use super::{PATIENCE, within};
use crate::{Listener, Runtime, Stream};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Any free port of this process.
pub(super) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A listener on any free port, and its address.
pub(super) async fn listener<R: Runtime>(rt: &R) -> (R::Listener, SocketAddr) {
    let listener = rt.listen(ANY).await.expect("port 0 can be listened on");
    let addr = listener.local_addr().expect("a listener has an address");
    (listener, addr)
}

/// A connection: the end that connected and the end that was accepted.
pub(super) async fn pair<R: Runtime>(rt: &R) -> (R::Stream, R::Stream) {
    let (mut listener, addr) = listener(rt).await;
    let inner = rt.clone();
    let connecting = rt.spawn("connect", async move { inner.connect(addr).await });
    let accepted = within(rt, PATIENCE, listener.accept()).await;
    let (accepted, _) = accepted.expect("accept hangs").expect("a connection is accepted");
    let connected = within(rt, PATIENCE, connecting).await.expect("connect hangs");
    (connected.expect("nobody aborts it").expect("a listening port is connected to"), accepted)
}

pub(super) async fn port_zero_is_some_port<R: Runtime>(rt: &R) {
    let (_first, one) = listener(rt).await;
    let (_second, other) = listener(rt).await;
    assert_ne!(one.port(), 0, "port 0 is no port");
    assert_ne!(one, other, "two listeners share an address");
    assert_eq!(one.ip(), ANY.ip(), "it listens elsewhere than asked");
}

pub(super) async fn an_address_is_its_own_name<R: Runtime>(rt: &R) {
    let found = within(rt, PATIENCE, rt.resolve("127.0.0.1", 9092)).await.expect("resolving hangs");
    assert_eq!(found.expect("an address"), [SocketAddr::new(ANY.ip(), 9092)]);
    let unknown = within(rt, PATIENCE, rt.resolve("no name at all", 9092)).await;
    assert!(unknown.is_some_and(|found| found.is_err()), "a host without an address");
}

pub(super) async fn a_taken_port_is_refused<R: Runtime>(rt: &R) {
    let (_listener, addr) = listener(rt).await;
    match rt.listen(addr).await {
        Ok(_) => panic!("two listeners on {addr}"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}"),
    }
}

pub(super) async fn both_ends_know_each_other<R: Runtime>(rt: &R) {
    let (mut listener, addr) = listener(rt).await;
    let inner = rt.clone();
    let connecting = rt.spawn("connect", async move { inner.connect(addr).await });
    let (accepted, peer) =
        within(rt, PATIENCE, listener.accept()).await.expect("accept hangs").expect("accepted");
    let connected = connecting.await.expect("nobody aborts it").expect("connected");
    assert_eq!(connected.peer_addr().expect("a stream has a peer"), addr);
    assert_eq!(accepted.peer_addr().expect("a stream has a peer"), peer);
    assert_ne!(peer, addr, "both ends have one address");
}

pub(super) async fn connecting_to_nobody_is_refused<R: Runtime>(rt: &R) {
    let (listener, addr) = listener(rt).await;
    drop(listener);
    match within(rt, PATIENCE, rt.connect(addr)).await.expect("connecting to a closed port hangs") {
        Ok(_) => panic!("connected to a port that nobody listens on"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}"),
    }
}

pub(super) async fn a_dropped_listener_stops_listening<R: Runtime>(rt: &R) {
    let (listener, addr) = listener(rt).await;
    drop(listener);
    rt.listen(addr).await.expect("the address of a dropped listener is free");
}

pub(super) async fn streams_outlive_their_listener<R: Runtime>(rt: &R) {
    // `pair` drops its listener.
    let (mut connected, mut accepted) = pair(rt).await;
    say(rt, &mut connected, b"still here").await;
    assert_eq!(hear(rt, &mut accepted, 10).await, b"still here");
}

pub(super) async fn dropping_a_stream_is_the_end_of_file<R: Runtime>(rt: &R) {
    let (mut connected, mut accepted) = pair(rt).await;
    say(rt, &mut connected, b"last words").await;
    drop(connected);
    let mut heard = Vec::new();
    let read = within(rt, PATIENCE, accepted.read_to_end(&mut heard)).await;
    read.expect("the end of file never comes").expect("an orderly close is no error");
    assert_eq!(heard, b"last words", "bytes written before the close are lost");
}

pub(super) async fn dropping_the_writer_closes_half<R: Runtime>(rt: &R) {
    let (connected, accepted) = pair(rt).await;
    let (mut reader, mut writer) = connected.into_split();
    let (mut far_reader, mut far_writer) = accepted.into_split();
    say(rt, &mut writer, b"question").await;
    drop(writer);
    let mut heard = Vec::new();
    let read = within(rt, PATIENCE, far_reader.read_to_end(&mut heard)).await;
    read.expect("a dropped writer sends no end of file").expect("an orderly close is no error");
    assert_eq!(heard, b"question");
    say(rt, &mut far_writer, b"answer").await;
    assert_eq!(hear(rt, &mut reader, 6).await, b"answer", "the other direction closed too");
}

pub(super) async fn dropping_the_reader_closes_nothing<R: Runtime>(rt: &R) {
    let (connected, mut accepted) = pair(rt).await;
    let (reader, mut writer) = connected.into_split();
    drop(reader);
    say(rt, &mut writer, b"onwards").await;
    assert_eq!(hear(rt, &mut accepted, 7).await, b"onwards");
    say(rt, &mut accepted, b"unheard").await;
    say(rt, &mut writer, b"and on").await;
    assert_eq!(hear(rt, &mut accepted, 6).await, b"and on");
}

pub(super) async fn writing_to_nobody_fails_in_the_end<R: Runtime>(rt: &R) {
    let (mut connected, accepted) = pair(rt).await;
    drop(accepted);
    let writing = async {
        loop {
            if let Err(error) = connected.write_all(&[7; 4096]).await {
                return error;
            }
        }
    };
    let error = within(rt, PATIENCE, writing).await.expect("writing to a closed connection goes on for ever");
    let kinds = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted];
    assert!(kinds.contains(&error.kind()), "{error}");
}

/// Writes all of `bytes` and flushes.
pub(super) async fn say<R: Runtime, W: tokio::io::AsyncWrite + Unpin>(rt: &R, to: &mut W, bytes: &[u8]) {
    let writing = async {
        to.write_all(bytes).await?;
        to.flush().await
    };
    within(rt, PATIENCE, writing)
        .await
        .expect("a write hangs")
        .expect("a write to a live connection succeeds");
}

/// Reads exactly `len` bytes.
pub(super) async fn hear<R: Runtime, S: tokio::io::AsyncRead + Unpin>(
    rt: &R,
    from: &mut S,
    len: usize,
) -> Vec<u8> {
    let mut heard = vec![0; len];
    let read = within(rt, PATIENCE, from.read_exact(&mut heard)).await;
    read.expect("a read hangs").expect("a read from a live connection succeeds");
    heard
}
