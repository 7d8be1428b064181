//! A disk per machine that keeps exactly what the crash contract of `runtime::Disk` promises, and not a bit more.
//!
//! Every file has a live image (the page cache) and a durable one, with the ordered list of changes between them;
//! every directory likewise for its names. A sync carries changes over; a power loss lets the seed decide, sector
//! by sector and name by name, which of the rest survived. A kill loses nothing.

mod call;
mod control;
mod crash;
mod file;
mod image;
mod knobs;
mod names;
mod perform;
mod port;
mod state;
mod tree;

pub use control::{DiskControl, Rot, Snapshot};
pub use knobs::{DiskKnobs, DiskOp, NextFailure};
pub use port::{SimDisk, SimFile, SimLock};

pub(crate) use state::DiskState;

/// What a device writes whole or not at all, in bytes.
pub const SECTOR_BYTES: u64 = 512;

#[cfg(test)]
#[path = "disk_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "disk_test.rs"]
mod tests;
