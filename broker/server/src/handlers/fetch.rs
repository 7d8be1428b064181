//! Fetch (key 1): records for consumers, with long polls that data wakes.
//!
//! * Versions 4 and up (KIP-896). From version 13 on topics are named by id (KIP-516).
//! * Consumers see whole batches below the high watermark; the first batch of an answer comes whole even if it
//!   is longer than any limit, so that a consumer always gets on (KIP-74).
//! * An answer leaves when there are `min_bytes`, when a known partition has an error, or after `max_wait_ms`;
//!   unknown partitions are answered along, but hold up nothing. A parked fetch holds no data: woken by a
//!   watermark, it looks again. What it has read from disk and let go it counts, and looks behind it; so a fetch reads
//!   nothing from disk more than twice, however often it is woken: to count it, and for the answer.
//! * Up to version 5 KAFKA_STORAGE_ERROR is told as NOT_LEADER_OR_FOLLOWER.
//! * Fetch sessions (KIP-227) are not kept: every answer is full and carries session id 0, which tells the
//!   client to go on without one. Full requests (session epoch 0 or -1) are served whatever session they mention;
//!   others continue one, which is FETCH_SESSION_ID_NOT_FOUND.
//! * There are no transactions yet: the last stable offset is the high watermark.

use super::{Answered, Asked, Later, Outcome, encode};
use crate::context::Context;
use crate::shard::inbox::{Fetch, FetchPart, Fetched, Found, Message, Park, Records, Wake};
use model::time::Duration;
use model::{Instant, LeaderEpoch, Offset, PartitionIndex, PartitionKey};
use protocol::ErrorCode;
use protocol::messages::fetch::{FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData};
use records::RecordBytes;
use runtime::Event;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Bytes of one answer, whatever client and `fetch.max.bytes` allow: what a connection may hold in memory for it.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One partition of the request, in request order.
struct Slot {
    topic: usize,
    index: i32,
    /// What to ask its shard, or why there is nothing to ask.
    part: Result<FetchPart, ErrorCode>,
}

/// What a fetch has read from disk of one partition, counted and let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    bytes: usize,
    /// One past the last record counted, if there was one.
    to: Option<Offset>,
}

impl Counted {
    /// What is left of `part`.
    fn behind(self, part: FetchPart) -> FetchPart {
        FetchPart {
            from: self.to.unwrap_or(part.from),
            bytes_max: part.bytes_max.saturating_sub(self.bytes),
            ..part
        }
    }
}

/// A partition's answer, its records in memory.
struct Filled {
    high_watermark: Offset,
    log_start: Offset,
    records: RecordBytes,
    /// One past the last record.
    to: Offset,
}

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: FetchRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.partitions.len()))?;
    if continues_session(request.session_epoch) {
        let error_code = ErrorCode::FetchSessionIdNotFound as i16;
        let response = FetchResponse { error_code, ..FetchResponse::default() };
        return Ok(Outcome::Ready(encode(&asked, &response, Vec::new())));
    }
    let context = context.clone();
    let answer: Later<Answered> = Box::pin(async move { serve(&context, asked, request).await });
    Ok(Outcome::Later(answer))
}

/// Whether a request is a part of a session, told by its epoch in it. 0 asks for a session and -1 for none: these
/// name everything that they want, and a session that they mention is one to be given up.
fn continues_session(epoch: i32) -> bool {
    !matches!(epoch, 0 | -1)
}

async fn serve(context: &Context, asked: Asked, request: FetchRequest) -> Answered {
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let allowed = (context.settings.fetch_bytes_max as usize).min(ANSWER_BYTES_MAX);
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0).min(allowed);
    // More than it may carry can't be worth answering for.
    let bytes_min = usize::try_from(request.min_bytes).unwrap_or(0).min(bytes_max);
    let slots = slots(context, &asked, &request);
    let deadline = asked.arrived + wait;
    // A partition that is not known can't get records while we wait, and holds up nobody who can.
    let mut may_wait = !wait.is_zero() && slots.iter().any(|slot| slot.part.is_ok());
    let mut counted = vec![Counted::default(); slots.len()];
    let found = loop {
        let partial = counted.iter().any(|counted| counted.to.is_some());
        let mut found = look(context, &slots, &counted, bytes_max).await;
        if !may_wait || is_worth_answering(&slots, &mut found, &mut counted, bytes_min).await {
            break if partial { look(context, &slots, &[], bytes_max).await } else { found };
        }
        // Woken by data, by its deadline, or because nothing more may be parked: then this look is the last one.
        let woken = park(context, watched(&slots, found), deadline).await;
        may_wait = woken == Wake::Look && context.now() < deadline;
    };
    respond(asked, request, slots, found, bytes_max).await
}

/// Resolves the request's partitions.
fn slots(context: &Context, asked: &Asked, request: &FetchRequest) -> Vec<Slot> {
    let image = context.image();
    let mut slots = Vec::new();
    for (at, topic) in request.topics.iter().enumerate() {
        let known = super::topic(&image, &topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            let index = PartitionIndex(partition.partition);
            let part = match known {
                Some(topic) if topic.partitions.contains_key(&index) => Ok(FetchPart {
                    slot: slots.len(),
                    partition: PartitionKey { topic: topic.id, index },
                    epoch: LeaderEpoch(partition.current_leader_epoch),
                    from: Offset(partition.fetch_offset),
                    bytes_max: usize::try_from(partition.partition_max_bytes).unwrap_or(0),
                }),
                None if asked.version >= 13 => Err(ErrorCode::UnknownTopicId),
                _ => Err(ErrorCode::UnknownTopicOrPartition),
            };
            slots.push(Slot { topic: at, index: index.0, part });
        }
    }
    slots
}

/// Asks the shards what there is, behind what is `counted` (by slot). One answer for each slot.
async fn look(
    context: &Context,
    slots: &[Slot],
    counted: &[Counted],
    bytes_max: usize,
) -> Vec<Result<Found, ErrorCode>> {
    let mut by_shard: Vec<Vec<FetchPart>> = (0..context.shards.count()).map(|_| Vec::new()).collect();
    for part in slots.iter().filter_map(|slot| slot.part.as_ref().ok()) {
        let counted = counted.get(part.slot).copied().unwrap_or_default();
        by_shard[context.shards.of(part.partition)].push(counted.behind(*part));
    }
    let mut answers = Vec::new();
    for (shard, parts) in by_shard.into_iter().enumerate().filter(|(_, parts)| !parts.is_empty()) {
        let (reply, answer) = oneshot::channel();
        context.shards.send(shard, Message::Fetch(Fetch { parts, bytes_max, reply })).await;
        answers.push(answer);
    }
    // A shard that is gone answers nothing: its slots keep this error.
    let mut found: Vec<Result<Found, ErrorCode>> =
        slots.iter().map(|slot| Err(slot.part.err().unwrap_or(ErrorCode::KafkaStorageError))).collect();
    for answer in answers {
        for Fetched { slot, result } in answer.await.unwrap_or_default() {
            found[slot] = result;
        }
    }
    found
}

/// Whether `found` has `bytes_min` with what is `counted`, or a known partition has an error. Only reading tells how
/// much a cold read gives: those that matter are read, counted, and kept for the answer.
async fn is_worth_answering(
    slots: &[Slot],
    found: &mut [Result<Found, ErrorCode>],
    counted: &mut [Counted],
    bytes_min: usize,
) -> bool {
    let failed = |(slot, found): (&Slot, &Result<Found, ErrorCode>)| slot.part.is_ok() && found.is_err();
    if slots.iter().zip(found.iter()).any(failed) {
        return true;
    }
    let in_memory = |found: &Found| match found.records {
        Records::Memory { bytes, .. } => bytes,
        Records::None | Records::Disk { .. } => 0,
    };
    let mut bytes: usize = found.iter().flatten().map(in_memory).sum();
    bytes += counted.iter().map(|counted| counted.bytes).sum::<usize>();
    for (slot, counted) in found.iter_mut().zip(counted) {
        if bytes >= bytes_min {
            break;
        }
        let Ok(Found { records, .. }) = slot else { continue };
        if !matches!(records, Records::Disk { .. }) {
            continue;
        }
        if let Records::Disk { read, .. } = std::mem::replace(records, Records::None) {
            match read.await {
                Ok((batches, _)) if batches.is_empty() => {}
                Ok((batches, to)) => {
                    bytes += batches.len();
                    *counted = Counted { bytes: counted.bytes + batches.len(), to: Some(to) };
                    *records = Records::Memory { bytes: batches.len(), pieces: vec![batches], to };
                }
                Err(code) => {
                    *slot = Err(code);
                    return true;
                }
            }
        }
    }
    bytes >= bytes_min
}

/// The watermarks that a look saw. What it found is let go: whoever waits holds no data.
fn watched(slots: &[Slot], found: Vec<Result<Found, ErrorCode>>) -> Vec<(PartitionKey, Offset)> {
    let seen = |(slot, found): (&Slot, Result<Found, ErrorCode>)| {
        Some((slot.part.ok()?.partition, found.ok()?.high_watermark))
    };
    slots.iter().zip(found).filter_map(seen).collect()
}

/// Waits until a shard says that one of the `watched` watermarks has moved, or that waiting is over. What is
/// still parked in other shards is dead from then on, and theirs to sweep.
async fn park(context: &Context, watched: Vec<(PartitionKey, Offset)>, deadline: Instant) -> Wake {
    let (wake, mut woken) = mpsc::channel(1);
    let mut by_shard: Vec<Vec<(PartitionKey, Offset)>> = vec![Vec::new(); context.shards.count()];
    for (partition, seen) in watched {
        by_shard[context.shards.of(partition)].push((partition, seen));
    }
    for (shard, beyond) in by_shard.into_iter().enumerate().filter(|(_, beyond)| !beyond.is_empty()) {
        // A shard that is gone drops its sender; when all are gone the wait is over.
        context.shards.send(shard, Message::Park(Park { beyond, deadline, wake: wake.clone() })).await;
    }
    drop(wake);
    woken.recv().await.unwrap_or(Wake::GiveUp)
}

async fn respond(
    asked: Asked,
    request: FetchRequest,
    slots: Vec<Slot>,
    found: Vec<Result<Found, ErrorCode>>,
    bytes_max: usize,
) -> Answered {
    let read_committed = request.isolation_level == 1;
    let answered = |topic: protocol::messages::fetch::FetchTopic| FetchableTopicResponse {
        topic: topic.topic,
        topic_id: topic.topic_id,
        ..FetchableTopicResponse::default()
    };
    let mut topics: Vec<FetchableTopicResponse> = request.topics.into_iter().map(answered).collect();
    let mut events = Vec::new();
    let mut left = bytes_max;
    let mut any = false;
    for (slot, found) in slots.into_iter().zip(found) {
        let mut data = PartitionData { partition_index: slot.index, ..PartitionData::default() };
        match fill(found, &mut left, &mut any).await {
            Ok(filled) => {
                if let Ok(part) = &slot.part
                    && !filled.records.is_empty()
                {
                    events.push(Event::Served {
                        partition: part.partition,
                        from: part.from,
                        to: filled.to,
                        high_watermark: filled.high_watermark,
                    });
                }
                data.high_watermark = filled.high_watermark.0;
                data.last_stable_offset = filled.high_watermark.0;
                data.log_start_offset = filled.log_start.0;
                data.aborted_transactions = read_committed.then(Vec::new);
                data.records = filled.records;
            }
            Err(code) => {
                data.error_code = suited(code, asked.version) as i16;
                data.high_watermark = -1;
            }
        }
        topics[slot.topic].partitions.push(data);
    }
    encode(&asked, &FetchResponse { responses: topics, ..FetchResponse::default() }, events)
}

/// The code by which a client of this version knows what to do: before version 6 it may not know
/// KAFKA_STORAGE_ERROR, but it looks for another leader when this one is none (KIP-112).
fn suited(code: ErrorCode, version: i16) -> ErrorCode {
    match code {
        ErrorCode::KafkaStorageError if version <= 5 => ErrorCode::NotLeaderOrFollower,
        code => code,
    }
}

/// Brings a partition's records into memory, unless the answer has no room left for them.
async fn fill(
    found: Result<Found, ErrorCode>,
    left: &mut usize,
    any: &mut bool,
) -> Result<Filled, ErrorCode> {
    let Found { high_watermark, log_start, records, .. } = found?;
    let room = |bytes: usize, left: usize, any: bool| !any || bytes <= left;
    let (records, to) = match records {
        Records::Memory { pieces, to, bytes } if room(bytes, *left, *any) => (RecordBytes::from(pieces), to),
        Records::Disk { bytes_max, read } if room(bytes_max, *left, *any) => {
            let (bytes, to) = read.await?;
            (RecordBytes::from(bytes), to)
        }
        // Each shard keeps to the limit by itself; what all of them found together may exceed it.
        _ => (RecordBytes::new(), Offset::ZERO),
    };
    *left = left.saturating_sub(records.len());
    *any |= !records.is_empty();
    Ok(Filled { high_watermark, log_start, records, to })
}

#[cfg(test)]
#[path = "fetch_test.rs"]
mod tests;
