//! OffsetForLeaderEpoch (key 23): where an epoch ends in the leader's log, for consumers whose leader has changed (KIP-320).
//!
//! * Versions 2 to 4. The answer is the last epoch of the log up to the one that was asked for, and one past its last offset:
//!   the end of the log for the latest one, committed or not, as in Kafka. For an epoch that is newer than all of them, and
//!   for -1, both are -1, which is no error.
//! * Only a leader answers, and only in the epoch that the sender names, if it names one.
//! * A partition that is named twice is answered twice.

use super::{Asked, Outcome, encode};
use crate::context::Context;
use crate::shard::inbox::{ListOffsets, Listed, Listing, Message, OffsetQuery, Target};
use model::{LeaderEpoch, PartitionIndex, PartitionKey, Uuid};
use protocol::ErrorCode;
use protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};
use std::sync::Arc;
use tokio::sync::oneshot;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: OffsetForLeaderEpochRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.partitions.len()))?;
    let image = context.image();
    let mut topics: Vec<OffsetForLeaderTopicResult> = Vec::with_capacity(request.topics.len());
    // Where the answer to each query goes: topic and partition, by their place in the answer.
    let mut places = Vec::new();
    let mut by_shard: Vec<Vec<OffsetQuery>> = (0..context.shards.count()).map(|_| Vec::new()).collect();
    for topic in request.topics {
        let known = super::topic(&image, &topic.topic, Uuid::ZERO);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let index = PartitionIndex(wanted.partition);
            let known = known.filter(|topic| topic.partitions.contains_key(&index));
            let error = match known {
                None => ErrorCode::UnknownTopicOrPartition,
                Some(topic) => {
                    let key = PartitionKey { topic: topic.id, index };
                    by_shard[context.shards.of(key)].push(OffsetQuery {
                        slot: places.len(),
                        partition: key,
                        epoch: LeaderEpoch(wanted.current_leader_epoch),
                        target: Target::EndOf(LeaderEpoch(wanted.leader_epoch)),
                    });
                    // Stands only if the shard is gone.
                    ErrorCode::KafkaStorageError
                }
            };
            places.push((topics.len(), partitions.len()));
            partitions.push(EpochEndOffset {
                error_code: error as i16,
                partition: index.0,
                ..EpochEndOffset::default()
            });
        }
        topics.push(OffsetForLeaderTopicResult { topic: topic.topic, partitions });
    }
    let mut answers = Vec::new();
    for (shard, parts) in by_shard.into_iter().enumerate().filter(|(_, parts)| !parts.is_empty()) {
        let (reply, answer) = oneshot::channel();
        context.shards.send(shard, Message::ListOffsets(ListOffsets { parts, reply })).await;
        answers.push(answer);
    }
    for answer in answers {
        for Listed { slot, result } in answer.await.unwrap_or_default() {
            let (topic, partition) = places[slot];
            tell(&mut topics[topic].partitions[partition], result);
        }
    }
    let response = OffsetForLeaderEpochResponse { topics, ..OffsetForLeaderEpochResponse::default() };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

/// Writes down what a shard found.
fn tell(answer: &mut EpochEndOffset, result: Result<Listing, ErrorCode>) {
    answer.error_code = match result {
        Ok(Listing::Known(found)) => {
            if let Some(end) = found {
                (answer.leader_epoch, answer.end_offset) = (end.epoch.0, end.offset.0);
            }
            ErrorCode::None as i16
        }
        Ok(Listing::Search(_)) => unreachable!("ends of epochs are known"),
        Err(code) => code as i16,
    };
}

#[cfg(test)]
#[path = "offset_for_leader_epoch_test.rs"]
mod tests;
