//! Copying partitions from their leaders: a task and a connection for each broker that leads something that is followed here.
//!
//! ```text
//! shards ──Want──▶ fetchers ──▶ line to broker 1 ──Fetch──▶ broker 1
//!   ▲                  │   └──▶ line to broker 2 ──Fetch──▶ broker 2
//!   └──────Copied──────┴──────────────┘
//! ```
//!
//! A shard says of each partition that it follows where it is, whenever that is somewhere to go on from: each time once, so
//! that as many wants are on the way as there are partitions, and no shard ever waits for a fetcher.

mod line;
mod plan;

use crate::context::Shards;
use crate::doubts::Doubts;
use crate::metadata::Link;
use crate::shard::inbox::{Position, Want};
use controller::ClusterImage;
use line::{Line, Wanted};
use model::config::BrokerSettings;
use model::{BrokerEpoch, BrokerId, PartitionKey};
use runtime::Runtime;
use std::collections::BTreeMap;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::mpsc;

/// Where shards say what is to be fetched. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Wants {
    /// Bound: see [`crate::fetcher`].
    wants: mpsc::UnboundedSender<Want>,
}

/// The other end, until the fetchers begin.
pub struct Wanting {
    wants: mpsc::UnboundedReceiver<Want>,
}

impl Wants {
    /// Both ends.
    pub fn new() -> (Wants, Wanting) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Wants { wants: sender }, Wanting { wants: receiver })
    }

    /// Has a partition fetched, or no more.
    pub fn want(&self, want: Want) {
        // Nobody fetches any more when the broker stops.
        let _ = self.wants.send(want);
    }
}

/// What a fetch says of this broker, and where the others are.
#[derive(Clone)]
pub struct Cluster {
    /// This broker's settings.
    pub settings: Arc<BrokerSettings>,
    /// This broker's incarnation; -1 before it is registered.
    pub epoch: Arc<Snapshot<BrokerEpoch>>,
    /// The cluster as this broker has applied it.
    pub image: Arc<Snapshot<ClusterImage>>,
}

/// The task that knows who is asked for what.
struct Fetchers<R: Runtime> {
    rt: R,
    cluster: Cluster,
    shards: Shards,
    doubts: Doubts,
    lines: BTreeMap<BrokerId, mpsc::UnboundedSender<Wanted>>,
    /// Who is asked for what. Bound: partitions that are followed.
    routes: BTreeMap<PartitionKey, BrokerId>,
}

/// Fetches what is wanted until nobody wants anything any more.
pub fn start<R: Runtime>(rt: &R, cluster: Cluster, shards: Shards, doubts: Doubts, wanting: Wanting) {
    let (lines, routes) = (BTreeMap::new(), BTreeMap::new());
    let fetchers = Fetchers { rt: rt.clone(), cluster, shards, doubts, lines, routes };
    rt.spawn_detached("fetchers", fetchers.run(wanting));
}

impl<R: Runtime> Fetchers<R> {
    async fn run(mut self, mut wanting: Wanting) {
        while let Some(Want { partition, from }) = wanting.wants.recv().await {
            let leader = from.map(|(leader, _)| leader);
            if let Some(before) = self.routes.get(&partition).copied()
                && leader != Some(before)
            {
                self.routes.remove(&partition);
                self.tell(before, partition, None);
            }
            if let Some((leader, position)) = from {
                self.routes.insert(partition, leader);
                self.tell(leader, partition, Some(position));
            }
        }
    }

    fn tell(&mut self, leader: BrokerId, partition: PartitionKey, position: Option<Position>) {
        let line = self.lines.entry(leader).or_insert_with(|| {
            let (sender, wanted) = mpsc::unbounded_channel();
            let lost = self.doubts.of(leader);
            let line = Line::new(self.rt.clone(), leader, self.cluster.clone(), self.shards.clone(), lost);
            self.rt.spawn_detached("fetcher", line.run(wanted));
            sender
        });
        // A line ends only when this task does.
        let _ = line.send((partition, position));
    }
}

/// A way to the broker's present incarnation, by its address for other brokers; none while it has none.
fn link<R: Runtime>(rt: &R, cluster: &Cluster, to: BrokerId) -> Option<(BrokerEpoch, Link<R>)> {
    let image = cluster.image.load();
    let broker = image.broker(to)?;
    let listener = &cluster.settings.inter_broker_listener;
    let at = broker.endpoints.iter().find(|endpoint| endpoint.name == *listener)?;
    let client_id = format!("broker-{}-fetcher", cluster.settings.node_id);
    Some((broker.epoch, Link::new(rt.clone(), at.clone(), client_id)))
}
