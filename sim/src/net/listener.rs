//! Listening and accepting.

use super::fabric::Listening;
use super::stream::SimStream;
use crate::random::Stream as Draws;
use crate::runtime::Process;
use ::runtime::Listener;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// A bound, listening socket of a simulated process.
pub struct SimListener {
    process: Process,
    addr: SocketAddr,
    draws: Draws,
}

impl SimListener {
    /// Binds and listens. `AddrInUse` when the port is taken, `AddrNotAvailable` when the address is not the
    /// machine's own.
    pub(crate) fn bind(process: Process, addr: SocketAddr) -> io::Result<SimListener> {
        let node = process.node;
        let mut state = process.shared.lock();
        if !state.lives(node, process.incarnation) {
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        if state.locate(node, addr.ip()) != Some(node) {
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        let port = if addr.port() == 0 { state.net.free_port(node) } else { addr.port() };
        if state.net.listeners.contains_key(&(node, port)) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let listening = Listening {
            incarnation: process.incarnation,
            loopback_only: addr.ip().is_loopback(),
            queue: VecDeque::new(),
            waker: None,
        };
        state.net.listeners.insert((node, port), listening);
        let draws = Draws::new(state.seed, &format!("accept/{}:{port}", state.machine(node).name));
        drop(state);
        Ok(SimListener { process, addr: SocketAddr::new(addr.ip(), port), draws })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(SimStream, SocketAddr)>> {
        let (node, incarnation) = (self.process.node, self.process.incarnation);
        let mut state = self.process.shared.lock();
        if !state.lives(node, incarnation) {
            return Poll::Pending;
        }
        let error_ppm = state.net.knobs.accept_error_ppm;
        let listening = state.net.listeners.get_mut(&(node, self.addr.port())).expect("bound while it lives");
        assert_eq!(listening.incarnation, incarnation, "a listener of another process");
        let Some(id) = listening.queue.front().copied() else {
            listening.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if self.draws.chance(error_ppm) {
            return Poll::Ready(Err(io::Error::other("too many open files")));
        }
        listening.queue.pop_front();
        let connection = state.net.connections.get_mut(&id).expect("owned by the accept queue");
        connection.ends[1].incarnation = incarnation;
        let peer = connection.ends[0].addr;
        drop(state);
        Poll::Ready(Ok((SimStream::new(self.process.clone(), id, 1), peer)))
    }
}

impl Listener for SimListener {
    type Stream = SimStream;

    async fn accept(&mut self) -> io::Result<(SimStream, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut state = self.process.shared.lock();
        if !state.lives(self.process.node, self.process.incarnation) {
            return;
        }
        if let Some(listening) = state.net.listeners.remove(&(self.process.node, self.addr.port())) {
            for id in listening.queue {
                state.abandon(id, 1, true);
            }
        }
    }
}
