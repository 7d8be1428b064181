//! What leaders want their in-sync replicas to be, told to the active controller: one request at a time, with everything that
//! is wanted by then.
//!
//! ```text
//! shards ──proposal──▶ wanted ──AlterPartition──▶ active controller
//!   ▲                                                   │
//!   └──────────────────verdict──────────────────────────┘
//! ```
//!
//! The active controller may be this very node: then it is asked without a connection. Where there is none, or it gives no
//! answer, that is the verdict, and the leader, if it still leads, proposes once more.

use crate::context::Shards;
use crate::metadata::{Controller, Way};
use crate::shard::inbox::{Altered, Message};
use controller::{AlterOutcome, AlterPartition, AlterPartitions, LeaderRecovery, Reason};
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, PartitionEpoch, PartitionKey};
use protocol::ErrorCode;
use protocol::messages::alter_partition::{
    AlterPartitionRequest, AlterPartitionResponse, BrokerState, RequestedPartitionData, RequestedTopicData,
};
use replica::{Proposal, Verdict};
use runtime::Runtime;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::mpsc;
use tracing::debug;

/// Versions of AlterPartition: from 3 on, which tells the incarnations of the members.
const VERSIONS: RangeInclusive<i16> = 3..=3;
/// How long the controller may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Before a verdict that is none.
const PAUSE: Duration = Duration::from_millis(50);
/// Partitions of one request.
const AT_ONCE_MAX: usize = 10_000;

/// Where shards tell their proposals. Cheap to clone. Bound: each partition has one at a time.
#[derive(Clone, Debug)]
pub struct Proposals {
    proposals: mpsc::UnboundedSender<(PartitionKey, Proposal)>,
}

/// The other end, until the task begins.
pub struct Proposed {
    proposals: mpsc::UnboundedReceiver<(PartitionKey, Proposal)>,
}

impl Proposals {
    /// Both ends.
    pub fn new() -> (Proposals, Proposed) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Proposals { proposals: sender }, Proposed { proposals: receiver })
    }

    /// Has the controller asked.
    pub fn propose(&self, partition: PartitionKey, proposal: Proposal) {
        // Nobody asks any more when the broker stops.
        let _ = self.proposals.send((partition, proposal));
    }
}

/// The task's state.
struct Alterations<R: Runtime> {
    rt: R,
    me: BrokerId,
    epoch: Arc<Snapshot<BrokerEpoch>>,
    shards: Shards,
    way: Way<R>,
}

/// Asks until nobody wants anything any more.
pub fn start<R: Runtime>(
    rt: &R,
    me: BrokerId,
    epoch: Arc<Snapshot<BrokerEpoch>>,
    way: Way<R>,
    shards: Shards,
    proposed: Proposed,
) {
    let alterations = Alterations { rt: rt.clone(), me, epoch, shards, way };
    rt.spawn_detached("alterations", alterations.run(proposed));
}

type Wanted = BTreeMap<PartitionKey, Proposal>;
type Verdicts = Vec<(PartitionKey, Verdict)>;

impl<R: Runtime> Alterations<R> {
    async fn run(mut self, mut proposed: Proposed) {
        let mut taken = Vec::new();
        while proposed.proposals.recv_many(&mut taken, AT_ONCE_MAX).await > 0 {
            // A later one of a partition makes an earlier one void.
            let wanted: Wanted = taken.drain(..).collect();
            let verdicts = match self.ask(&wanted).await {
                Some(verdicts) => verdicts,
                None => {
                    self.way.missed();
                    self.rt.sleep_until(self.rt.now() + PAUSE).await;
                    Vec::new()
                }
            };
            let mut verdicts: BTreeMap<_, _> = verdicts.into_iter().collect();
            for (partition, proposal) in wanted {
                let verdict = verdicts.remove(&partition).unwrap_or(Verdict::Unheard);
                let altered = Altered { partition, of: proposal.partition_epoch, verdict };
                self.shards.send(self.shards.of(partition), Message::Altered(altered)).await;
            }
        }
    }

    /// The verdicts of the active controller; `None` when there is none that could be asked.
    async fn ask(&mut self, wanted: &Wanted) -> Option<Verdicts> {
        let request = self.request(wanted);
        let link = match self.way.controller()? {
            Controller::Here(metadata) => {
                let answered = metadata.alter_partitions(request).await;
                return answered.ok().map(|outcomes| outcomes.into_iter().map(judge).collect());
            }
            Controller::There(link) => link,
        };
        let request = message(request);
        let deadline = link.deadline(ANSWER_MAX);
        match link.call(VERSIONS, deadline, |_| Some(request)).await {
            Ok((_, response)) => verdicts(&response),
            Err(error) => {
                debug!(?error, "the controller does not say what became of in-sync replicas");
                None
            }
        }
    }

    fn request(&self, wanted: &Wanted) -> AlterPartitions {
        let me = self.me;
        let epoch = *self.epoch.load();
        let partition = |(key, proposal): (&PartitionKey, &Proposal)| AlterPartition {
            key: *key,
            leader_epoch: proposal.leader_epoch,
            partition_epoch: proposal.partition_epoch,
            isr: proposal
                .isr
                .iter()
                .map(|(id, heard)| (*id, if *id == me { Some(epoch) } else { *heard }))
                .collect(),
            recovery: LeaderRecovery::Recovered,
        };
        AlterPartitions { leader: me, epoch, partitions: wanted.iter().map(partition).collect() }
    }
}

fn judge((key, outcome): AlterOutcome) -> (PartitionKey, Verdict) {
    let verdict = match outcome {
        Ok(altered) => Verdict::Written { partition_epoch: altered.partition_epoch },
        Err(refused) => match refused.reason {
            Reason::IneligibleReplica => Verdict::Refused,
            Reason::NotController => Verdict::Unheard,
            _ => Verdict::Outdated,
        },
    };
    (key, verdict)
}

fn message(wanted: AlterPartitions) -> AlterPartitionRequest {
    let mut topics: Vec<RequestedTopicData> = Vec::new();
    for partition in wanted.partitions {
        let AlterPartition { key, leader_epoch, partition_epoch, isr, .. } = partition;
        if topics.last().is_none_or(|last| last.topic_id != key.topic.0) {
            topics.push(RequestedTopicData { topic_id: key.topic.0, partitions: Vec::new() });
        }
        let member = |(id, epoch): (BrokerId, Option<BrokerEpoch>)| BrokerState {
            broker_id: id.0,
            broker_epoch: epoch.map_or(-1, |epoch| epoch.0),
        };
        let partition = RequestedPartitionData {
            partition_index: key.index.0,
            leader_epoch: leader_epoch.0,
            partition_epoch: partition_epoch.0,
            new_isr_with_epochs: isr.into_iter().map(member).collect(),
            ..RequestedPartitionData::default()
        };
        topics.last_mut().expect("just pushed").partitions.push(partition);
    }
    AlterPartitionRequest { broker_id: wanted.leader.0, broker_epoch: wanted.epoch.0, topics }
}

fn verdicts(response: &AlterPartitionResponse) -> Option<Verdicts> {
    if response.error_code != ErrorCode::None as i16 {
        return None;
    }
    let mut verdicts = Vec::new();
    for topic in &response.topics {
        for partition in &topic.partitions {
            let index = model::PartitionIndex(partition.partition_index);
            let key = PartitionKey { topic: model::TopicId(topic.topic_id), index };
            let verdict = match ErrorCode::from_code(partition.error_code) {
                ErrorCode::None => {
                    Verdict::Written { partition_epoch: PartitionEpoch(partition.partition_epoch) }
                }
                ErrorCode::IneligibleReplica | ErrorCode::OperationNotAttempted => Verdict::Refused,
                ErrorCode::NotController => Verdict::Unheard,
                _ => Verdict::Outdated,
            };
            verdicts.push((key, verdict));
        }
    }
    Some(verdicts)
}
