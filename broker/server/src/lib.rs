//! The broker's shell: connections, handlers, shards, waiters, drivers.
