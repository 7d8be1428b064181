//! The end of a producer that its owner holds: records go in, their fates come out.

use super::record::{Cause, Delivered, Record, Undelivered};
use super::rules::{ProducerConfig, RulesError};
use super::task;
use crate::cluster::ClusterConfig;
use runtime::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::{mpsc, oneshot};

/// Records that have been given and not been looked at; more wait.
const COMMANDS_MAX: usize = 1_024;

/// What a producer is told.
pub(super) enum Command {
    Send { record: Record, fate: oneshot::Sender<Result<Delivered, Undelivered>> },
    Flush { done: oneshot::Sender<()> },
}

/// A producer. Dropped, it sends nothing more: what it was given and is not delivered yet is told as undelivered.
#[derive(Clone)]
pub struct Producer {
    commands: mpsc::Sender<Command>,
}

/// The fate of a record that was given to a producer.
#[must_use = "a record whose fate nobody wants to know"]
pub struct Delivery(oneshot::Receiver<Result<Delivered, Undelivered>>);

impl Producer {
    /// Starts one. It connects when it is given its first record.
    pub fn start<R: Runtime>(
        runtime: &R,
        cluster: ClusterConfig,
        config: ProducerConfig,
    ) -> Result<Producer, RulesError> {
        config.check()?;
        let (commands, given) = mpsc::channel(COMMANDS_MAX);
        runtime.spawn_detached("producer", task::run(runtime.clone(), cluster, config, given));
        Ok(Producer { commands })
    }

    /// Gives it a record. Returns when there is room for it; its fate is the [`Delivery`]'s to tell, within
    /// `delivery.timeout.ms`. Records that are given one after the other are sent in that order.
    pub async fn send(&self, record: Record) -> Delivery {
        let (fate, delivery) = oneshot::channel();
        // A producer that has ended tells so by the sender's being gone.
        let _ = self.commands.send(Command::Send { record, fate }).await;
        Delivery(delivery)
    }

    /// Sends everything that was given without waiting for more, and returns when the fate of all of it has been told.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        let _ = self.commands.send(Command::Flush { done }).await;
        let _ = flushed.await;
    }
}

impl Future for Delivery {
    type Output = Result<Delivered, Undelivered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let told = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(told.unwrap_or(Err(Undelivered { cause: Cause::Closed, definite: false })))
    }
}
