//! The fence round the data directory: once a sync or a write has failed, nothing may be written any more.
//!
//! There is one directory, so one fence: whoever meets the failure raises it, every writer looks at it, and the
//! broker that owns the process ends when it is up. It never comes down in this incarnation.

use runtime::Fence;
use std::sync::Arc;
use tokio::sync::watch;

/// A handle to the fence. Cheap to clone; every clone is the same fence.
#[derive(Clone, Debug)]
pub struct Fences {
    why: Arc<watch::Sender<Option<Fence>>>,
}

impl Fences {
    /// A fence that is down.
    pub fn new() -> Fences {
        Fences { why: Arc::new(watch::Sender::new(None)) }
    }

    /// Raises the fence. True when it was down: the first reason is the one that counts.
    pub fn fence(&self, why: Fence) -> bool {
        self.why.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(why);
            }
            first
        })
    }

    /// Whether it is up.
    pub fn is_fenced(&self) -> bool {
        self.why.borrow().is_some()
    }

    /// Waits until it is up.
    pub async fn fenced(&self) -> Fence {
        let mut watching = self.why.subscribe();
        let why = watching.wait_for(Option::is_some).await.expect("the sender lives in self");
        why.expect("waited for it")
    }
}

impl Default for Fences {
    fn default() -> Fences {
        Fences::new()
    }
}
