//! Strikes faults and heals them.
//!
//! Disk and link faults may overlap: what is in force is always the healthy world with all active faults put on top, so
//! the order in which they heal does not matter.

use super::Hub;
use super::broker::Broker;
use crate::disk::DiskKnobs;
use crate::net::LinkKnobs;
use crate::runtime::{NodeId, World};
use crate::scenario::{Action, DiskFault, Fault, LinkFault, Trigger};
use model::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The faults at work.
pub struct Chaos {
    world: World,
    hub: Arc<Hub>,
    brokers: Vec<Broker>,
    /// The machines of the clients: the other ends of links.
    clients: Vec<NodeId>,
    disk: DiskKnobs,
    link: LinkKnobs,
    active: Mutex<BTreeMap<String, Active>>,
}

/// A disk or link fault in force.
#[derive(Clone)]
struct Active {
    broker: i32,
    action: Action,
    /// Of a full disk: the capacity, in bytes.
    capacity_bytes: u64,
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
        let Some(broker) = self.brokers.iter().find(|b| b.id == fault.broker) else { return };
        self.hub.remark(format!("fault {}: {:?} of b{}", fault.name, fault.action, fault.broker));
        self.hub.struck(&fault.name);
        match &fault.action {
            Action::Kill { down_ms } => broker.kill(*down_ms, &fault.name),
            Action::PowerLoss { down_ms } => broker.power_loss(*down_ms, &fault.name),
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
                let net = self.world.net();
                for client in &self.clients {
                    match how {
                        LinkFault::Reset => net.reset(broker.node.id(), *client),
                        _ => net.forget(broker.node.id(), *client),
                    };
                }
                self.hub.healed(&fault.name);
            }
            action @ (Action::Disk { for_ms, .. } | Action::Link { for_ms, .. }) => {
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

    /// Heals everything at once.
    pub fn heal(&self) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for broker in &self.brokers {
            self.put_in_force(broker);
            broker.node.resume();
            broker.start();
        }
    }

    fn set(&self, name: &str, active: Option<Active>, broker: &Broker) {
        let mut all = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        match active {
            Some(active) => all.insert(name.to_string(), active),
            None => all.remove(name),
        };
        drop(all);
        self.put_in_force(broker);
    }

    fn put_in_force(&self, broker: &Broker) {
        let active: Vec<Active> = {
            let all = self.active.lock().unwrap_or_else(PoisonError::into_inner);
            all.values().filter(|a| a.broker == broker.id).cloned().collect()
        };
        let mut disk = self.disk;
        let (mut inbound, mut outbound) = (false, false);
        let mut link = self.link;
        for Active { action, capacity_bytes, .. } in active {
            match action {
                Action::Disk { fault, .. } => spoil_disk(&mut disk, fault, capacity_bytes),
                Action::Link { fault, .. } => match fault {
                    LinkFault::Cut => (inbound, outbound) = (true, true),
                    LinkFault::CutInbound => inbound = true,
                    LinkFault::CutOutbound => outbound = true,
                    LinkFault::Loss(ppm) => link.loss_ppm = link.loss_ppm.max(ppm),
                    LinkFault::Delay(ms) => {
                        link.latency.min_us += ms * 1000;
                        link.latency.max_us += ms * 1000;
                        link.latency.tail_us += ms * 1000;
                    }
                    LinkFault::Reset | LinkFault::Forget => {}
                },
                Action::Kill { .. }
                | Action::PowerLoss { .. }
                | Action::Stop { .. }
                | Action::Pause { .. } => {}
            }
        }
        broker.node.disk().set_knobs(disk);
        let net = self.world.net();
        let own = (link != self.link).then_some(link);
        for client in &self.clients {
            let ways = [(*client, broker.node.id(), inbound), (broker.node.id(), *client, outbound)];
            for (from, to, blocked) in ways {
                net.set_link(from, to, own);
                if blocked { net.block(from, to) } else { net.unblock(from, to) }
            }
        }
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
    }
}
