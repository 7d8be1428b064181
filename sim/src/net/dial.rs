//! Connecting: the three-way handshake with Linux's retries, seen from the process that dials.

use super::connection::{Connection, Handshake, Kernel, Segment};
use super::fabric::NetDue;
use super::stream::SimStream;
use crate::runtime::{Due, Process, State};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

/// SYNs that Linux sends: at 0, 1, 3, 7, 15, 31 and 63 seconds. It gives up at 127.
const SYNS: u32 = 7;

/// A connect under way. Dropping it gives it up.
pub struct Dial {
    process: Process,
    addr: SocketAddr,
    progress: Progress,
}

enum Progress {
    Fresh,
    Waiting(u64),
    Done,
}

impl Dial {
    pub(crate) fn new(process: Process, addr: SocketAddr) -> Dial {
        Dial { process, addr, progress: Progress::Fresh }
    }
}

impl Future for Dial {
    type Output = io::Result<SimStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let process = this.process.clone();
        let mut state = process.shared.lock();
        if !state.lives(process.node, process.incarnation) {
            return Poll::Pending;
        }
        let id = match this.progress {
            Progress::Fresh => match state.dial(&process, this.addr) {
                Ok(id) => id,
                Err(error) => {
                    this.progress = Progress::Done;
                    return Poll::Ready(Err(error));
                }
            },
            Progress::Waiting(id) => id,
            Progress::Done => panic!("polled after completion"),
        };
        this.progress = Progress::Waiting(id);
        let connection = state.net.connections.get_mut(&id).expect("owned by this future");
        match &mut connection.handshake {
            Handshake::Dialling { waker, .. } => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Handshake::Failed(kind) => {
                let kind = *kind;
                this.progress = Progress::Done;
                state.abandon(id, 0, false);
                Poll::Ready(Err(kind.into()))
            }
            Handshake::Established => {
                this.progress = Progress::Done;
                drop(state);
                Poll::Ready(Ok(SimStream::new(process, id, 0)))
            }
        }
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        if let Progress::Waiting(id) = self.progress {
            let mut state = self.process.shared.lock();
            if state.lives(self.process.node, self.process.incarnation) {
                state.close(id, 0);
            }
        }
    }
}

impl State {
    fn dial(&mut self, process: &Process, addr: SocketAddr) -> io::Result<u64> {
        let from = process.node;
        let to = self.locate(from, addr.ip()).ok_or(ErrorKind::HostUnreachable)?;
        let port = self.net.free_port(from);
        let own: IpAddr = if addr.ip().is_loopback() { addr.ip() } else { self.machine(from).ip };
        let own = SocketAddr::new(own, port);
        let id = self.net.enter(Connection::new((from, process.incarnation, own), (to, addr)));
        self.send_syn(id);
        Ok(id)
    }

    /// Sends the next SYN, or gives up.
    pub(super) fn send_syn(&mut self, id: u64) {
        let at = self.agenda.now();
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let Handshake::Dialling { tries, retry, .. } = &mut connection.handshake else { return };
        if *tries == SYNS {
            return self.end_dial(id, ErrorKind::TimedOut);
        }
        let wait = 1_000_000_000u64 << *tries;
        *tries += 1;
        *retry = self.agenda.insert(at + wait, Due::Net(NetDue::SynRetry { connection: id }));
        let (from, to) = (connection.ends[0].node, connection.ends[1].node);
        self.send_once(from, to, NetDue::Syn { connection: id });
    }

    pub(super) fn syn_arrives(&mut self, id: u64) {
        let Some(connection) = self.net.connections.get(&id) else { return };
        if !matches!(connection.handshake, Handshake::Dialling { .. }) {
            return;
        }
        let (from, to) = (connection.ends[0].node, connection.ends[1].node);
        let port = connection.ends[1].addr.port();
        if !self.machine(to).powered || self.is_cut(from, to) {
            return;
        }
        let backlog = self.net.knobs.backlog;
        let listening = self.net.listeners.get(&(to, port));
        let accepted = match listening.filter(|listening| !listening.loopback_only || from == to) {
            Some(listening) if listening.queue.len() >= backlog => return,
            Some(_) => true,
            None => false,
        };
        self.send_once(to, from, NetDue::SynAnswer { connection: id, accepted });
    }

    pub(super) fn syn_answer_arrives(&mut self, id: u64, accepted: bool) {
        let Some(connection) = self.net.connections.get(&id) else { return };
        if !matches!(connection.handshake, Handshake::Dialling { .. }) {
            return;
        }
        let (from, to) = (connection.ends[0].node, connection.ends[1].node);
        if self.is_cut(to, from) {
            return;
        }
        if !accepted {
            return self.end_dial(id, ErrorKind::ConnectionRefused);
        }
        self.conclude(id, Handshake::Established);
        self.send(id, 0, Segment::Open);
    }

    /// The handshake's last ACK reaches the listener's kernel, which owns the connection from here on.
    pub(super) fn open_arrives(&mut self, id: u64) {
        let connection = self.net.connections.get_mut(&id).expect("it carried a segment");
        let (node, port) = (connection.ends[1].node, connection.ends[1].addr.port());
        match self.net.listeners.get_mut(&(node, port)) {
            Some(listening) => {
                connection.ends[1].kernel = Kernel::Open;
                connection.ends[1].owned = true;
                listening.queue.push_back(id);
                self.wakes.extend(listening.waker.take());
            }
            None => self.reply_reset(id, 0),
        }
    }

    /// The connect fails. What waits for it, if anybody still does, is told.
    pub(super) fn end_dial(&mut self, id: u64, kind: ErrorKind) {
        self.conclude(id, Handshake::Failed(kind));
        if let Some(connection) = self.net.connections.get_mut(&id) {
            connection.ends[0].kernel = Kernel::Gone;
        }
    }

    fn conclude(&mut self, id: u64, outcome: Handshake) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let before = std::mem::replace(&mut connection.handshake, outcome);
        if let Handshake::Dialling { retry, waker, .. } = before {
            self.wakes.extend(waker);
            if let Some(key) = retry {
                self.agenda.remove(key);
            }
        }
    }
}
