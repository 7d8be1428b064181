//! Whether brokers that may be gone are gone: the active controller asks them, and fences those that can't answer.
//!
//! ```text
//! the connection of its heartbeats ends ─┐             ┌─ answered ──▶ nothing: it lives
//! it is silent (`suspicion`)            ─┼─▶ asked ────┼─ refused ───▶ fenced: its process is gone
//! this controller has just been elected ─┘     ▲       └─ no answer ─▶ asked again; then, if a heartbeat is overdue, fenced
//!                                              └──────────────┘
//! ```
//!
//! What ends a connection (an idle close, a controller that restarts, a link that breaks) says nothing about a process; an
//! address that refuses does. It is asked where clients find it, for ApiVersions, which a broker answers by itself.
//! Should another incarnation have taken the place meanwhile, its registration decides. A broker that has been heard of
//! since it was asked is not gone. Each is asked by one task at a time, and a few at once.

use super::Handle;
use super::handle::Seen;
use super::link::Link;
use super::suspicion::Watched;
use controller::{Broker, Decision, NodeEndpoint};
use model::config::BrokerSettings;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Instant, LeaderEpoch};
use raft::Failure;
use runtime::{Event, Runtime, Sign};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// Alarms that may wait for the task. Further ones are dropped: silence is noticed soon after.
pub(super) const ALARMS_MAX: usize = 256;
/// Between two looks at who is silent.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Brokers that are asked at once; others wait for them.
const ASKED_MAX: usize = 32;
/// How long a broker may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Before a broker that did not answer is asked again.
const PAUSE: Duration = Duration::from_millis(250);
/// Before one is asked again whose connection broke, as it does while a process is ending. Doubled each time.
const BROKEN_PAUSE: Duration = Duration::from_millis(25);
/// So often it may break.
const BROKEN_MAX: u32 = 4;
/// So often it may not answer.
const UNANSWERED_MAX: u32 = 2;
/// How long a broker that answered is not asked again for its silence.
const REST: Duration = Duration::from_secs(1);

/// The task's state.
pub(super) struct Probes<R: Runtime> {
    rt: R,
    me: BrokerId,
    /// The listener that brokers are asked at.
    listener: String,
    heartbeat_every: Duration,
    metadata: Handle,
    /// Brokers whose connection has ended.
    alarms: mpsc::Receiver<BrokerId>,
    /// Brokers that have been asked, whatever came of it.
    done: mpsc::Receiver<(BrokerId, Verdict)>,
    told: mpsc::Sender<(BrokerId, Verdict)>,
    /// In which epoch this node is the active controller, and since when.
    leading: Option<(LeaderEpoch, Instant)>,
    /// To be asked.
    wanted: BTreeSet<BrokerId>,
    /// Being asked.
    asked: BTreeSet<BrokerId>,
    /// Those that answered, and until when they are left alone.
    resting: BTreeMap<BrokerId, Instant>,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It lives.
    Answered,
    /// Its process is gone, or does not answer.
    Fenced,
    /// There is no saying.
    Open,
}

impl<R: Runtime> Probes<R> {
    pub(super) fn new(
        rt: R,
        settings: &BrokerSettings,
        metadata: Handle,
        alarms: mpsc::Receiver<BrokerId>,
    ) -> Probes<R> {
        let (told, done) = mpsc::channel(ASKED_MAX);
        Probes {
            rt,
            me: settings.node_id,
            listener: settings.inter_broker_listener.clone(),
            heartbeat_every: Duration::from_millis(settings.heartbeat_interval_ms),
            metadata,
            alarms,
            done,
            told,
            leading: None,
            wanted: BTreeSet::new(),
            asked: BTreeSet::new(),
            resting: BTreeMap::new(),
        }
    }

    /// Watches until the metadata task has stopped.
    pub(super) async fn run(mut self) {
        let mut next = self.rt.now() + LOOK_EVERY;
        loop {
            tokio::select! { biased;
                Some((id, verdict)) = self.done.recv() => {
                    self.asked.remove(&id);
                    if verdict == Verdict::Answered {
                        self.resting.insert(id, self.rt.now() + REST);
                    }
                }
                Some(id) = self.alarms.recv() => drop(self.wanted.insert(id)),
                () = self.rt.sleep_until(next) => next = self.rt.now() + LOOK_EVERY,
            }
            if self.metadata.leadership().leader != Some(self.me) {
                self.leading = None;
                self.wanted.clear();
                self.resting.clear();
                continue;
            }
            let Some((active, watched)) = self.metadata.look(watched).await else { return };
            self.consider(active, &watched);
            self.ask(&watched);
        }
    }

    /// Decides who is to be asked.
    fn consider(&mut self, active: Option<LeaderEpoch>, watched: &BTreeMap<BrokerId, Watched>) {
        let now = self.rt.now();
        let Some(epoch) = active else { return };
        if self.leading.is_none_or(|(before, _)| before != epoch) {
            // What was noticed of those who are gone was noticed by another.
            self.leading = Some((epoch, now));
            self.wanted.extend(watched.keys());
        }
        self.resting.retain(|_, until| now < *until);
        let (_, since) = self.leading.expect("just set");
        for (id, broker) in watched {
            if !self.resting.contains_key(id) && broker.is_silent(now, since, self.heartbeat_every) {
                self.wanted.insert(*id);
            }
        }
        // Its own process lives, and those that are not available are of no interest.
        self.wanted.retain(|id| *id != self.me && watched.contains_key(id));
    }

    fn ask(&mut self, watched: &BTreeMap<BrokerId, Watched>) {
        let free: Vec<BrokerId> = self.wanted.difference(&self.asked).copied().collect();
        for id in free {
            if self.asked.len() >= ASKED_MAX {
                return;
            }
            self.wanted.remove(&id);
            let broker = &watched[&id].broker;
            let Some(at) = endpoint(broker, &self.listener) else { continue };
            self.asked.insert(id);
            let probe = Probe {
                rt: self.rt.clone(),
                id,
                epoch: broker.epoch,
                overdue: super::suspicion::overdue(self.heartbeat_every),
                metadata: self.metadata.clone(),
                link: Link::new(self.rt.clone(), at, format!("controller-{}-probe", self.me)),
            };
            let told = self.told.clone();
            self.rt.spawn_detached("probe", async move {
                let verdict = probe.run().await;
                let _ = told.send((id, verdict)).await;
            });
        }
    }
}

/// The epoch of the active controller, if that is this node, and the brokers that are available.
fn watched(seen: &Seen<'_>) -> (Option<LeaderEpoch>, BTreeMap<BrokerId, Watched>) {
    let available = seen.controller.speculative().brokers().filter(|broker| !broker.fenced);
    let mut watched: BTreeMap<BrokerId, Watched> = available
        .map(|broker| {
            let heard = seen.controller.heard(broker.id, broker.epoch);
            (broker.id, Watched { broker: broker.clone(), heard, fetched: None })
        })
        .collect();
    let voters = seen.quorum.voters().into_iter().flatten().map(|(id, progress)| (*id, progress.fetched));
    let observers = seen.quorum.observers().into_iter().flatten();
    for (id, fetched) in voters.chain(observers.map(|(key, progress)| (key.id, progress.fetched))) {
        if let Some(broker) = watched.get_mut(&id) {
            broker.fetched = broker.fetched.max(Some(fetched));
        }
    }
    (seen.controller.active(), watched)
}

fn endpoint(broker: &Broker, listener: &str) -> Option<NodeEndpoint> {
    let named = broker.endpoints.iter().find(|endpoint| endpoint.name == listener);
    named.or(broker.endpoints.first()).cloned()
}

/// One broker that is asked.
struct Probe<R: Runtime> {
    rt: R,
    id: BrokerId,
    epoch: BrokerEpoch,
    /// How long after a heartbeat the next one is overdue.
    overdue: Duration,
    metadata: Handle,
    link: Link<R>,
}

impl<R: Runtime> Probe<R> {
    async fn run(mut self) -> Verdict {
        let began = self.rt.now();
        let (mut broken, mut unanswered) = (0, 0);
        while broken < BROKEN_MAX && unanswered < UNANSWERED_MAX {
            let asked = self.rt.now();
            let deadline = self.link.deadline(ANSWER_MAX);
            let pause = match self.link.answers(deadline).await {
                Ok(()) => return Verdict::Answered,
                Err(Failure::Refused) => return self.fence(asked, Sign::Refused).await,
                Err(Failure::TimedOut) => {
                    unanswered += 1;
                    PAUSE
                }
                Err(Failure::Lost) => {
                    broken += 1;
                    BROKEN_PAUSE * (1 << broken)
                }
            };
            debug!(id = %self.id, unanswered, broken, "a broker does not answer");
            self.rt.sleep_until(self.rt.now() + pause).await;
        }
        self.fence(began, Sign::Unanswered).await
    }

    /// Fences the broker, unless it was heard of after `asked`. One that does not answer may be busy: only if it should
    /// have been heard of.
    async fn fence(&mut self, asked: Instant, sign: Sign) -> Verdict {
        let (id, epoch) = (self.id, self.epoch);
        let silent = if sign == Sign::Refused { Duration::ZERO } else { self.overdue };
        let decided = self.metadata.decide(move |desk| {
            let heard = desk.controller.heard(id, epoch);
            if heard.is_some_and(|heard| heard > asked || desk.now < heard + silent) {
                return Ok(Decision::nothing(false));
            }
            let Decision { records, atomicity, .. } = desk.controller.gone(id, epoch)?;
            warn!(%id, ?sign, "a broker is gone and is fenced");
            Ok(Decision { records, atomicity, reply: true })
        });
        match decided.await {
            Ok(committed) if committed.value => {
                self.rt.observe(Event::BrokerFenced { broker: id, sign });
                Verdict::Fenced
            }
            // Another incarnation has registered, or another controller decides.
            Ok(_) | Err(_) => Verdict::Open,
        }
    }
}
