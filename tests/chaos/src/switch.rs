//! The switch between the hosts: threads that carry packets from device to device, through the links of a [`Fabric`].
//!
//! ```text
//! device of a ─▶ reader of a ─▶ fabric ─▶ device of b        what is due at once
//!                                 └─────▶ deliverer ─▶ device of b        what is under way for a while
//! ```
//!
//! The threads end with the process, or when their namespaces are removed.

use crate::fabric::{Fabric, HostId};
use crate::host::PACKET_BYTES_MAX;
use crate::link::Condition;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tun_rs::SyncDevice;

/// How long the deliverer sleeps when nothing is under way: it is woken when something is.
const IDLE: Duration = Duration::from_secs(60);

/// The switch. Clones are the same one.
#[derive(Clone)]
pub struct Switch {
    shared: Arc<Shared>,
}

struct Shared {
    fabric: Mutex<Fabric>,
    /// Something is due sooner than the deliverer knew.
    sooner: Condvar,
    devices: BTreeMap<HostId, SyncDevice>,
    began: Instant,
}

impl Switch {
    /// Begins to carry packets between these devices; all links are sound.
    pub fn start(network: [u8; 3], devices: BTreeMap<HostId, SyncDevice>, seed: u64) -> Switch {
        let hosts: Vec<HostId> = devices.keys().copied().collect();
        let fabric = Mutex::new(Fabric::new(network, &hosts, seed));
        let shared = Arc::new(Shared { fabric, sooner: Condvar::new(), devices, began: Instant::now() });
        for host in hosts {
            let shared = shared.clone();
            std::thread::spawn(move || shared.read(host));
        }
        let deliverer = shared.clone();
        std::thread::spawn(move || deliverer.deliver());
        Switch { shared }
    }

    /// Changes what the link from one host to another does.
    pub fn set(&self, from: HostId, to: HostId, condition: Condition) {
        let mut fabric = self.shared.fabric();
        fabric.set(self.shared.now(), from, to, condition);
        self.shared.sooner.notify_one();
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn fabric(&self) -> MutexGuard<'_, Fabric> {
        self.fabric.lock().expect("a thread that panics ends the process")
    }

    /// Takes what a host sends, until its device is gone.
    fn read(&self, from: HostId) {
        let device = &self.devices[&from];
        let mut packet = [0; PACKET_BYTES_MAX as usize];
        while let Ok(bytes) = device.recv(&mut packet) {
            let mut fabric = self.fabric();
            let before = fabric.next_due();
            fabric.offer(self.now(), from, &packet[..bytes]);
            self.hand_over(&mut fabric);
            if fabric.next_due().is_some_and(|due| before.is_none_or(|before| due < before)) {
                self.sooner.notify_one();
            }
        }
    }

    /// Hands over what comes due later.
    fn deliver(&self) {
        let mut fabric = self.fabric();
        loop {
            self.hand_over(&mut fabric);
            let wait = fabric.next_due().map_or(IDLE, |due| due.saturating_sub(self.now()));
            fabric = self.sooner.wait_timeout(fabric, wait).expect("a thread that panics ends the process").0;
        }
    }

    /// Hands over what is due. Under the lock, so that nobody overtakes.
    fn hand_over(&self, fabric: &mut Fabric) {
        while let Some((to, packet)) = fabric.due(self.now()) {
            // A host that doesn't take it, because its device is down, has lost it.
            let _ = self.devices[&to].send(&packet);
        }
    }
}
