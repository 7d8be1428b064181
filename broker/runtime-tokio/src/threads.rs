//! How many threads the process has, and its entry into the runtime.

use crate::TokioRuntime;
use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The threads of one broker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// Workers that run tasks. 0: as many as there are cores.
    pub workers: usize,
    /// At most so many threads for what blocks: syncs, reads that miss the page cache, names. Further work
    /// waits its turn. Idle ones end after ten seconds.
    pub blocking_max: usize,
}

impl Default for Threads {
    fn default() -> Threads {
        Threads { workers: 0, blocking_max: 128 }
    }
}

impl Threads {
    /// Builds the runtime over `data_dir` (created when missing) and runs `main` to its end on the calling
    /// thread. What `main` left running is dropped at its next suspension point; disk operations already handed
    /// to a blocking thread are given a second to finish.
    pub fn run<F>(self, data_dir: &Path, main: impl FnOnce(TokioRuntime) -> F) -> io::Result<F::Output>
    where
        F: Future,
    {
        raise_descriptor_limit();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if self.workers > 0 {
            builder.worker_threads(self.workers);
        }
        builder
            .max_blocking_threads(self.blocking_max.max(1))
            .thread_name("tidemark")
            .enable_io()
            .enable_time();
        let tokio = builder.build()?;
        let output = tokio.block_on(async { Ok(main(TokioRuntime::new(data_dir)?).await) });
        tokio.shutdown_timeout(Duration::from_secs(1));
        output
    }
}

/// The output of a call that was handed to a blocking thread.
pub(crate) async fn done<T>(call: JoinHandle<T>) -> T {
    match call.await {
        Ok(output) => output,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down: it took no more calls, and will not poll this task again.
        Err(_) => std::future::pending().await,
    }
}

/// Raises the soft limit of open files to the hard one: the soft one is often 1,024, for the sake of programs that
/// use `select`, and a broker has a descriptor for every connection and every active segment.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What is refused stays as it was.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// How many files, sockets included, the process may have open: [`Threads::run`] has raised it as far as it goes.
pub fn descriptors_max() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "threads_test.rs"]
mod tests;
