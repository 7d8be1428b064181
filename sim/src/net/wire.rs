//! Segments on the wire: sent, delayed, lost, sent again, delivered.
//!
//! A loss and a partition are the same thing here: a transmission that does not arrive. The segment, and all behind
//! it, then wait for the retransmission timer, which doubles; after `retransmissions` in a row the sender's kernel
//! gives the connection up. Resets are sent once, as in life. What a dead process had only queued is never sent.

use super::connection::{Kernel, Segment, Side};
use super::fabric::NetDue;
use crate::runtime::{NodeId, State};
use crate::trace::{Fate, What, Wire};
use std::io::ErrorKind;

impl State {
    /// Queues a segment of this end, and transmits it unless an earlier one waits to be sent again.
    pub(super) fn send(&mut self, id: u64, side: Side, segment: Segment) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let pipe = &mut connection.pipes[side];
        if pipe.unsent.is_empty() {
            self.transmit(id, side, segment);
        } else {
            pipe.unsent.push_back(segment);
        }
    }

    /// Whether one packet from one machine to another gets through, and how long it takes if so.
    pub(super) fn trip(&mut self, from: NodeId, to: NodeId, bytes: usize) -> Option<u64> {
        let knobs = self.link_knobs(from, to);
        let now = self.agenda.now();
        let link = self.link(from, to);
        if link.blocked || link.wire.chance(knobs.loss_ppm) {
            return None;
        }
        let mut wait = knobs.latency.draw(&mut link.wire);
        if knobs.bandwidth > 0 {
            let start = link.busy_until.max(now);
            let takes = u128::from(bytes as u64) * 1_000_000_000 / u128::from(knobs.bandwidth);
            link.busy_until = start.saturating_add(takes as u64);
            wait += link.busy_until - now;
        }
        Some(wait)
    }

    pub(super) fn is_cut(&mut self, from: NodeId, to: NodeId) -> bool {
        self.link(from, to).blocked
    }

    /// A packet that nobody sends twice: SYN and its answer (the dialler's timer sees to those), resets.
    pub(super) fn send_once(&mut self, from: NodeId, to: NodeId, due: NetDue) {
        if let Some(wait) = self.trip(from, to, 0) {
            self.net_after(wait, due);
        }
    }

    fn transmit(&mut self, id: u64, side: Side, segment: Segment) {
        let connection = &self.net.connections[&id];
        let (from, to) = (connection.ends[side].node, connection.ends[side ^ 1].node);
        let trip = if connection.forgotten { None } else { self.trip(from, to, segment.bytes()) };
        let fate = match (&segment, trip) {
            (_, None) => Fate::Lost,
            (Segment::Reset, _) => Fate::Reset,
            _ => Fate::Sent,
        };
        self.tell_wire(id, side, segment.bytes(), fate);
        let now = self.agenda.now();
        let pipe = &mut self.net.connections.get_mut(&id).expect("just looked at").pipes[side];
        match trip {
            Some(wait) => {
                let arrival = (now + wait).max(pipe.last_arrival);
                pipe.last_arrival = arrival;
                pipe.in_flight.push_back(segment);
                let generation = pipe.generation;
                self.net_after(arrival - now, NetDue::Arrival { connection: id, side, generation });
            }
            None if segment == Segment::Reset => {}
            None => {
                pipe.unsent.push_back(segment);
                self.lost(id, side);
            }
        }
    }

    /// A transmission of this end was lost: set the timer, or give up.
    fn lost(&mut self, id: u64, side: Side) {
        let knobs = self.net.knobs;
        let connection = self.net.connections.get_mut(&id).expect("it lost a segment");
        let (from, to) = (connection.ends[side].node, connection.ends[side ^ 1].node);
        let pipe = &mut connection.pipes[side];
        if pipe.timer {
            return;
        }
        pipe.tries += 1;
        if pipe.tries > knobs.retransmissions {
            self.lose_end(id, side, ErrorKind::TimedOut);
            return;
        }
        pipe.timer = true;
        let doubled = knobs.rto_min_us.saturating_mul(1 << (pipe.tries - 1).min(40));
        let mut wait = doubled.min(knobs.rto_max_us) * 1000;
        if pipe.tries == 1 {
            // Often the peer's duplicate acknowledgements tell of a loss before the timer does.
            wait = self.link(from, to).wire.between(wait / 10, wait);
        }
        self.net_after(wait, NetDue::Retransmit { connection: id, side });
    }

    pub(super) fn retransmit(&mut self, id: u64, side: Side) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let pipe = &mut connection.pipes[side];
        pipe.timer = false;
        let mut waiting = std::mem::take(&mut pipe.unsent);
        while let Some(segment) = waiting.pop_front() {
            // `send` queues again whatever follows one that is lost again.
            self.send(id, side, segment);
        }
    }

    pub(super) fn segment_arrives(&mut self, id: u64, side: Side, generation: u32) {
        let Some(connection) = self.net.connections.get(&id) else { return };
        if connection.pipes[side].generation != generation {
            return;
        }
        let forgotten = connection.forgotten;
        let (from, to) = (connection.ends[side].node, connection.ends[side ^ 1].node);
        let cut = forgotten || self.is_cut(from, to) || !self.machine(to).powered;
        let connection = self.net.connections.get_mut(&id).expect("just looked at");
        if cut {
            let dead = connection.ends[side].kernel == Kernel::Gone;
            let pipe = &mut connection.pipes[side];
            pipe.take_back();
            pipe.unsent.retain(|segment| !dead && *segment != Segment::Reset);
            let waits = !pipe.unsent.is_empty();
            self.tell_wire(id, side, 0, Fate::Lost);
            if waits {
                self.lost(id, side);
            }
            return self.settle(id, side);
        }
        let pipe = &mut connection.pipes[side];
        pipe.tries = 0;
        let segment = pipe.in_flight.pop_front().expect("an arrival has a segment");
        self.tell_wire(id, side, segment.bytes(), Fate::Delivered);
        self.deliver(id, side, segment);
        self.settle(id, side);
    }

    /// A segment that `side` sent reaches the other end's kernel.
    fn deliver(&mut self, id: u64, side: Side, segment: Segment) {
        let other = side ^ 1;
        let connection = self.net.connections.get_mut(&id).expect("it carried a segment");
        let kernel = connection.ends[other].kernel;
        match (segment, kernel) {
            (Segment::Open, _) => self.open_arrives(id),
            (Segment::Data(data), Kernel::Open) => {
                connection.pipes[side].received.push_back(data);
                self.wakes.extend(connection.ends[other].reader.take());
            }
            (Segment::Data(_), Kernel::Closing | Kernel::Closed) => {
                connection.ends[other].kernel = Kernel::Gone;
                connection.pipes[other].unsent.clear();
                self.reply_reset(id, side);
            }
            (Segment::Fin, Kernel::Open) => {
                connection.pipes[side].fin_received = true;
                self.wakes.extend(connection.ends[other].reader.take());
            }
            (Segment::Fin, Kernel::Closing | Kernel::Closed) => {}
            (Segment::Data(_) | Segment::Fin, Kernel::Gone) => self.reply_reset(id, side),
            (Segment::Reset, Kernel::Gone) => {}
            (Segment::Reset, _) => self.lose_end(id, other, ErrorKind::ConnectionReset),
        }
    }

    /// The kernel opposite `side` knows nothing of this connection and says so.
    pub(super) fn reply_reset(&mut self, id: u64, side: Side) {
        let ends = &self.net.connections[&id].ends;
        let (from, to) = (ends[side ^ 1].node, ends[side].node);
        self.tell_wire(id, side ^ 1, 0, Fate::Reset);
        self.send_once(from, to, NetDue::Reset { connection: id, side });
    }

    pub(super) fn reset_arrives(&mut self, id: u64, side: Side) {
        let Some(connection) = self.net.connections.get(&id) else { return };
        let (from, to) = (connection.ends[side ^ 1].node, connection.ends[side].node);
        if connection.ends[side].kernel != Kernel::Gone && !self.is_cut(from, to) && self.machine(to).powered
        {
            self.lose_end(id, side, ErrorKind::ConnectionReset);
        }
    }

    /// `bytes` of what `side` sent were read by the peer's process: the window opens, at once while it is wide
    /// open anyway (nobody can tell), else when the acknowledgement has travelled back.
    pub(super) fn consumed(&mut self, id: u64, side: Side, bytes: usize) {
        let window = self.net.knobs.window_bytes;
        let connection = self.net.connections.get_mut(&id).expect("it was just read");
        let (from, to) = (connection.ends[side ^ 1].node, connection.ends[side].node);
        let pipe = &mut connection.pipes[side];
        if pipe.returning == 0 && pipe.outstanding <= window / 2 {
            pipe.outstanding -= bytes;
            return;
        }
        pipe.returning += bytes;
        if pipe.returning == bytes {
            let knobs = self.link_knobs(from, to);
            let wait = knobs.latency.draw(&mut self.link(from, to).wire);
            self.net_after(wait, NetDue::Window { connection: id, side });
        }
    }

    pub(super) fn window_opens(&mut self, id: u64, side: Side) {
        let Some(connection) = self.net.connections.get(&id) else { return };
        let (from, to) = (connection.ends[side ^ 1].node, connection.ends[side].node);
        if self.is_cut(from, to) || self.net.connections[&id].forgotten {
            // The sender probes a closed window about this often.
            let again = self.net.knobs.rto_min_us * 1000;
            return self.net_after(again, NetDue::Window { connection: id, side });
        }
        let connection = self.net.connections.get_mut(&id).expect("just looked at");
        let pipe = &mut connection.pipes[side];
        pipe.outstanding -= std::mem::take(&mut pipe.returning);
        self.wakes.extend(connection.ends[side].writer.take());
    }

    /// Every segment's fate counts in the hash; it becomes a record only when somebody watches.
    pub(super) fn tell_wire(&mut self, id: u64, side: Side, bytes: usize, fate: Fate) {
        let now = self.agenda.now();
        self.roll.mix(now);
        self.roll.mix(id << 24 ^ (bytes as u64) << 3 ^ (fate as u64) << 1 ^ side as u64);
        if self.watch_wire {
            let ends = &self.net.connections[&id].ends;
            let (from, to) = (ends[side].node, ends[side ^ 1].node);
            let wire = Wire { from, to, connection: id, bytes: bytes as u32, fate };
            self.record(from, What::Wire(wire));
        }
    }
}
