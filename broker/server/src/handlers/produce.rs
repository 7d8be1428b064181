//! Produce (key 0): appends batches, and answers when they have reached what `acks` asks for.
//!
//! * Versions 3 and up (KIP-896); older ones are advertised, because clients infer from the range which
//!   compression they may use, and refused.
//! * At most one batch for each partition, of format 2, as Kafka demands from version 3 on.
//! * `acks` other than 0, 1 and -1 is refused for every partition there is; acks=0 gets no answer, and a failure then
//!   ends the connection, which is the only way to tell the client.
//! * Internal topics are written to by clients named `__admin_client` only; for others they are
//!   INVALID_TOPIC_EXCEPTION.
//! * Idempotent producers' batches follow each other by their sequence numbers (KIP-98): one of the last five that comes again
//!   is answered as the first time, with its timestamp, when it is committed as `acks` asks, and an older one that is known
//!   to be in the log with DUPLICATE_SEQUENCE_NUMBER, as late; OUT_OF_ORDER_SEQUENCE_NUMBER and INVALID_PRODUCER_EPOCH
//!   otherwise. A producer that is unknown begins anywhere (KIP-360).
//! * There are no transactions yet: a transactional id is INVALID_TXN_STATE. A batch of a transaction without one is
//!   TRANSACTIONAL_ID_AUTHORIZATION_FAILED, as in Kafka.
//! * A batch of formats 0 or 1, one cut short and one that breaks a rule are INVALID_RECORD; from version 8 on the
//!   answer points at the first record at fault, if it was a record's fault (KIP-467).
//! * From version 13 on topics are named by id (KIP-516).

use super::leader_hints::{LeaderHints, Node};
use super::{Asked, Outcome, encode};
use crate::context::Context;
use crate::refusal;
use crate::shard::inbox::{Message, Placed, Produce, ProducePart, Produced, Refused};
use controller::INTERNAL_TOPICS;
use model::time::Duration;
use model::{PartitionIndex, PartitionKey};
use protocol::ErrorCode;
use protocol::messages::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceResponse,
};
use records::batch::ProduceRefusal;
use runtime::{Acks, Event};
use std::sync::Arc;
use tokio::sync::oneshot;

/// From this version on an answer tells who leads instead (KIP-951).
const HINTS_FROM: i16 = 10;

/// One partition of the request, in request order.
struct Slot {
    /// Its topic's index in the request, and so in the answer.
    topic: usize,
    index: i32,
    /// Known if the partition is.
    partition: Option<PartitionKey>,
    result: Result<Placed, Refused>,
}

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: ProduceRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topic_data.iter().map(|topic| topic.partition_data.len()))?;
    let acks = match request.acks {
        0 => Ok(Acks::None),
        1 => Ok(Acks::Leader),
        -1 => Ok(Acks::All),
        _ => Err(ErrorCode::InvalidRequiredAcks),
    };
    let transactional = request.transactional_id.is_some();
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let mut answer = Vec::with_capacity(request.topic_data.len());
    let mut slots = Vec::new();
    let mut by_shard: Vec<Vec<ProducePart>> = (0..context.shards.count()).map(|_| Vec::new()).collect();
    let image = context.image();
    for (at, topic) in request.topic_data.into_iter().enumerate() {
        let known = super::topic(&image, &topic.name, topic.topic_id);
        let reserved =
            !asked.internal_client && known.is_some_and(|topic| INTERNAL_TOPICS.contains(&&*topic.name));
        for data in topic.partition_data {
            let slot = slots.len();
            let partition = known
                .filter(|topic| topic.partitions.contains_key(&PartitionIndex(data.index)))
                .map(|topic| PartitionKey { topic: topic.id, index: PartitionIndex(data.index) });
            let unknown = if asked.version >= 13 {
                ErrorCode::UnknownTopicId
            } else {
                ErrorCode::UnknownTopicOrPartition
            };
            let part: Result<ProducePart, Refused> = match (partition, acks) {
                (None, _) if known.is_some() => Err(ErrorCode::UnknownTopicOrPartition.into()),
                (None, _) => Err(unknown.into()),
                (Some(_), Err(code)) => Err(code.into()),
                (Some(_), Ok(_)) if reserved => Err(ErrorCode::InvalidTopicException.into()),
                (Some(_), Ok(_)) if transactional => Err(ErrorCode::InvalidTxnState.into()),
                (Some(partition), Ok(_)) => Ok(ProducePart {
                    slot,
                    partition,
                    batch: data.records.unwrap_or_default(),
                    keeps_alive: asked.frame_len,
                    zstd: asked.version >= 7,
                }),
            };
            // Overwritten by the shard's answer; stands if there is none.
            let mut result = Err(ErrorCode::KafkaStorageError.into());
            match part {
                Ok(part) => by_shard[context.shards.of(part.partition)].push(part),
                Err(refused) => result = Err(refused),
            }
            slots.push(Slot { topic: at, index: data.index, partition, result });
        }
        answer.push(TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            ..TopicProduceResponse::default()
        });
    }
    let acks = acks.unwrap_or(Acks::Leader);
    let mut applied = Vec::new();
    let mut waiting = Vec::new();
    for (shard, parts) in by_shard.into_iter().enumerate().filter(|(_, parts)| !parts.is_empty()) {
        let (applied_tx, applied_rx) = oneshot::channel();
        let (done_tx, done_rx) = oneshot::channel();
        let deadline = asked.arrived + timeout;
        let produce = Produce { parts, acks, deadline, applied: applied_tx, done: done_tx };
        context.shards.send(shard, Message::Produce(produce)).await;
        applied.push(applied_rx);
        waiting.push(done_rx);
    }
    // The request has taken effect when every shard has appended or refused its part.
    for applied in applied {
        // A shard that is gone answers nothing: its slots keep their error.
        let _ = applied.await;
    }
    let complete = async move {
        for done in waiting {
            for Produced { slot, result } in done.await.unwrap_or_default() {
                slots[slot].result = result;
            }
        }
        slots
    };
    if acks == Acks::None {
        let slots = complete.await;
        return match slots.iter().find_map(|slot| slot.result.as_ref().err()) {
            Some(refused) => Err(format!("acks=0 produce failed: {:?}", refused.code)),
            None => Ok(Outcome::Silent(Box::pin(async {}))),
        };
    }
    let context = context.clone();
    Ok(Outcome::Later(Box::pin(async move {
        let slots = complete.await;
        let events = acknowledged(&slots, acks);
        encode(&asked, &respond(&context, asked.version, answer, slots), events)
    })))
}

fn respond(
    context: &Context,
    version: i16,
    mut topics: Vec<TopicProduceResponse>,
    slots: Vec<Slot>,
) -> ProduceResponse {
    let image = context.image();
    let mut hints = LeaderHints::new(&image, &context.settings.inter_broker_listener);
    for Slot { topic, index, partition, result } in slots {
        let mut response = PartitionProduceResponse { index, ..PartitionProduceResponse::default() };
        match result {
            Ok(Placed { base: None, .. }) => {
                // Clients take it for success without an offset, and without it they would send the batch until its
                // time is over.
                response.error_code = ErrorCode::DuplicateSequenceNumber as i16;
                response.base_offset = -1;
            }
            Ok(placed @ Placed { base: Some(base), .. }) => {
                response.base_offset = base.0;
                response.log_append_time_ms = placed.log_append_time.0;
                response.log_start_offset = placed.log_start.0;
            }
            Err(refused) => {
                response.error_code = refused.code as i16;
                response.error_message = refused.why.map(|why| why.to_string());
                response.record_errors = refused.why.and_then(record_error).into_iter().collect();
                response.base_offset = -1;
                if refused.code == ErrorCode::NotLeaderOrFollower
                    && version >= HINTS_FROM
                    && let Some((leader, epoch)) = partition.and_then(|partition| hints.leader(partition))
                {
                    response.current_leader = LeaderIdAndEpoch { leader_id: leader.0, leader_epoch: epoch.0 };
                }
            }
        }
        topics[topic].partition_responses.push(response);
    }
    let endpoint = |node: Node| NodeEndpoint {
        node_id: node.id.0,
        host: node.host,
        port: i32::from(node.port),
        rack: node.rack,
    };
    let node_endpoints = hints.nodes().map(endpoint).collect();
    ProduceResponse { responses: topics, node_endpoints, ..ProduceResponse::default() }
}

/// The record for whose sake alone the batch was refused. Kafka lists all of them; the first one found ends our check.
fn record_error(why: ProduceRefusal) -> Option<BatchIndexAndErrorMessage> {
    let batch_index = refusal::record(why)?;
    Some(BatchIndexAndErrorMessage { batch_index, batch_index_error_message: Some(why.to_string()) })
}

fn acknowledged(slots: &[Slot], acks: Acks) -> Vec<Event> {
    let event = |slot: &Slot| {
        let (partition, placed) = (slot.partition?, slot.result.as_ref().ok()?);
        // Of one whose place is forgotten: that all up to there is what `acks` asks for.
        let base = placed.base.unwrap_or(placed.end);
        Some(Event::Acknowledged { partition, base, end: placed.end, acks })
    };
    slots.iter().filter_map(event).collect()
}
