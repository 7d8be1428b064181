//! The network between the hosts as a value: a link for each ordered pair of them, and which of them a packet takes.
//!
//! A host is the last byte of its address; all of them are in one network of 256 addresses.

use crate::link::{Condition, Link, Luck, Offered};
use crate::random::{MILLION, Stream};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A host, by the last byte of its address.
pub type HostId = u8;

/// An IPv4 header without options.
const HEADER_BYTES_MIN: usize = 20;

/// All links.
pub struct Fabric {
    /// The first three bytes of every address.
    network: [u8; 3],
    links: BTreeMap<(HostId, HostId), Link>,
    random: Stream,
}

impl Fabric {
    /// Sound links between all of these hosts.
    pub fn new(network: [u8; 3], hosts: &[HostId], seed: u64) -> Fabric {
        let pairs = hosts.iter().flat_map(|from| hosts.iter().map(move |to| (*from, *to)));
        let links = pairs.filter(|(from, to)| from != to).map(|pair| (pair, Link::default())).collect();
        Fabric { network, links, random: Stream::new(seed, "network") }
    }

    /// Changes what the link from one host to another does.
    pub fn set(&mut self, now: Duration, from: HostId, to: HostId, condition: Condition) {
        self.links.get_mut(&(from, to)).expect("both are hosts, and not the same").set(now, condition);
    }

    /// A packet leaves a host. None: it is for no other host of this network.
    pub fn offer(&mut self, now: Duration, from: HostId, packet: &[u8]) -> Option<Offered> {
        let to = self.destination(packet)?;
        let link = self.links.get_mut(&(from, to))?;
        let luck = Luck { loss: self.random.below(MILLION), jitter: self.random.below(MILLION) };
        Some(link.offer(now, packet, luck))
    }

    /// When the next packet arrives anywhere.
    pub fn next_due(&self) -> Option<Duration> {
        self.links.values().filter_map(Link::next_due).min()
    }

    /// A packet that has arrived by now, and where.
    pub fn due(&mut self, now: Duration) -> Option<(HostId, Box<[u8]>)> {
        self.links.iter_mut().find_map(|((_, to), link)| Some((*to, link.due(now)?)))
    }

    fn destination(&self, packet: &[u8]) -> Option<HostId> {
        const VERSION: u8 = 4;
        if packet.len() < HEADER_BYTES_MIN || packet[0] >> 4 != VERSION {
            return None;
        }
        let bytes: [u8; 4] = packet[16..20].try_into().expect("four bytes");
        let [a, b, c, host] = Ipv4Addr::from(bytes).octets();
        (self.network == [a, b, c]).then_some(host)
    }
}

#[cfg(test)]
#[path = "fabric_test.rs"]
mod tests;
