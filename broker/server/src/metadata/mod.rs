//! Cluster metadata on this node: the quorum, the controller, the metadata log, and who may ask for changes.
//!
//! ```text
//! handlers ─▶ Handle ─▶ inbox ─▶ Node (one task): decide ─▶ append ─▶ sync ─▶ commit ─▶ shards lead ─▶ publish
//! ```
//!
//! One task owns all of it, so decisions are made one after the other on the state that they change. An answer
//! leaves when its records are committed and this broker has applied them.

mod boot;
mod node;
mod replay;
// The task still runs a quorum of one, which says nothing to anybody.
#[allow(dead_code)]
pub mod wire;

pub use boot::{Identity, boot};

use controller::{CreateTopics, NewTopic, Refusal, TopicDraws, TopicOutcome};
use model::BrokerEpoch;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the task; whoever brings one more waits.
pub const INBOX_MAX: usize = 256;

/// What the task can be asked.
pub enum Request {
    /// Create topics.
    CreateTopics {
        /// Which; the task draws what is to be drawn.
        request: CreateTopics,
        /// What became of each, or why of none.
        reply: oneshot::Sender<Result<Vec<TopicOutcome>, Refusal>>,
    },
    /// Give up leadership, close the log, end. The answer is this broker's epoch.
    Stop(oneshot::Sender<BrokerEpoch>),
}

/// The way to the task. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    inbox: mpsc::Sender<Request>,
}

impl Handle {
    /// Around the sending end of the task's inbox.
    pub fn new(inbox: mpsc::Sender<Request>) -> Handle {
        Handle { inbox }
    }

    /// Creates topics. `None` when the task has stopped.
    pub async fn create_topics(&self, request: CreateTopics) -> Option<Result<Vec<TopicOutcome>, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Request::CreateTopics { request, reply }).await.ok()?;
        answer.await.ok()
    }

    /// Creates topics with default settings, because somebody asked for their metadata.
    pub async fn auto_create(&self, names: Vec<String>) {
        let topics = names.into_iter().map(new_topic_of_name).collect();
        self.create_topics(CreateTopics { topics, validate_only: false }).await;
    }

    /// Stops the task. `None` when it has stopped already.
    pub async fn stop(&self) -> Option<BrokerEpoch> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Request::Stop(reply)).await.ok()?;
        answer.await.ok()
    }
}

fn new_topic_of_name(name: String) -> NewTopic {
    NewTopic {
        name,
        partitions: -1,
        replication_factor: -1,
        assignments: Vec::new(),
        configs: Vec::new(),
        draws: UNDRAWN,
    }
}

/// What a request carries before the task has drawn.
pub const UNDRAWN: TopicDraws = TopicDraws { id: [0, 0], start: 0 };
