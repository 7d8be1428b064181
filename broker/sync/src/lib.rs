//! The few shared-memory primitives that tasks may use between each other.
