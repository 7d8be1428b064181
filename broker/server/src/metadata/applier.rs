//! The task that makes this broker what the committed image says that it is, then shows the image to handlers.
//!
//! It looks at the latest committed image only: however many records lie between two looks, what has to be done is the
//! difference of two images. Opening a log may take long; the quorum goes on meanwhile, in a task of its own.

use crate::context::Shards;
use crate::fence::Fences;
use crate::shard::inbox::{Lead, Message};
use controller::{ClusterImage, Partition};
use model::config::BrokerSettings;
use model::{LeaderEpoch, Offset, PartitionKey};
use protocol::ErrorCode;
use std::collections::BTreeMap;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

/// Notices that may wait. One that something was committed is not needed while there are others.
const INBOX_MAX: usize = 1024;

/// What the task is told.
enum Notice {
    /// There is another committed image.
    Committed,
    /// Somebody waits until everything below an offset is applied.
    Wait(Offset, oneshot::Sender<()>),
}

/// The way to the task: what is committed, and who waits. Cheap to clone.
#[derive(Clone)]
pub struct Applied {
    notices: mpsc::Sender<Notice>,
    committed: Arc<Snapshot<ClusterImage>>,
}

impl Applied {
    /// Tells of a committed image. Only the metadata task does.
    pub(super) fn committed(&self, image: ClusterImage) {
        self.committed.publish(image);
        // A full inbox has a notice behind which the task looks at this image.
        let _ = self.notices.try_send(Notice::Committed);
    }

    /// Waits until everything below `end` is applied. False when it will not be.
    pub async fn wait(&self, end: Offset) -> bool {
        let (done, applied) = oneshot::channel();
        self.notices.send(Notice::Wait(end, done)).await.is_ok() && applied.await.is_ok()
    }
}

/// The task's state.
pub struct Applier {
    settings: BrokerSettings,
    shards: Shards,
    fences: Fences,
    notices: mpsc::Receiver<Notice>,
    committed: Arc<Snapshot<ClusterImage>>,
    /// What handlers see. Invariant: every partition in it that we lead has been opened by its shard, unless there was
    /// no space; then the shard goes on trying.
    published: Arc<Snapshot<ClusterImage>>,
    /// Everything below has been applied. Inside a metadata transaction that is beyond what is published.
    applied: Offset,
    /// Who waits, by offset and order. Bound: requests under way.
    waiting: BTreeMap<(Offset, u64), oneshot::Sender<()>>,
    waited: u64,
}

impl Applier {
    /// A task that begins with an empty image, and the way to it.
    pub fn new(
        settings: BrokerSettings,
        shards: Shards,
        fences: Fences,
        empty: ClusterImage,
    ) -> (Applier, Applied) {
        let (sender, notices) = mpsc::channel(INBOX_MAX);
        let committed = Arc::new(Snapshot::new(empty.clone()));
        let applied = Applied { notices: sender, committed: committed.clone() };
        let applier = Applier {
            settings,
            shards,
            fences,
            notices,
            committed,
            published: Arc::new(Snapshot::new(empty)),
            applied: Offset::ZERO,
            waiting: BTreeMap::new(),
            waited: 0,
        };
        (applier, applied)
    }

    /// What handlers are to read the cluster from.
    pub fn published(&self) -> Arc<Snapshot<ClusterImage>> {
        self.published.clone()
    }

    /// Serves until nobody can tell it anything any more, or until the directory is fenced.
    pub async fn run(mut self) {
        let mut drained = Vec::with_capacity(INBOX_MAX);
        while self.notices.recv_many(&mut drained, INBOX_MAX).await > 0 {
            for notice in drained.drain(..) {
                if let Notice::Wait(end, done) = notice {
                    self.waiting.insert((end, self.waited), done);
                    self.waited += 1;
                }
            }
            let image = self.committed.load();
            if image.end() > self.applied {
                if let Err(partition) = self.apply(&image).await {
                    assert!(self.fences.is_fenced(), "{partition} can't be opened, and nobody knows why");
                    return;
                }
                self.applied = image.end();
            }
            let later = self.waiting.split_off(&(self.applied.plus(1), 0));
            for (_, done) in std::mem::replace(&mut self.waiting, later) {
                // Whoever waited may have gone.
                let _ = done.send(());
            }
        }
    }

    /// Makes this broker what the image says that it is, then shows the image. An error names a partition that can't be
    /// opened.
    async fn apply(&mut self, committed: &ClusterImage) -> Result<(), PartitionKey> {
        let image = committed.visible().clone();
        let me = self.settings.node_id;
        let leads = |partition: &Partition| partition.leader == Some(me);
        let mut opening = Vec::new();
        for change in image.changes_since(&self.published.load()).partitions {
            let Some(partition) = change.after.filter(|partition| leads(partition)) else { continue };
            let opened = self.lead(&image, change.key, change.topic, partition.leader_epoch).await?;
            opening.push((change.key, opened));
        }
        for (key, opened) in opening {
            match opened.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(key),
            }
        }
        self.published.publish(image);
        Ok(())
    }

    /// Asks the shard of a partition to lead it.
    async fn lead(
        &self,
        image: &ClusterImage,
        partition: PartitionKey,
        topic: Arc<str>,
        epoch: LeaderEpoch,
    ) -> Result<oneshot::Receiver<Result<(), ErrorCode>>, PartitionKey> {
        let BrokerSettings { node_id, given, .. } = &self.settings;
        let config = image.topic_config(&topic, *node_id, given).unwrap_or_else(|error| {
            error!(%topic, %error, "a topic's configuration is refused: the broker's defaults apply");
            self.settings.topic_defaults()
        });
        let (done, opened) = oneshot::channel();
        let lead = Lead { partition, topic, epoch, config, done };
        if !self.shards.send(self.shards.of(partition), Message::Lead(lead)).await {
            return Err(partition);
        }
        Ok(opened)
    }
}
