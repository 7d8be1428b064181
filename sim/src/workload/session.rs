//! A client's connection with what it learnt on it: which versions it will speak, and the topics' ids.
//!
//! Each session draws the version of every API anew from what the broker offers, so that all of them meet all faults.

use super::{Client, code};
use crate::harness::{FORWARDED_PORT, PORT};
use crate::history::{Call, Reply, Value};
use crate::runtime::SimRuntime;
use client::several::{self, Place};
use client::single::{self, FetchLimits, Topic};
use client::{CallError, Connection};
use model::{Offset, PartitionIndex, TopicId};
use protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::messages::fetch::{FetchRequest, FetchResponse, PartitionData};
use protocol::messages::metadata::{MetadataResponse, MetadataResponseBroker};
use protocol::{ErrorCode, Message, Request};
use records::batch;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// How long a client waits for a connection, and for the answers that begin one.
const OPEN_MS: u64 = 3_000;

/// An open session.
pub struct Session {
    /// Its connection.
    pub connection: Connection<SimRuntime>,
    /// Drawn version by API key.
    versions: BTreeMap<i16, i16>,
    /// What the broker offers, by API key.
    offered: BTreeMap<i16, (i16, i16)>,
    /// Topics by name.
    topics: BTreeMap<String, Topic>,
    /// The broker that it is a session with.
    addr: SocketAddr,
    /// Where topics' partitions are led, as far as somebody leads them.
    leaders: BTreeMap<String, BTreeMap<i32, SocketAddr>>,
    /// Partitions that nobody leads and that are on no other brokers than those whose disks may have been replaced.
    lost: BTreeMap<String, BTreeSet<i32>>,
}

/// How a poll ended, for who decides about the next one.
pub enum Poll {
    /// So much was read: the next offset to ask for, and the high watermark told along.
    Read {
        /// One past the last record, or where the poll began.
        next: i64,
        /// The high watermark.
        high_watermark: i64,
    },
    /// The offset does not exist.
    OutOfRange,
    /// The broker refused for another reason.
    Refused,
    /// The connection is of no more use.
    Broken,
}

impl Session {
    /// Opens one, trying until it works or the client's time is over.
    pub async fn open(client: &mut Client) -> Option<Session> {
        let mut backoff_ms = 20;
        while !client.over() {
            if let Some(session) = Session::try_open(client).await {
                return Some(session);
            }
            client.rest_ms(backoff_ms).await;
            backoff_ms = (backoff_ms * 2).min(500);
        }
        None
    }

    async fn try_open(client: &mut Client) -> Option<Session> {
        let addr = *client.stream.pick(&client.around.brokers)?;
        Session::try_open_at(client, addr).await
    }

    /// The broker that it is a session with.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where a partition is led, as far as this session knows.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<SocketAddr> {
        self.leaders.get(topic)?.get(&partition).copied()
    }

    /// Whether it is a session with the leader of a partition.
    pub fn is_with_leader(&self, topic: &str, partition: i32) -> bool {
        self.leader(topic, partition) == Some(self.addr)
    }

    /// Which partitions of a topic the broker leads that it is a session with.
    pub fn led_here(&self, topic: &str) -> Vec<i32> {
        let all = self.leaders.get(topic).into_iter().flatten();
        all.filter(|(_, leader)| **leader == self.addr).map(|(partition, _)| *partition).collect()
    }

    /// Whether a partition's only replicas may have been on disks that were replaced: nobody leads it.
    pub fn is_lost(&self, topic: &str, partition: i32) -> bool {
        self.lost.get(topic).is_some_and(|lost| lost.contains(&partition))
    }

    /// The session itself if it is one with the leader of a partition, else one with that if it can be had, or with any.
    pub async fn with_leader(self, client: &mut Client, topic: &str, partition: i32) -> Option<Session> {
        match self.leader(topic, partition) {
            Some(leader) if leader != self.addr => match Session::try_open_at(client, leader).await {
                Some(session) => Some(session),
                None => {
                    client.rest_ms(100).await;
                    Session::open(client).await
                }
            },
            _ => Some(self),
        }
    }

    async fn try_open_at(client: &mut Client, addr: SocketAddr) -> Option<Session> {
        let deadline = client.after_ms(OPEN_MS);
        let mut connection = Connection::open(&client.runtime, addr, &client.name, deadline).await.ok()?;
        let version = client.stream.between(0, ApiVersionsRequest::SCHEMA.versions.max as u64) as i16;
        let offer = connection.call(version, &hello(), deadline).await.ok()?;
        let offered = offered(&offer);
        let versions = offered
            .iter()
            .map(|(key, (min, max))| (*key, client.stream.between(*min as u64, *max as u64) as i16))
            .collect();
        let mut session = Session {
            connection,
            versions,
            offered,
            topics: BTreeMap::new(),
            addr,
            leaders: BTreeMap::new(),
            lost: BTreeMap::new(),
        };
        session.refresh(client).await.ok()?;
        Some(session)
    }

    /// Asks for all topics and remembers their ids.
    pub async fn refresh(&mut self, client: &Client) -> Result<MetadataResponse, CallError> {
        let version = self.highest::<protocol::messages::metadata::MetadataRequest>();
        let request = single::all_topics(version);
        let response = self.connection.call(version, &request, client.after_ms(OPEN_MS)).await?;
        let addr = |at: &MetadataResponseBroker| {
            let port = u16::try_from(at.port).ok()?;
            let port = if port == FORWARDED_PORT { PORT } else { port };
            Some((at.node_id, SocketAddr::new(at.host.parse().ok()?, port)))
        };
        let brokers: BTreeMap<i32, SocketAddr> = response.brokers.iter().filter_map(addr).collect();
        for topic in &response.topics {
            let (Some(name), 0) = (&topic.name, topic.error_code) else { continue };
            let id = TopicId(topic.topic_id);
            client.around.hub.learn(id, name);
            self.topics.insert(name.clone(), Topic { name: name.clone(), id });
            let leaders = self.leaders.entry(name.clone()).or_default();
            let lost = self.lost.entry(name.clone()).or_default();
            for partition in &topic.partitions {
                let leader = brokers.get(&partition.leader_id).copied();
                let index = partition.partition_index;
                let wiped = partition.replica_nodes.iter().all(|id| client.around.wiped.contains(id));
                match leader.is_none() && wiped {
                    true => lost.insert(index),
                    false => lost.remove(&index),
                };
                match leader {
                    Some(leader) => leaders.insert(index, leader),
                    None => leaders.remove(&index),
                };
            }
        }
        Ok(response)
    }

    /// A topic by both of its names.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// The version that this session speaks of an API.
    pub fn version<Q: Request>(&self) -> i16 {
        self.versions.get(&(Q::KEY as i16)).copied().unwrap_or(Q::SCHEMA.versions.min)
    }

    /// The highest that both sides know.
    pub fn highest<Q: Request>(&self) -> i16 {
        self.offered.get(&(Q::KEY as i16)).map_or(Q::SCHEMA.versions.min, |(_, max)| *max)
    }

    /// One poll of one partition, written down.
    pub async fn poll(
        &mut self,
        client: &Client,
        topic: &Topic,
        partition: i32,
        from: i64,
        limits: FetchLimits,
    ) -> Poll {
        let place = Place { topic: topic.clone(), partition: PartitionIndex(partition) };
        let polls = self.poll_many(client, &[(place, Offset(from))], limits).await;
        polls.into_iter().next().expect("as many as places")
    }

    /// One poll of several partitions, each written down as an operation of its own. One outcome for each.
    pub async fn poll_many(
        &mut self,
        client: &Client,
        wanted: &[(Place, Offset)],
        limits: FetchLimits,
    ) -> Vec<Poll> {
        let invoke = |(place, from): &(Place, Offset)| {
            let (topic, partition) = (place.topic.name.clone(), place.partition.0);
            client.invoke(Call::Fetch { topic, partition, from: from.0 })
        };
        let ops: Vec<u64> = wanted.iter().map(invoke).collect();
        let version = self.version::<FetchRequest>();
        let deadline = client.after_ms(OPEN_MS + limits.max_wait_ms.max(0) as u64);
        let response = self.connection.call(version, &several::fetch(wanted, limits), deadline).await;
        let asked = ops.into_iter().zip(wanted);
        match response {
            Ok(response) if response.error_code == 0 => {
                asked.map(|(op, (place, from))| polled(client, op, place, from.0, &response)).collect()
            }
            Ok(response) => {
                asked.for_each(|(op, _)| client.info(op, code(response.error_code)));
                wanted.iter().map(|_| Poll::Refused).collect()
            }
            Err(e) => {
                asked.for_each(|(op, _)| client.info(op, e.to_string()));
                wanted.iter().map(|_| Poll::Broken).collect()
            }
        }
    }

    /// Asks for the offset of a timestamp, written down. None: there is no answer to rely on.
    pub async fn offset(
        &mut self,
        client: &Client,
        topic: &Topic,
        partition: i32,
        timestamp: i64,
    ) -> Option<i64> {
        let op = client.invoke(Call::ListOffsets { topic: topic.name.clone(), partition, timestamp });
        let version = self.version::<protocol::messages::list_offsets::ListOffsetsRequest>();
        let request = single::list_offsets(topic, PartitionIndex(partition), timestamp);
        match self.connection.call(version, &request, client.after_ms(OPEN_MS)).await {
            Ok(response) => match single::listed(&response) {
                Some(listed) if listed.error_code == 0 => {
                    client.ok(op, Reply::Offset { offset: listed.offset });
                    Some(listed.offset)
                }
                listed => {
                    client.info(op, listed.map_or("nothing told".into(), |l| code(l.error_code)));
                    None
                }
            },
            Err(e) => {
                client.info(op, e.to_string());
                None
            }
        }
    }
}

/// What an answer says of one partition, written down.
fn polled(client: &Client, op: u64, place: &Place, from: i64, response: &FetchResponse) -> Poll {
    let Some(data) = several::fetched(response, place) else {
        client.info(op, "nothing about it");
        return Poll::Refused;
    };
    if data.error_code == ErrorCode::OffsetOutOfRange as i16 {
        client.fail(op, code(data.error_code));
        return Poll::OutOfRange;
    }
    if data.error_code != 0 {
        client.info(op, code(data.error_code));
        return Poll::Refused;
    }
    match read_from(from, data) {
        Ok(records) => {
            let next = records.last().map_or(from, |(offset, _)| offset + 1);
            let high_watermark = data.high_watermark;
            client.ok(op, Reply::Fetched { high_watermark, log_start: data.log_start_offset, records });
            Poll::Read { next, high_watermark }
        }
        Err(why) => {
            client.ok(op, Reply::Corrupt { from, why });
            Poll::Broken
        }
    }
}

fn hello() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "tidemark-simulator".into(),
        client_software_version: "1".into(),
        ..Default::default()
    }
}

/// What both sides know, by API key. Produce is offered from version 0 on and served from 3 on.
fn offered(offer: &ApiVersionsResponse) -> BTreeMap<i16, (i16, i16)> {
    let ours: BTreeMap<i16, (i16, i16)> =
        protocol::supported().iter().map(|s| (s.key as i16, (s.served_min, s.max))).collect();
    offer
        .api_keys
        .iter()
        .filter_map(|theirs| {
            let (min, max) = ours.get(&theirs.api_key)?;
            let range = ((*min).max(theirs.min_version), (*max).min(theirs.max_version));
            (range.0 <= range.1).then_some((theirs.api_key, range))
        })
        .collect()
}

/// The records of an answer from an offset on: every batch checked, framing, CRC and offsets.
pub fn read_from(from: i64, data: &PartitionData) -> Result<Vec<(i64, Value)>, String> {
    let mut read = Vec::new();
    for batch in batch::split(data.records.clone().into_bytes()) {
        let batch = batch.map_err(|e| e.to_string())?;
        batch::check_crc(&batch).map_err(|e| e.to_string())?;
        for record in batch::records(&batch) {
            let record = record.map_err(|e| e.to_string())?;
            if record.offset.0 < from {
                continue;
            }
            let bytes = record.value.ok_or_else(|| format!("offset {} has no value", record.offset))?;
            let value = Value::from_record(&bytes).map_err(|e| format!("offset {}: {e}", record.offset))?;
            read.push((record.offset.0, value));
        }
    }
    Ok(read)
}
