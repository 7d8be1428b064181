//! What others may ask of the metadata task, and how they learn what became of it.
//!
//! A change is a closure that decides on the controller's state: the task runs it, appends its records, and answers
//! when they are committed. So a new API brings its decision along, and the task need not know it.

use super::applier::Applied;
use super::node::{Heard, Leadership, Question, Told};
use super::probes::Alarm;
use crate::descriptors::Descriptors;
use controller::{
    AlterOutcome, AlterPartitions, BrokerRegistration, Controller, ControllerRegistration, CreatePartitions,
    CreateTopics, Decision, DeletedTopic, ElectLeaders, ElectionOutcomes, Heartbeat, HeartbeatReply,
    PartitionsOutcome, ProducerIdBlock, Reason, Refusal, TopicDraws, TopicOutcome, TopicToDelete,
};
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Instant, Offset, Timestamp};
use raft::Quorum;
use std::future::Future;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{Notify, mpsc, oneshot};

/// Changes that may wait for the task; whoever brings one more waits.
pub const INBOX_MAX: usize = 256;

/// What a request carries before the task has drawn.
pub const UNDRAWN: TopicDraws = TopicDraws { id: [0, 0], start: 0 };

/// What a decision is made with.
pub struct Desk<'a> {
    /// The controller; decisions are refused where it is not the active one.
    pub controller: &'a mut Controller,
    /// The monotonic clock.
    pub now: Instant,
    /// The offset that the next record will have.
    pub next: Offset,
    /// This node.
    pub me: BrokerId,
    /// What partitions get of this process's descriptors.
    pub descriptors: Descriptors,
    /// Random bits.
    pub draw: &'a mut dyn FnMut() -> u64,
}

/// Records to append, and whom to tell.
pub(super) struct Plan {
    /// None when nothing changes.
    pub(super) decision: Decision<()>,
    /// Told when everything up to here is committed, or why it will not be.
    pub(super) done: Done,
}

/// Whom to tell that everything below an offset is committed, or why that can't be said.
pub(super) type Done = Box<dyn FnOnce(Result<Offset, Refusal>) + Send>;

/// Decides, and answers itself when there is nothing to append.
pub(super) type Decide = Box<dyn FnOnce(&mut Desk<'_>) -> Option<Plan> + Send>;

/// What a look at the quorum and the controller sees.
pub struct Seen<'a> {
    /// The quorum.
    pub quorum: &'a Quorum,
    /// The controller.
    pub controller: &'a Controller,
    /// The monotonic clock, by which it tells when it heard whom.
    pub now: Instant,
    /// The same moment on the wall.
    pub wall: Timestamp,
}

/// So long may the metadata log have no space before the broker wants to be fenced.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// Looks at the quorum.
pub(super) type Look = Box<dyn FnOnce(&Seen<'_>) + Send>;

/// One thing that the task is asked.
pub(super) enum Request {
    /// A change.
    Decide(Decide),
    /// A look.
    Look(Look),
    /// Give up leadership, close the log, end. Answered when the log is closed.
    Stop(oneshot::Sender<()>),
}

/// What was decided and is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed<T> {
    /// The answer.
    pub value: T,
    /// One past the last record that it rests on.
    pub end: Offset,
}

/// The way to the task. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) requests: mpsc::Sender<Request>,
    /// Tells a task that is held up that it is to stop.
    pub(super) stopping: Arc<Notify>,
    pub(super) stuck: Arc<Snapshot<Option<Instant>>>,
    pub(super) heard: mpsc::Sender<Heard>,
    pub(super) applied: Applied,
    pub(super) leadership: Arc<Snapshot<Leadership>>,
    pub(super) alarms: mpsc::Sender<Alarm>,
    /// Whether whatever is to be decided is refused.
    pub(super) refuses: bool,
}

impl Handle {
    /// Who leads the quorum, as far as this node knows.
    pub fn leadership(&self) -> Leadership {
        *self.leadership.load()
    }

    /// Whether something of the quorum's could not be written here for want of space, and has not been since.
    pub fn is_held_up(&self) -> bool {
        self.stuck.load().is_some()
    }

    /// Whether the metadata log has not gone on here for want of space, for so long that it is more than a file which comes and
    /// goes. Such a node learns of nothing: neither that it leads, nor that it does not any more.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.stuck.load().is_some_and(|since| now > since + STUCK_AFTER)
    }

    /// A way that leads nowhere: every change is refused as one is of which nobody knows whether it happens.
    pub fn refusing(&self) -> Handle {
        Handle { refuses: true, ..self.clone() }
    }

    /// Puts another replica's question to this node's quorum. When this returns it stands in line there; the answer is
    /// waited for: `None` when the task has stopped.
    pub async fn ask(
        &self,
        request: raft::Request,
        bytes_max: usize,
    ) -> impl Future<Output = Option<Told>> + Send + use<> {
        let (reply, told) = oneshot::channel();
        let question = Heard::Question(Question { request, bytes_max, reply });
        // When the task has stopped, the reply is dropped with the question.
        let _ = self.heard.send(question).await;
        async move { told.await.ok() }
    }

    /// What `look` sees in the quorum. `None` when the task has stopped.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Seen<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, seen) = oneshot::channel();
        let look = Box::new(move |at: &Seen<'_>| drop(reply.send(look(at))));
        self.requests.send(Request::Look(look)).await.ok()?;
        seen.await.ok()
    }

    /// Has the active controller decide. The answer comes when it is committed, or says why it is not: after
    /// [`Reason::NotController`] that may still happen.
    pub async fn decide<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<Decision<T>, Refusal> + Send + 'static,
    ) -> Result<Committed<T>, Refusal> {
        let (reply, answer) = oneshot::channel();
        let decide = Box::new(move |desk: &mut Desk<'_>| match decide(desk) {
            Ok(Decision { records, atomicity, reply: value }) => {
                let done = move |end: Result<Offset, Refusal>| {
                    // Whoever asked may have gone.
                    let _ = reply.send(end.map(|end| Committed { value, end }));
                };
                let decision = Decision { records, atomicity, reply: () };
                Some(Plan { decision, done: Box::new(done) })
            }
            Err(refusal) => {
                let _ = reply.send(Err(refusal));
                None
            }
        });
        if self.refuses {
            let message =
                "The controller has not answered: this may have been done, or be done yet.".to_owned();
            return Err(Refusal { reason: Reason::NotController, message });
        }
        let stopped =
            || Refusal { reason: Reason::NotController, message: "The node is stopping.".to_owned() };
        self.requests.send(Request::Decide(decide)).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Waits until this broker has applied everything below `end`. False when it will not.
    pub async fn applied(&self, end: Offset) -> bool {
        self.applied.wait(end).await
    }

    /// This broker is registered in `epoch`. Waits until it holds what it is to hold. False when it never will.
    pub async fn joined(&self, epoch: BrokerEpoch) -> bool {
        self.applied.joined(epoch).await
    }

    /// Lets what is being applied be finished, and nothing further be begun.
    pub async fn stop_applying(&self) {
        self.applied.stop().await;
    }

    /// Registers a broker.
    pub async fn register_broker(
        &self,
        request: BrokerRegistration,
    ) -> Result<Committed<BrokerEpoch>, Refusal> {
        self.decide(move |desk| desk.register_broker(&request)).await
    }

    /// Takes a broker's heartbeat.
    pub async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<Committed<HeartbeatReply>, Refusal> {
        self.decide(move |desk| desk.controller.heartbeat(desk.now, &heartbeat)).await
    }

    /// The connection has ended over which a broker sent its heartbeats: whether the broker lives is to be found out.
    pub fn cut_off(&self, id: BrokerId) {
        // An alarm that finds no room is not needed: its silence will tell.
        let _ = self.alarms.try_send(Alarm::CutOff(id));
    }

    /// Registers a controller.
    pub async fn register_controller(&self, request: ControllerRegistration) -> Result<(), Refusal> {
        self.decide(move |desk| desk.controller.register_controller(&request)).await.map(drop)
    }

    /// Decides who is in sync.
    pub async fn alter_partitions(&self, request: AlterPartitions) -> Result<Vec<AlterOutcome>, Refusal> {
        Ok(self.decide(move |desk| desk.controller.alter_partitions(&request)).await?.value)
    }

    /// Gives producer ids to a broker.
    pub async fn allocate_producer_ids(
        &self,
        id: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<ProducerIdBlock, Refusal> {
        Ok(self.decide(move |desk| desk.controller.allocate_producer_ids(id, epoch)).await?.value)
    }

    /// Creates topics. They can be produced to, as far as this broker leads them, when this returns.
    pub async fn create_topics(&self, mut request: CreateTopics) -> Result<Vec<TopicOutcome>, Refusal> {
        let decide = move |desk: &mut Desk<'_>| {
            for topic in &mut request.topics {
                let id = [(desk.draw)(), (desk.draw)()];
                topic.draws = TopicDraws { id, start: (desk.draw)() };
            }
            desk.create_topics(request)
        };
        self.change(decide).await
    }

    /// Deletes topics. This broker knows them no more when this returns.
    pub async fn delete_topics(&self, topics: Vec<TopicToDelete>) -> Result<Vec<DeletedTopic>, Refusal> {
        self.change(move |desk| desk.controller.delete_topics(&topics)).await
    }

    /// Gives topics more partitions. They can be produced to, as far as this broker leads them, when this returns.
    pub async fn create_partitions(
        &self,
        mut request: CreatePartitions,
    ) -> Result<Vec<PartitionsOutcome>, Refusal> {
        let decide = move |desk: &mut Desk<'_>| {
            for topic in &mut request.topics {
                topic.start = (desk.draw)();
            }
            desk.create_partitions(request)
        };
        self.change(decide).await
    }

    /// Has leaders elected.
    pub async fn elect_leaders(&self, request: ElectLeaders) -> Result<Vec<ElectionOutcomes>, Refusal> {
        self.change(move |desk| desk.controller.elect_leaders(&request)).await
    }

    /// Forgets a broker.
    pub async fn unregister_broker(&self, id: BrokerId) -> Result<(), Refusal> {
        self.change(move |desk| desk.controller.unregister_broker(id)).await
    }

    /// Has the active controller decide, and waits until this broker is what was decided.
    async fn change<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<Decision<T>, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let Committed { value, end } = self.decide(decide).await?;
        self.applied(end).await;
        Ok(value)
    }

    /// Stops the task: leadership is given up and the log is closed. False when it has stopped already, or could not
    /// close the log.
    pub async fn stop(&self) -> bool {
        let (reply, stopped) = oneshot::channel();
        self.stopping.notify_one();
        self.requests.send(Request::Stop(reply)).await.is_ok() && stopped.await.is_ok()
    }
}
