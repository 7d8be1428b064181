//! The fence round the data directory: once a sync or a write has failed, nothing may be written any more.
//!
//! There is one directory, so one fence: whoever meets the failure raises it, every writer looks at it, and the
//! broker that owns the process ends when it is up. It never comes down in this incarnation.

use runtime::Fence;
use std::sync::Arc;
use tokio::sync::SetOnce;

/// A handle to the fence. Cheap to clone; every clone is the same fence.
#[derive(Clone, Debug)]
pub struct Fences {
    /// Wakes in the order in which its readers came. A `watch` does not: its order differs from process to process, and a
    /// simulation would not be the same twice.
    up: Arc<SetOnce<Fence>>,
}

impl Fences {
    /// A fence that is down.
    pub fn new() -> Fences {
        Fences { up: Arc::new(SetOnce::new()) }
    }

    /// Raises the fence. True when it was down: the first reason is the one that counts.
    pub fn fence(&self, why: Fence) -> bool {
        self.up.set(why).is_ok()
    }

    /// Whether it is up.
    pub fn is_fenced(&self) -> bool {
        self.up.initialized()
    }

    /// Waits until it is up.
    pub async fn fenced(&self) -> Fence {
        *self.up.wait().await
    }
}

impl Default for Fences {
    fn default() -> Fences {
        Fences::new()
    }
}
