//! ListOffsets (key 2): offsets by time, and the ends of the log.
//!
//! * Versions 1 and up (KIP-896). Which special timestamps a version knows: -1 latest and -2 earliest all of
//!   them, -3 max timestamp from 7 on (KIP-734), -4 earliest local from 8 on, -5 latest tiered from 9 on
//!   (KIP-1005), -6 earliest pending upload from 11 on (KIP-1023). Others are refused for their partition.
//! * A partition that is named twice is answered once, with INVALID_REQUEST; that comes before a timestamp that the
//!   version does not know (UNSUPPORTED_VERSION), and that before a partition that does not exist.
//! * Without tiered storage the earliest local offset is the earliest, and the tiered ones do not exist.
//! * A compressed batch that says that it holds a record late enough, but would be too much to decompress or can't be,
//!   is answered by its first offset and its highest timestamp: who reads from there misses nothing.
//! * Nothing at or above the high watermark is told to a client. A new leader that may not know yet how much earlier ones have
//!   committed says OFFSET_NOT_AVAILABLE, LEADER_NOT_AVAILABLE below version 5 (KIP-207).

use super::offset_queries::OffsetQueries;
use super::{Asked, Outcome, encode};
use crate::context::Context;
use crate::shard::inbox::{Listing, Target};
use model::{LeaderEpoch, PartitionIndex, PartitionKey, Timestamp};
use protocol::ErrorCode;
use protocol::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
    ListOffsetsTopicResponse,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: ListOffsetsRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.partitions.len()))?;
    let mut twice = twice(&request.topics);
    let image = context.image();
    let mut topics: Vec<ListOffsetsTopicResponse> = Vec::with_capacity(request.topics.len());
    let mut queries = OffsetQueries::new(context);
    for topic in request.topics {
        let known = super::topic(&image, &topic.name, model::Uuid::ZERO);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let index = PartitionIndex(partition.partition_index);
            let known = known.filter(|topic| topic.partitions.contains_key(&index));
            let mention = if twice.is_empty() { None } else { twice.get_mut(&(topic.name.clone(), index.0)) };
            let error = match (mention, target(partition.timestamp, asked.version), known) {
                // Answered already.
                (Some(true), ..) => continue,
                (Some(answered), ..) => {
                    *answered = true;
                    ErrorCode::InvalidRequest
                }
                (None, Err(code), _) => code,
                (None, Ok(_), None) => ErrorCode::UnknownTopicOrPartition,
                (None, Ok(target), Some(topic)) => {
                    let key = PartitionKey { topic: topic.id, index };
                    let place = (topics.len(), partitions.len());
                    queries.push(context, place, key, LeaderEpoch(partition.current_leader_epoch), target);
                    // Stands only if the shard is gone.
                    ErrorCode::KafkaStorageError
                }
            };
            partitions.push(ListOffsetsPartitionResponse {
                partition_index: index.0,
                error_code: error as i16,
                ..ListOffsetsPartitionResponse::default()
            });
        }
        topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
    }
    for ((topic, partition), result) in queries.ask(context).await {
        let response = &mut topics[topic].partitions[partition];
        response.error_code = ErrorCode::None as i16;
        let result = match result {
            Ok(Listing::Known(known)) => Ok(known),
            Ok(Listing::Search(search)) => search.await,
            Err(code) => Err(code),
        };
        match result {
            Ok(Some(found)) => {
                response.offset = found.offset.0;
                response.timestamp = found.timestamp.0;
                // The field came with version 4, and older clients can't be told to ignore it.
                if asked.version >= 4 {
                    response.leader_epoch = found.epoch.0;
                }
            }
            // No such record: the defaults, -1, say so.
            Ok(None) => {}
            // Older clients don't know that code.
            Err(ErrorCode::OffsetNotAvailable) if asked.version < 5 => {
                response.error_code = ErrorCode::LeaderNotAvailable as i16;
            }
            Err(code) => response.error_code = code as i16,
        }
    }
    let response = ListOffsetsResponse { topics, ..ListOffsetsResponse::default() };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

/// The partitions that a request names more than once, none of them answered yet.
fn twice(topics: &[ListOffsetsTopic]) -> BTreeMap<(String, i32), bool> {
    let mut seen = BTreeSet::new();
    let mut twice = BTreeMap::new();
    for topic in topics {
        for index in topic.partitions.iter().map(|partition| partition.partition_index) {
            if !seen.insert((topic.name.as_str(), index)) {
                twice.insert((topic.name.clone(), index), false);
            }
        }
    }
    twice
}

/// What a timestamp asks for. The negative ones are names; each came with a version.
fn target(timestamp: i64, version: i16) -> Result<Target, ErrorCode> {
    match timestamp {
        0.. => Ok(Target::At(Timestamp(timestamp))),
        -1 => Ok(Target::Latest),
        -2 => Ok(Target::Earliest),
        -3 if version >= 7 => Ok(Target::MaxTimestamp),
        -4 if version >= 8 => Ok(Target::Earliest),
        -5 if version >= 9 => Ok(Target::LatestTiered),
        -6 if version >= 11 => Ok(Target::LatestTiered),
        _ => Err(ErrorCode::UnsupportedVersion),
    }
}

#[cfg(test)]
#[path = "list_offsets_test.rs"]
mod tests;
