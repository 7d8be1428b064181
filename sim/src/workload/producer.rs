//! Producers: batches of every size, codec and acks, one or several under way, some broken on purpose.

use super::{Client, Session, code};
use crate::history::{Call, Reply, Step, Value, definite};
use crate::runtime::{SimRuntime, SimTask};
use crate::scenario::{ClientKind, Codec};
use ::runtime::Runtime;
use bytes::Bytes;
use client::several::{self, Place};
use client::{CallError, Pending};
use model::time::{Duration, Instant};
use model::{PartitionIndex, Timestamp};
use protocol::ErrorCode;
use protocol::messages::produce::{ProduceRequest, ProduceResponse};
use records::batch::{BatchBuilder, Compression, HEADER_LEN};
use std::collections::VecDeque;

/// What a producer is like.
struct Manner<'a> {
    number: u32,
    acks: i16,
    in_flight: usize,
    partitions: u64,
    batch_records: u64,
    value_bytes: u64,
    codecs: &'a [Codec],
    broken_ppm: u32,
    timeout_ms: u64,
}

/// What is wrong with a send that must be refused.
#[derive(Clone, Copy)]
enum Broken {
    /// One bit of the records.
    Checksum,
    /// The format version.
    Magic,
    /// A partition that the topic does not have.
    Partition,
    /// More records claimed than there are.
    Count,
    /// No batch at all.
    Nothing,
}

pub(super) async fn run(mut client: Client, kind: &ClientKind) {
    let ClientKind::Producer {
        number,
        acks,
        in_flight,
        partitions,
        batch_records,
        value_bytes,
        codecs,
        broken_ppm,
        timeout_ms,
    } = kind
    else {
        unreachable!("a producer's kind");
    };
    let manner = Manner {
        number: *number,
        acks: *acks,
        in_flight: (*in_flight).max(1) as usize,
        partitions: u64::from((*partitions).max(1)),
        batch_records: u64::from((*batch_records).max(1)),
        value_bytes: u64::from((*value_bytes).max(1)),
        codecs,
        broken_ppm: *broken_ppm,
        timeout_ms: *timeout_ms,
    };
    let mut counter = 0;
    while let Some(session) = Session::open(&mut client).await {
        one_session(&mut client, session, &manner, &mut counter).await;
    }
}

/// Sends until the connection fails or the time is over, then waits for what is under way.
async fn one_session(client: &mut Client, mut session: Session, manner: &Manner<'_>, counter: &mut u64) {
    let mut under_way: VecDeque<SimTask<bool>> = VecDeque::new();
    loop {
        client.next_operation().await;
        if client.over() {
            break;
        }
        while under_way.front().is_some_and(SimTask::is_finished) || under_way.len() >= manner.in_flight {
            let oldest = under_way.pop_front().expect("there is a first one");
            if oldest.await != Ok(true) {
                // Dropping the session ends the others: their outcome is unknown.
                drop(session);
                return drain(under_way).await;
            }
        }
        match send(client, &mut session, manner, counter).await {
            Ok(Some(answer)) => under_way.push_back(answer),
            Ok(None) => {}
            Err(()) => break,
        }
    }
    drain(under_way).await;
}

async fn drain(under_way: VecDeque<SimTask<bool>>) {
    for answer in under_way {
        // Aborted tasks are those of a machine that is going down with this one.
        let _ = answer.await;
    }
}

/// A batch on its way, as an operation of its own.
struct Sent {
    op: u64,
    place: Place,
    broken: bool,
}

/// One request. What it gives tells, when it ends, whether the connection is still good.
async fn send(
    client: &mut Client,
    session: &mut Session,
    manner: &Manner<'_>,
    counter: &mut u64,
) -> Result<Option<SimTask<bool>>, ()> {
    let mut batches: Vec<(Place, Bytes)> = Vec::new();
    let mut sent = Vec::new();
    for _ in 0..client.stream.between(1, manner.partitions) {
        let Some((name, partition)) = client.any_partition_led(session) else { break };
        // Topics that exist from the start are never deleted.
        let Some(topic) = session.topic(&name).cloned() else { return Err(()) };
        let mut place = Place { topic, partition: PartitionIndex(partition) };
        if batches.iter().any(|(other, _)| *other == place) {
            continue;
        }
        let count = client.stream.between(1, manner.batch_records);
        let values: Vec<Value> =
            (0..count).map(|n| Value { client: manner.number, counter: *counter + n }).collect();
        *counter += count;
        let mut batch = batch(client, manner, &values);
        let broken = client.stream.chance(manner.broken_ppm);
        if broken {
            (batch, place) = spoil(client, batch, place);
        }
        let (topic, partition) = (place.topic.name.clone(), place.partition.0);
        let op = client.invoke(Call::Produce { topic, partition, acks: manner.acks, values });
        sent.push(Sent { op, place: place.clone(), broken });
        batches.push((place, batch));
    }
    if batches.is_empty() {
        // Nothing is led where it is connected to, or there are no topics.
        client.rest_ms(20).await;
        return if client.brokers() == 1 { Ok(None) } else { Err(()) };
    }
    let version = session.version::<ProduceRequest>();
    let request = several::produce(&batches, manner.acks, manner.timeout_ms as i32);
    if manner.acks == 0 {
        let result = session.connection.send_unanswered(version, &request).await;
        for Sent { op, broken, .. } in sent {
            match &result {
                // Whatever the broker does with rubbish, it may not store it.
                Ok(()) if broken => client.fail(op, "sent broken"),
                Ok(()) => client.ok(op, Reply::Produced { base: -1 }),
                Err(e) => client.info(op, e.to_string()),
            }
        }
        return result.map(|()| None).map_err(|_| ());
    }
    match session.connection.send(version, &request).await {
        Ok(pending) => {
            let deadline = client.after_ms(manner.timeout_ms + 500);
            Ok(Some(wait(client, sent, pending, deadline)))
        }
        Err(e) => {
            sent.iter().for_each(|sent| client.info(sent.op, e.to_string()));
            Err(())
        }
    }
}

/// Waits for an answer and writes it down.
fn wait(
    client: &Client,
    sent: Vec<Sent>,
    pending: Pending<SimRuntime, ProduceRequest>,
    deadline: Instant,
) -> SimTask<bool> {
    let (hub, name) = (client.around.hub.clone(), client.name.clone());
    client.runtime.spawn("producer-answer", async move {
        let answer = pending.answer(deadline).await;
        let mut usable = !matches!(&answer, Err(CallError::Closed(_) | CallError::TimedOut));
        for Sent { op, place, .. } in sent {
            // Who leads is asked on the way to the next session.
            let told = answer.as_ref().ok().and_then(|answer| several::produced(answer, &place));
            usable &= told.is_none_or(|told| told.error_code != ErrorCode::NotLeaderOrFollower as i16);
            hub.finish(&name, op, outcome(&answer, &place));
        }
        usable
    })
}

/// What an answer means for one of the batches.
fn outcome(answer: &Result<ProduceResponse, CallError>, place: &Place) -> Step {
    let info = |error: String| Step::Info { error };
    match answer {
        Err(e) => info(e.to_string()),
        Ok(response) => match several::produced(response, place) {
            None => info("nothing about it".into()),
            Some(told) if told.error_code == 0 => {
                Step::Ok { reply: Reply::Produced { base: told.base_offset } }
            }
            Some(told) if definite(told.error_code) => Step::Fail { error: code(told.error_code) },
            Some(told) => info(code(told.error_code)),
        },
    }
}

fn batch(client: &mut Client, manner: &Manner<'_>, values: &[Value]) -> Bytes {
    let codec = client.stream.pick(manner.codecs).copied().unwrap_or(Codec::None);
    let mut builder = BatchBuilder::produced().compression(match codec {
        Codec::None => Compression::None,
        Codec::Gzip => Compression::Gzip,
        Codec::Snappy => Compression::Snappy,
        Codec::Lz4 => Compression::Lz4,
        Codec::Zstd => Compression::Zstd,
    });
    let now = client.runtime.wall_ms();
    for value in values {
        let mut bytes = value.to_string().into_bytes();
        let length = client.stream.between(1, manner.value_bytes) as usize;
        if bytes.len() < length {
            bytes.push(b' ');
            let filler = b'a' + (value.counter % 26) as u8;
            bytes.resize(length.max(bytes.len()), filler);
        }
        // Not always in order: a client's clock may jump.
        let timestamp = Timestamp(now - client.stream.between(0, 50) as i64);
        builder.push(timestamp, None, Some(&bytes));
    }
    builder.build()
}

/// Spoils a batch or where it goes.
fn spoil(client: &mut Client, batch: Bytes, mut place: Place) -> (Bytes, Place) {
    let kinds = [Broken::Checksum, Broken::Magic, Broken::Partition, Broken::Count, Broken::Nothing];
    let mut bytes = batch.to_vec();
    match kinds[client.stream.index(kinds.len())] {
        Broken::Checksum => {
            let at = client.stream.between(HEADER_LEN as u64, bytes.len() as u64 - 1) as usize;
            bytes[at] ^= 1 << client.stream.below(8);
        }
        Broken::Magic => bytes[16] = client.stream.between(3, 127) as u8,
        Broken::Partition => place.partition.0 += 1000,
        Broken::Count => bytes[60] ^= 1,
        Broken::Nothing => bytes.clear(),
    }
    (bytes.into(), place)
}

/// How long after its answer was due a producer's machine is given up, for who waits for all clients.
pub const LAST_WORDS: Duration = Duration::from_secs(15);
