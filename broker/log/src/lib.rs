//! One partition's log on a Disk: segments, indexes, recovery, checkpoints.
