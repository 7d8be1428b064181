//! A stage for tests of what needs connections: hosts in memory, each of them a function from requests to answers, and time
//! that passes when everybody waits.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use bytes::Bytes;
use model::time::{Duration, Instant};
use protocol::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use protocol::{ApiKey, Frame, RequestHeader, Response};
use runtime::{Aborted, Disk, DiskError, Entry, Event, File, Listener, OpenMode, Runtime, Stream, Task};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};

/// What a host answers; nothing where it is silent.
pub(crate) type Answering = Box<dyn Fn(&RequestHeader) -> Option<Vec<Bytes>> + Send + Sync>;

/// The world of one test.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Inner>);

struct Inner {
    names: BTreeMap<String, Vec<IpAddr>>,
    hosts: BTreeMap<SocketAddr, Answering>,
    began: tokio::time::Instant,
    tried: Mutex<Vec<SocketAddr>>,
    draws: Mutex<u64>,
}

/// Runs a test on a stage with these hosts; connections to others are refused.
pub(crate) fn run<T>(
    names: &[(&str, &[&str])],
    hosts: Vec<(&str, Answering)>,
    test: impl AsyncFnOnce(Stage) -> T,
) -> T {
    let ip = |text: &&str| text.parse().expect("an address");
    let names = names.iter().map(|(name, ips)| (name.to_string(), ips.iter().map(ip).collect()));
    let names = names.collect();
    let hosts = hosts.into_iter().map(|(at, host)| (at.parse().expect("an address"), host)).collect();
    let executor = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    executor.expect("a runtime").block_on(async move {
        let (began, tried, draws) = (tokio::time::Instant::now(), Mutex::default(), Mutex::default());
        test(Stage(Arc::new(Inner { names, hosts, began, tried, draws }))).await
    })
}

/// An answer to a request.
pub(crate) fn answer<R: Response>(to: &RequestHeader, response: &R) -> Option<Vec<Bytes>> {
    Some(Frame::response(to.correlation_id, to.api_version, response).expect("it can be written"))
}

/// The answer of whoever speaks these, each at one version.
pub(crate) fn hello(to: &RequestHeader, apis: &[(ApiKey, i16)]) -> Option<Vec<Bytes>> {
    let speaks = |(api, version): &(ApiKey, i16)| ApiVersion {
        api_key: *api as i16,
        min_version: *version,
        max_version: *version,
    };
    answer(to, &ApiVersionsResponse { api_keys: apis.iter().map(speaks).collect(), ..Default::default() })
}

impl Stage {
    /// Who has been connected to, or tried to be, in order.
    pub(crate) fn tried(&self) -> Vec<SocketAddr> {
        self.0.tried.lock().expect("nobody panicked").clone()
    }

    /// Serves one connection.
    async fn serve(self, at: SocketAddr, mut stream: DuplexStream) -> io::Result<()> {
        loop {
            let length = stream.read_u32().await?;
            let mut frame = vec![0; length as usize];
            stream.read_exact(&mut frame).await?;
            let (header, _) = RequestHeader::decode(frame.into()).expect("a request");
            for piece in (self.0.hosts[&at])(&header).unwrap_or_default() {
                stream.write_all(&piece).await?;
            }
        }
    }
}

impl Runtime for Stage {
    type Stream = Pipe;
    type Listener = Nothing;
    type Disk = Nothing;
    type Task<T: Send + 'static> = Spawned<T>;

    fn now(&self) -> Instant {
        Instant(0) + self.0.began.elapsed()
    }

    fn wall_ms(&self) -> i64 {
        0
    }

    async fn sleep_until(&self, deadline: Instant) {
        // As good as never.
        let most = Duration::from_secs(86_400);
        tokio::time::sleep_until(self.0.began + (deadline - Instant(0)).min(most)).await;
    }

    fn spawn<F>(&self, _name: &'static str, future: F) -> Spawned<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Spawned(tokio::spawn(future))
    }

    fn spawn_detached<F>(&self, _name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(tokio::spawn(future));
    }

    fn draw(&self) -> u64 {
        let mut draws = self.0.draws.lock().expect("nobody panicked");
        *draws += 1;
        *draws
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Nothing> {
        unimplemented!("nobody listens here")
    }

    async fn connect(&self, at: SocketAddr) -> io::Result<Pipe> {
        self.0.tried.lock().expect("nobody panicked").push(at);
        if !self.0.hosts.contains_key(&at) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (here, there) = tokio::io::duplex(1 << 16);
        let stage = self.clone();
        tokio::spawn(async move { stage.serve(at, there).await });
        Ok(Pipe(here, at))
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let known = self.0.names.get(host).cloned();
        let ips = known.or_else(|| Some(vec![host.parse().ok()?])).ok_or(io::ErrorKind::NotFound)?;
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    fn boot(&self) -> Option<String> {
        None
    }

    fn disk(&self) -> &Nothing {
        unimplemented!("clients have no disk")
    }

    fn observe(&self, _: Event) {}
}

/// A connection.
pub(crate) struct Pipe(DuplexStream, SocketAddr);

impl Stream for Pipe {
    type Reader = ReadHalf<DuplexStream>;
    type Writer = WriteHalf<DuplexStream>;

    fn into_split(self) -> (Self::Reader, Self::Writer) {
        tokio::io::split(self.0)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.1)
    }
}

impl tokio::io::AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A task.
pub(crate) struct Spawned<T>(tokio::task::JoinHandle<T>);

impl<T: Send + 'static> Task<T> for Spawned<T> {
    fn abort(&self) {
        self.0.abort();
    }
}

impl<T> Future for Spawned<T> {
    type Output = Result<T, Aborted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined.map_err(|_| Aborted))
    }
}

/// What clients have no use for: there is none.
#[derive(Clone)]
pub(crate) enum Nothing {}

impl Listener for Nothing {
    type Stream = Pipe;

    async fn accept(&mut self) -> io::Result<(Pipe, SocketAddr)> {
        match *self {}
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match *self {}
    }
}

impl Disk for Nothing {
    type File = Nothing;
    type Lock = Nothing;

    async fn open(&self, _: &Path, _: OpenMode) -> Result<Nothing, DiskError> {
        match *self {}
    }

    async fn lock(&self, _: &Path) -> Result<Nothing, DiskError> {
        match *self {}
    }

    async fn create_dir(&self, _: &Path) -> Result<(), DiskError> {
        match *self {}
    }

    async fn list(&self, _: &Path) -> Result<Vec<Entry>, DiskError> {
        match *self {}
    }

    async fn rename(&self, _: &Path, _: &Path) -> Result<(), DiskError> {
        match *self {}
    }

    async fn remove_file(&self, _: &Path) -> Result<(), DiskError> {
        match *self {}
    }

    async fn remove_dir(&self, _: &Path) -> Result<(), DiskError> {
        match *self {}
    }

    async fn sync_dir(&self, _: &Path) -> Result<(), DiskError> {
        match *self {}
    }

    async fn sync_many(&self, _: Vec<Nothing>) -> Result<(), DiskError> {
        match *self {}
    }

    async fn free(&self) -> Result<u64, DiskError> {
        match *self {}
    }
}

impl File for Nothing {
    async fn write_at(&self, _: u64, _: Vec<Bytes>) -> Result<(), DiskError> {
        match *self {}
    }

    async fn read_at(&self, _: u64, _: usize) -> Result<Bytes, DiskError> {
        match *self {}
    }

    async fn len(&self) -> Result<u64, DiskError> {
        match *self {}
    }

    async fn set_len(&self, _: u64) -> Result<(), DiskError> {
        match *self {}
    }

    async fn sync(&self) -> Result<(), DiskError> {
        match *self {}
    }
}
