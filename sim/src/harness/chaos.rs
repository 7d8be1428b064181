//! Strikes faults and heals them.
//!
//! Disk, clock and link faults may overlap: what is in force is always the healthy world with all active faults put on top, so
//! the order in which they heal does not matter.

use super::Hub;
use super::broker::Broker;
use crate::disk::DiskKnobs;
use crate::net::LinkKnobs;
use crate::runtime::{NodeId, World};
use crate::scenario::{Action, ClockFault, DiskFault, Fault, LinkFault, Trigger};
use model::time::Duration;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// However many drifts come together, a clock runs no faster than half as fast again, and no slower than half as fast.
const DRIFT_PPM_MAX: i32 = 500_000;

/// The faults at work.
pub struct Chaos {
    world: World,
    hub: Arc<Hub>,
    brokers: Vec<Broker>,
    /// The machines of the clients.
    clients: Vec<NodeId>,
    disk: DiskKnobs,
    link: LinkKnobs,
    active: Mutex<BTreeMap<String, Active>>,
    /// Everything has healed, for good.
    over: AtomicBool,
}

/// A disk, clock or link fault in force.
#[derive(Clone)]
struct Active {
    broker: i32,
    action: Action,
    /// Of a full disk: the capacity, in bytes.
    capacity_bytes: u64,
}

impl Active {
    /// Moves the wall clock, if that is what this is about: there (1), or back (-1).
    fn jump(&self, broker: &Broker, way: i64) {
        if let Action::Clock { fault: ClockFault::Jump(by_ms), .. } = self.action {
            broker.node.clock().jump_wall_ms(way * by_ms);
        }
    }
}

impl Chaos {
    /// No fault yet. `disk` and `link` are the healthy knobs.
    pub fn new(
        world: &World,
        hub: &Arc<Hub>,
        brokers: &[Broker],
        clients: Vec<NodeId>,
        disk: DiskKnobs,
        link: LinkKnobs,
    ) -> Arc<Chaos> {
        Arc::new(Chaos {
            world: world.clone(),
            hub: hub.clone(),
            brokers: brokers.to_vec(),
            clients,
            disk,
            link,
            active: Mutex::new(BTreeMap::new()),
            over: AtomicBool::new(false),
        })
    }

    /// A fault is due: now, or after the delay that its trigger asks for.
    pub fn due(self: &Arc<Chaos>, fault: Fault) {
        match fault.trigger {
            Trigger::Event { after_us, .. } if after_us > 0 => {
                let chaos = self.clone();
                self.world.spawn(async move {
                    chaos.world.sleep(Duration::from_micros(after_us)).await;
                    chaos.strike(&fault);
                });
            }
            _ => self.strike(&fault),
        }
    }

    fn strike(self: &Arc<Chaos>, fault: &Fault) {
        // One that was due just before the end may come after it.
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        let Some(broker) = self.brokers.iter().find(|b| b.id == fault.broker) else { return };
        self.hub.remark(format!("fault {}: {:?} of b{}", fault.name, fault.action, fault.broker));
        self.hub.struck(&fault.name, fault.broker);
        match &fault.action {
            Action::Kill { down_ms } => broker.kill(*down_ms, &fault.name),
            Action::PowerLoss { down_ms } => broker.power_loss(*down_ms, &fault.name),
            Action::Wipe { down_ms } => broker.wipe(*down_ms, &fault.name),
            Action::Stop { down_ms } => broker.stop(*down_ms, &fault.name),
            Action::Pause { for_ms } => {
                broker.node.pause();
                let (chaos, name, node) = (self.clone(), fault.name.clone(), broker.node.clone());
                let for_ = Duration::from_millis(*for_ms);
                self.world.spawn(async move {
                    chaos.world.sleep(for_).await;
                    node.resume();
                    chaos.hub.healed(&name);
                });
            }
            Action::Link { fault: how @ (LinkFault::Reset | LinkFault::Forget), .. } => {
                let others = self.clients.iter().copied().chain(self.peers_of(broker));
                self.end_connections(broker, others.collect(), *how);
                self.hub.healed(&fault.name);
            }
            Action::Peers { fault: how @ (LinkFault::Reset | LinkFault::Forget), .. } => {
                self.end_connections(broker, self.peers_of(broker).collect(), *how);
                self.hub.healed(&fault.name);
            }
            action @ (Action::Disk { for_ms, .. }
            | Action::Clock { for_ms, .. }
            | Action::Link { for_ms, .. }
            | Action::Peers { for_ms, .. }) => {
                let capacity_bytes = match action {
                    Action::Disk { fault: DiskFault::Full(left), .. } => {
                        broker.node.disk().used_bytes() + left
                    }
                    _ => 0,
                };
                let active = Active { broker: fault.broker, action: action.clone(), capacity_bytes };
                self.set(&fault.name, Some(active), broker);
                let (chaos, name, broker) = (self.clone(), fault.name.clone(), broker.clone());
                let for_ = Duration::from_millis(*for_ms);
                self.world.spawn(async move {
                    chaos.world.sleep(for_).await;
                    chaos.hub.remark(format!("fault {name} heals"));
                    chaos.set(&name, None, &broker);
                    chaos.hub.healed(&name);
                });
            }
        }
    }

    /// Heals everything at once. Nothing strikes from here on.
    pub fn heal(&self) {
        self.over.store(true, Ordering::Relaxed);
        let healed = std::mem::take(&mut *self.active.lock().unwrap_or_else(PoisonError::into_inner));
        for broker in &self.brokers {
            healed
                .values()
                .filter(|active| active.broker == broker.id)
                .for_each(|active| active.jump(broker, -1));
            self.put_in_force(broker);
            broker.node.resume();
            broker.start();
        }
    }

    fn set(&self, name: &str, active: Option<Active>, broker: &Broker) {
        let mut all = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        match active {
            Some(active) => {
                active.jump(broker, 1);
                all.insert(name.to_string(), active);
            }
            None => {
                if let Some(healed) = all.remove(name) {
                    healed.jump(broker, -1);
                }
            }
        };
        drop(all);
        self.put_in_force(broker);
    }

    fn peers_of(&self, broker: &Broker) -> impl Iterator<Item = NodeId> + '_ {
        let own = broker.node.id();
        self.brokers.iter().map(|other| other.node.id()).filter(move |other| *other != own)
    }

    fn end_connections(&self, broker: &Broker, others: Vec<NodeId>, how: LinkFault) {
        let net = self.world.net();
        for other in others {
            match how {
                LinkFault::Reset => net.reset(broker.node.id(), other),
                _ => net.forget(broker.node.id(), other),
            };
        }
    }

    fn put_in_force(&self, broker: &Broker) {
        let (mut disk, mut drift_ppm) = (self.disk, 0);
        for Active { action, capacity_bytes, .. } in self.active_at(broker) {
            match action {
                Action::Disk { fault, .. } => spoil_disk(&mut disk, fault, capacity_bytes),
                Action::Clock { fault: ClockFault::Drift(ppm), .. } => drift_ppm += ppm,
                _ => {}
            }
        }
        broker.node.disk().set_knobs(disk);
        broker.node.clock().set_drift_ppm(drift_ppm.clamp(-DRIFT_PPM_MAX, DRIFT_PPM_MAX));
        let own = self.spoilt(broker);
        for client in &self.clients {
            self.set_links(broker.node.id(), *client, &own.all);
        }
        for other in self.brokers.iter().filter(|other| other.id != broker.id) {
            let theirs = self.spoilt(other).brokers.mirrored();
            self.set_links(broker.node.id(), other.node.id(), &own.brokers.with(&theirs, &self.link));
        }
    }

    fn active_at(&self, broker: &Broker) -> Vec<Active> {
        let all = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().filter(|active| active.broker == broker.id).cloned().collect()
    }

    /// What is wrong with a broker's links.
    fn spoilt(&self, broker: &Broker) -> Spoilt {
        let healthy = Link { inbound: false, outbound: false, knobs: self.link };
        let mut spoilt = Spoilt { all: healthy.clone(), brokers: healthy };
        for Active { action, .. } in self.active_at(broker) {
            match action {
                Action::Link { fault, .. } => {
                    spoilt.all.spoil(fault);
                    spoilt.brokers.spoil(fault);
                }
                Action::Peers { fault, .. } => spoilt.brokers.spoil(fault),
                Action::Disk { .. }
                | Action::Clock { .. }
                | Action::Kill { .. }
                | Action::PowerLoss { .. }
                | Action::Wipe { .. }
                | Action::Stop { .. }
                | Action::Pause { .. } => {}
            }
        }
        spoilt
    }

    fn set_links(&self, own: NodeId, other: NodeId, link: &Link) {
        let net = self.world.net();
        let knobs = (link.knobs != self.link).then_some(link.knobs);
        for (from, to, blocked) in [(other, own, link.inbound), (own, other, link.outbound)] {
            net.set_link(from, to, knobs);
            if blocked { net.block(from, to) } else { net.unblock(from, to) }
        }
    }
}

/// What is wrong with the links of a broker: with all of them, and with those to other brokers.
struct Spoilt {
    all: Link,
    brokers: Link,
}

/// What is wrong with a link, as one end has it.
#[derive(Clone)]
struct Link {
    /// Nothing comes.
    inbound: bool,
    /// Nothing goes.
    outbound: bool,
    knobs: LinkKnobs,
}

impl Link {
    fn spoil(&mut self, fault: LinkFault) {
        match fault {
            LinkFault::Cut => (self.inbound, self.outbound) = (true, true),
            LinkFault::CutInbound => self.inbound = true,
            LinkFault::CutOutbound => self.outbound = true,
            LinkFault::Loss(ppm) => self.knobs.loss_ppm = self.knobs.loss_ppm.max(ppm),
            LinkFault::Delay(ms) => {
                self.knobs.latency.min_us += ms * 1000;
                self.knobs.latency.max_us += ms * 1000;
                self.knobs.latency.tail_us += ms * 1000;
            }
            LinkFault::Reset | LinkFault::Forget => {}
        }
    }

    /// The same link as the other end has it.
    fn mirrored(self) -> Link {
        Link { inbound: self.outbound, outbound: self.inbound, ..self }
    }

    /// With what is wrong by the other end's account, too; `healthy` is the link when nothing is.
    fn with(&self, other: &Link, healthy: &LinkKnobs) -> Link {
        let mut knobs = self.knobs;
        knobs.loss_ppm = knobs.loss_ppm.max(other.knobs.loss_ppm);
        knobs.latency.min_us += other.knobs.latency.min_us - healthy.latency.min_us;
        knobs.latency.max_us += other.knobs.latency.max_us - healthy.latency.max_us;
        knobs.latency.tail_us += other.knobs.latency.tail_us - healthy.latency.tail_us;
        Link { inbound: self.inbound || other.inbound, outbound: self.outbound || other.outbound, knobs }
    }
}

fn spoil_disk(disk: &mut DiskKnobs, fault: DiskFault, capacity_bytes: u64) {
    match fault {
        DiskFault::SyncErrors(ppm) => disk.sync_error_ppm = disk.sync_error_ppm.max(ppm),
        DiskFault::WriteErrors(ppm) => disk.write_error_ppm = disk.write_error_ppm.max(ppm),
        DiskFault::ReadErrors(ppm) => disk.read_error_ppm = disk.read_error_ppm.max(ppm),
        DiskFault::Full(_) => {
            // Unlimited is 0, and so would be a full disk without a byte on it.
            let capacity_bytes = capacity_bytes.max(1);
            let before = if disk.capacity_bytes == 0 { u64::MAX } else { disk.capacity_bytes };
            disk.capacity_bytes = before.min(capacity_bytes);
        }
        // The slowest counts: an operation keeps the latency that it began with, beyond the fault's end.
        DiskFault::Slow(times) => disk.slow_percent = disk.slow_percent.max(times.saturating_mul(100)),
        DiskFault::HungSync => disk.hung_sync = true,
        DiskFault::HungWrite => disk.hung_write = true,
        DiskFault::Lies => disk.lies = true,
    }
}
