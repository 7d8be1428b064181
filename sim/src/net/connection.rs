//! One connection as data: two ends, and a pipe in each direction.

use crate::runtime::{Key, NodeId};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::Waker;

/// Which end: 0 dialled, 1 was dialled. The pipe of the same number carries what that end sends.
pub(super) type Side = usize;

/// A connection, from the first SYN until both kernels have forgotten it.
pub(super) struct Connection {
    pub(super) ends: [End; 2],
    pub(super) pipes: [Pipe; 2],
    pub(super) handshake: Handshake,
    /// A middlebox forgot it: nothing passes any more, in either direction.
    pub(super) forgotten: bool,
}

/// How far the connect has come.
pub(super) enum Handshake {
    /// SYNs go out; the number of those sent, the next one's place on the agenda, and who waits.
    Dialling { tries: u32, retry: Option<Key>, waker: Option<Waker> },
    /// It failed: what connect will return.
    Failed(io::ErrorKind),
    /// SYN-ACK arrived.
    Established,
}

/// One end of a connection, as its machine's kernel knows it.
pub(super) struct End {
    pub(super) node: NodeId,
    /// The process that owns it; 0 while a listening kernel has it all to itself.
    pub(super) incarnation: u32,
    pub(super) addr: SocketAddr,
    pub(super) kernel: Kernel,
    /// A process holds it, or an accept queue does.
    pub(super) owned: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    pub(super) reader_dropped: bool,
    pub(super) writer_dropped: bool,
    /// What reads and writes fail with from now on.
    pub(super) error: Option<io::ErrorKind>,
}

/// What a kernel knows of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// A process owns it, or an accept queue.
    Open,
    /// The process closed it; what it wrote is still going out. Data that comes in is answered by a reset.
    Closing,
    /// Closed in order. Data that comes in is answered by a reset, a FIN is not.
    Closed,
    /// Not there yet, or forgotten: reset, or its machine lost power. Whatever comes in is answered by a reset.
    Gone,
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Pipe {
    /// On the wire, in order. Every one has an item on the agenda, of this `generation`.
    pub(super) in_flight: VecDeque<Segment>,
    /// Lost or behind a lost one: waits for the retransmission timer.
    pub(super) unsent: VecDeque<Segment>,
    /// Transmissions lost in a row.
    pub(super) tries: u32,
    /// Whether the retransmission timer is on the agenda. It is while `unsent` holds anything.
    pub(super) timer: bool,
    /// Raised whenever what is in flight is taken back, so that its arrivals mean nothing.
    pub(super) generation: u32,
    /// No segment arrives before this true time: the order of the stream.
    pub(super) last_arrival: u64,
    /// Bytes written and not yet read by the peer's process: what the window bounds.
    pub(super) outstanding: usize,
    /// Of those, bytes read whose acknowledgement is on its way back.
    pub(super) returning: usize,
    /// Arrived and not yet read.
    pub(super) received: VecDeque<Bytes>,
    /// The sender has queued a FIN.
    pub(super) fin_sent: bool,
    /// The FIN has arrived.
    pub(super) fin_received: bool,
}

/// What travels on an established connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The handshake's last ACK: makes the listener's kernel queue the connection.
    Open,
    /// Bytes.
    Data(Bytes),
    /// No more data from this side.
    Fin,
    /// The connection is no more.
    Reset,
}

impl Connection {
    pub(super) fn new(from: (NodeId, u32, SocketAddr), to: (NodeId, SocketAddr)) -> Connection {
        Connection {
            ends: [End::new(from.0, from.1, from.2, Kernel::Open), End::new(to.0, 0, to.1, Kernel::Gone)],
            pipes: [Pipe::default(), Pipe::default()],
            handshake: Handshake::Dialling { tries: 0, retry: None, waker: None },
            forgotten: false,
        }
    }

    /// Whether neither kernel has any use for it.
    pub(super) fn is_over(&self) -> bool {
        let ends =
            self.ends.iter().all(|end| !end.owned && matches!(end.kernel, Kernel::Closed | Kernel::Gone));
        ends && self.pipes.iter().all(|pipe| pipe.in_flight.is_empty() && pipe.unsent.is_empty())
    }
}

impl End {
    fn new(node: NodeId, incarnation: u32, addr: SocketAddr, kernel: Kernel) -> End {
        End {
            node,
            incarnation,
            addr,
            kernel,
            owned: kernel == Kernel::Open,
            reader: None,
            writer: None,
            reader_dropped: false,
            writer_dropped: false,
            error: None,
        }
    }

    /// No process holds it any more.
    pub(super) fn let_go(&mut self) {
        self.owned = false;
        self.reader = None;
        self.writer = None;
    }

    /// Its process is told of an error, wherever it waits.
    pub(super) fn fail(&mut self, kind: io::ErrorKind, wakes: &mut Vec<Waker>) {
        self.error.get_or_insert(kind);
        wakes.extend(self.reader.take());
        wakes.extend(self.writer.take());
    }
}

impl Pipe {
    /// Takes what is in flight back to be sent again, in order.
    pub(super) fn take_back(&mut self) {
        self.generation += 1;
        while let Some(segment) = self.in_flight.pop_back() {
            self.unsent.push_front(segment);
        }
    }
}

impl Segment {
    pub(super) fn bytes(&self) -> usize {
        if let Segment::Data(data) = self { data.len() } else { 0 }
    }
}
