//! Reading everything: every topic, every partition, from its first offset to its high watermark, once all brokers are
//! available.
//!
//! The first reader, `reader-1` in the first round, waits for that. Where there are many partitions others read along with
//! it, `reader-1.1` and so on, each from as few leaders as can be: one alone would take longer than the scenario has time.

use crate::history::{Call, Note, Reply};
use crate::runtime::{NodeHandle, SimRuntime};
use crate::scenario::TopicSpec;
use crate::workload::{Client, Created, Poll, Session, Surroundings, create, topics};
use ::runtime::Runtime;
use client::single::FetchLimits;
use protocol::messages::metadata::{MetadataResponse, MetadataResponsePartition, MetadataResponseTopic};
use std::sync::{Arc, Mutex, PoisonError};

const EARLIEST: i64 = -2;
const LATEST: i64 = -1;
const LIMITS: FetchLimits = FetchLimits { max_wait_ms: 0, min_bytes: 0, max_bytes: 1 << 20 };

/// Where there are more partitions than this, as many share each reader.
const PLACES_PER_READER: usize = 200;
/// Readers at most.
const READERS_MAX: usize = 50;

/// Reads everything from the machine `node`, as round `round`. What could not be read before `around.until` is an
/// error.
pub async fn read_all(node: &NodeHandle, around: &Surroundings, round: u32) -> Result<(), String> {
    around.hub.note(Note::ReadAll { round });
    let result = Arc::new(Mutex::new(Err("the reader never began".to_string())));
    let (into, around_process) = (result.clone(), around.clone());
    node.boot(move |runtime| async move {
        let read = read_topics(&around_process, &runtime, round).await;
        *into.lock().unwrap_or_else(PoisonError::into_inner) = read;
    });
    node.ended().await;
    let read = std::mem::replace(&mut *result.lock().unwrap_or_else(PoisonError::into_inner), Ok(()));
    if read.is_ok() {
        around.hub.note(Note::ReadDone { round });
    }
    read
}

async fn read_topics(around: &Surroundings, runtime: &SimRuntime, round: u32) -> Result<(), String> {
    let reader = format!("reader-{round}");
    let mut client = Client::of_harness(&reader, around.clone(), runtime.clone());
    let (session, places) = once_available(&mut client, round).await?;
    if places.len() <= PLACES_PER_READER {
        return read_places(&mut client, session, places).await;
    }
    let mut readers = Vec::new();
    for (n, places) in shared_out(&session, places).into_iter().enumerate() {
        let (name, around, runtime_of_it) = (format!("{reader}.{}", n + 1), around.clone(), runtime.clone());
        readers.push(runtime.spawn("reader", async move {
            let mut client = Client::of_harness(&name, around, runtime_of_it);
            let session = Session::open(&mut client).await.ok_or("no session with a broker")?;
            read_places(&mut client, session, places).await
        }));
    }
    for reader in readers {
        reader.await.map_err(|_| "a reader was stopped")??;
    }
    Ok(())
}

/// The partitions of each reader: those that one broker leads have as few readers as can be.
fn shared_out(session: &Session, places: Vec<(String, i32)>) -> Vec<Vec<(String, i32)>> {
    let each = PLACES_PER_READER.max(places.len().div_ceil(READERS_MAX));
    let mut led: Vec<_> = places
        .into_iter()
        .map(|(name, partition)| (session.leader(&name, partition), (name, partition)))
        .collect();
    led.sort();
    led.chunks(each).map(|led| led.iter().map(|(_, place)| place.clone()).collect()).collect()
}

/// What is to be read, once all brokers are available and every replica is in sync.
async fn once_available(client: &mut Client, round: u32) -> Result<(Session, Vec<(String, i32)>), String> {
    let marker = marker(client, round).await?;
    let mut session = Session::open(client).await.ok_or("no session with a broker")?;
    loop {
        let mut why = "the topics can't be listed";
        let op = client.invoke(Call::Metadata);
        let listed = session.refresh(client).await;
        let partitions =
            |response: &MetadataResponse| response.topics.iter().map(|t| t.partitions.len()).sum();
        let many = listed.as_ref().map_or(0, partitions) > PLACES_PER_READER;
        match listed {
            Ok(response) if response.brokers.len() < client.brokers() => {
                why = "a broker is not available";
                client.info(op, why);
            }
            Ok(response) if response.topics.iter().any(is_short) => {
                why = "a replica is not in sync";
                client.info(op, why);
            }
            Ok(response) if response.topics.iter().all(|t| t.error_code == 0) => {
                let topics = topics(&response);
                if marker.as_ref().is_none_or(|marker| topics.iter().any(|(name, _)| name == marker)) {
                    client.ok(op, Reply::Topics { topics: topics.clone() });
                    return Ok((session, places(topics)));
                }
                client.info(op, "the broker does not know yet what was committed");
            }
            Ok(_) => client.info(op, "a topic has an error"),
            Err(e) => client.info(op, e.to_string()),
        }
        if many {
            // To look takes a while, and so does what is waited for.
            client.rest_ms(1000).await;
        }
        session = another(client, why).await?;
    }
}

/// Reads partitions, one after the other.
async fn read_places(
    client: &mut Client,
    mut session: Session,
    mut places: Vec<(String, i32)>,
) -> Result<(), String> {
    while !places.is_empty() {
        // Those of the broker at hand first: connections take their time.
        let at = places.iter().position(|(topic, partition)| session.is_with_leader(topic, *partition));
        let (topic, partition) = places.remove(at.unwrap_or(0));
        session = read_partition(client, session, &topic, partition).await?;
    }
    Ok(())
}

/// A topic that is created now, by which a broker shows that it knows everything that was acknowledged before: of several,
/// one may still be behind. `None` where there is one broker.
async fn marker(client: &mut Client, round: u32) -> Result<Option<String>, String> {
    if client.brokers() == 1 {
        return Ok(None);
    }
    let name = format!("read-{round}");
    loop {
        let why = "no topic can be created";
        let mut session = Session::open(client).await.ok_or(why)?;
        match create(client, &mut session, &TopicSpec::plain(&name, 1, true)).await {
            Created::Yes | Created::Exists => return Ok(Some(name)),
            Created::No | Created::Broken => client.rest_ms(100).await,
        }
    }
}

/// Whether a partition of it that is led has replicas which are not in sync.
fn is_short(topic: &MetadataResponseTopic) -> bool {
    let short = |partition: &MetadataResponsePartition| {
        partition.leader_id >= 0 && partition.isr_nodes.len() < partition.replica_nodes.len()
    };
    topic.partitions.iter().any(short)
}

fn places(topics: Vec<(String, i32)>) -> Vec<(String, i32)> {
    let of =
        |(name, partitions): (String, i32)| (0..partitions).map(move |partition| (name.clone(), partition));
    topics.into_iter().flat_map(of).collect()
}

async fn read_partition(
    client: &mut Client,
    mut session: Session,
    name: &str,
    partition: i32,
) -> Result<Session, String> {
    let (mut next, mut end) = (None, None);
    loop {
        let at = next.map_or("not at all".to_string(), |n| format!("up to {n} only"));
        let why = format!("{name}-{partition} can be read {at}");
        if session.is_lost(name, partition) {
            return Ok(session);
        }
        session = session.with_leader(client, name, partition).await.ok_or(why.clone())?;
        let Some(topic) = session.topic(name).cloned() else {
            if client.may_vanish(name) {
                return Ok(session);
            }
            session = another(client, &why).await?;
            continue;
        };
        // A new leader tells at first of less than it will: how far there is something to be read is asked of what tells
        // nothing before it knows (KIP-207).
        if end.is_none() {
            end = session.offset(client, &topic, partition, LATEST).await;
        }
        if end.is_some() && next.is_none() {
            next = session.offset(client, &topic, partition, EARLIEST).await;
        }
        let (Some(end), Some(from)) = (end, next) else {
            session = another(client, &why).await?;
            continue;
        };
        match session.poll(client, &topic, partition, from, LIMITS).await {
            Poll::Read { next: after, high_watermark } => {
                if after >= end {
                    return Ok(session);
                }
                if after == from {
                    // Below the watermark and nothing comes: not before its time is over.
                    session =
                        another(client, &format!("{why}, its high watermark is {high_watermark}")).await?;
                }
                next = Some(after);
            }
            Poll::OutOfRange | Poll::Refused | Poll::Broken => {
                next = Some(from);
                session = another(client, &why).await?;
            }
        }
    }
}

/// Waits a little and opens another session.
async fn another(client: &mut Client, why: &str) -> Result<Session, String> {
    client.rest_ms(100).await;
    Session::open(client).await.ok_or_else(|| why.to_string())
}
