//! A host: a network namespace with an address of its own, whose only way out is a device that this program reads and writes.

use crate::fabric::HostId;
use crate::tools::{command, run};
use crate::traces::Traces;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use tun_rs::{DeviceBuilder, SyncDevice};

/// Largest packet, in bytes: as on Ethernet.
pub const PACKET_BYTES_MAX: u16 = 1500;

/// A host. It goes when the traces of the run are swept.
#[derive(Clone, Debug)]
pub struct Host {
    /// The last byte of its address.
    pub id: HostId,
    /// Its address.
    pub address: Ipv4Addr,
    namespace: String,
}

impl Host {
    /// Makes the namespace, and the device that is the other end of its network.
    pub fn new(traces: &Traces, network: [u8; 3], id: HostId) -> Result<(Host, SyncDevice), String> {
        let [a, b, c] = network;
        let host = Host { id, address: Ipv4Addr::new(a, b, c, id), namespace: traces.namespace(id) };
        let (name, namespace) = (traces.device(id), &host.namespace);
        let device = DeviceBuilder::new().name(&name).mtu(PACKET_BYTES_MAX).enable(false).build_sync();
        let device = device.map_err(|why| format!("a network device (TUN): {why}"))?;
        run(&mut command("ip", &["netns", "add", namespace]))?;
        run(&mut command("ip", &["link", "set", &name, "netns", namespace]))?;
        let address = format!("{}/24", host.address);
        run(&mut command("ip", &["-n", namespace, "address", "add", &address, "dev", &name]))?;
        for device in [&name, "lo"] {
            run(&mut command("ip", &["-n", namespace, "link", "set", device, "up"]))?;
        }
        Ok((host, device))
    }

    /// A command that will run on this host; its process is the program itself.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace)).arg("--").arg(program);
        command
    }
}
