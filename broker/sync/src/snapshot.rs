//! A value that one task publishes whole and many read without waiting.

use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;

/// The latest published value of `T`. Readers keep what they loaded, however many are published after it.
///
/// One task owns the publishing: two publishers would overwrite each other's values.
pub struct Snapshot<T>(ArcSwap<T>);

impl<T> Snapshot<T> {
    /// A snapshot that begins with `value`.
    pub fn new(value: T) -> Snapshot<T> {
        Snapshot(ArcSwap::from_pointee(value))
    }

    /// Makes `value` the one that every later `load` gives.
    pub fn publish(&self, value: T) {
        self.0.store(Arc::new(value));
    }

    /// The latest value. Never blocks; costs one reference count.
    pub fn load(&self) -> Arc<T> {
        self.0.load_full()
    }
}

impl<T: Default> Default for Snapshot<T> {
    fn default() -> Snapshot<T> {
        Snapshot::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot").field(&self.load()).finish()
    }
}

#[cfg(all(test, not(loom)))]
#[path = "snapshot_test.rs"]
mod tests;
