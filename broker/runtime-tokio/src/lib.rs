//! The Runtime in production: tokio's multi-thread runtime, kernel sockets, files under a data directory.
//!
//! ```text
//! lib.rs      TokioRuntime: clock, randomness, tasks, and where the other pieces meet
//! threads.rs  how many threads there are, and the process's entry into the runtime
//! net.rs      TCP with Nagle's algorithm off
//! disk.rs     the data directory: names and locks
//! file.rs     one open file: what runs on a worker and what never does
//! round.rs    syncing many files at once, by the strategy that measured best
//! errno.rs    the kernel's error numbers as the port's kinds
//! counts.rs   what becomes of Events: relaxed counters
//! ```
//!
//! Nothing above this crate sees tokio's tasks, timers, sockets or files; clippy refuses them there.

// This is the adapter that the rest of the house is kept away from clocks, files and threads by.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "runtime-tokio speaks Linux: preadv2, fdatasync, syncfs and flock semantics are measured there"
);

mod buffers;
mod counts;
mod disk;
mod errno;
mod file;
mod net;
mod round;
mod threads;

pub use counts::{ApiCounts, Counts};
pub use disk::{TokioDisk, TokioLock};
pub use file::TokioFile;
pub use net::{TokioListener, TokioStream};
pub use round::Strategy;
pub use threads::{Threads, descriptors_max};

use model::time::Instant;
use runtime::{Aborted, Event, Runtime, Task};
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// The world as the operating system gives it. Every clone is the same world.
#[derive(Clone)]
pub struct TokioRuntime {
    shared: Arc<Shared>,
    disk: TokioDisk,
}

struct Shared {
    handle: Handle,
    origin: std::time::Instant,
    counts: Counts,
}

impl TokioRuntime {
    /// The runtime of the current tokio context, its disk rooted at `data_dir`, which is created (with its
    /// parents, durably) when it is missing. Fails when it can't be created or opened.
    ///
    /// Panics outside a tokio runtime with net and time enabled: see [`Threads::run`] for the whole process.
    pub fn new(data_dir: &Path) -> io::Result<TokioRuntime> {
        let handle = Handle::current();
        let disk = TokioDisk::root_at(data_dir, handle.clone())?;
        let shared = Shared { handle, origin: std::time::Instant::now(), counts: Counts::default() };
        Ok(TokioRuntime { shared: Arc::new(shared), disk })
    }

    /// What was observed so far, for metrics.
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }
}

impl Runtime for TokioRuntime {
    type Stream = TokioStream;
    type Listener = TokioListener;
    type Disk = TokioDisk;
    type Task<T: Send + 'static> = TokioTask<T>;

    fn now(&self) -> Instant {
        let nanos = self.shared.origin.elapsed().as_nanos();
        Instant(u64::try_from(nanos).expect("a process lives less than 584 years"))
    }

    fn wall_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }

    fn boot(&self) -> Option<String> {
        // Linux only. In a container it is the host's, which is right: so is the page cache.
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    async fn sleep_until(&self, deadline: Instant) {
        let deadline = self.shared.origin + Duration::from_nanos(deadline.0);
        tokio::time::sleep_until(deadline.into()).await;
    }

    fn spawn<F>(&self, _name: &'static str, future: F) -> TokioTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        TokioTask(self.shared.handle.spawn(future))
    }

    fn spawn_detached<F>(&self, _name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.shared.handle.spawn(future));
    }

    fn draw(&self) -> u64 {
        DRAWS.with_borrow_mut(Draws::next)
    }

    async fn listen(&self, addr: SocketAddr) -> io::Result<TokioListener> {
        TokioListener::bind(addr).await
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TokioStream> {
        TokioStream::connect(addr).await
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }

    fn disk(&self) -> &TokioDisk {
        &self.disk
    }

    fn observe(&self, event: Event) {
        self.shared.counts.observe(&event);
    }
}

/// A task on tokio's runtime.
pub struct TokioTask<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> for TokioTask<T> {
    fn abort(&self) {
        self.0.abort();
    }
}

impl<T> Future for TokioTask<T> {
    type Output = Result<T, Aborted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| match joined {
            Ok(output) => Ok(output),
            // Binaries abort on panic; a test's harness unwinds, and there the panic goes on to the waiter.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Aborted),
        })
    }
}

/// The kernel's own generator, 32 draws per system call.
///
/// Ids that must not collide between clusters and secrets that must not be guessed come out of `draw`, so it is
/// a cryptographic generator; and the kernel has one, so no generator is kept here, and no crate for one.
struct Draws {
    block: [u8; 256],
    used: usize,
}

thread_local! {
    static DRAWS: RefCell<Draws> = const { RefCell::new(Draws { block: [0; 256], used: 256 }) };
}

impl Draws {
    fn next(&mut self) -> u64 {
        if self.used == self.block.len() {
            self.refill();
        }
        let bytes = self.block[self.used..self.used + 8].try_into().expect("eight bytes");
        self.block[self.used..self.used + 8].fill(0);
        self.used += 8;
        u64::from_ne_bytes(bytes)
    }

    fn refill(&mut self) {
        let mut filled = 0;
        while filled < self.block.len() {
            match rustix::rand::getrandom(&mut self.block[filled..], rustix::rand::GetRandomFlags::empty()) {
                Ok(got) => filled += got,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => panic!("the kernel gives no random bytes: {errno}"),
            }
        }
        self.used = 0;
    }
}

#[cfg(test)]
#[path = "lib_test.rs"]
mod tests;
