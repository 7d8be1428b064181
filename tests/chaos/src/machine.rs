//! What the machine has to have. What is missing is named before anything begins.

use crate::tools::is_there;
use std::path::Path;

/// Capabilities by their numbers: for devices and namespaces of the network, and for mounts.
const CAPABILITIES: &[(u32, &str)] = &[(12, "CAP_NET_ADMIN"), (21, "CAP_SYS_ADMIN")];

const TUN: &str = "/dev/net/tun";

/// An error that names all that is missing.
pub fn check() -> Result<(), String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut missing: Vec<String> = lacking(&status).iter().map(|name| format!("{name} (be root)")).collect();
    if !Path::new(TUN).exists() {
        missing.push(TUN.to_string());
    }
    let programs = ["ip", "nsenter", "mkfs.ext4", "mount", "umount"];
    missing.extend(programs.iter().filter(|name| !is_there(name)).map(|name| format!("the program {name}")));
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("this machine lacks {}", missing.join(", "))),
    }
}

/// The capabilities that a process does not have, by its `/proc/…/status`.
fn lacking(status: &str) -> Vec<&'static str> {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    let lacks = |(bit, _): &&(u32, &str)| bits & (1 << bit) == 0;
    CAPABILITIES.iter().filter(lacks).map(|(_, name)| *name).collect()
}

#[cfg(test)]
#[path = "machine_test.rs"]
mod tests;
