//! Brokers as the harness sees them: processes that are started, taken down and started again, each by its own
//! supervisor, as an init system would do it.

use super::Hub;
use super::metadata::DIR as METADATA_DIR;
use super::replay::{Files, LOG_STARTS, replay, scrub};
use crate::checkers::Usage;
use crate::history::Note;
use crate::runtime::{NodeHandle, SimRuntime, World};
use crate::scenario::Knobs;
use model::time::Duration;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// The port of every broker.
pub const PORT: u16 = 9092;
/// What clients take for the port of a broker that is behind another one: they find [`PORT`] there, other nodes nothing.
pub const FORWARDED_PORT: u16 = 19092;
/// The port of every controller of a quorum of several.
pub const CONTROLLER_PORT: u16 = 9093;
/// The file by which a broker that stopped in order says so.
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
/// A process that ended by itself is started again after this long.
const RESTART_MS: u64 = 500;
/// A process that was asked to stop and has not after this long is killed.
const STOP_MS: u64 = 30_000;

/// Files that a broker's process may have open: what most systems give by default, unless the scenario lets it use more than a
/// quarter of them.
const DESCRIPTORS_MAX: u64 = 1024;

/// What a broker's process is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSpec {
    /// Its id.
    pub id: i32,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its configs, Kafka's keys.
    pub configs: BTreeMap<String, String>,
    /// As what its directory is formatted before a start that finds it empty; without that, the start sees to it.
    pub format: Option<Format>,
    /// Files that its process may have open.
    pub descriptors_max: u64,
}

/// Whose directory is formatted, as `tidemark format` does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// That of a node of a new cluster.
    New,
    /// That of a node whose disk was replaced.
    Replacement,
}

/// The system under test: what a broker's process does until it is told to stop or ends by itself.
pub type Main = fn(SimRuntime, BrokerSpec, Stop) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Tells a process to stop in order.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Completes when the process is to stop.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            // Whoever could ask is gone: nobody will.
            std::future::pending::<()>().await;
        }
    }
}

/// One broker and its machine.
#[derive(Clone)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// Its machine.
    pub node: NodeHandle,
    inner: Arc<Inner>,
}

struct Inner {
    world: World,
    hub: Arc<Hub>,
    spec: BrokerSpec,
    main: Main,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// Not started before this time, in true nanoseconds; never as long as it is none.
    up_at: Option<u64>,
    /// How long it stays down after the stop that is under way.
    down_ms: Option<u64>,
    /// Faults that have healed when it starts.
    heals: Vec<String>,
    /// Its disk was replaced.
    wiped: bool,
    /// Its power was lost while its disk lied.
    deceived: bool,
    /// The last process ended by itself, and said why.
    gave_up: bool,
    stop: Option<watch::Sender<bool>>,
}

impl Broker {
    /// A broker on a machine of its own, not started yet.
    pub fn new(
        world: &World,
        hub: &Arc<Hub>,
        id: i32,
        node: NodeHandle,
        knobs: &Knobs,
        budget: &Usage,
        main: Main,
    ) -> Broker {
        let at = node.clone();
        hub.name_broker(node.id(), id, Arc::new(move || replay(&files(&at, is_metadata)).metadata));
        let format = knobs.formatted.then_some(Format::New);
        let listen = SocketAddr::new(node.ip(), PORT);
        let descriptors_max = DESCRIPTORS_MAX.max(4 * budget.descriptors);
        let spec = BrokerSpec { id, listen, configs: knobs.configs.clone(), format, descriptors_max };
        let state = State {
            up_at: None,
            down_ms: None,
            heals: Vec::new(),
            wiped: false,
            deceived: false,
            gave_up: false,
            stop: None,
        };
        let inner = Inner {
            world: world.clone(),
            hub: hub.clone(),
            spec,
            main,
            state: Mutex::new(state),
            changed: Notify::new(),
        };
        let broker = Broker { id, node, inner: Arc::new(inner) };
        let supervised = broker.clone();
        world.spawn(async move { supervised.supervise().await });
        broker
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.inner.spec.listen
    }

    /// Starts it now, whatever it was waiting for.
    pub fn start(&self) {
        self.lock().up_at = Some(0);
        self.inner.changed.notify_one();
    }

    /// Kills the process and starts it again after a while; `fault` has healed then.
    pub fn kill(&self, down_ms: u64, fault: &str) {
        self.down(Some(down_ms), Some(fault));
        self.node.kill();
    }

    /// Cuts the power and starts it again after a while; `fault` has healed then.
    pub fn power_loss(&self, down_ms: u64, fault: &str) {
        self.down(Some(down_ms), Some(fault));
        self.node.power_loss();
        if self.node.disk().knobs().lies {
            self.inner.hub.note(Note::DiskLied { broker: self.id });
            self.lock().deceived = true;
        }
    }

    /// Does what an operator does with a disk that has lied, and holds what a broker does not start from: puts an empty one in.
    fn replace_rotten_disk(&self) {
        let mut state = self.lock();
        if std::mem::take(&mut state.gave_up) && std::mem::take(&mut state.deceived) {
            self.node.disk().wipe();
            state.wiped = true;
            drop(state);
            self.inner.hub.note(Note::Wiped { broker: self.id });
        }
    }

    /// Cuts the power, puts an empty disk in and starts it again after a while; `fault` has healed then.
    pub fn wipe(&self, down_ms: u64, fault: &str) {
        self.power_loss(down_ms, fault);
        self.node.disk().wipe();
        self.lock().wiped = true;
        self.inner.hub.note(Note::Wiped { broker: self.id });
    }

    /// Cuts the power for good: until `start`.
    pub fn power_off(&self) {
        self.down(None, None);
        self.node.power_loss();
    }

    /// Asks the process to stop, and starts it again a while after it has; `fault` has healed then.
    pub fn stop(&self, down_ms: u64, fault: &str) {
        self.ask_to_stop(Some(down_ms), Some(fault));
    }

    /// Asks the process to stop for good, and waits until it has. False when it had to be killed.
    pub async fn stopped(&self) -> bool {
        self.ask_to_stop(None, None);
        let incarnation = self.node.incarnation();
        let limit = self.inner.world.now_nanos() + STOP_MS * 1_000_000;
        while self.node.is_up() && self.inner.world.now_nanos() < limit {
            self.inner.world.sleep(Duration::from_millis(10)).await;
        }
        let stopped = !self.node.is_up() && self.node.incarnation() == incarnation;
        self.node.kill();
        stopped
    }

    /// The files as a process would read them now.
    pub fn files(&self) -> Files {
        files(&self.node, |_| true)
    }

    /// It is going down for so long, or until it is started.
    fn down(&self, down_ms: Option<u64>, fault: Option<&str>) {
        let now = self.inner.world.now_nanos();
        let mut state = self.lock();
        let until = down_ms.map(|ms| now + ms * 1_000_000);
        state.up_at = match (state.up_at, until) {
            (Some(planned), Some(until)) => Some(planned.max(until)),
            _ => None,
        };
        state.heals.extend(fault.map(str::to_string));
    }

    fn ask_to_stop(&self, down_ms: Option<u64>, fault: Option<&str>) {
        let mut state = self.lock();
        state.heals.extend(fault.map(str::to_string));
        state.down_ms = down_ms;
        if down_ms.is_none() {
            state.up_at = None;
        }
        if let Some(stop) = &state.stop {
            // A process that has just ended does not listen any more.
            let _ = stop.send(true);
        }
        drop(state);
        let (broker, incarnation) = (self.clone(), self.node.incarnation());
        self.inner.world.spawn(async move {
            broker.inner.world.sleep(Duration::from_millis(STOP_MS)).await;
            if broker.node.is_up() && broker.node.incarnation() == incarnation {
                broker.inner.hub.remark(format!("b{} does not stop: killed", broker.id));
                broker.node.kill();
            }
        });
    }

    /// Starts the process whenever it is down and should not be.
    async fn supervise(&self) {
        loop {
            self.node.ended().await;
            self.plan();
            loop {
                let (up_at, now) = (self.lock().up_at, self.inner.world.now_nanos());
                match up_at {
                    Some(at) if at <= now => break,
                    Some(at) => {
                        tokio::select! {
                            biased;
                            () = self.inner.changed.notified() => {}
                            () = self.inner.world.sleep_until(at) => {}
                        }
                    }
                    None => self.inner.changed.notified().await,
                }
            }
            self.boot();
        }
    }

    /// The process has ended: when is it to start again?
    fn plan(&self) {
        let now = self.inner.world.now_nanos();
        let mut state = self.lock();
        state.stop = None;
        let down_ms = state.down_ms.take().unwrap_or(RESTART_MS);
        // `None` and times to come were decided by who took it down.
        if state.up_at.is_some_and(|at| at <= now && self.node.incarnation() > 0) {
            state.up_at = Some(now + down_ms * 1_000_000);
        }
    }

    fn boot(&self) {
        self.replace_rotten_disk();
        let files = self.files();
        if files.contains_key(CLEAN_SHUTDOWN) {
            // A stop in order has just vouched for every file.
            self.inner.hub.scrubbed(self.id, &scrub(&files));
        }
        self.inner.hub.replayed(self.id, &replay(&files));
        let (stop, asked) = watch::channel(false);
        let (heals, wiped) = {
            let mut state = self.lock();
            state.stop = Some(stop);
            (std::mem::take(&mut state.heals), state.wiped)
        };
        let Inner { spec, main, hub, .. } = &*self.inner;
        let (mut spec, main, broker) = (spec.clone(), *main, self.clone());
        if wiped && spec.format.is_some() {
            spec.format = Some(Format::Replacement);
        }
        self.node.boot(move |runtime| async move {
            if let Err(why) = main(runtime, spec, Stop(asked)).await {
                broker.inner.hub.remark(format!("b{} gave up: {why}", broker.id));
                broker.lock().gave_up = true;
            }
        });
        for fault in heals {
            hub.healed(&fault);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files of a machine as a process would read them now: those whose paths are wanted.
fn files(node: &NodeHandle, wanted: impl Fn(&str) -> bool) -> Files {
    let snapshot = node.disk().live();
    let paths: Vec<String> = snapshot.files().map(|(path, _)| path.to_string_lossy().into_owned()).collect();
    let read = |path: String| {
        let bytes = snapshot.read(path.as_ref()).unwrap_or_default();
        (path, bytes)
    };
    paths.into_iter().filter(|path| wanted(path)).map(read).collect()
}

/// Whether a file says something of the cluster's metadata.
fn is_metadata(path: &str) -> bool {
    path.starts_with(METADATA_DIR) || path == LOG_STARTS
}
