//! What ends a run before its time: Ctrl-C, SIGTERM, or a part of the run that has failed. Whoever waits, waits here.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often whoever waits looks.
const LOOK: Duration = Duration::from_millis(20);

/// Shared by all threads of a run.
#[derive(Clone, Debug)]
pub struct Interrupt {
    signalled: Arc<AtomicBool>,
    /// Nobody is to begin anything new: the time is up, or something has failed.
    over: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on signals set it, and end the process no longer.
    pub fn install() -> Result<Interrupt, String> {
        let signalled = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, signalled.clone()).map_err(|why| why.to_string())?;
        }
        Ok(Interrupt { signalled, over: Arc::new(AtomicBool::new(false)) })
    }

    /// Ends the part of the run that waits by [`Interrupt::pause`].
    pub fn finish(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether nothing new is to begin.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst) || self.signalled.load(Ordering::SeqCst)
    }

    /// An error once a signal has come.
    pub fn check(&self) -> Result<(), String> {
        match self.signalled.load(Ordering::SeqCst) {
            true => Err("interrupted".to_string()),
            false => Ok(()),
        }
    }

    /// Waits, shorter when nothing new is to begin.
    pub fn pause(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_over() && Instant::now() < end {
            std::thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// Looks until something is so, at most so long.
    pub fn until(
        &self,
        what: &str,
        at_most: Duration,
        mut probe: impl FnMut() -> Result<bool, String>,
    ) -> Result<(), String> {
        let end = Instant::now() + at_most;
        while !probe()? {
            self.check()?;
            if Instant::now() > end {
                return Err(format!("{what}: not within {} s", at_most.as_secs()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}
