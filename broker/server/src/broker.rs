//! One broker process, from its directory to its clients and back.

use crate::alterations::{self, Proposals};
use crate::checkpoints::Checkpoints;
use crate::connection;
use crate::context::{ClockOf, Context, Shards, Ways};
use crate::descriptors::Descriptors;
use crate::doubts::Doubts;
use crate::endpoints;
use crate::fence::Fences;
use crate::fetcher::{self, Cluster, Wants};
use crate::format::identify;
use crate::forwarder::Forwarder;
use crate::handlers::Side;
use crate::metadata::{self, Booted, Identity, Leave, Lifecycle, Membership, Way};
use crate::producer_ids::{self, ProducerIds};
use crate::shard::inbox::Message;
use crate::shard::{INBOX_MAX, Others, Shard};
use crate::space::Space;
use crate::tail::TailCache;
use log::{Directory, DirectoryError};
use model::BrokerEpoch;
use model::config::{BrokerSettings, Endpoint};
use model::time::Duration;
use runtime::{Event, Fence, Listener, Runtime, Task};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use sync::{Budget, Snapshot};
use tokio::sync::{Semaphore, SetOnce, mpsc, oneshot};
use tracing::{debug, info, warn};

/// How long a broker that is fenced waits until nothing vouches for its replicas any more.
const DISTRUST_MAX: Duration = Duration::from_secs(2);
/// How long connections may take to be answered once the broker stops.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long accepting pauses when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a broker that stops waits to be let go by the controller: until others lead what it led.
const LEAVE_MAX: Duration = Duration::from_secs(10);
/// Connections that other nodes may have to a controller's listener, at the least.
const CONTROLLER_CONNECTIONS_MIN: u32 = 64;

/// A running node: a broker, a controller, or both.
pub struct Broker<R: Runtime> {
    rt: R,
    addr: SocketAddr,
    /// Of this incarnation's registration; -1 of a node that is no broker.
    epoch: Arc<Snapshot<BrokerEpoch>>,
    /// Where to ask to be let go; of a broker whose cluster has other nodes.
    leaving: Option<mpsc::Sender<Leave>>,
    context: Arc<Context>,
    doors: Vec<Door<R>>,
    /// Set: connections end where they stand.
    cut: Arc<SetOnce<()>>,
    checkpoints: Checkpoints,
    fences: Fences,
}

/// A listener, and who came in by it.
struct Door<R: Runtime> {
    accepting: R::Task<()>,
    connections: Arc<Semaphore>,
    connections_max: u32,
}

/// How a broker came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// In order: everything is synced, and the next start needs no recovery.
    Clean,
    /// In order, but the files that say so could not be written: nothing is lost, and the next start recovers.
    Unclean,
    /// A disk failure has fenced the directory. The next start recovers.
    Fenced(Fence),
}

/// Why a broker can't start.
#[derive(Debug)]
pub enum StartError {
    /// The settings ask for what there is not.
    Settings(String),
    /// The address can't be listened on.
    Listen {
        /// Which one.
        addr: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The data directory is in use, unreadable, or another node's.
    Directory(DirectoryError),
    /// The data directory belongs to another node or cluster.
    Identity(String),
    /// The metadata can't be recovered.
    Metadata(String),
}

impl<R: Runtime> Broker<R> {
    /// Starts a broker: when this returns, clients are served.
    ///
    /// `settings.shards` must not be 0: how many cores there are is the caller's to know, as are the files that the
    /// process may have open: `descriptors_max`.
    pub async fn start(
        rt: R,
        settings: BrokerSettings,
        descriptors_max: u64,
    ) -> Result<Broker<R>, StartError> {
        check(&settings)?;
        let Listeners { clients, controllers } = Listeners::bind(&rt, &settings).await?;
        let mut directory = Directory::open(rt.disk().clone()).await.map_err(StartError::Directory)?;
        let meta = identify(&rt, &mut directory, &settings).await?;
        let intact_since = directory.intact_since(rt.boot().as_deref());
        let descriptors = share_out(&settings, descriptors_max);
        let fences = Fences::new();
        let every = Duration::from_millis(settings.replication.high_watermark_every_ms);
        let checkpoints = Checkpoints::start(&rt, directory, fences.clone(), every);
        let (wants, wanting) = Wants::new();
        let (proposals, proposed) = Proposals::new();
        let space = Space::start(&rt);
        let others = Others { wants, proposals, space: space.clone() };
        let shards = start_shards(&rt, &settings, &checkpoints, &fences, &others);
        let booted = metadata::boot(&rt, &settings, &meta, &shards, &checkpoints, &fences, descriptors).await;
        let Booted { handle, published, replicas } = booted.map_err(|error| StartError::Metadata(error.0))?;
        let (ids, asked) = ProducerIds::new();
        let ways = Ways {
            shards,
            metadata: handle.clone(),
            forwarder: Forwarder::start(&rt, &replicas, &handle),
            producer_ids: ids,
            doubts: Doubts::default(),
        };
        let context = Arc::new(Context::new(
            settings.clone(),
            ways,
            replicas.clone(),
            published.clone(),
            ClockOf(rt.clone()),
        ));
        let membership = Membership::of(rt.clone(), &settings, handle.clone(), published.clone(), &replicas);
        if let Some(membership) = membership {
            rt.spawn_detached("membership", membership.run());
        }
        let connections_max = descriptors.connections_max.min(Semaphore::MAX_PERMITS as u32);
        let mut broker = Broker {
            rt,
            addr: clients
                .as_ref()
                .or(controllers.as_ref())
                .expect("a node has a role, and a role a listener")
                .1,
            epoch: Arc::new(Snapshot::new(BrokerEpoch(-1))),
            leaving: None,
            context,
            doors: Vec::new(),
            cut: Arc::new(SetOnce::new()),
            checkpoints,
            fences,
        };
        if let Some((listener, addr)) = controllers {
            info!(%addr, "listening for controllers and brokers");
            broker.open_door(
                listener,
                Side::Controller,
                (connections_max / 4).max(CONTROLLER_CONNECTIONS_MIN),
            );
        }
        if let Some((listener, addr)) = clients {
            let identity = Identity { meta, endpoints: endpoints::told(&settings, addr), intact_since };
            let (rt, fences) = (broker.rt.clone(), broker.fences.clone());
            let image = published.clone();
            let booted = Booted { handle, published, replicas: replicas.clone() };
            let checkpoints = broker.checkpoints.clone();
            let lifecycle = Lifecycle::new(rt, &settings, identity, booted, (fences, space), checkpoints);
            let cluster = Cluster { settings: Arc::new(settings.clone()), epoch: lifecycle.epoch(), image };
            let (me, shards) = (settings.node_id, broker.context.shards.clone());
            let way = |whose: &str| {
                let metadata = broker.context.metadata.clone();
                Way::new(broker.rt.clone(), me, metadata, &replicas, format!("broker-{me}-{whose}"))
            };
            let (to_alter, for_ids) = (way("alterations"), way("producer-ids"));
            alterations::start(&broker.rt, me, lifecycle.epoch(), to_alter, shards.clone(), proposed);
            producer_ids::start(&broker.rt, me, lifecycle.epoch(), for_ids, asked);
            fetcher::start(&broker.rt, cluster, shards, broker.context.doubts.clone(), wanting);
            let others = replicas.voters.len() > 1 || !settings.roles.controller;
            broker.join(lifecycle, others).await?;
            broker.open_door(listener, Side::Broker, connections_max);
        }
        let epoch = *broker.epoch.load();
        broker.rt.observe(Event::Started { broker: settings.node_id, epoch });
        Ok(broker)
    }

    /// Becomes available in the cluster. `others`: it has other nodes, which have to take over when this one leaves.
    async fn join(&mut self, mut lifecycle: Lifecycle<R>, others: bool) -> Result<(), StartError> {
        tokio::select! { biased;
            why = self.fences.fenced() => {
                return Err(StartError::Metadata(format!("the data directory is fenced: {why:?}")));
            }
            joined = lifecycle.join() => joined.map_err(StartError::Metadata)?,
        }
        self.epoch = lifecycle.epoch();
        let (leaving, leave) = mpsc::channel(1);
        self.leaving = others.then(|| leaving.clone());
        self.rt.spawn_detached("lifecycle", async move {
            // Held, so that a broker that nobody asks to leave stays.
            let _leaving = leaving;
            lifecycle.run(leave).await;
        });
        Ok(())
    }

    fn open_door(&mut self, listener: R::Listener, side: Side, connections_max: u32) {
        let connections = Arc::new(Semaphore::new(connections_max as usize));
        let (context, cut) = (self.context.clone(), self.cut.clone());
        let accepting = accept(self.rt.clone(), listener, side, context, connections.clone(), cut);
        let accepting = self.rt.spawn("accept", accepting);
        self.doors.push(Door { accepting, connections, connections_max });
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until the broker can't go on.
    pub async fn stopped(&self) -> Stopped {
        let why = self.fences.fenced().await;
        self.distrusted().await;
        Stopped::Fenced(why)
    }

    /// Waits until the next start does not vouch for what a failed sync may have lost; not for ever, of a disk that hangs.
    async fn distrusted(&self) {
        tokio::select! { biased;
            () = self.checkpoints.distrusted() => {}
            () = self.rt.sleep_until(self.rt.now() + DISTRUST_MAX) => {}
        }
    }

    /// Stops in order: no new requests, answers to those that took effect, everything synced and closed.
    pub async fn stop(self) -> Stopped {
        self.leave().await;
        self.doors.iter().for_each(|door| door.accepting.abort());
        self.context.close();
        let doors = &self.doors;
        let gone = async {
            for door in doors {
                let _ = door.connections.acquire_many(door.connections_max).await;
            }
        };
        tokio::select! { biased;
            () = gone => {}
            () = self.rt.sleep_until(self.rt.now() + DRAIN_MAX) => {
                warn!("connections cut off");
                let _ = self.cut.set(());
                // Nothing is asked any more once all are gone, which takes each of them one poll.
                for door in doors {
                    let _ = door.connections.acquire_many(door.connections_max).await;
                }
            }
        }
        let mut closed = self.context.metadata.stop().await;
        tokio::select! { biased;
            () = self.context.metadata.stop_applying() => {}
            () = self.rt.sleep_until(self.rt.now() + DRAIN_MAX) => {}
        }
        for shard in 0..self.context.shards.count() {
            let (done, stopped) = oneshot::channel();
            if self.context.shards.send(shard, Message::Stop(done)).await {
                // An error means that the shard is gone, which only a fence explains.
                closed &= stopped.await.unwrap_or(false);
            }
        }
        let closed = closed && !self.fences.is_fenced() && self.checkpoints.close(*self.epoch.load()).await;
        if self.fences.is_fenced() {
            self.distrusted().await;
            return Stopped::Fenced(self.fences.fenced().await);
        }
        if !closed {
            return Stopped::Unclean;
        }
        self.rt.observe(Event::Stopped { broker: self.context.settings.node_id });
        Stopped::Clean
    }

    /// Has others lead what this broker leads, as far as there are any.
    async fn leave(&self) {
        let Some(leaving) = &self.leaving else { return };
        let (leave, left) = oneshot::channel();
        let left = async { leaving.send(leave).await.is_ok() && left.await.is_ok() };
        tokio::select! { biased;
            _ = left => {}
            () = self.rt.sleep_until(self.rt.now() + LEAVE_MAX) => {
                warn!("the controller has not let this broker go: it stops all the same");
            }
        }
    }
}

/// What a node listens on: for clients if it is a broker, for other nodes if it is a controller of several.
struct Listeners<L> {
    clients: Option<(L, SocketAddr)>,
    controllers: Option<(L, SocketAddr)>,
}

impl<L: Listener> Listeners<L> {
    async fn bind<R: Runtime<Listener = L>>(
        rt: &R,
        settings: &BrokerSettings,
    ) -> Result<Listeners<L>, StartError> {
        let clients = settings.listeners.first().filter(|_| settings.roles.broker);
        let controllers = settings.controller_listeners.first().filter(|_| settings.roles.controller);
        Ok(Listeners {
            clients: bind(rt, clients.map(|listener| &listener.endpoint)).await?,
            controllers: bind(rt, controllers.map(|listener| &listener.endpoint)).await?,
        })
    }
}

async fn bind<R: Runtime>(
    rt: &R,
    endpoint: Option<&Endpoint>,
) -> Result<Option<(R::Listener, SocketAddr)>, StartError> {
    let Some(endpoint) = endpoint else { return Ok(None) };
    let addr = endpoints::bind(endpoint).map_err(StartError::Settings)?;
    let listening = async {
        let listener = rt.listen(addr).await?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    listening.await.map(Some).map_err(|error| StartError::Listen { addr, error })
}

fn share_out(settings: &BrokerSettings, descriptors_max: u64) -> Descriptors {
    let descriptors = Descriptors::of(descriptors_max, settings.connections_max);
    let (allowed, wanted) = (descriptors.connections_max, settings.connections_max);
    // Kafka's default is no limit at all, which nobody asked for.
    if allowed < wanted && wanted < i32::MAX as u32 {
        warn!(
            "max.connections is {wanted}, but the process may have {descriptors_max} files open: {allowed} are accepted"
        );
    }
    descriptors
}

fn check(settings: &BrokerSettings) -> Result<(), StartError> {
    let refuse = |why: &str| Err(StartError::Settings(why.to_owned()));
    if settings.shards == 0 {
        return refuse("tidemark.shards must be at least 1");
    }
    let several = settings.quorum_voters.len() > 1;
    if settings.quorum_voters.is_empty() && !settings.roles.controller {
        return refuse("controller.quorum.voters must name the controllers of a node that is none itself");
    }
    if settings.roles.controller
        && settings.controller_listeners.is_empty()
        && (several || !settings.roles.broker)
    {
        return refuse("controller.listener.names must name a listener for the other nodes");
    }
    // Kafka's own server.properties names the node's controller listener here: that is a quorum of one too.
    let known = |server: &Endpoint| {
        let own = settings.controller_listeners.iter().map(|listener| &listener.endpoint);
        own.chain(settings.quorum_voters.iter().map(|voter| &voter.endpoint)).any(|at| at.port == server.port)
    };
    if !settings.quorum_bootstrap_servers.iter().all(known) {
        return refuse(
            "controller.quorum.bootstrap.servers must be among controller.quorum.voters: the voters are configured",
        );
    }
    if settings.roles.broker { endpoints::check(settings).map_err(StartError::Settings) } else { Ok(()) }
}

fn start_shards<R: Runtime>(
    rt: &R,
    settings: &BrokerSettings,
    checkpoints: &Checkpoints,
    fences: &Fences,
    others: &Others,
) -> Shards {
    let budget = Arc::new(Budget::new(settings.tail_cache_bytes));
    let start = |_| {
        let (sender, inbox) = mpsc::channel(INBOX_MAX);
        let tail = TailCache::new(budget.clone());
        let shard =
            Shard::new(rt.clone(), settings, tail, checkpoints.clone(), fences.clone(), others.clone());
        rt.spawn_detached("shard", shard.run(inbox));
        sender
    };
    Shards::new((0..settings.shards).map(start).collect())
}

/// Accepts connections for as long as it is let live. Beyond `max.connections` a new one waits unaccepted.
async fn accept<R: Runtime>(
    rt: R,
    mut listener: R::Listener,
    side: Side,
    context: Arc<Context>,
    connections: Arc<Semaphore>,
    cut: Arc<SetOnce<()>>,
) {
    loop {
        let place = connections.clone().acquire_owned().await.expect("nobody closes this semaphore");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (rt, context, cut) = (rt.clone(), context.clone(), cut.clone());
                rt.clone().spawn_detached("connection", async move {
                    tokio::select! { biased;
                        () = connection::serve(rt.clone(), stream, peer, context, side) => {}
                        // What it was to be told besides goes on in its own task, and ends with the process.
                        () = cut.wait() => rt.observe(Event::Disconnected),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                debug!(%error, "a connection could not be accepted");
                rt.sleep_until(rt.now() + ACCEPT_PAUSE).await;
            }
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Settings(why) => f.write_str(why),
            StartError::Listen { addr, error } => write!(f, "can't listen on {addr}: {error}"),
            StartError::Directory(error) => error.fmt(f),
            StartError::Identity(why) | StartError::Metadata(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}
