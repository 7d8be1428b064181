//! The network's state: links, listeners, connections, and what happens to them when a process or machine dies.

use super::connection::{Connection, End, Handshake, Kernel, Segment, Side};
use super::knobs::{LOOPBACK, LinkKnobs, NetKnobs};
use crate::random::Stream;
use crate::runtime::{Due, NodeId, State};
use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::task::Waker;

/// Links, listeners and connections.
pub(crate) struct Fabric {
    seed: u64,
    pub(super) knobs: NetKnobs,
    links: BTreeMap<(NodeId, NodeId), Link>,
    pub(super) listeners: BTreeMap<(NodeId, u16), Listening>,
    pub(super) connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    next_port: BTreeMap<NodeId, u16>,
}

/// One direction between two machines.
pub(super) struct Link {
    pub(super) knobs: Option<LinkKnobs>,
    pub(super) blocked: bool,
    /// Decides latency and loss on this link, and nothing else.
    pub(super) wire: Stream,
    /// Decides how much the processes' reads and writes over this link move.
    pub(super) calls: Stream,
    /// Until when its bandwidth is used up, in true nanoseconds.
    pub(super) busy_until: u64,
}

/// A listening socket.
pub(super) struct Listening {
    pub(super) incarnation: u32,
    /// Bound to 127.0.0.1: other machines are refused.
    pub(super) loopback_only: bool,
    pub(super) queue: VecDeque<u64>,
    pub(super) waker: Option<Waker>,
}

/// What the network has on the agenda.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NetDue {
    /// A SYN reaches the listener's machine.
    Syn { connection: u64 },
    /// The answer to a SYN reaches the dialler: established, or refused.
    SynAnswer { connection: u64, accepted: bool },
    /// Time to send another SYN, or to give up.
    SynRetry { connection: u64 },
    /// The next segment in flight arrives.
    Arrival { connection: u64, side: Side, generation: u32 },
    /// Time to send again what was lost.
    Retransmit { connection: u64, side: Side },
    /// The acknowledgement of bytes read reaches the sender.
    Window { connection: u64, side: Side },
    /// A reset reaches this end.
    Reset { connection: u64, side: Side },
}

impl Fabric {
    pub(crate) fn new(seed: u64, knobs: NetKnobs) -> Fabric {
        Fabric {
            seed,
            knobs,
            links: BTreeMap::new(),
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 1,
            next_port: BTreeMap::new(),
        }
    }

    /// A port for an outgoing connection, or for a listener that asked for any.
    pub(super) fn free_port(&mut self, node: NodeId) -> u16 {
        let next = self.next_port.entry(node).or_insert(32768);
        loop {
            let port = *next;
            *next = if port >= 60999 { 32768 } else { port + 1 };
            if !self.listeners.contains_key(&(node, port)) {
                return port;
            }
        }
    }

    pub(super) fn enter(&mut self, connection: Connection) -> u64 {
        let id = self.next_connection;
        self.next_connection += 1;
        self.connections.insert(id, connection);
        id
    }

    /// The connection's kernel state is looked at: drop it when nobody needs it.
    pub(super) fn bury(&mut self, id: u64) {
        if self.connections.get(&id).is_some_and(Connection::is_over) {
            self.connections.remove(&id);
        }
    }
}

impl State {
    /// The link's state, made on first use.
    pub(super) fn link(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        let seed = self.net.seed;
        let (machines, links) = (&self.machines, &mut self.net.links);
        links.entry((from, to)).or_insert_with(|| {
            let name = |node: NodeId| machines[node.0 as usize - 1].name.as_str();
            let pair = format!("{}>{}", name(from), name(to));
            Link {
                knobs: None,
                blocked: false,
                wire: Stream::new(seed, &format!("wire/{pair}")),
                calls: Stream::new(seed, &format!("calls/{pair}")),
                busy_until: 0,
            }
        })
    }

    pub(super) fn link_knobs(&mut self, from: NodeId, to: NodeId) -> LinkKnobs {
        let default = if from == to { LOOPBACK } else { self.net.knobs.link };
        self.link(from, to).knobs.unwrap_or(default)
    }

    pub(super) fn unblock_links(&mut self) {
        for link in self.net.links.values_mut() {
            link.blocked = false;
        }
    }

    /// The machine behind an address, as seen from `from`.
    pub(super) fn locate(&self, from: NodeId, ip: IpAddr) -> Option<NodeId> {
        if ip.is_loopback() || ip.is_unspecified() { Some(from) } else { self.by_ip.get(&ip).copied() }
    }

    pub(crate) fn net_due(&mut self, due: NetDue) {
        match due {
            NetDue::Syn { connection } => self.syn_arrives(connection),
            NetDue::SynAnswer { connection, accepted } => self.syn_answer_arrives(connection, accepted),
            NetDue::SynRetry { connection } => self.send_syn(connection),
            NetDue::Arrival { connection, side, generation } => {
                self.segment_arrives(connection, side, generation)
            }
            NetDue::Retransmit { connection, side } => self.retransmit(connection, side),
            NetDue::Window { connection, side } => self.window_opens(connection, side),
            NetDue::Reset { connection, side } => self.reset_arrives(connection, side),
        }
    }

    /// The process of `node` was killed: its kernel resets what it had open.
    pub(crate) fn net_process_killed(&mut self, node: NodeId) {
        for (id, side) in self.ends(node, |end| end.owned) {
            self.abandon(id, side, true);
        }
        self.net.listeners.retain(|(owner, _), _| *owner != node);
    }

    /// The process of `node` exited: its kernel closes what it had open, and resets what it had not accepted.
    pub(crate) fn net_process_exited(&mut self, node: NodeId) {
        for (id, side) in self.ends(node, |end| end.owned) {
            let accepted = self.net.connections[&id].ends[side].incarnation != 0;
            if accepted { self.close(id, side) } else { self.abandon(id, side, true) }
        }
        self.net.listeners.retain(|(owner, _), _| *owner != node);
    }

    /// The machine lost power: it says nothing, and remembers nothing.
    pub(crate) fn net_power_lost(&mut self, node: NodeId) {
        for (id, side) in self.ends(node, |end| end.owned || end.kernel != Kernel::Gone) {
            self.abandon(id, side, false);
        }
        self.net.listeners.retain(|(owner, _), _| *owner != node);
    }

    /// Forgets every connection and listener; the caller drops them outside the lock.
    pub(crate) fn net_clear(&mut self) -> impl Sized + use<> {
        self.net.links.clear();
        (std::mem::take(&mut self.net.connections), std::mem::take(&mut self.net.listeners))
    }

    fn ends(&self, node: NodeId, wanted: impl Fn(&End) -> bool) -> Vec<(u64, Side)> {
        let mut found = Vec::new();
        for (id, connection) in &self.net.connections {
            for side in 0..2 {
                if connection.ends[side].node == node && wanted(&connection.ends[side]) {
                    found.push((*id, side));
                }
            }
        }
        found
    }

    /// This end is no more. What it had not yet put on the wire never goes out; the peer gets a reset, or silence.
    pub(super) fn abandon(&mut self, id: u64, side: Side, say_so: bool) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let dialling = side == 0 && !matches!(connection.handshake, Handshake::Established);
        let (own, other) = (&mut connection.ends[side], side ^ 1);
        let before = own.kernel;
        own.let_go();
        own.kernel = Kernel::Gone;
        connection.pipes[side].unsent.clear();
        connection.pipes[other].received.clear();
        if dialling {
            self.end_dial(id, ErrorKind::ConnectionAborted);
        } else if say_so && matches!(before, Kernel::Open | Kernel::Closing) {
            self.send(id, side, Segment::Reset);
        }
        self.net.bury(id);
    }

    /// The process has let go of both halves: FIN after what it wrote, or a reset when it left data unread.
    pub(super) fn close(&mut self, id: u64, side: Side) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let dialling = side == 0 && !matches!(connection.handshake, Handshake::Established);
        let open = connection.ends[side].kernel == Kernel::Open;
        if dialling || (open && !connection.pipes[side ^ 1].received.is_empty()) {
            return self.abandon(id, side, true);
        }
        connection.ends[side].let_go();
        if open {
            connection.ends[side].kernel = Kernel::Closing;
            self.finish(id, side);
            self.settle(id, side);
        } else {
            self.net.bury(id);
        }
    }

    /// Queues the FIN, once.
    pub(super) fn finish(&mut self, id: u64, side: Side) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let pipe = &mut connection.pipes[side];
        if !std::mem::replace(&mut pipe.fin_sent, true) {
            self.send(id, side, Segment::Fin);
        }
    }

    /// A closing end whose last byte has arrived is closed.
    pub(super) fn settle(&mut self, id: u64, side: Side) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let pipe = &connection.pipes[side];
        let drained = pipe.in_flight.is_empty() && pipe.unsent.is_empty();
        if drained && connection.ends[side].kernel == Kernel::Closing {
            connection.ends[side].kernel = Kernel::Closed;
        }
        self.net.bury(id);
    }

    /// Both ends fail at once, as when a middlebox injects resets.
    pub(super) fn tear(&mut self, id: u64) {
        for side in 0..2 {
            self.lose_end(id, side, ErrorKind::ConnectionReset);
        }
    }

    /// The kernel of this end learns that the connection is no more: its process sees `kind`.
    pub(super) fn lose_end(&mut self, id: u64, side: Side, kind: ErrorKind) {
        let (connections, wakes) = (&mut self.net.connections, &mut self.wakes);
        let Some(connection) = connections.get_mut(&id) else { return };
        let dialling = side == 0 && matches!(connection.handshake, Handshake::Dialling { .. });
        connection.ends[side].kernel = Kernel::Gone;
        connection.ends[side].fail(kind, wakes);
        connection.pipes[side].take_back();
        connection.pipes[side].unsent.clear();
        if dialling {
            self.end_dial(id, kind);
        }
        self.net.bury(id);
    }

    /// Puts something of the network on the agenda, `after` nanoseconds from now.
    pub(super) fn net_after(&mut self, after: u64, due: NetDue) {
        let at = self.agenda.now() + after;
        self.agenda.insert(at, Due::Net(due));
    }
}
