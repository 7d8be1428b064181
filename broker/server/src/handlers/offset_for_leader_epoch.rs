//! OffsetForLeaderEpoch (key 23): where an epoch ends in the leader's log, for consumers whose leader has changed (KIP-320).
//!
//! * Versions 2 to 4. The answer is the last epoch of the log up to the one that was asked for, and one past its last offset:
//!   the end of the log for the latest one, committed or not, as in Kafka. For an epoch that is newer than all of them, and
//!   for -1, both are -1, which is no error.
//! * Only a leader answers, and only in the epoch that the sender names, if it names one.
//! * A partition that is named twice is answered twice.

use super::offset_queries::OffsetQueries;
use super::{Asked, Outcome, encode};
use crate::context::Context;
use crate::shard::inbox::{Listing, Target};
use model::{LeaderEpoch, PartitionIndex, PartitionKey, Uuid};
use protocol::ErrorCode;
use protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: OffsetForLeaderEpochRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.partitions.len()))?;
    let image = context.image();
    let mut topics: Vec<OffsetForLeaderTopicResult> = Vec::with_capacity(request.topics.len());
    let mut queries = OffsetQueries::new(context);
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
                    let target = Target::EndOf(LeaderEpoch(wanted.leader_epoch));
                    let place = (topics.len(), partitions.len());
                    queries.push(context, place, key, LeaderEpoch(wanted.current_leader_epoch), target);
                    // Stands only if the shard is gone.
                    ErrorCode::KafkaStorageError
                }
            };
            partitions.push(EpochEndOffset {
                error_code: error as i16,
                partition: index.0,
                ..EpochEndOffset::default()
            });
        }
        topics.push(OffsetForLeaderTopicResult { topic: topic.topic, partitions });
    }
    for ((topic, partition), result) in queries.ask(context).await {
        tell(&mut topics[topic].partitions[partition], result);
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
