//! One partition's replication as a pure core: who is in sync, what is committed.
