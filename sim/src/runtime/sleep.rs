//! Sleeping: on a process's own clock, which may drift, and on the true one.
//!
//! A sleep enters the agenda once, however often it is polled, and leaves it when dropped.

use super::{Due, Key, Process, Shared, State};
use model::time::Instant;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A sleep of a process, until its own monotonic clock shows a time.
pub(super) struct Sleep {
    process: Process,
    deadline: Instant,
    key: Option<Key>,
}

/// A sleep of the harness, until a true time.
pub(super) struct TrueSleep {
    pub(super) shared: Arc<Shared>,
    pub(super) at_nanos: u64,
    pub(super) key: Option<Key>,
}

impl Sleep {
    pub(super) fn new(process: Process, deadline: Instant) -> Sleep {
        Sleep { process, deadline, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.process.shared.lock();
        if !state.lives(this.process.node, this.process.incarnation) {
            return Poll::Pending;
        }
        let now = state.agenda.now();
        let clock = &state.machine(this.process.node).clock;
        let due = clock.now(now) >= this.deadline;
        // Woken too early is possible: the clock was slowed down meanwhile.
        let at = if due { now } else { clock.true_nanos(this.deadline).max(now + 1) };
        wait(&mut state, &mut this.key, at, cx)
    }
}

impl Future for TrueSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        wait(&mut this.shared.lock(), &mut this.key, this.at_nanos, cx)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        forget(&self.process.shared, self.key);
    }
}

impl Drop for TrueSleep {
    fn drop(&mut self) {
        forget(&self.shared, self.key);
    }
}

fn wait(state: &mut State, key: &mut Option<Key>, at: u64, cx: &mut Context<'_>) -> Poll<()> {
    if at <= state.agenda.now() {
        if let Some(key) = key.take() {
            state.agenda.remove(key);
        }
        return Poll::Ready(());
    }
    match key.and_then(|key| state.agenda.get_mut(key)) {
        Some(Due::Wake(waker)) => waker.clone_from(cx.waker()),
        _ => *key = state.agenda.insert(at, Due::Wake(cx.waker().clone())),
    }
    Poll::Pending
}

fn forget(shared: &Shared, key: Option<Key>) {
    if let Some(key) = key {
        let taken = shared.lock().agenda.remove(key);
        drop(taken);
    }
}
