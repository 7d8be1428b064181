//! Whether brokers that may be gone are gone: the active controller asks them, and fences those that can't answer.
//!
//! ```text
//! the connection of its heartbeats ends ─┐             ┌─ answered ─────────────────▶ nothing: it lives
//! it is silent (`suspicion`)            ─┼─▶ asked ────┼─ refused where it answered ─▶ fenced: its process is gone
//! this controller has just been elected ─┘     ▲       ├─ refused elsewhere ─────────▶ if it is lost (`suspicion`), fenced
//!                                              ├───────┼─ broken off ────────────────▶ asked again; then the same
//!                                              └───────┴─ no answer ─────────────────▶ asked again; if it is mute, fenced
//! ```
//!
//! What ends a connection (an idle close, a controller that restarts, a link that breaks) says nothing about a process. It
//! is asked where clients find it, for ApiVersions, which a broker answers by itself.
//!
//! An address that refuses says that there is no process if this broker's was there before: clients may reach it by a way
//! that this node has not (a forwarded port, a name that means another machine here). So every controller, the active one
//! or not, asks each available broker until it has answered once: then whoever is elected next can tell at once. Who it
//! is that answers is not known: ApiVersions names nobody, nor does anything else of Kafka's that a broker answers by
//! itself. Should another process stand at the address, a death is noticed by its silence, after
//! `broker.session.timeout.ms`, as by Apache Kafka; of an address that two brokers name, nothing is believed but silence.
//!
//! A controller that was found mute (`peers`) is asked on while the next one is elected, which fences it for that.
//!
//! Should another incarnation have taken the place meanwhile, its registration decides. A broker that has been heard of
//! since it was asked is not gone. Each is asked by one task at a time, and a few at once.

use super::Handle;
use super::handle::Seen;
use super::inquiry::{ANSWER_MAX, Found, inquire, is_late};
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
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Between two looks at who is new, of a controller that is not the active one.
const STANDBY_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Brokers that are asked at once; others wait for them.
const ASKED_MAX: usize = 32;
/// How long a broker is not asked again of which nothing has become known but that it lives, or that there is no saying.
const REST: Duration = Duration::from_secs(1);

/// Who may be gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Alarm {
    /// The connection of its heartbeats has ended.
    CutOff(BrokerId),
    /// The quorum's leader, which should have answered, was found mute.
    Mute(BrokerId),
}

/// The task's state.
pub(super) struct Probes<R: Runtime> {
    rt: R,
    me: BrokerId,
    /// The listener that brokers are asked at.
    listener: String,
    heartbeat_every: Duration,
    metadata: Handle,
    alarms: mpsc::Receiver<Alarm>,
    /// Brokers that have been asked, whatever came of it.
    done: mpsc::Receiver<Judged>,
    told: mpsc::Sender<Judged>,
    /// In which epoch this node is the active controller, and since when.
    leading: Option<(LeaderEpoch, Instant)>,
    /// When to look next where this node is not the active controller.
    standby_look: Instant,
    /// To be asked.
    wanted: BTreeSet<BrokerId>,
    /// The quorum's leader, once it was found mute: it is asked on and on, until it answers or another one leads. Whether a
    /// further question has gone unanswered.
    mute: Option<(BrokerId, bool)>,
    /// What became of it, where this node has been elected in its place: it is to be fenced.
    deposed: Option<(BrokerId, bool)>,
    /// Being asked.
    asked: BTreeSet<BrokerId>,
    /// Those that were asked, and until when they are left alone.
    resting: BTreeMap<BrokerId, Instant>,
    /// Available brokers that have answered at their addresses, as these incarnations.
    met: BTreeMap<BrokerId, BrokerEpoch>,
    /// Available brokers that can't be reached, as was told.
    unreachable: BTreeMap<BrokerId, BrokerEpoch>,
}

/// A broker that was asked, and what came of it.
type Judged = (BrokerId, BrokerEpoch, Verdict);

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It lives.
    Answered,
    /// Its process is gone, or does not answer.
    Fenced,
    /// Its address refuses, and never answered here; but it was heard of.
    Unreachable,
    /// The quorum's leader, found mute before, has not answered again.
    Mute,
    /// There is no saying.
    Open,
}

impl<R: Runtime> Probes<R> {
    pub(super) fn new(
        rt: R,
        settings: &BrokerSettings,
        metadata: Handle,
        alarms: mpsc::Receiver<Alarm>,
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
            standby_look: Instant::default(),
            wanted: BTreeSet::new(),
            mute: None,
            deposed: None,
            asked: BTreeSet::new(),
            resting: BTreeMap::new(),
            met: BTreeMap::new(),
            unreachable: BTreeMap::new(),
        }
    }

    /// Watches until the metadata task has stopped.
    pub(super) async fn run(mut self) {
        let mut next = self.rt.now() + LOOK_EVERY;
        loop {
            tokio::select! { biased;
                Some(judged) = self.done.recv() => self.note(judged),
                Some(alarm) = self.alarms.recv() => match alarm {
                    Alarm::CutOff(id) => drop(self.wanted.insert(id)),
                    Alarm::Mute(id) if self.leading.is_some() => drop(self.wanted.insert(id)),
                    Alarm::Mute(id) => {
                        self.mute = Some((id, false));
                        self.standby_look = self.rt.now();
                    }
                },
                () = self.rt.sleep_until(next) => next = self.rt.now() + LOOK_EVERY,
            }
            let leader = self.metadata.leadership().leader;
            if leader != Some(self.me) {
                self.mute = self.mute.filter(|(id, _)| leader.is_none_or(|leader| leader == *id));
                self.deposed = None;
                self.leading = None;
                self.wanted.clear();
                if self.rt.now() < self.standby_look {
                    continue;
                }
                self.standby_look = self.rt.now() + STANDBY_LOOK_EVERY;
            }
            let Some((active, watched)) = self.metadata.look(watched).await else { return };
            self.consider(active, &watched);
            self.ask(&watched);
        }
    }

    fn note(&mut self, (id, epoch, verdict): Judged) {
        self.asked.remove(&id);
        self.resting.insert(id, self.rt.now() + REST);
        match verdict {
            Verdict::Answered => {
                self.met.insert(id, epoch);
                self.mute = self.mute.filter(|(mute, _)| *mute != id);
                self.deposed = self.deposed.filter(|(deposed, _)| *deposed != id);
            }
            Verdict::Mute => {
                for found in [&mut self.mute, &mut self.deposed].into_iter().flatten() {
                    found.1 |= found.0 == id;
                }
                self.standby_look = self.rt.now();
            }
            Verdict::Fenced => drop(self.met.remove(&id)),
            Verdict::Unreachable => {
                if self.unreachable.insert(id, epoch) != Some(epoch) {
                    warn!(
                        %id,
                        "a broker's address refuses connections from this node, and has never answered: other nodes \
                         must be able to reach its advertised.listeners, or its death will be noticed late"
                    );
                }
            }
            Verdict::Open => {}
        }
    }

    /// Decides who may be gone.
    fn consider(&mut self, active: Option<LeaderEpoch>, watched: &BTreeMap<BrokerId, Watched>) {
        let now = self.rt.now();
        self.resting.retain(|_, until| now < *until);
        let is_available = |id: &BrokerId, epoch: &mut BrokerEpoch| {
            watched.get(id).is_some_and(|watched| watched.broker.epoch == *epoch)
        };
        self.met.retain(is_available);
        self.unreachable.retain(is_available);
        let Some(epoch) = active else { return self.wanted.clear() };
        if self.leading.is_none_or(|(before, _)| before != epoch) {
            // What was noticed of those who are gone was noticed by another.
            self.leading = Some((epoch, now));
            self.wanted.extend(watched.keys());
            self.deposed = self.mute.take();
        }
        let (_, since) = self.leading.expect("just set");
        for (id, broker) in watched {
            if !self.resting.contains_key(id) && broker.is_silent(now, since, self.heartbeat_every) {
                self.wanted.insert(*id);
            }
        }
        // Its own process lives, and those that are not available are of no interest.
        self.wanted.retain(|id| *id != self.me && watched.contains_key(id));
    }

    /// Asks those who may be gone, and those who have never answered here.
    fn ask(&mut self, watched: &BTreeMap<BrokerId, Watched>) {
        let is_stranger =
            |id: &&BrokerId| **id != self.me && !self.met.contains_key(id) && !self.resting.contains_key(id);
        let urgent = self.mute.or(self.deposed).map(|(id, _)| id);
        let urgent = urgent.as_ref().filter(|id| watched.contains_key(id));
        let strangers = watched.keys().filter(is_stranger).filter(|id| !self.wanted.contains(id));
        let free =
            urgent.into_iter().chain(&self.wanted).chain(strangers).filter(|id| !self.asked.contains(id));
        let free: Vec<BrokerId> = free.copied().collect();
        for id in free {
            if self.asked.len() >= ASKED_MAX {
                return;
            }
            let deposed = self.deposed.take_if(|(deposed, _)| *deposed == id);
            let mute = self.mute.is_some_and(|(mute, _)| mute == id);
            let suspected = self.wanted.remove(&id);
            let broker = &watched[&id].broker;
            let Some(at) = endpoint(broker, &self.listener) else { continue };
            self.asked.insert(id);
            let alone = !is_shared(watched, id, &at, &self.listener);
            let probe = Probe {
                rt: self.rt.clone(),
                id,
                epoch: broker.epoch,
                known: self.met.get(&id) == Some(&broker.epoch) && alone,
                since: self.leading.map_or(self.rt.now(), |(_, since)| since),
                heartbeat_every: self.heartbeat_every,
                metadata: self.metadata.clone(),
                link: Link::new(self.rt.clone(), at, format!("controller-{}-probe", self.me)),
            };
            let (told, epoch) = (self.told.clone(), broker.epoch);
            self.rt.spawn_detached("probe", async move {
                let mut probe = probe;
                let verdict = match deposed {
                    Some((_, asked_again)) => probe.depose(asked_again).await,
                    None if suspected => probe.judge().await,
                    None if mute => probe.ask_again().await,
                    None => probe.meet().await,
                };
                let _ = told.send((id, epoch, verdict)).await;
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

/// Whether another broker is to be found where `id` is: then it says nothing of either who answers there.
fn is_shared(watched: &BTreeMap<BrokerId, Watched>, id: BrokerId, at: &NodeEndpoint, listener: &str) -> bool {
    let mut others = watched.values().filter(|other| other.broker.id != id);
    others.any(|other| {
        let theirs = endpoint(&other.broker, listener);
        theirs.is_some_and(|theirs| theirs.host == at.host && theirs.port == at.port)
    })
}

/// What a broker's silence must be for it to be fenced.
#[derive(Clone, Copy)]
enum Silence {
    /// Every sign is missing for long.
    Lost,
    /// Nothing came while it was asked, nor for a while before.
    Mute,
}

/// One broker that is asked.
struct Probe<R: Runtime> {
    rt: R,
    id: BrokerId,
    epoch: BrokerEpoch,
    /// Whether it has answered at its address, which is no other broker's.
    known: bool,
    /// Since when this node is the active controller.
    since: Instant,
    heartbeat_every: Duration,
    metadata: Handle,
    link: Link<R>,
}

impl<R: Runtime> Probe<R> {
    /// Whether it answers at all.
    async fn meet(mut self) -> Verdict {
        let deadline = self.link.deadline(ANSWER_MAX);
        match self.link.answers(deadline).await {
            Ok(()) => Verdict::Answered,
            Err(_) => Verdict::Open,
        }
    }

    /// Whether it does not answer still.
    async fn ask_again(&mut self) -> Verdict {
        let deadline = self.link.deadline(ANSWER_MAX);
        match self.link.answers(deadline).await {
            Ok(()) => Verdict::Answered,
            Err(Failure::TimedOut) if !is_late(self.rt.now(), deadline) => Verdict::Mute,
            Err(_) => Verdict::Open,
        }
    }

    /// Fences one that led before this node, and was deposed because it was mute, unless it has been heard of since: three
    /// questions have gone unanswered by now, and its silence as a leader was as long as that for which others are fenced.
    async fn depose(mut self, asked_again: bool) -> Verdict {
        if !asked_again {
            let verdict = self.ask_again().await;
            if verdict != Verdict::Mute {
                return verdict;
            }
        }
        let (id, since) = (self.id, self.since);
        let is_back = move |seen: &Seen<'_>| {
            let (_, watched) = watched(seen);
            watched.get(&id).is_none_or(|broker| broker.is_back(since))
        };
        match self.metadata.look(is_back).await {
            Some(false) => self.fence(since, Sign::Unanswered).await,
            Some(true) | None => Verdict::Open,
        }
    }

    /// Whether it is gone: then it is fenced.
    async fn judge(mut self) -> Verdict {
        let began = self.rt.now();
        match inquire(&self.rt, &mut self.link).await {
            Found::Answered => Verdict::Answered,
            Found::Refused(asked) if self.known => self.fence(asked, Sign::Refused).await,
            Found::Refused(_) => match self.fence_if(began, Silence::Lost).await {
                Verdict::Open => Verdict::Unreachable,
                verdict => verdict,
            },
            Found::Broken => self.fence_if(began, Silence::Lost).await,
            Found::Mute => self.fence_if(began, Silence::Mute).await,
            Found::Late => Verdict::Open,
        }
    }

    /// Fences the broker if it should have been heard of by now: one that does not answer may be busy, or out of reach.
    async fn fence_if(&mut self, began: Instant, silence: Silence) -> Verdict {
        let (id, since, heartbeat_every) = (self.id, self.since, self.heartbeat_every);
        let is_gone = move |seen: &Seen<'_>| {
            let (_, watched) = watched(seen);
            watched.get(&id).is_some_and(|broker| match silence {
                Silence::Lost => broker.is_lost(seen.now, since, heartbeat_every),
                Silence::Mute => broker.is_mute(seen.now, since, began),
            })
        };
        match self.metadata.look(is_gone).await {
            Some(true) => self.fence(began, Sign::Unanswered).await,
            Some(false) | None => Verdict::Open,
        }
    }

    /// Fences the broker, unless it was heard of after `asked`.
    async fn fence(&mut self, asked: Instant, sign: Sign) -> Verdict {
        let (id, epoch) = (self.id, self.epoch);
        let decided = self.metadata.decide(move |desk| {
            if desk.controller.heard(id, epoch).is_some_and(|heard| heard > asked) {
                return Ok(Decision::nothing(false));
            }
            let Decision { records, atomicity, .. } = desk.controller.gone(id, epoch)?;
            let reply = !records.is_empty();
            Ok(Decision { records, atomicity, reply })
        });
        match decided.await {
            Ok(committed) if committed.value => {
                warn!(%id, ?sign, "a broker is gone and is fenced");
                self.rt.observe(Event::BrokerFenced { broker: id, epoch, sign });
                Verdict::Fenced
            }
            // Another incarnation has registered, another controller decides, or the decision could not be written.
            Ok(_) => Verdict::Open,
            Err(refusal) => {
                debug!(%id, %refusal, "a broker that is gone is not fenced");
                Verdict::Open
            }
        }
    }
}

#[cfg(test)]
#[path = "probes_test.rs"]
mod tests;
