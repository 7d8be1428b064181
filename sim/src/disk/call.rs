//! One operation as its caller awaits it.

use super::perform::{Done, Work};
use super::state::Outcome;
use crate::runtime::Process;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An operation that starts at its first poll. Dropping it stops nothing: the kernel goes on.
pub(super) struct Call {
    process: Process,
    progress: Progress,
}

enum Progress {
    Fresh(Work),
    Waiting(u64),
    Done,
}

impl Call {
    pub(super) fn new(process: &Process, work: Work) -> Call {
        Call { process: process.clone(), progress: Progress::Fresh(work) }
    }
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = &mut *self;
        let mut state = this.process.shared.lock();
        let node = this.process.node;
        if !state.lives(node, this.process.incarnation) {
            return Poll::Pending;
        }
        let outcome = match std::mem::replace(&mut this.progress, Progress::Done) {
            Progress::Fresh(work) => match state.disk_submit(node, work, cx.waker()) {
                Ok(number) => {
                    this.progress = Progress::Waiting(number);
                    return Poll::Pending;
                }
                Err(outcome) => outcome,
            },
            Progress::Waiting(number) => match state.disk_poll(node, number, cx.waker()) {
                Some(outcome) => outcome,
                None => {
                    this.progress = Progress::Waiting(number);
                    return Poll::Pending;
                }
            },
            Progress::Done => panic!("polled after completion"),
        };
        Poll::Ready(outcome)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Progress::Waiting(number) = self.progress {
            let mut state = self.process.shared.lock();
            if state.lives(self.process.node, self.process.incarnation) {
                state.disk_forsake(self.process.node, number);
            }
        }
    }
}

impl Done {
    pub(super) fn nothing(self) {
        assert!(matches!(self, Done::Nothing), "an operation without a result");
    }
}
