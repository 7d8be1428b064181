//! The other voters, as this node asks them: a task and a connection for each of two kinds of questions.
//!
//! Answers come in the order of the questions, and a fetch may wait for news at the leader for half a second: votes and
//! the beginnings and ends of epochs don't wait behind it. A question that finds its line full has failed: the quorum
//! asks each voter one thing at a time, so that voter hangs.

use super::inquiry::{Found, inquire};
use super::link::{Link, LinkError};
use super::node::Heard;
use super::probes::Alarm;
use super::wire::{self, Local, Senseless};
use controller::NodeEndpoint;
use model::time::Duration;
use model::{BrokerId, Instant};
use protocol::ErrorCode;
use raft::{Failure, ReplicaKey, Request, RequestId, Response};
use runtime::Runtime;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// Between two complaints that a voter takes this node for another cluster's.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);
/// So much longer than it may a fetch wait before the voter is asked whether it lives.
const SUSPECT_AFTER: Duration = Duration::from_millis(100);
/// So long it is not asked again when it does.
const LIVES_FOR: Duration = Duration::from_secs(1);
/// Questions of one kind that may wait to be put to one voter.
const LINE_MAX: usize = 16;

/// This replica, and where the voters listen.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// This one.
    pub local: Local,
    /// All voters.
    pub voters: BTreeMap<BrokerId, NodeEndpoint>,
}

/// The lines to the other voters.
pub(super) struct Peers {
    lines: BTreeMap<BrokerId, Lines>,
}

struct Lines {
    fetches: mpsc::Sender<Question>,
    others: mpsc::Sender<Question>,
}

type Question = (RequestId, Request);

impl Peers {
    /// Starts the tasks. What comes of a question goes to `heard`, who was found mute to `alarms`.
    pub(super) fn start<R: Runtime>(
        rt: &R,
        replicas: &Replicas,
        patience: Duration,
        heard: &mpsc::Sender<Heard>,
        alarms: &mpsc::Sender<Alarm>,
    ) -> Peers {
        let me = replicas.local.me.id;
        let start = |id: BrokerId, at: &NodeEndpoint, kind: &str| {
            let (sender, questions) = mpsc::channel(LINE_MAX);
            let line = Line {
                rt: rt.clone(),
                link: Link::new(rt.clone(), at.clone(), format!("quorum-{me}-{kind}")),
                beside: Link::new(rt.clone(), at.clone(), format!("quorum-{me}-{kind}-probe")),
                alarms: alarms.clone(),
                local: replicas.local.clone(),
                to: ReplicaKey { id, directory: None },
                patience,
                complaint: Complaint::default(),
            };
            rt.spawn_detached("peer", line.run(questions, heard.clone()));
            sender
        };
        let others = replicas.voters.iter().filter(|(id, _)| **id != me);
        let lines = others.map(|(id, at)| {
            (*id, Lines { fetches: start(*id, at, "fetch"), others: start(*id, at, "vote") })
        });
        Peers { lines: lines.collect() }
    }

    /// Asks a voter. What comes of it is heard of later, unless it has failed at once.
    pub(super) fn ask(&self, to: BrokerId, id: RequestId, request: Request) -> Result<(), Failure> {
        let lines = self.lines.get(&to).expect("the quorum asks other voters only");
        let line = match request {
            Request::Fetch(_) | Request::FetchSnapshot(_) => &lines.fetches,
            Request::Vote(_) | Request::BeginEpoch { .. } | Request::EndEpoch { .. } => &lines.others,
        };
        line.try_send((id, request)).map_err(|_| Failure::Lost)
    }
}

struct Line<R: Runtime> {
    rt: R,
    link: Link<R>,
    /// The way to ask, beside a fetch that is not answered, whether the voter lives.
    beside: Link<R>,
    alarms: mpsc::Sender<Alarm>,
    local: Local,
    to: ReplicaKey,
    patience: Duration,
    complaint: Complaint,
}

/// What has been said of a voter that names another cluster: that is nobody's passing trouble, and else nobody would know why
/// there is no leader.
#[derive(Debug, Default)]
struct Complaint {
    again: Option<Instant>,
}

impl Complaint {
    /// Whether it is time to complain of an answer that told nothing.
    fn is_due(&mut self, now: Instant, senseless: Senseless) -> bool {
        let due = senseless == Senseless::Refused(ErrorCode::InconsistentClusterId)
            && self.again.is_none_or(|again| now >= again);
        if due {
            self.again = Some(now + COMPLAIN_EVERY);
        }
        due
    }
}

impl<R: Runtime> Line<R> {
    async fn run(mut self, mut questions: mpsc::Receiver<Question>, heard: mpsc::Sender<Heard>) {
        while let Some((id, request)) = questions.recv().await {
            let outcome = match self.ask(&request).await {
                Ok(response) => Heard::Answer(id, response),
                Err(failure) => Heard::Failure(id, failure),
            };
            if heard.send(outcome).await.is_err() {
                return;
            }
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Response, Failure> {
        let Line { rt, link, beside, alarms, local, to, patience, complaint } = self;
        let deadline = link.deadline(*patience);
        let answer = match request {
            Request::Vote(vote) => {
                let make = |version| wire::vote::request(local, *to, version, vote);
                let (_, answer) = link.call(wire::vote::VERSIONS, deadline, make).await.map_err(end)?;
                wire::vote::answer(answer)
            }
            Request::BeginEpoch { epoch, leader } => {
                let make = |version| Some(wire::begin_epoch::request(local, *to, version, *epoch, *leader));
                let (_, answer) =
                    link.call(wire::begin_epoch::VERSIONS, deadline, make).await.map_err(end)?;
                wire::begin_epoch::answer(answer)
            }
            Request::EndEpoch { epoch, leader, successors } => {
                let make =
                    |version| Some(wire::end_epoch::request(local, version, *epoch, *leader, successors));
                let (_, answer) = link.call(wire::end_epoch::VERSIONS, deadline, make).await.map_err(end)?;
                wire::end_epoch::answer(answer)
            }
            Request::Fetch(fetch) => {
                let make = |version| Some(wire::fetch::request(local, version, fetch));
                let due = rt.now() + fetch.wait + SUSPECT_AFTER;
                let (version, answer) = tokio::select! { biased;
                    answered = link.call(wire::fetch::VERSIONS, deadline + fetch.wait, make) => answered.map_err(end)?,
                    failure = mute(rt, beside, due) => {
                        if failure == Failure::Mute {
                            // A full inbox means that its reader is late: it asks by itself.
                            let _ = alarms.try_send(Alarm::Mute(to.id));
                        }
                        return Err(failure);
                    }
                };
                wire::fetch::answer(version, fetch, answer)
            }
            Request::FetchSnapshot(fetch) => {
                let make = |_| Some(wire::fetch_snapshot::request(local, fetch));
                let (_, answer) =
                    link.call(wire::fetch_snapshot::VERSIONS, deadline, make).await.map_err(end)?;
                wire::fetch_snapshot::answer(answer)
            }
        };
        answer.map_err(|senseless| {
            debug!(%to, %senseless, "an answer of another voter tells nothing");
            if complaint.is_due(link.deadline(Duration::ZERO), senseless) {
                warn!(
                    voter = %to.id,
                    own = %local.cluster.0,
                    "a voter of controller.quorum.voters belongs to another cluster: the ids in both meta.properties differ"
                );
            }
            Failure::Lost
        })
    }
}

/// Ends when a voter that should have answered by `due` has not, and does not answer at all.
async fn mute<R: Runtime>(rt: &R, beside: &mut Link<R>, due: Instant) -> Failure {
    rt.sleep_until(due).await;
    loop {
        match inquire(rt, beside).await {
            // It has something else to do; the quorum's patience ends by itself.
            Found::Answered | Found::Broken | Found::Late => {}
            Found::Refused(_) => return Failure::Refused,
            Found::Mute => return Failure::Mute,
        }
        rt.sleep_until(rt.now() + LIVES_FOR).await;
    }
}

fn end(error: LinkError) -> Failure {
    match error {
        LinkError::Failed(failure) => failure,
        LinkError::Unspoken => Failure::Lost,
    }
}

#[cfg(test)]
#[path = "peers_test.rs"]
mod tests;
