//! Everything that a world is made of, behind one lock.
//!
//! A seed runs on one thread, so the lock is never contended; it is there because the ports ask for `Send + Sync`.
//! Wakers and subscribers run after it is released (`Locked`), so that whatever they call may lock it again.

use super::world::{NodeId, WorldKnobs};
use super::{Agenda, Shared};
use crate::clock::Clock;
use crate::disk::DiskState;
use crate::net::{Fabric, NetDue};
use crate::trace::{Life, Record, Roll, What};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;
use std::task::Waker;

/// What may be due on the agenda.
pub(crate) enum Due {
    /// Somebody slept until now.
    Wake(Waker),
    /// The network has something to do.
    Net(NetDue),
    /// An operation of this machine's disk takes effect.
    Disk(NodeId, u64),
}

/// One machine: name, address, clocks, disk, and the process that runs on it.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) ip: IpAddr,
    pub(crate) clock: Clock,
    pub(crate) disk: DiskState,
    /// Number of the latest process, from 1; 0 before the first.
    pub(crate) incarnation: u32,
    pub(crate) alive: bool,
    pub(crate) powered: bool,
    /// So often its power has gone.
    pub(crate) power_cuts: u32,
    pub(crate) paused: bool,
    /// madsim's id of the machine; none before the first boot.
    pub(crate) executor: Option<madsim::task::NodeId>,
    /// Who waits for the process to end.
    pub(crate) mourners: Vec<Waker>,
}

/// The world's inside.
pub(crate) struct State {
    pub(crate) seed: u64,
    pub(crate) knobs: WorldKnobs,
    pub(crate) agenda: Agenda<Due>,
    pub(crate) net: Fabric,
    pub(crate) machines: Vec<Machine>,
    pub(crate) by_name: BTreeMap<String, NodeId>,
    pub(crate) by_ip: BTreeMap<IpAddr, NodeId>,
    pub(crate) roll: Roll,
    pub(crate) watch_wire: bool,
    /// Records not yet shown to subscribers.
    pub(crate) records: VecDeque<Record>,
    /// Tasks to wake once the lock is released.
    pub(crate) wakes: Vec<Waker>,
}

impl State {
    pub(crate) fn machine(&self, node: NodeId) -> &Machine {
        &self.machines[node.0 as usize - 1]
    }

    pub(crate) fn machine_mut(&mut self, node: NodeId) -> &mut Machine {
        &mut self.machines[node.0 as usize - 1]
    }

    /// Whether this very process still runs: what every port asks before it does anything.
    pub(crate) fn lives(&self, node: NodeId, incarnation: u32) -> bool {
        let machine = self.machine(node);
        machine.alive && machine.incarnation == incarnation
    }

    /// Writes a record into the hash and queues it for the subscribers.
    pub(crate) fn record(&mut self, node: NodeId, what: What) {
        let incarnation = if node == NodeId::WORLD { 0 } else { self.machine(node).incarnation };
        let record = Record { at_nanos: self.agenda.now(), node, incarnation, what };
        self.roll.add(&record);
        self.records.push_back(record);
    }

    /// The process of `node` ends in the way of `life`: from here on nothing it does has an effect.
    pub(crate) fn end_process(&mut self, node: NodeId, life: Life) {
        let machine = self.machine_mut(node);
        machine.alive = false;
        machine.paused = false;
        let mourners = std::mem::take(&mut machine.mourners);
        self.wakes.extend(mourners);
        match life {
            Life::Exited => self.net_process_exited(node),
            Life::Killed => self.net_process_killed(node),
            Life::PowerLost => self.net_power_lost(node),
            Life::Booted | Life::Paused | Life::Resumed => unreachable!("not an end"),
        }
        self.disk_process_ended(node, life);
        if life == Life::PowerLost {
            let machine = self.machine_mut(node);
            machine.powered = false;
            machine.power_cuts += 1;
        }
        self.record(node, What::Process(life));
    }
}

/// The state, locked. Dropping it unlocks first, then tells subscribers, then wakes.
pub(crate) struct Locked<'a> {
    pub(super) guard: Option<MutexGuard<'a, State>>,
    pub(super) shared: &'a Shared,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.guard.as_ref().expect("locked until dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.guard.as_mut().expect("locked until dropped")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        let wakes = std::mem::take(&mut guard.wakes);
        let news = !guard.records.is_empty();
        drop(guard);
        if news {
            self.shared.tell();
        }
        for waker in wakes {
            waker.wake();
        }
    }
}
