//! What this broker holds: the partitions of which it has a replica, and the directories of those that it has no more.
//!
//! ```text
//! first image with this incarnation in it ─▶ strays are set aside ─▶ shards hold
//! every later image ─▶ shards leave ─▶ what is gone is set aside ─▶ shards hold
//! ```
//!
//! One step after the other, so that a name has one user: a topic that is created again under its name finds nothing there.
//! Before this incarnation is in the image, the image may be older than what is on disk, and nothing is done. What can't be
//! set aside for want of space is tried again with the next image; until then, whoever opens a log under the name sets
//! aside what is there.

use crate::aside::{self, Owner};
use crate::checkpoints::Checkpoints;
use crate::context::Shards;
use crate::fence::Fences;
use crate::removals::Removals;
use crate::shard::inbox::{Hold, Leave, Message, Role};
use controller::{
    ClusterImage, ConfigResource, Fate, METADATA_TOPIC, Partition, PartitionChange, ResourceKind,
};
use log::{Aside, PartitionName};
use model::config::{BrokerSettings, TopicConfig};
use model::{BrokerEpoch, BrokerId, PartitionKey, TopicId};
use protocol::ErrorCode;
use replica::{Isr, Leadership};
use runtime::{DiskError, DiskErrorKind, Event, Fence, Runtime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::{error, warn};

/// What the broker holds, and the ways to change it.
pub struct Holdings<R: Runtime> {
    pub(super) rt: R,
    pub(super) settings: BrokerSettings,
    pub(super) shards: Shards,
    pub(super) checkpoints: Checkpoints,
    pub(super) fences: Fences,
    pub(super) removals: Removals,
    /// What shards have been told: empty until this incarnation is in an image.
    pub(super) told: Option<ClusterImage>,
    /// The brokers that may be in an ISR, as shards have been told.
    pub(super) brokers: Arc<BTreeMap<BrokerId, BrokerEpoch>>,
    /// Partitions that are gone and whose directories may still be there. Bound: partitions that this broker had.
    pub(super) going: BTreeMap<PartitionName, TopicId>,
}

/// A shard has stopped, or could not do what it was told: the process is at its end.
pub(super) struct Ended;

type Answer = oneshot::Receiver<Result<(), ErrorCode>>;

impl<R: Runtime> Holdings<R> {
    /// Makes this broker what the image says that it is.
    pub(super) async fn become_as(&mut self, image: &ClusterImage) -> Result<(), Ended> {
        let before = match self.told.take() {
            Some(before) => before,
            None => {
                self.set_strays_aside(image).await?;
                ClusterImage::new(image.cluster_id().clone())
            }
        };
        let changes = image.changes_since(&before);
        self.leave(&changes.partitions).await?;
        self.configure(&before, image, &changes.configs).await?;
        self.tell_brokers(image).await?;
        self.hold(image, &changes.partitions).await?;
        // From here on the log that is opened under the name is another's.
        let me = self.settings.node_id;
        self.going.retain(|name, _| held(image, name).is_none_or(|partition| !partition.is_replica(me)));
        self.told = Some(image.clone());
        Ok(())
    }

    /// Tells shards which brokers may be in an ISR, if others may than before.
    async fn tell_brokers(&mut self, image: &ClusterImage) -> Result<(), Ended> {
        let eligible = image.brokers().filter(|broker| !broker.fenced && !broker.in_controlled_shutdown);
        let brokers: BTreeMap<_, _> = eligible.map(|broker| (broker.id, broker.epoch)).collect();
        if brokers == *self.brokers {
            return Ok(());
        }
        self.brokers = Arc::new(brokers);
        for shard in 0..self.shards.count() {
            if !self.shards.send(shard, Message::Brokers(self.brokers.clone())).await {
                return Err(Ended);
            }
        }
        Ok(())
    }

    /// Has shards leave what this broker has no more, and sets it aside.
    async fn leave(&mut self, changes: &[PartitionChange]) -> Result<(), Ended> {
        let mut leaving = Vec::new();
        for change in changes {
            if change.fate(self.settings.node_id) != Some(Fate::Lost) {
                continue;
            }
            let (done, left) = oneshot::channel();
            self.send(change.key, Message::Leave(Leave { partition: change.key, done })).await?;
            leaving.push(left);
            let name = PartitionName::new(&*change.topic, change.key.index);
            self.going.insert(name, change.key.topic);
        }
        self.all(leaving).await?;
        if self.going.is_empty() {
            return Ok(());
        }
        let set_aside = self.set_gone_aside().await;
        self.judge(set_aside)
    }

    async fn set_gone_aside(&mut self) -> Result<(), DiskError> {
        let disk = self.rt.disk();
        let mut names = Vec::new();
        for (name, topic) in &self.going {
            // Another topic's is not for us to remove.
            if matches!(aside::owner(disk, name).await?, Owner::Topic(owner) if owner != *topic) {
                continue;
            }
            names.push(name.clone());
        }
        aside::set_aside(disk, &self.checkpoints, names, Aside::Deleted).await?;
        self.going.clear();
        self.removals.wake();
        Ok(())
    }

    /// Sets aside the directories of partitions that this broker does not have, but for those whose names it needs now:
    /// whoever opens a log there looks.
    async fn set_strays_aside(&mut self, image: &ClusterImage) -> Result<(), Ended> {
        let strays = self.strays(image).await;
        let set_aside = match strays {
            Ok(strays) => aside::set_aside(self.rt.disk(), &self.checkpoints, strays, Aside::Stray).await,
            Err(error) => Err(error),
        };
        self.judge(set_aside)
    }

    async fn strays(&self, image: &ClusterImage) -> Result<Vec<PartitionName>, DiskError> {
        let me = self.settings.node_id;
        let disk = self.rt.disk();
        let mut strays = Vec::new();
        for dir in aside::dirs(disk).await? {
            let Some(name) = PartitionName::from_dir(&dir).filter(|name| name.topic != METADATA_TOPIC) else {
                continue;
            };
            if !held(image, &name).is_some_and(|partition| partition.is_replica(me)) {
                strays.push(name);
            }
        }
        Ok(strays)
    }

    /// What a failure to set aside means.
    fn judge(&self, set_aside: Result<(), DiskError>) -> Result<(), Ended> {
        match set_aside {
            Ok(()) => Ok(()),
            Err(error) if error.kind == DiskErrorKind::NoSpace => {
                warn!(%error, "no space to set directories aside");
                Ok(())
            }
            Err(error) => {
                error!(%error, "directories can't be set aside");
                if self.fences.fence(Fence::WriteFailed) {
                    self.rt.observe(Event::Fenced(Fence::WriteFailed));
                }
                Err(Ended)
            }
        }
    }

    /// Tells shards of changed configs of what they hold and go on holding.
    async fn configure(
        &self,
        before: &ClusterImage,
        image: &ClusterImage,
        changed: &[ConfigResource],
    ) -> Result<(), Ended> {
        let of_topics = changed.iter().filter(|resource| resource.kind == ResourceKind::Topic);
        let mut names: BTreeSet<&str> = of_topics.map(|resource| &*resource.name).collect();
        if changed.iter().any(|resource| resource.kind == ResourceKind::Broker) {
            names = image.topics().map(|topic| &*topic.name).collect();
        }
        let me = self.settings.node_id;
        for topic in names.into_iter().filter_map(|name| image.topic_named(name)) {
            let Some(known) = before.topic(topic.id) else { continue };
            let config = self.config(image, &topic.name);
            let holds = |index| {
                [known, topic].iter().all(|of| of.partition(index).is_some_and(|at| at.is_replica(me)))
            };
            for index in topic.partitions.keys().copied().filter(|index| holds(*index)) {
                let key = topic.key(index);
                self.send(key, Message::Configure(key, config.clone())).await?;
            }
        }
        Ok(())
    }

    /// Has shards hold what this broker has a replica of, and waits until they lead what it leads.
    async fn hold(&self, image: &ClusterImage, changes: &[PartitionChange]) -> Result<(), Ended> {
        let me = self.settings.node_id;
        let (mut leaders, mut followers) = (Vec::new(), Vec::new());
        for PartitionChange { key, topic, after, .. } in changes {
            let Some(partition) = after.as_ref().filter(|partition| partition.is_replica(me)) else {
                continue;
            };
            let role = if partition.leader == Some(me) { &mut leaders } else { &mut followers };
            role.push((key, topic, partition));
        }
        let mut configs = BTreeMap::new();
        let mut leading = Vec::with_capacity(leaders.len());
        // Clients wait for those that are led.
        for (key, topic, partition) in leaders.into_iter().chain(followers) {
            let config = configs.entry(topic).or_insert_with(|| self.config(image, topic)).clone();
            let (epoch, leader) = (partition.leader_epoch, partition.leader);
            let role = if leader == Some(me) {
                let min = config.min_insync_replicas as usize;
                let isr = Isr::new(&partition.replicas, &partition.isr, min);
                Role::Leader(Leadership { epoch, isr, partition_epoch: partition.partition_epoch })
            } else {
                Role::Follower { epoch, leader }
            };
            let (done, opened) = oneshot::channel();
            let hold = Hold { partition: *key, topic: topic.clone(), role, config, done };
            self.send(*key, Message::Hold(hold)).await?;
            if leader == Some(me) {
                leading.push(opened);
            }
        }
        self.all(leading).await
    }

    fn config(&self, image: &ClusterImage, topic: &str) -> TopicConfig {
        let BrokerSettings { node_id, given, .. } = &self.settings;
        image.topic_config(topic, *node_id, given).unwrap_or_else(|error| {
            error!(%topic, %error, "a topic's configuration is refused: the broker's defaults apply");
            self.settings.topic_defaults()
        })
    }

    async fn send(&self, key: PartitionKey, message: Message) -> Result<(), Ended> {
        if self.shards.send(self.shards.of(key), message).await { Ok(()) } else { Err(Ended) }
    }

    /// Waits until shards have done what they were told.
    async fn all(&self, answers: Vec<Answer>) -> Result<(), Ended> {
        for answer in answers {
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(Ended),
            }
        }
        Ok(())
    }
}

/// The partition of this name.
fn held<'a>(image: &'a ClusterImage, name: &PartitionName) -> Option<&'a Arc<Partition>> {
    image.topic_named(&name.topic)?.partition(name.index)
}
