//! The producer at work: it carries what the core wants to the brokers, and what they answer to the core.

use super::batch::Identity;
use super::core::{Core, Moment};
use super::handle::Command;
use super::record::{Cause, Delivered, Undelivered};
use super::requests;
use super::rules::{Acks, ProducerConfig};
use super::verdict::Attempt;
use crate::cluster::{Cluster, ClusterConfig, Peer};
use crate::error::CallError;
use crate::round::Round;
use model::ProducerId;
use model::time::Instant;
use protocol::ErrorCode;
use protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use protocol::messages::produce::ProduceResponse;
use runtime::Runtime;
use std::collections::BTreeMap;
use tokio::sync::{mpsc, oneshot};

/// Records taken in one go, before what is due is looked at.
const AT_ONCE_MAX: usize = 256;

/// An answer to one of its questions.
enum Answer {
    Produced { request: u64, result: Result<ProduceResponse, CallError> },
    Named(Result<InitProducerIdResponse, CallError>),
}

/// What happened.
enum Step<R: Runtime> {
    Event(crate::cluster::Event<R, Answer>),
    Command(Option<Command>),
    Time,
}

struct Task<R: Runtime> {
    runtime: R,
    cluster: Cluster<R, Answer>,
    core: Core,
    /// By ticket, ascending: who wants to know.
    pending: BTreeMap<u64, oneshot::Sender<Result<Delivered, Undelivered>>>,
    /// Whoever waits until all records before this ticket have been told of.
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    next_ticket: u64,
    /// Who has been asked for an id.
    namers: Round,
    /// When metadata were last asked for because a broker is silent.
    suspected: Instant,
}

pub(super) async fn run<R: Runtime>(
    runtime: R,
    cluster: ClusterConfig,
    rules: ProducerConfig,
    mut commands: mpsc::Receiver<Command>,
) {
    let mut task = Task {
        cluster: Cluster::new(runtime.clone(), cluster),
        runtime,
        core: Core::new(rules),
        pending: BTreeMap::new(),
        flushes: Vec::new(),
        next_ticket: 0,
        namers: Round::default(),
        suspected: Instant(0),
    };
    loop {
        task.turn();
        match task.step(&mut commands).await {
            Step::Time => {}
            Step::Event(event) => {
                if let Some(answer) = task.cluster.handle(event) {
                    task.answered(answer);
                }
            }
            Step::Command(None) => {
                task.core.abort(&Cause::Closed);
                return task.tell();
            }
            Step::Command(Some(command)) => {
                task.command(command);
                for _ in 1..AT_ONCE_MAX {
                    match commands.try_recv() {
                        Ok(command) if task.has_room() => task.command(command),
                        Ok(command) => {
                            task.command(command);
                            break;
                        }
                        Err(_) => break,
                    }
                }
            }
        }
    }
}

impl<R: Runtime> Task<R> {
    /// Does everything that can be done now.
    fn turn(&mut self) {
        let moment = self.moment();
        self.core.tick(self.cluster.metadata(), moment);
        let silent = self.core.suspects(moment.now);
        if !silent.is_empty() && self.suspected + self.core.rules().patience <= moment.now {
            self.suspected = moment.now;
            self.cluster.suspect(silent);
        }
        // One that nothing is given to asks for nothing.
        if self.next_ticket > 0 {
            self.cluster.turn();
        }
        if self.core.wants_name(moment.now) {
            self.ask_for_name(moment);
        }
        for node in self.core.nodes(self.cluster.metadata(), moment) {
            if self.cluster.ready(node) {
                self.produce(node, moment);
            }
        }
        self.tell();
    }

    async fn step(&mut self, commands: &mut mpsc::Receiver<Command>) -> Step<R> {
        let (has_room, wake) = (self.has_room(), self.wake());
        let sleep = self.runtime.clone();
        tokio::select! {
            biased;
            event = self.cluster.event() => Step::Event(event),
            command = commands.recv(), if has_room => Step::Command(command),
            () = sleep_until(&sleep, wake) => Step::Time,
        }
    }

    fn wake(&self) -> Option<Instant> {
        let now = self.runtime.now();
        let nodes = self.core.nodes(self.cluster.metadata(), Moment { now, draw: 0 });
        let retries = nodes.into_iter().filter_map(|node| self.cluster.retry_at(node));
        let cluster = (self.next_ticket > 0).then(|| self.cluster.wake());
        let naming = self.core.wants_name(now).then(|| self.cluster.retry_any_at());
        let silent = self.core.suspects(now);
        let suspicion = (!silent.is_empty()).then(|| self.suspected + self.core.rules().patience);
        // What is due already and can't be done waits for an event.
        self.core
            .wake(now)
            .into_iter()
            .chain(retries)
            .chain(cluster)
            .chain(suspicion)
            .chain(naming)
            .filter(|at| *at > now)
            .min()
    }

    fn has_room(&self) -> bool {
        self.core.charge() < self.core.rules().buffer_bytes_max
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Send { record, fate } => {
                let (wall_ms, moment) = (self.runtime.wall_ms(), self.moment());
                let ticket = self.core.push(record, wall_ms, self.cluster.metadata_mut(), moment);
                self.next_ticket = ticket + 1;
                self.pending.insert(ticket, fate);
            }
            Command::Flush { done } => {
                self.flushes.push((self.next_ticket, done));
                self.core.flush(true);
            }
        }
    }

    fn ask_for_name(&mut self, moment: Moment) {
        let Some(peer) = self.cluster.ready_in(&mut self.namers) else { return };
        self.core.name_asked(moment.now);
        let question = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        if let Err(error) = self.cluster.ask(peer, i16::MAX, &question, Answer::Named) {
            self.core.named(Err(unasked(&error)), moment);
        }
    }

    /// Sends a broker everything that it may be sent now.
    fn produce(&mut self, node: i32, moment: Moment) {
        let unanswered = self.core.rules().acks == Acks::None;
        while let Some(ask) = self.core.request(node, self.cluster.metadata(), moment) {
            let request = ask.request;
            let (question, newest) = requests::question(ask, self.core.rules(), self.cluster.metadata());
            let peer = Peer::Node(node);
            let sent = match unanswered {
                true => self.cluster.tell(peer, newest, &question),
                false => self
                    .cluster
                    .ask(peer, newest, &question, move |result| Answer::Produced { request, result }),
            };
            let attempt = match (sent, unanswered) {
                (Ok(()), false) => continue,
                (Ok(()), true) => Attempt::Taken { base: None },
                (Err(error), _) => match unasked(&error) {
                    Some(code) => Attempt::Refused { code, words: Some(error.to_string()) },
                    None => Attempt::Unsent,
                },
            };
            let failed = attempt == Attempt::Unsent;
            self.core.answered(request, BTreeMap::new(), &attempt, moment);
            if failed {
                break;
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        let moment = self.moment();
        match answer {
            Answer::Produced { request, result } => {
                let attempts = match result {
                    Ok(answer) => requests::read(&answer, self.cluster.metadata_mut()),
                    Err(_) => BTreeMap::new(),
                };
                self.core.answered(request, attempts, &Attempt::Lost, moment);
            }
            Answer::Named(Ok(told)) => {
                let answer = match ErrorCode::from_code(told.error_code) {
                    ErrorCode::None => {
                        Ok(Identity { id: ProducerId(told.producer_id), epoch: told.producer_epoch })
                    }
                    code => Err(Some(code)),
                };
                self.core.named(answer, moment);
            }
            Answer::Named(Err(_)) => self.core.named(Err(None), moment),
        }
    }

    /// Tells fates to whom they concern.
    fn tell(&mut self) {
        for (ticket, fate) in self.core.fates() {
            let waiting = self.pending.remove(&ticket).expect("a record has one fate");
            // Whoever dropped the other end does not want to know.
            let _ = waiting.send(fate);
        }
        let told = self.pending.first_key_value().map_or(self.next_ticket, |(ticket, _)| *ticket);
        let (done, waiting) =
            std::mem::take(&mut self.flushes).into_iter().partition(|(until, _)| *until <= told);
        self.flushes = waiting;
        let done: Vec<(u64, oneshot::Sender<()>)> = done;
        if !done.is_empty() && self.flushes.is_empty() {
            self.core.flush(false);
        }
        for (_, done) in done {
            let _ = done.send(());
        }
    }

    fn moment(&self) -> Moment {
        Moment { now: self.runtime.now(), draw: self.runtime.draw() }
    }
}

/// The error code of a question that this side can't even put; none where it only was not put now.
fn unasked(error: &CallError) -> Option<ErrorCode> {
    match error {
        CallError::Unspoken => Some(ErrorCode::UnsupportedVersion),
        CallError::Encode(_) => Some(ErrorCode::InvalidRequest),
        _ => None,
    }
}

async fn sleep_until<R: Runtime>(runtime: &R, wake: Option<Instant>) {
    match wake {
        Some(wake) => runtime.sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "task_test.rs"]
mod tests;
