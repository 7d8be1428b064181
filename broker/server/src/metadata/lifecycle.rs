//! This broker's place in the cluster: registered when it starts, available when it has caught up, alive as long as it
//! says so now and then (KIP-631).
//!
//! ```text
//! register ─▶ fenced: heartbeats until the controller finds it caught up ─▶ available: heartbeats ─▶ leaving ─▶ may stop
//!    ▲           │ displaced                                                    │ displaced             │ displaced, or
//!    └───────────┴──────────────────────────────────────────────────────────────┘                       │ unregistered
//!                                                           unregistered: it says so, and waits ────────┴─▶ stops at once
//! ```
//!
//! The active controller may be this very node: then it is asked without a connection.
//!
//! A broker that starts again is registered at once, whether or not its last incarnation's session is over: it brings the
//! same directory. So does a request of that incarnation which arrives late, and then the dead one is registered. Whoever
//! lives notices, because its epoch is refused, and registers again.

use super::boot::{Booted, Identity};
use super::{Controller, Handle, Way};
use crate::checkpoints::Checkpoints;
use crate::fence::Fences;
use crate::space::{self, Space};
use controller::{
    BrokerRegistration, ClusterImage, Heartbeat, HeartbeatReply, NodeEndpoint, Refusal, features,
};
use model::config::BrokerSettings;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Offset, Uuid};
use protocol::ErrorCode;
use protocol::messages::broker_heartbeat::BrokerHeartbeatRequest;
use protocol::messages::broker_registration::{BrokerRegistrationRequest, Feature, Listener};
use runtime::{Event, Fence, Runtime};
use std::ops::RangeInclusive;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, info, warn};

/// Between two tries of what failed.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two heartbeats while the broker waits to become available, or to stop.
const EAGER: Duration = Duration::from_millis(10);
/// Between two heartbeats of a broker that is short of space.
const SHORT: Duration = Duration::from_millis(200);
/// Within so many milliseconds after it has run short of space, or has space again, a broker says so.
const APART_MS: u64 = 200;
/// A broker that is to stop no longer asks to be let go when no controller has answered for so long: the last nodes of a
/// cluster that is stopped have none. Longer than it takes to elect one.
const UNANSWERED_MAX: Duration = Duration::from_secs(3);
/// Each time a broker has waited so long to be registered, it says so.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// So often a broker takes its place back. What earlier incarnations left on the way is less; more, and it is another
/// process, with a copy of the directory, that takes it.
const DISPLACED_MAX: u32 = 16;
/// Versions of BrokerRegistration: from 3 on, which tells how the broker stopped last.
const REGISTRATION: RangeInclusive<i16> = 3..=4;
/// Versions of BrokerHeartbeat.
const HEARTBEAT: RangeInclusive<i16> = 0..=1;

/// The task's state.
pub struct Lifecycle<R: Runtime> {
    rt: R,
    every: Duration,
    patience: Duration,
    registration: BrokerRegistration,
    metadata: Handle,
    published: Arc<Snapshot<ClusterImage>>,
    /// Whether there is no other controller than this node.
    alone: bool,
    way: Way<R>,
    fences: Fences,
    space: Space,
    checkpoints: Checkpoints,
    /// Of this incarnation, once it is registered; -1 before.
    epoch: Arc<Snapshot<BrokerEpoch>>,
    /// How often it was displaced.
    displaced: u32,
}

/// Why an attempt came to nothing.
enum Failed {
    /// Trying again may help.
    ForNow(String),
    /// It won't.
    ForGood(String),
    /// This incarnation's epoch is not the registered one.
    Stale(String),
    /// Another process is registered under this broker's id, and may be alive.
    Taken(String),
}

impl Failed {
    fn why(self) -> String {
        let (Failed::ForNow(why) | Failed::ForGood(why) | Failed::Stale(why) | Failed::Taken(why)) = self;
        why
    }
}

/// What a heartbeat is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// To become available, whether or not there is space: what is on the disk can be read.
    Join,
    /// To be seen alive.
    Stay,
    /// To be let go.
    Leave,
}

/// Asks to be let go: told when the broker may stop.
pub type Leave = oneshot::Sender<()>;

impl<R: Runtime> Lifecycle<R> {
    /// Of a broker that is not registered yet.
    pub fn new(
        rt: R,
        settings: &BrokerSettings,
        identity: Identity,
        booted: Booted,
        (fences, space): (Fences, Space),
        checkpoints: Checkpoints,
    ) -> Lifecycle<R> {
        let Booted { handle: metadata, published, replicas } = booted;
        let registration = BrokerRegistration {
            id: settings.node_id,
            cluster_id: identity.meta.cluster,
            incarnation: Uuid::from_draws(rt.draw(), rt.draw()),
            endpoints: identity.endpoints,
            features: features::supported(),
            rack: settings.rack.clone(),
            directories: identity.meta.directory.into_iter().collect(),
            previous_epoch: identity.intact_since,
        };
        let id = settings.node_id;
        let way = Way::new(rt.clone(), id, metadata.clone(), &replicas, format!("broker-{id}-lifecycle"));
        Lifecycle {
            rt,
            every: Duration::from_millis(settings.heartbeat_interval_ms),
            patience: Duration::from_millis(settings.quorum.request_timeout_ms),
            registration,
            metadata,
            published,
            alone: replicas.voters.len() <= 1,
            way,
            fences,
            space,
            checkpoints,
            epoch: Arc::new(Snapshot::new(BrokerEpoch(-1))),
            displaced: 0,
        }
    }

    /// The broker's epoch, whenever somebody looks; -1 before it is registered.
    pub fn epoch(&self) -> Arc<Snapshot<BrokerEpoch>> {
        self.epoch.clone()
    }

    /// Registers the broker and makes it available. When this returns, it leads what it is to lead. An error says why
    /// that will never be.
    pub async fn join(&mut self) -> Result<(), String> {
        loop {
            self.registered().await?;
            if self.holds().await? && self.is_let_in().await {
                return Ok(());
            }
            self.is_displaced()?;
        }
    }

    /// Tells the controller that the broker lives, until somebody wants it to leave; then until it may.
    pub async fn run(mut self, mut leaving: mpsc::Receiver<Leave>) {
        let leave = tokio::select! { biased;
            leave = leaving.recv() => leave,
            why = self.stay() => {
                error!(why, "this broker has lost its place in the cluster");
                if self.fences.fence(Fence::Displaced) {
                    self.rt.observe(Event::Fenced(Fence::Displaced));
                }
                return;
            }
        };
        let Some(leave) = leave else { return };
        let rt = self.rt.clone();
        let mut answered = rt.now();
        while !leave.is_closed() {
            match self.heartbeat(self.applied(), Wish::Leave).await {
                Ok(HeartbeatReply { should_shut_down: true, .. }) => break,
                Ok(_) => {
                    answered = rt.now();
                    rt.sleep_until(rt.now() + EAGER).await;
                }
                Err(Failed::Stale(why)) => {
                    info!(why, "this broker is not registered any more: it stops at once");
                    break;
                }
                Err(_) if rt.now() >= answered + UNANSWERED_MAX => {
                    warn!("there is no controller to let this broker go: it stops all the same");
                    break;
                }
                Err(failed) => self.pause(&failed.why()).await,
            }
        }
        let _ = leave.send(());
    }

    /// Registers the broker, however long that takes.
    async fn registered(&mut self) -> Result<(), String> {
        let mut tell = self.rt.now() + TELL_EVERY;
        let epoch = loop {
            let failed = match self.register().await {
                Ok(epoch) => break epoch,
                Err(failed) => failed,
            };
            match failed {
                Failed::ForGood(why) => return Err(why),
                // It was registered, until that process came.
                Failed::Taken(why) if *self.epoch.load() >= BrokerEpoch(0) => return Err(why),
                failed => {
                    let taken = matches!(failed, Failed::Taken(_));
                    let why = failed.why();
                    if self.rt.now() >= tell {
                        tell = self.rt.now() + TELL_EVERY;
                        match taken {
                            true => warn!(why, "not registered yet: another process may be this broker"),
                            false => {
                                warn!(why, "not registered yet: a majority of the controllers has to run")
                            }
                        }
                    }
                    self.pause(&why).await;
                }
            }
        };
        if let Some(boot) = self.rt.boot() {
            self.checkpoints.note_registered(boot, epoch).await;
        }
        self.epoch.publish(epoch);
        // That was of the incarnation before, for the first registration.
        self.registration.previous_epoch = None;
        info!(%epoch, "registered");
        Ok(())
    }

    /// Waits until the broker holds what it is to hold. False when its registration is over before.
    async fn holds(&mut self) -> Result<bool, String> {
        let (metadata, epoch) = (self.metadata.clone(), *self.epoch.load());
        let joined = metadata.joined(epoch);
        tokio::pin!(joined);
        loop {
            let next = self.rt.now() + self.every;
            tokio::select! { biased;
                joined = &mut joined => {
                    return if joined { Ok(true) } else { Err("the metadata can't be applied".to_owned()) };
                }
                () = self.rt.sleep_until(next) => {}
            }
            // It must not be let in yet: as this incarnation it has applied nothing.
            if let Err(Failed::Stale(_)) = self.heartbeat(Offset(-1), Wish::Join).await {
                return Ok(false);
            }
        }
    }

    /// Waits until the broker sees itself available. False when its registration is over before.
    async fn is_let_in(&mut self) -> bool {
        // Told to be available, it may be fenced again before it has applied that: heartbeats go on until it sees itself so.
        while !self.is_available() {
            let pause = match self.heartbeat(self.applied(), Wish::Join).await {
                Ok(_) => EAGER,
                Err(Failed::Stale(_)) => return false,
                Err(failed) => {
                    debug!(why = failed.why(), "the controller can't be asked now");
                    PAUSE
                }
            };
            let next = self.rt.now() + pause;
            while self.rt.now() < next && !self.is_available() {
                self.rt.sleep_until(self.rt.now() + Duration::from_millis(1)).await;
            }
        }
        true
    }

    /// Tells the controller that the broker lives, and takes its place back where it is displaced. Returns when it can't,
    /// and why.
    async fn stay(&mut self) -> String {
        let mut told = false;
        let mut next = self.rt.now() + self.every;
        loop {
            let turned = tokio::select! { biased;
                () = self.rt.sleep_until(next) => false,
                () = self.space.turned() => true,
            };
            if turned {
                // Disks that are filled alike are full at once: whoever comes second sees that the first has gone.
                let apart = Duration::from_millis(self.rt.draw() % APART_MS);
                self.rt.sleep_until(self.rt.now() + apart).await;
            }
            let pause = match self.heartbeat(self.applied(), Wish::Stay).await {
                // Somebody else may go any moment, and then this one is needed.
                Ok(_) if self.space.is_short() => SHORT.min(self.every),
                Ok(_) => self.every,
                Err(Failed::Stale(why)) => match self.registered_epoch() {
                    // An administrator's word stands until somebody starts the broker again.
                    None => {
                        if !told {
                            warn!(
                                why,
                                "this broker has been unregistered: it is to be stopped, or started again"
                            );
                        }
                        told = true;
                        self.every
                    }
                    // What the controller knows has yet to arrive here.
                    Some(epoch) if epoch == *self.epoch.load() => PAUSE,
                    Some(_) => {
                        let back = match self.is_displaced() {
                            Ok(()) => self.join().await,
                            Err(why) => Err(why),
                        };
                        if let Err(why) = back {
                            return why;
                        }
                        self.every
                    }
                },
                Err(failed) => {
                    debug!(why = failed.why(), "a heartbeat came to nothing");
                    self.way.missed();
                    PAUSE.min(self.every)
                }
            };
            next = self.rt.now() + pause;
        }
    }

    /// Notes that another registration than this incarnation's stands. An error when that has happened too often.
    fn is_displaced(&mut self) -> Result<(), String> {
        self.displaced += 1;
        if self.displaced > DISPLACED_MAX {
            return Err(
                "another process with a copy of this data directory registers again and again".to_owned()
            );
        }
        warn!(
            "this broker's registration was displaced, by an earlier one that came late: it registers again"
        );
        Ok(())
    }

    async fn pause(&mut self, why: &str) {
        debug!(why, "the controller can't be asked now");
        self.rt.sleep_until(self.rt.now() + PAUSE).await;
    }

    /// Whether this broker has applied that it is available.
    fn is_available(&self) -> bool {
        let (image, epoch) = (self.published.load(), *self.epoch.load());
        image.broker(self.registration.id).is_some_and(|broker| broker.epoch == epoch && !broker.fenced)
    }

    /// The last offset of the metadata that this broker has applied.
    fn applied(&self) -> Offset {
        Offset(self.published.load().end().0 - 1)
    }

    /// In which epoch a broker of this id is registered, by what this broker has applied.
    fn registered_epoch(&self) -> Option<BrokerEpoch> {
        self.published.load().broker(self.registration.id).map(|broker| broker.epoch)
    }

    /// Whether it is better to be fenced than available, for want of space: without what the controllers decide a broker knows
    /// neither what it leads nor what it does not lead any more, and one that can't write should not lead what others can.
    fn is_of_no_use(&self, wish: Wish) -> bool {
        // One that is the active controller itself gives way first, if there is another.
        let stuck = !self.way.leads_here() && self.metadata.is_stuck(self.rt.now());
        let gives_way = || space::gives_way(&self.published.load(), self.registration.id);
        stuck || (wish == Wish::Stay && self.space.is_short() && gives_way())
    }

    async fn register(&mut self) -> Result<BrokerEpoch, Failed> {
        let mut request = self.registration.clone();
        let alone = self.alone;
        let link = match self.way.controller().ok_or_else(no_controller)? {
            Controller::Here(metadata) => {
                let registered = metadata.decide(move |desk| {
                    if alone {
                        let image = desk.controller.speculative();
                        request.previous_epoch = vouched_for(image, request.id).or(request.previous_epoch);
                    }
                    desk.register_broker(&request)
                });
                return Ok(registered.await.map_err(refused)?.value);
            }
            Controller::There(link) => link,
        };
        let deadline = self.rt.now() + self.patience;
        let make = |_| Some(registration(&request));
        let (_, answer) = link.call(REGISTRATION, deadline, make).await.map_err(lost)?;
        check(answer.error_code)?;
        Ok(BrokerEpoch(answer.broker_epoch))
    }

    async fn heartbeat(&mut self, applied: Offset, wish: Wish) -> Result<HeartbeatReply, Failed> {
        let heartbeat = Heartbeat {
            id: self.registration.id,
            epoch: *self.epoch.load(),
            metadata_offset: applied,
            want_fence: self.is_of_no_use(wish),
            want_shutdown: wish == Wish::Leave,
        };
        let link = match self.way.controller().ok_or_else(no_controller)? {
            Controller::Here(metadata) => {
                return Ok(metadata.heartbeat(heartbeat).await.map_err(refused)?.value);
            }
            Controller::There(link) => link,
        };
        let deadline = self.rt.now() + self.patience;
        let make = |_| {
            Some(BrokerHeartbeatRequest {
                broker_id: heartbeat.id.0,
                broker_epoch: heartbeat.epoch.0,
                current_metadata_offset: heartbeat.metadata_offset.0,
                want_fence: heartbeat.want_fence,
                want_shut_down: heartbeat.want_shutdown,
                ..BrokerHeartbeatRequest::default()
            })
        };
        let (_, answer) = link.call(HEARTBEAT, deadline, make).await.map_err(lost)?;
        check(answer.error_code)?;
        Ok(HeartbeatReply {
            caught_up: answer.is_caught_up,
            fenced: answer.is_fenced,
            should_shut_down: answer.should_shut_down,
        })
    }
}

fn no_controller() -> Failed {
    Failed::ForNow("there is no active controller".to_owned())
}

/// The epoch of an incarnation whose replicas are the only ones that there are: what the next one has recovered of them
/// is all there is, and may lead. None where other brokers are registered: they may have what was lost here.
fn vouched_for(image: &ClusterImage, id: BrokerId) -> Option<BrokerEpoch> {
    let alone = image.brokers().all(|broker| broker.id == id);
    image.broker(id).filter(|_| alone).map(|broker| broker.epoch)
}

fn registration(request: &BrokerRegistration) -> BrokerRegistrationRequest {
    let listener = |at: &NodeEndpoint| Listener {
        name: at.name.clone(),
        host: at.host.clone(),
        port: at.port,
        security_protocol: at.security_protocol,
    };
    let features = request.features.iter().map(|(name, range)| Feature {
        name: name.clone(),
        min_supported_version: range.min,
        max_supported_version: range.max,
    });
    BrokerRegistrationRequest {
        broker_id: request.id.0,
        cluster_id: request.cluster_id.to_string(),
        incarnation_id: request.incarnation,
        listeners: request.endpoints.iter().map(listener).collect(),
        features: features.collect(),
        rack: request.rack.clone(),
        log_dirs: request.directories.iter().map(|directory| directory.0).collect(),
        previous_broker_epoch: request.previous_epoch.map_or(-1, |epoch| epoch.0),
        ..BrokerRegistrationRequest::default()
    }
}

fn refused(refusal: Refusal) -> Failed {
    let code = crate::refusal::controller(refusal.reason);
    judge(code, refusal.message)
}

fn lost(error: super::LinkError) -> Failed {
    Failed::ForNow(format!("{error:?}"))
}

fn check(code: i16) -> Result<(), Failed> {
    match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        code => Err(judge(code, code.to_string())),
    }
}

/// Whether trying again may help.
fn judge(code: ErrorCode, why: String) -> Failed {
    match code {
        ErrorCode::InconsistentClusterId | ErrorCode::InvalidRegistration | ErrorCode::UnsupportedVersion => {
            Failed::ForGood(why)
        }
        ErrorCode::StaleBrokerEpoch => Failed::Stale(why),
        ErrorCode::DuplicateBrokerRegistration => {
            Failed::Taken("another process is registered under this broker's id, and may be alive".to_owned())
        }
        _ => Failed::ForNow(why),
    }
}

#[cfg(test)]
#[path = "lifecycle_test.rs"]
mod tests;
