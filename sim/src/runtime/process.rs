//! The Runtime of one simulated process: every port checks first that the process still lives.

use super::Shared;
use super::sleep::Sleep;
use super::world::NodeId;
use crate::disk::SimDisk;
use crate::net::{Dial, SimListener, SimStream};
use crate::random::Stream;
use crate::trace::What;
use ::runtime::{Aborted, Event, Runtime, Task};
use madsim::task::JoinHandle;
use model::time::Instant;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Which process: what every handle (socket, file, timer) carries. A dead process's calls do nothing and its
/// futures never complete; madsim drops them.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) shared: Arc<Shared>,
    pub(crate) node: NodeId,
    pub(crate) incarnation: u32,
}

impl Process {
    pub(crate) fn lives(&self) -> bool {
        self.shared.lock().lives(self.node, self.incarnation)
    }
}

/// The Runtime of one simulated process.
#[derive(Clone)]
pub struct SimRuntime {
    process: Process,
    spawner: madsim::runtime::NodeHandle,
    disk: SimDisk,
    draws: Arc<Mutex<Stream>>,
}

impl SimRuntime {
    pub(super) fn new(process: Process, spawner: madsim::runtime::NodeHandle) -> SimRuntime {
        let draws = {
            let state = process.shared.lock();
            let name = &state.machine(process.node).name;
            Stream::new(state.seed, &format!("process/{name}/{}", process.incarnation))
        };
        let disk = SimDisk::new(process.clone());
        SimRuntime { process, spawner, disk, draws: Arc::new(Mutex::new(draws)) }
    }

    /// The machine on which it runs.
    pub fn node(&self) -> NodeId {
        self.process.node
    }

    /// The how-manieth process of its machine, from 1.
    pub fn incarnation(&self) -> u32 {
        self.process.incarnation
    }
}

impl Runtime for SimRuntime {
    type Stream = SimStream;
    type Listener = SimListener;
    type Disk = SimDisk;
    type Task<T: Send + 'static> = SimTask<T>;

    fn now(&self) -> Instant {
        let state = self.process.shared.lock();
        state.machine(self.process.node).clock.now(state.agenda.now())
    }

    fn wall_ms(&self) -> i64 {
        let state = self.process.shared.lock();
        state.machine(self.process.node).clock.wall_ms(state.agenda.now())
    }

    fn boot(&self) -> Option<String> {
        let state = self.process.shared.lock();
        let machine = state.machine(self.process.node);
        Some(format!("{}-{}", machine.name, machine.power_cuts))
    }

    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + Send {
        Sleep::new(self.process.clone(), deadline)
    }

    fn spawn<F>(&self, _name: &'static str, future: F) -> SimTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // On this process's own node, whatever task is running: Drop code of a dead process may spawn too, and
        // what it spawns never runs.
        SimTask::new(self.spawner.spawn(future))
    }

    fn spawn_detached<F>(&self, _name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.spawner.spawn(future));
    }

    fn draw(&self) -> u64 {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }

    async fn listen(&self, addr: SocketAddr) -> io::Result<SimListener> {
        SimListener::bind(self.process.clone(), addr)
    }

    fn connect(&self, addr: SocketAddr) -> impl Future<Output = io::Result<SimStream>> + Send {
        Dial::new(self.process.clone(), addr)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        // Simulated machines have addresses, and no names.
        let ip = host.parse().map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(vec![SocketAddr::new(ip, port)])
    }

    fn disk(&self) -> &SimDisk {
        &self.disk
    }

    fn observe(&self, event: Event) {
        let mut state = self.process.shared.lock();
        if state.lives(self.process.node, self.process.incarnation) {
            state.record(self.process.node, What::Event(event));
        }
    }
}

/// A handle to a simulated task.
pub struct SimTask<T> {
    handle: JoinHandle<T>,
}

impl<T> SimTask<T> {
    pub(super) fn new(handle: JoinHandle<T>) -> SimTask<T> {
        SimTask { handle }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<T> Future for SimTask<T> {
    type Output = Result<T, Aborted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(cx).map(|result| result.map_err(|_| Aborted))
    }
}

impl<T: Send + 'static> Task<T> for SimTask<T> {
    fn abort(&self) {
        self.handle.abort();
    }
}
