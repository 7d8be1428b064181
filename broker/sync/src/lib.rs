//! The few shared-memory primitives that tasks may use between each other.

// Atomics and locks are what this crate is for: nothing above it may use them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
