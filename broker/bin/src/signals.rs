//! What asks the process to end: Ctrl-C, SIGTERM, and the process that started it, if that supervises it.

use std::io::Read;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Everything that asks.
pub struct Signals {
    interrupted: Signal,
    terminated: Signal,
    /// Closed when there is no supervisor, or it has said all it will.
    supervisor: mpsc::Receiver<()>,
}

impl Signals {
    /// Signals alone.
    pub fn listen() -> Signals {
        let (_, supervisor) = mpsc::channel(1);
        let listen = |kind| signal(kind).expect("installing a signal handler");
        let (interrupted, terminated) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
        Signals { interrupted, terminated, supervisor }
    }

    /// Signals, and standard input: each byte asks, and so does its end, whatever made it end.
    pub fn and_input() -> Signals {
        let (asking, supervisor) = mpsc::channel(1);
        std::thread::spawn(move || {
            let mut byte = [0];
            loop {
                let more = matches!(std::io::stdin().read(&mut byte), Ok(1));
                if asking.blocking_send(()).is_err() || !more {
                    return;
                }
            }
        });
        Signals { supervisor, ..Signals::listen() }
    }

    /// Waits until the process is asked to end, once more if it was before.
    pub async fn next(&mut self) {
        tokio::select! { biased;
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
            Some(()) = self.supervisor.recv() => {}
        }
    }
}
