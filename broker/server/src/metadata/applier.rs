//! The task that makes this broker what the committed image says that it is, then shows the image to handlers.
//!
//! It looks at the latest committed image only: however many records lie between two looks, what has to be done is the
//! difference of two images. Opening a log may take long; the quorum goes on meanwhile, in a task of its own.

use super::holdings::{Ended, Holdings};
use controller::ClusterImage;
use model::{BrokerEpoch, BrokerId, Offset};
use runtime::Runtime;
use std::collections::BTreeMap;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

/// Notices that may wait. One that something was committed is not needed while there are others.
const INBOX_MAX: usize = 1024;

/// What the task is told.
enum Notice {
    /// There is another committed image.
    Committed,
    /// Somebody waits until everything below an offset is applied.
    Wait(Offset, oneshot::Sender<()>),
    /// This broker is registered; told when it holds what the image with that registration says.
    Joined(BrokerEpoch, oneshot::Sender<()>),
    /// Nothing further is to be applied; told when nothing is under way.
    Stop(oneshot::Sender<()>),
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

    /// This broker is registered in `epoch`. Waits until it holds what it is to hold. False when it never will.
    pub async fn joined(&self, epoch: BrokerEpoch) -> bool {
        let (done, joined) = oneshot::channel();
        self.notices.send(Notice::Joined(epoch, done)).await.is_ok() && joined.await.is_ok()
    }

    /// Ends the task once what it is at is done.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        let _ = self.notices.send(Notice::Stop(done)).await.is_ok() && stopped.await.is_ok();
    }
}

/// The task's state.
pub struct Applier<R: Runtime> {
    me: BrokerId,
    holdings: Holdings<R>,
    /// Of this incarnation, once it is registered. An image before it may be older than what is on disk.
    epoch: Option<BrokerEpoch>,
    /// An image with this incarnation in it has been applied: later ones are, too, whoever is registered in them.
    caught_up: bool,
    /// Who waits for that.
    joining: Option<oneshot::Sender<()>>,
    notices: mpsc::Receiver<Notice>,
    committed: Arc<Snapshot<ClusterImage>>,
    /// What handlers see. Invariant: once this incarnation is in it, every partition in it that we lead has been opened by
    /// its shard, unless there was no space; then the shard goes on trying.
    published: Arc<Snapshot<ClusterImage>>,
    /// Everything below has been applied. Inside a metadata transaction that is beyond what is published.
    applied: Offset,
    /// Who waits, by offset and order. Bound: requests under way.
    waiting: BTreeMap<(Offset, u64), oneshot::Sender<()>>,
    waited: u64,
}

impl<R: Runtime> Applier<R> {
    /// A task that begins with an empty image, and the way to it.
    pub fn new(me: BrokerId, holdings: Holdings<R>, empty: ClusterImage) -> (Applier<R>, Applied) {
        let (sender, notices) = mpsc::channel(INBOX_MAX);
        let committed = Arc::new(Snapshot::new(empty.clone()));
        let applied = Applied { notices: sender, committed: committed.clone() };
        let applier = Applier {
            me,
            holdings,
            epoch: None,
            caught_up: false,
            joining: None,
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

    /// Serves until it is told to stop, until nobody can tell it anything any more, or until a shard has stopped.
    pub async fn run(mut self) {
        let mut drained = Vec::with_capacity(INBOX_MAX);
        while self.notices.recv_many(&mut drained, INBOX_MAX).await > 0 {
            for notice in drained.drain(..) {
                match notice {
                    Notice::Committed => {}
                    Notice::Wait(end, done) => {
                        self.waiting.insert((end, self.waited), done);
                        self.waited += 1;
                    }
                    Notice::Joined(epoch, done) => {
                        self.epoch = Some(epoch);
                        self.joining = Some(done);
                    }
                    Notice::Stop(done) => {
                        let _ = done.send(());
                        return;
                    }
                }
            }
            let image = self.committed.load();
            if image.end() > self.applied || self.joining.is_some() {
                if let Err(Ended) = self.apply(image.visible()).await {
                    debug!("shards have stopped: nothing is applied any more");
                    return;
                }
                self.applied = image.end();
            }
            // Whoever waited may have gone.
            self.waiting.retain(|_, done| !done.is_closed());
            let later = self.waiting.split_off(&(self.applied.plus(1), 0));
            for (_, done) in std::mem::replace(&mut self.waiting, later) {
                let _ = done.send(());
            }
        }
    }

    /// Makes this broker what the image says that it is, then shows the image.
    async fn apply(&mut self, image: &ClusterImage) -> Result<(), Ended> {
        let known = image.broker(self.me).map(|broker| broker.epoch);
        let registered = self.epoch.is_some() && known == self.epoch;
        self.caught_up |= registered;
        if self.caught_up {
            self.holdings.become_as(image).await?;
        }
        self.published.publish(image.clone());
        if registered {
            // Whoever waits finds itself in what is published.
            if let Some(joining) = self.joining.take() {
                let _ = joining.send(());
            }
        }
        Ok(())
    }
}
