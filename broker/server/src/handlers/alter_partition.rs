//! AlterPartition (key 56): a leader tells the active controller who is in sync (KIP-497).
//!
//! * Versions 2 and up, by topic id. From version 3 on each member comes with its incarnation (KIP-903).
//! * A broker of another epoch than the registered one is told STALE_BROKER_EPOCH as a whole; all else is told partition by
//!   partition. What is written is committed before it is answered.

use super::{Asked, Outcome, encode_of_controller};
use crate::context::Context;
use crate::refusal;
use controller::{AlterOutcome, AlterPartition, AlterPartitions, LeaderRecovery};
use model::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, PartitionKey, TopicId};
use protocol::messages::alter_partition::{
    AlterPartitionRequest, AlterPartitionResponse, AnsweredPartitionData, AnsweredTopicData,
    RequestedPartitionData,
};
use std::sync::Arc;

/// The first version that tells the epochs of the members.
const HAS_EPOCHS: i16 = 3;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: AlterPartitionRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.partitions.len()))?;
    let mut partitions = Vec::new();
    for topic in request.topics {
        let wanted = |partition| wanted(TopicId(topic.topic_id), partition, asked.version);
        partitions.extend(topic.partitions.into_iter().map(wanted));
    }
    let wanted = AlterPartitions {
        leader: BrokerId(request.broker_id),
        epoch: BrokerEpoch(request.broker_epoch),
        partitions,
    };
    let outcome = context.metadata.alter_partitions(wanted).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let response = match outcome {
        Ok(outcomes) => AlterPartitionResponse { topics: topics(outcomes), ..Default::default() },
        Err(refused) => AlterPartitionResponse {
            error_code: refusal::controller(refused.reason) as i16,
            ..Default::default()
        },
    };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}

fn wanted(topic: TopicId, partition: RequestedPartitionData, version: i16) -> AlterPartition {
    let isr = if version >= HAS_EPOCHS {
        let member = |epoch: i64| Some(epoch).filter(|epoch| *epoch >= 0).map(BrokerEpoch);
        let members = partition.new_isr_with_epochs.iter();
        members.map(|state| (BrokerId(state.broker_id), member(state.broker_epoch))).collect()
    } else {
        partition.new_isr.iter().map(|id| (BrokerId(*id), None)).collect()
    };
    AlterPartition {
        key: PartitionKey { topic, index: PartitionIndex(partition.partition_index) },
        leader_epoch: LeaderEpoch(partition.leader_epoch),
        partition_epoch: PartitionEpoch(partition.partition_epoch),
        isr,
        recovery: match partition.leader_recovery_state {
            0 => LeaderRecovery::Recovered,
            _ => LeaderRecovery::Recovering,
        },
    }
}

/// The outcomes by topic, in the order of the request.
fn topics(outcomes: Vec<AlterOutcome>) -> Vec<AnsweredTopicData> {
    let mut topics: Vec<AnsweredTopicData> = Vec::new();
    for (key, outcome) in outcomes {
        if topics.last().is_none_or(|last| last.topic_id != key.topic.0) {
            topics.push(AnsweredTopicData { topic_id: key.topic.0, partitions: Vec::new() });
        }
        let partition_index = key.index.0;
        let answered = match outcome {
            Ok(altered) => AnsweredPartitionData {
                partition_index,
                error_code: 0,
                leader_id: altered.leader.0,
                leader_epoch: altered.leader_epoch.0,
                isr: altered.isr.iter().map(|id| id.0).collect(),
                leader_recovery_state: i8::from(altered.recovery == LeaderRecovery::Recovering),
                partition_epoch: altered.partition_epoch.0,
            },
            Err(refused) => AnsweredPartitionData {
                partition_index,
                error_code: refusal::controller(refused.reason) as i16,
                ..AnsweredPartitionData::default()
            },
        };
        topics.last_mut().expect("just pushed").partitions.push(answered);
    }
    topics
}
