//! Fetch (key 1): records for consumers and followers, with long polls that data wakes.
//!
//! * Versions 4 and up (KIP-896). From version 13 on topics are named by id (KIP-516).
//! * Consumers see whole batches below the high watermark; the first batch of an answer comes whole even if it
//!   is longer than any limit, so that a consumer always gets on (KIP-74).
//! * An answer leaves when there are `min_bytes`, when a known partition has an error, or after `max_wait_ms`;
//!   unknown partitions are answered along, but hold up nothing. A parked fetch holds no data: woken by a
//!   watermark, it looks again. What it has read from disk and let go it counts, and looks behind it; so a fetch reads
//!   nothing from disk more than twice, however often it is woken: to count it, and for the answer.
//! * Up to version 5 KAFKA_STORAGE_ERROR is told as NOT_LEADER_OR_FOLLOWER.
//! * Followers see everything, and say by it how far they are; where their logs part from this one they are told so
//!   (KIP-595).
//! * Fetch sessions (KIP-227) live in their connection (`fetch_session`). When `max.incremental.fetch.session.cache.slots`
//!   are in use, a consumer is told to go on without one: session id 0.
//! * A follower's fetch that waits is answered when its next one comes: what it has synced must not wait for records.
//! * A consumer that tells its rack is sent to a replica in it (KIP-392), if `replica.selector.class` says so; and each
//!   replica serves consumers of version 11 and up with what it knows to be committed.
//! * There are no transactions yet: the last stable offset is the high watermark.

use super::leader_hints::{LeaderHints, Node};
use super::nearest::nearest;
use super::{Answered, Asked, Later, Outcome, encode};
use crate::context::Context;
use crate::fetch_session::{self, Keep, Session, TopicName};
use crate::shard::inbox::{
    Fetch, FetchPart, Fetched, Found, FromWhom, Message, Park, Records, ReplicaFetch, Wake,
};
use crate::waiters::Line;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, EpochEnd, Instant, LeaderEpoch, Offset, PartitionIndex, PartitionKey};
use protocol::ErrorCode;
use protocol::messages::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch,
    NodeEndpoint, PartitionData,
};
use records::RecordBytes;
use runtime::Event;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Bytes of one answer, whatever client and `fetch.max.bytes` allow: what a connection may hold in memory for it.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// From this version on a consumer can be sent to a follower (KIP-392).
const FOLLOWERS_FROM: i16 = 11;

/// From this version on an answer tells who leads instead (KIP-951).
const HINTS_FROM: i16 = 16;

/// One partition that is wanted, in the order in which they are served.
struct Slot {
    topic: TopicName,
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
    diverging: Option<EpochEnd>,
    records: RecordBytes,
    /// One past the last record.
    to: Offset,
}

/// What the fetches of one connection leave for the next one.
pub struct Fetches {
    /// The id of the next session.
    id: i32,
    /// The session, once the fetch before has been answered; none where there is none.
    session: Option<oneshot::Receiver<Option<Held>>>,
    /// Ends the wait of the fetch before, if that is a follower's.
    hurry: Option<oneshot::Sender<()>>,
}

/// A session, and its place among those that there may be at once; followers need none.
struct Held {
    session: Session,
    place: Option<OwnedSemaphorePermit>,
}

impl Fetches {
    /// Of a connection that has just been accepted. `drawn`: where its sessions' ids begin.
    pub fn new(drawn: u64) -> Fetches {
        Fetches { id: (drawn as i32 & i32::MAX).max(1), session: None, hurry: None }
    }
}

pub(super) async fn apply(
    context: &Arc<Context>,
    fetches: &mut Fetches,
    asked: Asked,
    mut request: FetchRequest,
) -> Result<Outcome, String> {
    super::check_named(request.topics.iter().map(|topic| topic.partitions.len()))?;
    let (give, session) = oneshot::channel();
    let before = fetches.session.replace(session);
    let (hurry, hurried) = oneshot::channel();
    if follower(&request).is_some()
        && let Some(before) = fetches.hurry.replace(hurry)
    {
        // What it waits for is known to its asker now, or comes with this one. It may have been answered.
        let _ = before.send(());
    }
    let id = fetches.id;
    fetches.id = id.checked_add(1).unwrap_or(1);
    let context = context.clone();
    let answer: Later<Answered> = Box::pin(async move {
        // Fetches of a connection are answered one after the other: the one before is done.
        let held = match before {
            Some(before) => before.await.unwrap_or_default(),
            None => None,
        };
        let (session, place) = held.map(|held| (held.session, held.place)).unzip();
        let ask = match fetch_session::ask(session, &mut request, asked.version, id) {
            Ok(ask) => ask,
            Err((code, session)) => {
                let held = session.map(|session| Held { session, place: place.flatten() });
                let _ = give.send(held);
                let response = FetchResponse { error_code: code as i16, ..FetchResponse::default() };
                return encode(&asked, &response, Vec::new());
            }
        };
        let (keep, place) = match ask.keep {
            Keep::Begin(session) if follower(&request).is_some() => (Keep::Begin(session), None),
            Keep::Begin(session) => match context.fetch_session() {
                Some(place) => (Keep::Begin(session), Some(place)),
                None => (Keep::Nothing, None),
            },
            keep => (keep, place.flatten()),
        };
        let (answered, session) = serve(&context, asked, request, ask.partitions, keep, hurried).await;
        // The connection may have ended.
        let _ = give.send(session.map(|session| Held { session, place }));
        answered
    });
    Ok(Outcome::Later(answer))
}

async fn serve(
    context: &Context,
    asked: Asked,
    request: FetchRequest,
    wanted: Vec<(TopicName, FetchPartition)>,
    keep: Keep,
    hurried: oneshot::Receiver<()>,
) -> (Answered, Option<Session>) {
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let allowed = (context.settings.fetch_bytes_max as usize).min(ANSWER_BYTES_MAX);
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0).min(allowed);
    // More than it may carry can't be worth answering for.
    let bytes_min = usize::try_from(request.min_bytes).unwrap_or(0).min(bytes_max);
    let from_whom = from_whom(context, &asked, &request);
    let slots = slots(context, &asked, follower(&request), from_whom, wanted);
    let deadline = asked.arrived + wait;
    let line = if follower(&request).is_some() { Line::End } else { Line::Committed };
    // A partition that is not known can't get records while we wait, and holds up nobody who can.
    let mut may_wait = !wait.is_zero() && slots.iter().any(|slot| slot.part.is_ok());
    let mut counted = vec![Counted::default(); slots.len()];
    let mut hurried = Some(hurried);
    let (found, elsewhere) = loop {
        let partial = counted.iter().any(|counted| counted.to.is_some());
        let mut found = look(context, &slots, &counted, bytes_max).await;
        let elsewhere = elsewhere(context, &request.rack_id, &mut found);
        let is_sent = elsewhere.iter().any(Option::is_some);
        if !may_wait || is_sent || is_worth_answering(&slots, &mut found, &mut counted, bytes_min).await {
            if !partial {
                break (found, elsewhere);
            }
            let mut found = look(context, &slots, &[], bytes_max).await;
            let elsewhere = self::elsewhere(context, &request.rack_id, &mut found);
            break (found, elsewhere);
        }
        // Woken by data, by its deadline, or because nothing more may be parked: then this look is the last one.
        let woken = tokio::select! { biased;
            woken = park(context, line, watched(&slots, found), deadline) => woken,
            () = hurry(&mut hurried) => Wake::GiveUp,
        };
        may_wait = woken == Wake::Look && context.now() < deadline;
    };
    let slots = slots.into_iter().zip(elsewhere).collect();
    respond(context, asked, request.isolation_level == 1, slots, found, keep, bytes_max).await
}

/// Who may serve the request.
fn from_whom(context: &Context, asked: &Asked, request: &FetchRequest) -> FromWhom {
    if follower(request).is_some() || asked.version < FOLLOWERS_FROM {
        FromWhom::Leader
    } else if context.settings.replication.by_rack && !request.rack_id.is_empty() {
        FromWhom::Nearest
    } else {
        FromWhom::Any
    }
}

/// For each slot the replica that its consumer is sent to, if it is to be: then nothing is served here.
fn elsewhere(context: &Context, rack: &str, found: &mut [Result<Found, ErrorCode>]) -> Vec<Option<BrokerId>> {
    let image = context.image();
    let one = |found: &mut Result<Found, ErrorCode>| {
        let found = found.as_mut().ok()?;
        let nearest = nearest(&image, context.settings.node_id, rack, &found.followers)?;
        found.records = Records::None;
        Some(nearest)
    };
    found.iter_mut().map(one).collect()
}

/// Completes when a later fetch has come, if one that ends the wait can come.
async fn hurry(hurried: &mut Option<oneshot::Receiver<()>>) {
    let came = match hurried {
        Some(hurried) => hurried.await.is_ok(),
        None => false,
    };
    *hurried = None;
    if !came {
        std::future::pending().await
    }
}

/// The follower that asks, with its incarnation if it says; none for a consumer.
fn follower(request: &FetchRequest) -> Option<(BrokerId, Option<BrokerEpoch>)> {
    let state = &request.replica_state;
    let id = request.replica_id.max(state.replica_id);
    let epoch = Some(state.replica_epoch).filter(|epoch| *epoch >= 0).map(BrokerEpoch);
    (id >= 0).then_some((BrokerId(id), epoch))
}

/// Resolves the partitions that are wanted.
fn slots(
    context: &Context,
    asked: &Asked,
    follower: Option<(BrokerId, Option<BrokerEpoch>)>,
    from_whom: FromWhom,
    wanted: Vec<(TopicName, FetchPartition)>,
) -> Vec<Slot> {
    let image = context.image();
    let mut slots = Vec::with_capacity(wanted.len());
    for (topic, partition) in wanted {
        let known = super::topic(&image, &topic.name, topic.id);
        let index = PartitionIndex(partition.partition);
        let part = match known {
            Some(topic) if topic.partitions.contains_key(&index) => Ok(FetchPart {
                slot: slots.len(),
                partition: PartitionKey { topic: topic.id, index },
                epoch: LeaderEpoch(partition.current_leader_epoch),
                from: Offset(partition.fetch_offset),
                bytes_max: usize::try_from(partition.partition_max_bytes).unwrap_or(0),
                replica: follower.map(|(id, broker)| ReplicaFetch {
                    id,
                    broker,
                    last: LeaderEpoch(partition.last_fetched_epoch),
                    start: Offset(partition.log_start_offset),
                }),
                from_whom,
            }),
            None if asked.version >= 13 => Err(ErrorCode::UnknownTopicId),
            _ => Err(ErrorCode::UnknownTopicOrPartition),
        };
        slots.push(Slot { topic, index: index.0, part });
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

/// Whether `found` has `bytes_min` with what is `counted`, or a known partition has an error or a log that parts from the
/// follower's. Only reading tells how
/// much a cold read gives: those that matter are read, counted, and kept for the answer.
async fn is_worth_answering(
    slots: &[Slot],
    found: &mut [Result<Found, ErrorCode>],
    counted: &mut [Counted],
    bytes_min: usize,
) -> bool {
    let urgent = |(slot, found): (&Slot, &Result<Found, ErrorCode>)| match found {
        Ok(found) => found.diverging.is_some(),
        Err(_) => slot.part.is_ok(),
    };
    if slots.iter().zip(found.iter()).any(urgent) {
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

/// The lines that a look saw. What it found is let go: whoever waits holds no data.
fn watched(slots: &[Slot], found: Vec<Result<Found, ErrorCode>>) -> Vec<(PartitionKey, Offset)> {
    let seen = |(slot, found): (&Slot, Result<Found, ErrorCode>)| {
        Some((slot.part.ok()?.partition, found.ok()?.line))
    };
    slots.iter().zip(found).filter_map(seen).collect()
}

/// Waits until a shard says that one of the `watched` lines has moved, or that waiting is over. What is
/// still parked in other shards is dead from then on, and theirs to sweep.
async fn park(
    context: &Context,
    line: Line,
    watched: Vec<(PartitionKey, Offset)>,
    deadline: Instant,
) -> Wake {
    let (wake, mut woken) = mpsc::channel(1);
    let mut by_shard: Vec<Vec<(PartitionKey, Offset)>> = vec![Vec::new(); context.shards.count()];
    for (partition, seen) in watched {
        by_shard[context.shards.of(partition)].push((partition, seen));
    }
    for (shard, beyond) in by_shard.into_iter().enumerate().filter(|(_, beyond)| !beyond.is_empty()) {
        // A shard that is gone drops its sender; when all are gone the wait is over.
        context.shards.send(shard, Message::Park(Park { line, beyond, deadline, wake: wake.clone() })).await;
    }
    drop(wake);
    woken.recv().await.unwrap_or(Wake::GiveUp)
}

async fn respond(
    context: &Context,
    asked: Asked,
    read_committed: bool,
    slots: Vec<(Slot, Option<BrokerId>)>,
    found: Vec<Result<Found, ErrorCode>>,
    mut keep: Keep,
    bytes_max: usize,
) -> (Answered, Option<Session>) {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let image = context.image();
    let mut hints = LeaderHints::new(&image, &context.settings.inter_broker_listener);
    let mut last = None;
    let mut events = Vec::new();
    let mut left = bytes_max;
    let mut any = false;
    for ((Slot { topic, index, part }, elsewhere), found) in slots.into_iter().zip(found) {
        let mut data = PartitionData { partition_index: index, ..PartitionData::default() };
        data.preferred_read_replica = elsewhere.map_or(-1, |replica| replica.0);
        let mut served = None;
        match fill(found, &mut left, &mut any).await {
            Ok(filled) => {
                if let Ok(part) = &part
                    && part.replica.is_none()
                    && !filled.records.is_empty()
                {
                    served = Some(Event::Served {
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
                if let Some(EpochEnd { epoch, end }) = filled.diverging {
                    data.diverging_epoch = EpochEndOffset { epoch: epoch.0, end_offset: end.0 };
                }
            }
            Err(code) => {
                data.error_code = suited(code, asked.version) as i16;
                data.high_watermark = -1;
                let elsewhere = matches!(code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
                if elsewhere
                    && asked.version >= HINTS_FROM
                    && let Some((leader, epoch)) = part.ok().and_then(|part| hints.leader(part.partition))
                {
                    data.current_leader = LeaderIdAndEpoch { leader_id: leader.0, leader_epoch: epoch.0 };
                }
            }
        }
        let told = match &mut keep {
            Keep::Nothing => true,
            Keep::Begin(session) => {
                session.answered(&topic, &data);
                true
            }
            Keep::Continue(session) => session.answered(&topic, &data),
        };
        if !told {
            continue;
        }
        events.extend(served);
        if last.as_ref() != Some(&topic) {
            topics.push(FetchableTopicResponse {
                topic: topic.name.clone(),
                topic_id: topic.id,
                ..FetchableTopicResponse::default()
            });
        }
        topics.last_mut().expect("just pushed").partitions.push(data);
        last = Some(topic);
    }
    let session = match keep {
        Keep::Nothing => None,
        Keep::Begin(session) | Keep::Continue(session) => Some(session),
    };
    let session_id = session.as_ref().map_or(0, Session::id);
    let endpoint = |node: Node| NodeEndpoint {
        node_id: node.id.0,
        host: node.host,
        port: i32::from(node.port),
        rack: node.rack,
    };
    let node_endpoints = hints.nodes().map(endpoint).collect();
    let response =
        FetchResponse { session_id, responses: topics, node_endpoints, ..FetchResponse::default() };
    (encode(&asked, &response, events), session)
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
    let Found { high_watermark, log_start, diverging, records, .. } = found?;
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
    Ok(Filled { high_watermark, log_start, diverging, records, to })
}

#[cfg(test)]
#[path = "fetch_test.rs"]
mod tests;
