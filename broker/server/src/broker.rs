//! One broker process, from its directory to its clients and back.

use crate::checkpoints::Checkpoints;
use crate::connection;
use crate::context::{Context, Shards};
use crate::descriptors::Descriptors;
use crate::endpoints;
use crate::fence::Fences;
use crate::metadata::{self, Booted, Identity};
use crate::shard::inbox::Message;
use crate::shard::{INBOX_MAX, Shard};
use crate::tail::TailCache;
use log::{Directory, DirectoryError, MetaProperties};
use model::config::{BrokerSettings, Endpoint};
use model::time::Duration;
use model::{BrokerEpoch, ClusterId, DirectoryId, Uuid};
use runtime::{Event, Fence, Listener, Runtime, Task};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use sync::Budget;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tracing::{debug, info, warn};

/// How long connections may take to be answered once the broker stops.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long accepting pauses when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running broker.
pub struct Broker<R: Runtime> {
    rt: R,
    addr: SocketAddr,
    /// Of this incarnation's registration.
    epoch: BrokerEpoch,
    context: Arc<Context>,
    accepting: R::Task<()>,
    /// Set: connections end where they stand.
    cut: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    connections_max: u32,
    checkpoints: Checkpoints,
    fences: Fences,
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
        let addr = endpoints::bind(&settings.listeners[0].endpoint).map_err(StartError::Settings)?;
        let listener = rt.listen(addr).await.map_err(|error| StartError::Listen { addr, error })?;
        let addr = listener.local_addr().map_err(|error| StartError::Listen { addr, error })?;
        let mut directory = Directory::open(rt.disk().clone()).await.map_err(StartError::Directory)?;
        let meta = identify(&rt, &mut directory, &settings).await?;
        let descriptors = share_out(&settings, descriptors_max);
        let fences = Fences::new();
        let checkpoints = Checkpoints::start(&rt, directory, fences.clone());
        let shards = start_shards(&rt, &settings, &checkpoints, &fences);
        let booted = metadata::boot(&rt, &settings, &meta, &shards, &checkpoints, &fences, descriptors).await;
        let Booted { handle, published } = booted.map_err(|error| StartError::Metadata(error.0))?;
        let identity = Identity { meta, endpoints: endpoints::told(&settings, addr) };
        let epoch = tokio::select! { biased;
            why = fences.fenced() => return Err(StartError::Metadata(format!("the data directory is fenced: {why:?}"))),
            registered = metadata::register(&rt, &settings, identity, &handle) => {
                registered.map_err(|refusal| StartError::Metadata(refusal.to_string()))?
            }
        };
        let clock = rt.clone();
        let me = settings.node_id;
        let connections_max = descriptors.connections_max.min(Semaphore::MAX_PERMITS as u32);
        let context = Arc::new(Context::new(settings, shards, handle, published, move || clock.now()));
        let connections = Arc::new(Semaphore::new(connections_max as usize));
        let (cut, cut_seen) = watch::channel(false);
        let accept = accept(rt.clone(), listener, context.clone(), connections.clone(), cut_seen);
        let accepting = rt.spawn("accept", accept);
        rt.observe(Event::Started { broker: me });
        Ok(Broker {
            rt,
            addr,
            epoch,
            context,
            accepting,
            cut,
            connections,
            connections_max,
            checkpoints,
            fences,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until the broker can't go on.
    pub async fn stopped(&self) -> Stopped {
        Stopped::Fenced(self.fences.fenced().await)
    }

    /// Stops in order: no new requests, answers to those that took effect, everything synced and closed.
    pub async fn stop(self) -> Stopped {
        self.accepting.abort();
        self.context.close();
        let gone = self.connections.acquire_many(self.connections_max);
        tokio::select! { biased;
            _ = gone => {}
            () = self.rt.sleep_until(self.rt.now() + DRAIN_MAX) => {
                let left = self.connections_max as usize - self.connections.available_permits();
                warn!(left, "connections cut off");
                self.cut.send_replace(true);
                // Nothing is asked any more once all are gone, which takes each of them one poll.
                let _ = self.connections.acquire_many(self.connections_max).await;
            }
        }
        let mut closed = self.context.metadata.stop().await;
        for shard in 0..self.context.shards.count() {
            let (done, stopped) = oneshot::channel();
            if self.context.shards.send(shard, Message::Stop(done)).await {
                // An error means that the shard is gone, which only a fence explains.
                closed &= stopped.await.unwrap_or(false);
            }
        }
        let closed = closed && !self.fences.is_fenced() && self.checkpoints.close(self.epoch).await;
        if self.fences.is_fenced() {
            return Stopped::Fenced(self.fences.fenced().await);
        }
        if !closed {
            return Stopped::Unclean;
        }
        self.rt.observe(Event::Stopped { broker: self.context.settings.node_id });
        Stopped::Clean
    }
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
    if !settings.roles.broker || !settings.roles.controller {
        return refuse("process.roles must be broker,controller: other roles are not supported yet");
    }
    // Kafka's own server.properties names the node's controller listener here: that is a quorum of one too.
    let own = |server: &Endpoint| {
        settings.controller_listeners.iter().any(|listener| listener.endpoint.port == server.port)
    };
    if settings.quorum_voters.len() > 1 || !settings.quorum_bootstrap_servers.iter().all(own) {
        return refuse("a metadata quorum of several nodes is not supported yet");
    }
    endpoints::check(settings).map_err(StartError::Settings)
}

/// Formats a new directory, or checks that an old one is this node's.
async fn identify<R: Runtime>(
    rt: &R,
    directory: &mut Directory<R::Disk>,
    settings: &BrokerSettings,
) -> Result<MetaProperties, StartError> {
    if let Some(meta) = directory.meta() {
        let mine = meta.node == settings.node_id;
        let same_cluster = settings.cluster_id.as_ref().is_none_or(|cluster| *cluster == meta.cluster);
        if !mine || !same_cluster {
            let why = format!("it belongs to node {} of cluster {}", meta.node, meta.cluster);
            return Err(StartError::Identity(why));
        }
        return Ok(meta.clone());
    }
    // Another node's data would be taken over under a new identity, or left to rot beside ours.
    let partitions = directory.partitions().await.map_err(|error| StartError::Directory(error.into()))?;
    if let Some(partition) = partitions.first() {
        let partition = partition.dir();
        let why = format!("it holds {} but no meta.properties says whose it is", partition.display());
        return Err(StartError::Identity(why));
    }
    let drawn = || Uuid::from_draws(rt.draw(), rt.draw());
    let meta = MetaProperties {
        cluster: settings.cluster_id.clone().unwrap_or_else(|| ClusterId(drawn().to_string().into())),
        node: settings.node_id,
        directory: Some(DirectoryId(drawn())),
    };
    let formatted = directory.format(meta.clone()).await;
    formatted.map_err(|error| StartError::Directory(error.into()))?;
    info!(cluster = %meta.cluster, node = %meta.node, "formatted a new data directory");
    Ok(meta)
}

fn start_shards<R: Runtime>(
    rt: &R,
    settings: &BrokerSettings,
    checkpoints: &Checkpoints,
    fences: &Fences,
) -> Shards {
    let budget = Arc::new(Budget::new(settings.tail_cache_bytes));
    let start = |_| {
        let (sender, inbox) = mpsc::channel(INBOX_MAX);
        let tail = TailCache::new(budget.clone());
        let shard = Shard::new(rt.clone(), settings.node_id, tail, checkpoints.clone(), fences.clone());
        rt.spawn_detached("shard", shard.run(inbox));
        sender
    };
    Shards::new((0..settings.shards).map(start).collect())
}

/// Accepts connections for as long as it is let live. Beyond `max.connections` a new one waits unaccepted.
async fn accept<R: Runtime>(
    rt: R,
    mut listener: R::Listener,
    context: Arc<Context>,
    connections: Arc<Semaphore>,
    cut: watch::Receiver<bool>,
) {
    loop {
        let place = connections.clone().acquire_owned().await.expect("nobody closes this semaphore");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (rt, context, mut cut) = (rt.clone(), context.clone(), cut.clone());
                rt.clone().spawn_detached("connection", async move {
                    tokio::select! { biased;
                        () = connection::serve(rt.clone(), stream, peer, context) => {}
                        // What it was to be told besides goes on in its own task, and ends with the process.
                        _ = cut.wait_for(|cut| *cut) => rt.observe(Event::Disconnected),
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
