//! What a disk is like, and what can be made to go wrong with it.

use crate::net::Latency;
use serde::{Deserialize, Serialize};

/// How a disk behaves from now on. Changeable at any time; operations under way keep what they began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskKnobs {
    /// A read.
    pub read: Latency,
    /// A write to the page cache.
    pub write: Latency,
    /// A sync, of files or a directory.
    pub sync: Latency,
    /// Anything about names: open, create, rename, remove, list.
    pub name: Latency,
    /// Chance that a read, a write or a name operation completes within its first poll, in parts per million.
    pub instant_ppm: u32,
    /// Every latency times this, in percent: 100 is as specified, 10,000 a disk that is a hundred times slower.
    pub slow_percent: u32,
    /// While set, syncs do not come back. They go on when it is cleared.
    pub hung_sync: bool,
    /// While set, writes do not come back, as when the kernel holds up whoever dirties pages. They go on when it is cleared.
    pub hung_write: bool,
    /// While set, syncs succeed and make nothing durable: a drive that acknowledges a flush from its own memory. When
    /// it is cleared, everything is stored.
    pub lies: bool,
    /// Chance that a read fails with an I/O error, in parts per million.
    pub read_error_ppm: u32,
    /// Chance that a write fails, having written any part, in parts per million.
    pub write_error_ppm: u32,
    /// Chance that a sync fails (see the crash contract), in parts per million.
    pub sync_error_ppm: u32,
    /// Bytes that live files may hold in all; 0 means unlimited. With next to none left, new names may find no space either.
    pub capacity_bytes: u64,
    /// Written and unsynced bytes per file before the kernel writes the oldest back on its own.
    pub dirty_bytes: u64,
}

impl Default for DiskKnobs {
    /// A healthy NVMe drive with an honest flush.
    fn default() -> DiskKnobs {
        DiskKnobs {
            read: Latency { min_us: 5, max_us: 100, tail_us: 2_000, tail_ppm: 5_000 },
            write: Latency { min_us: 2, max_us: 20, tail_us: 1_000, tail_ppm: 1_000 },
            sync: Latency { min_us: 100, max_us: 2_000, tail_us: 30_000, tail_ppm: 5_000 },
            name: Latency { min_us: 5, max_us: 50, tail_us: 2_000, tail_ppm: 1_000 },
            instant_ppm: 300_000,
            slow_percent: 100,
            hung_sync: false,
            hung_write: false,
            lies: false,
            read_error_ppm: 0,
            write_error_ppm: 0,
            sync_error_ppm: 0,
            capacity_bytes: 0,
            dirty_bytes: 4 << 20,
        }
    }
}

impl DiskKnobs {
    /// Whether operations of this kind do not come back.
    pub(super) fn hangs(&self, op: DiskOp) -> bool {
        match op {
            DiskOp::Sync => self.hung_sync,
            DiskOp::Write => self.hung_write,
            DiskOp::Read | DiskOp::Name => false,
        }
    }
}

/// The operations that can be told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskOp {
    /// Reading a file.
    Read,
    /// Writing or setting the length of a file.
    Write,
    /// Syncing files or a directory.
    Sync,
    /// Open, create, rename, remove, list.
    Name,
}

/// A failure to come, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextFailure {
    /// Of which operation.
    pub op: DiskOp,
    /// Only where the path contains this; empty for any path.
    pub path_contains: String,
}
