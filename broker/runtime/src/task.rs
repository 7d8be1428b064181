//! Handles to spawned tasks.

use std::future::Future;

/// A handle to a task. Awaiting it gives the task's output; dropping it detaches the task.
pub trait Task<T>: Future<Output = Result<T, Aborted>> + Send + Unpin {
    /// Stops the task at its next suspension point. Its future is dropped there.
    fn abort(&self);
}

/// The task was aborted before it finished. (A panic ends the process and is never seen here.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted;
