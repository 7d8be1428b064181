//! The ports: everything the broker asks of the world, as traits.
//!
//! Production implements them on tokio (`runtime-tokio`), the simulator on madsim (`sim`). Nothing above these
//! traits knows which one it runs on, so a fault that the simulator injects is one that production code meets.
//! `conformance` is the suite that every implementation passes; it is the traits' contract in executable form.

mod disk;
mod event;
mod net;
mod task;

pub mod conformance;

pub use disk::{Disk, DiskError, DiskErrorKind, Entry, EntryKind, File, OpenMode};
pub use event::{Acks, Answer, Event, Fence, Sign};
pub use net::{Listener, Stream};
pub use task::{Aborted, Task};

use model::time::Instant;
use std::future::Future;
use std::io;
use std::net::SocketAddr;

/// The world as one process sees it. Cheap to clone; every clone is the same world.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A connected byte stream.
    type Stream: Stream;
    /// A bound, listening socket.
    type Listener: Listener<Stream = Self::Stream>;
    /// The process's data directory.
    type Disk: Disk;
    /// A handle to a spawned task.
    type Task<T: Send + 'static>: Task<T>;

    /// The monotonic clock. Never goes back within a process.
    fn now(&self) -> Instant;

    /// Milliseconds since the Unix epoch. May jump either way: for record timestamps, never for safety.
    fn wall_ms(&self) -> i64;

    /// Completes at `deadline` or later. At once when it has passed.
    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + Send;

    /// Runs `future` as a task of its own. `name` is a noun for traces, not an identity.
    fn spawn<F>(&self, name: &'static str, future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Runs `future` as a task that nobody waits for.
    fn spawn_detached<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// 64 random bits. The only source of randomness above this trait.
    fn draw(&self) -> u64;

    /// Binds and listens. Port 0 asks for any free port; `Listener::local_addr` tells which.
    fn listen(&self, addr: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// Connects. May fail at once, or hang as long as the network pleases: callers bring a deadline.
    fn connect(&self, addr: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// The addresses of a host by its name, the best first, with this port; an address is its own name. May take as
    /// long as the network pleases: callers bring a deadline.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Names the present run of the machine's kernel: while it is the same, whatever any process has written to the data
    /// directory is there, synced or not. `None` where that can't be told.
    fn boot(&self) -> Option<String>;

    /// The data directory.
    fn disk(&self) -> &Self::Disk;

    /// Tells whoever watches what happened. Must not block; in production it costs a counter at most.
    fn observe(&self, event: Event);
}
