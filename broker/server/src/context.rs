//! What every connection shares: settings, the published metadata, and the ways to the tasks that own state.
//!
//! Nothing here can be changed by a handler. The image is a snapshot, the rest are senders and bounds.

use crate::connection::Room;
use crate::doubts::Doubts;
use crate::forwarder::Forwarder;
use crate::metadata::{self, Replicas};
use crate::producer_ids::ProducerIds;
use crate::shard::inbox::Message;
use controller::ClusterImage;
use model::config::BrokerSettings;
use model::{Instant, PartitionKey};
use runtime::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What requests may hold together when `queued.max.request.bytes` sets no limit.
const REQUEST_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What every connection shares.
pub struct Context {
    /// The configuration.
    pub settings: BrokerSettings,
    /// Where partitions live.
    pub shards: Shards,
    /// Where metadata changes are asked for.
    pub metadata: metadata::Handle,
    /// Memory for frames that are still arriving: as much as requests may take that have arrived.
    pub room: Room,
    /// This replica of the metadata, and the voters.
    pub replicas: Replicas,
    /// The way to the active controller where that is another node.
    pub forwarder: Forwarder,
    /// Where ids for producers are asked for.
    pub producer_ids: ProducerIds,
    /// Leaders that may be dead.
    pub doubts: Doubts,
    image: Arc<Snapshot<ClusterImage>>,
    clock: Box<dyn Clock>,
    /// Requests, their frames and what decoding makes of them, hold so much memory together, between their last byte
    /// and their effect. Counted in KiB, because a semaphore counts in 32 bits.
    request_kib: Arc<Semaphore>,
    request_kib_max: u32,
    /// Places for fetch sessions.
    fetch_sessions: Arc<Semaphore>,
    /// Has no permits; closed when connections are to end. Not a `watch`: that wakes its waiters in an order drawn from
    /// a generator of tokio's own, which differs from process to process.
    closing: Semaphore,
}

/// The ways to the tasks that own state.
pub struct Ways {
    /// To partitions.
    pub shards: Shards,
    /// To the metadata.
    pub metadata: metadata::Handle,
    /// To the active controller where that is another node.
    pub forwarder: Forwarder,
    /// To ids for producers.
    pub producer_ids: ProducerIds,
    /// From the fetchers: leaders that may be dead.
    pub doubts: Doubts,
}

impl Context {
    /// A context around the tasks that have been started.
    pub fn new(
        settings: BrokerSettings,
        ways: Ways,
        replicas: Replicas,
        image: Arc<Snapshot<ClusterImage>>,
        clock: impl Clock,
    ) -> Context {
        let Ways { shards, metadata, forwarder, producer_ids, doubts } = ways;
        let bytes = settings.requests_bytes_max.unwrap_or(REQUEST_BYTES_MAX);
        let room = Room::new(bytes as usize, settings.request_bytes_max as usize);
        let request_kib_max = u32::try_from(bytes / 1024).unwrap_or(u32::MAX >> 1).clamp(1, u32::MAX >> 1);
        let request_kib = Arc::new(Semaphore::new(request_kib_max as usize));
        let clock = Box::new(clock);
        let fetch_sessions = Arc::new(Semaphore::new(settings.fetch_sessions_max as usize));
        Context {
            settings,
            shards,
            metadata,
            room,
            replicas,
            forwarder,
            producer_ids,
            doubts,
            image,
            clock,
            request_kib,
            request_kib_max,
            fetch_sessions,
            closing: Semaphore::new(0),
        }
    }

    /// The cluster as of the last committed metadata record that this broker has applied.
    pub fn image(&self) -> Arc<ClusterImage> {
        self.image.load()
    }

    /// The monotonic clock, for handlers that wait more than once.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Waits until `deadline`.
    pub async fn sleep_until(&self, deadline: Instant) {
        self.clock.sleep_until(deadline).await;
    }

    /// Tells every connection to take no further request.
    pub fn close(&self) {
        self.closing.close();
    }

    /// Completes when connections are told to take no further request.
    pub async fn closing(&self) {
        let refused = self.closing.acquire().await.is_err();
        assert!(refused, "a semaphore without permits gave one");
    }

    /// A place for a fetch session, if there is one.
    pub fn fetch_session(&self) -> Option<OwnedSemaphorePermit> {
        self.fetch_sessions.clone().try_acquire_owned().ok()
    }

    /// Waits until a request of `bytes` may be worked on. One larger than the limit is worked on alone.
    pub async fn request_memory(&self, bytes: usize) -> OwnedSemaphorePermit {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(self.request_kib_max);
        let permit = self.request_kib.clone().acquire_many_owned(kib).await;
        permit.expect("nobody closes this semaphore")
    }
}

/// The runtime's clock, for handlers, which don't know the runtime.
pub trait Clock: Send + Sync + 'static {
    /// The monotonic clock.
    fn now(&self) -> Instant;
    /// Completes at `deadline`.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A runtime as a clock.
pub struct ClockOf<R>(pub R);

impl<R: Runtime> Clock for ClockOf<R> {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.0.sleep_until(deadline))
    }
}

/// The senders of all shards.
#[derive(Clone)]
pub struct Shards {
    inboxes: Arc<[mpsc::Sender<Message>]>,
}

impl Shards {
    /// One sender for each shard; at least one.
    pub fn new(inboxes: Vec<mpsc::Sender<Message>>) -> Shards {
        assert!(!inboxes.is_empty(), "a broker without shards");
        Shards { inboxes: inboxes.into() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.inboxes.len()
    }

    /// Which one owns `partition`: a topic's partitions follow each other round the shards.
    pub fn of(&self, partition: PartitionKey) -> usize {
        let topic = u128::from_be_bytes(partition.topic.0.0) as u64;
        (topic.wrapping_add(partition.index.0 as u64) % self.inboxes.len() as u64) as usize
    }

    /// Brings a message to a shard, waiting while its inbox is full. False when the shard has stopped.
    pub async fn send(&self, shard: usize, message: Message) -> bool {
        self.inboxes[shard].send(message).await.is_ok()
    }
}
