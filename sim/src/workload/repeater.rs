//! Repeaters: idempotent producers that send batches again late, often when many later ones of theirs have been written.
//!
//! Kafka's own client does so when it goes on at a new leader while the old one owes it answers. Each attempt is an operation,
//! and says nothing of the others: what was not told to be written goes again, in order. But a broker that has taken a later
//! batch has the earlier ones: if it refuses one as none of its own, that is written down as a definite error. To a topic that
//! promises durability, as writers.

use super::{Client, Session, code};
use crate::history::{Call, Reply, Step, Value};
use crate::runtime::SimTask;
use crate::scenario::{ClientKind, TopicSpec};
use ::runtime::Runtime;
use bytes::Bytes;
use client::CallError;
use client::several::{self, Place};
use model::{PartitionIndex, ProducerId, Timestamp};
use protocol::ErrorCode;
use protocol::messages::init_producer_id::InitProducerIdRequest;
use protocol::messages::produce::{ProduceRequest, ProduceResponse};
use records::batch::BatchBuilder;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// A batch comes again when so many later ones have been sent, at least and at most. Brokers remember the last five, of others they
/// know that they are there.
const LATER_MIN: u64 = 1;
const LATER_MAX: u64 = 20;
/// How often a late batch has a connection of its own, in parts per million: maybe with another leader.
const FRESH_PPM: u32 = 200_000;
/// In-sync replicas all have what was acknowledged.
const ACKS: i16 = -1;

/// What a repeater is like.
struct Manner {
    number: u32,
    unanswered: usize,
    late_ppm: u32,
    batch_records: u64,
    value_bytes: u64,
    timeout_ms: u64,
}

struct Repeater {
    client: Client,
    manner: Manner,
    topic: String,
    partition: i32,
    id: ProducerId,
    /// The latest batches, oldest first: those that may come again late, and all that are not known to be written.
    sent: VecDeque<Sent>,
    /// Which of all batches is the first of these.
    first: u64,
    /// By broker: how many of all batches, the first ones, its log is known to have.
    has: BTreeMap<SocketAddr, u64>,
    /// Sequence number of the next record; the counter in its value, too.
    next: u64,
    /// Where late batches go.
    late: Option<Session>,
    /// Answers to them: to which batch, by whom.
    owed: Vec<(u64, SocketAddr, SimTask<bool>)>,
}

struct Sent {
    values: Vec<Value>,
    batch: Bytes,
    taken: bool,
}

pub(super) async fn run(mut client: Client, kind: &ClientKind) {
    let ClientKind::Repeater { number, unanswered, late_percent, batch_records, value_bytes, timeout_ms } =
        kind
    else {
        unreachable!("a repeater's kind");
    };
    let manner = Manner {
        number: *number,
        unanswered: (*unanswered).max(1) as usize,
        late_ppm: late_percent * 10_000,
        batch_records: u64::from((*batch_records).max(1)),
        value_bytes: u64::from((*value_bytes).max(1)),
        timeout_ms: *timeout_ms,
    };
    let topics: Vec<TopicSpec> = client.around.topics.iter().filter(|topic| topic.durable).cloned().collect();
    let Some(TopicSpec { name: topic, partitions, .. }) = client.stream.pick(&topics).cloned() else {
        return;
    };
    let partition = client.stream.below(partitions.max(1) as u64) as i32;
    let Some(id) = identity(&mut client).await else { return };
    let (sent, has, owed) = (VecDeque::new(), BTreeMap::new(), Vec::new());
    let mut repeater =
        Repeater { client, manner, topic, partition, id, sent, first: 0, has, next: 0, late: None, owed };
    while let Some(session) = repeater.session().await {
        repeater.one_session(session).await;
    }
    for (_, _, answer) in repeater.owed {
        // Aborted tasks are those of a machine that is going down with this one.
        let _ = answer.await;
    }
}

/// The id that it is given.
async fn identity(client: &mut Client) -> Option<ProducerId> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    while let Some(mut session) = Session::open(client).await {
        let (version, deadline) = (session.version::<InitProducerIdRequest>(), client.after_ms(3_000));
        match session.connection.call(version, &request, deadline).await {
            Ok(told) if told.error_code == 0 => return Some(ProducerId(told.producer_id)),
            _ => client.rest_ms(100).await,
        }
    }
    None
}

impl Repeater {
    /// One with the leader, if that can be had.
    async fn session(&mut self) -> Option<Session> {
        let session = Session::open(&mut self.client).await?;
        session.with_leader(&mut self.client, &self.topic, self.partition).await
    }

    /// Sends again what may not be written, then goes on until something fails or the time is over.
    async fn one_session(&mut self, mut session: Session) {
        self.settle().await;
        let mut answers: VecDeque<(u64, SimTask<bool>)> = VecDeque::new();
        let mut again: VecDeque<u64> = (self.first..)
            .zip(&self.sent)
            .filter(|(_, sent)| !sent.taken)
            .map(|(number, _)| number)
            .collect();
        let leader = session.addr();
        let mut good = true;
        while good {
            if again.is_empty() {
                self.client.next_operation().await;
            }
            if self.client.over() {
                break;
            }
            while answers.front().is_some_and(|(_, answer)| answer.is_finished())
                || answers.len() >= self.manner.unanswered
            {
                let (number, answer) = answers.pop_front().expect("there is a first one");
                good = good && answer.await == Ok(true);
                if good {
                    self.taken(number, leader);
                }
            }
            if !good {
                break;
            }
            let number = match again.pop_front() {
                Some(number) => number,
                None if self.client.stream.chance(self.manner.late_ppm) => {
                    self.repeat().await;
                    continue;
                }
                None => self.make(),
            };
            match self.send(&mut session, number).await {
                Some(answer) => answers.push_back((number, answer)),
                None => good = false,
            }
        }
        if !good {
            // Their outcome is unknown then.
            drop(session);
        }
        for (number, answer) in answers {
            if answer.await == Ok(true) {
                self.taken(number, leader);
            }
        }
        if !good {
            self.client.rest_ms(50).await;
        }
    }

    /// Sends one of the earlier batches again, by another connection.
    async fn repeat(&mut self) {
        self.settle().await;
        let end = self.first + self.sent.len() as u64;
        let later = self.client.stream.between(LATER_MIN, LATER_MAX);
        let fresh = self.client.stream.chance(FRESH_PPM);
        let Some(number) = end.checked_sub(1 + later).filter(|number| *number >= self.first) else { return };
        let mut session = match self.late.take().filter(|_| !fresh) {
            Some(session) => session,
            None => match self.session().await {
                Some(session) => session,
                None => return,
            },
        };
        if let Some(answer) = self.send(&mut session, number).await {
            self.owed.push((number, session.addr(), answer));
            self.late = Some(session);
        }
    }

    /// Takes note of what was told of late batches: one that is written does not go again.
    async fn settle(&mut self) {
        let owed = std::mem::take(&mut self.owed);
        let (told, owed) = owed.into_iter().partition::<Vec<_>, _>(|(_, _, answer)| answer.is_finished());
        self.owed = owed;
        for (number, by, answer) in told {
            if answer.await == Ok(true) {
                self.taken(number, by);
            }
        }
    }

    /// A batch that was never sent: its number.
    fn make(&mut self) -> u64 {
        let count = self.client.stream.between(1, self.manner.batch_records);
        let values: Vec<Value> = (self.next..self.next + count)
            .map(|counter| Value { client: self.manner.number, counter })
            .collect();
        let mut builder = BatchBuilder::produced().producer(self.id, 0, self.next as i32);
        let now = Timestamp(self.client.runtime.wall_ms());
        for value in &values {
            let mut bytes = value.to_string().into_bytes();
            let length = self.client.stream.between(1, self.manner.value_bytes) as usize;
            if bytes.len() < length {
                bytes.push(b' ');
                bytes.resize(length.max(bytes.len()), b'r');
            }
            builder.push(now, None, Some(&bytes));
        }
        self.next += count;
        self.sent.push_back(Sent { values, batch: builder.build(), taken: false });
        self.first + self.sent.len() as u64 - 1
    }

    /// A batch is written, and with it all before it.
    fn taken(&mut self, number: u64, by: SocketAddr) {
        let has = self.has.entry(by).or_default();
        *has = (*has).max(number + 1);
        if let Some(sent) = number.checked_sub(self.first).and_then(|at| self.sent.get_mut(at as usize)) {
            sent.taken = true;
        }
        while self.sent.len() as u64 > LATER_MAX + 1 && self.sent.front().is_some_and(|sent| sent.taken) {
            self.sent.pop_front();
            self.first += 1;
        }
    }

    /// One attempt. What it gives tells, when it ends, whether the batch is written.
    async fn send(&self, session: &mut Session, number: u64) -> Option<SimTask<bool>> {
        let sent = &self.sent[(number - self.first) as usize];
        let place =
            Place { topic: session.topic(&self.topic)?.clone(), partition: PartitionIndex(self.partition) };
        let has = self.has.get(&session.addr()).is_some_and(|has| number < *has);
        let (topic, partition, values) = (self.topic.clone(), self.partition, sent.values.clone());
        let op = self.client.invoke(Call::Produce { topic, partition, acks: ACKS, values });
        let batches = [(place.clone(), sent.batch.clone())];
        let request = several::produce(&batches, ACKS, self.manner.timeout_ms as i32);
        let version = session.version::<ProduceRequest>();
        let pending = match session.connection.send(version, &request).await {
            Ok(pending) => pending,
            Err(e) => {
                self.client.info(op, e.to_string());
                return None;
            }
        };
        let deadline = self.client.after_ms(self.manner.timeout_ms + 500);
        let (hub, name) = (self.client.around.hub.clone(), self.client.name.clone());
        Some(self.client.runtime.spawn("repeater-answer", async move {
            let step = outcome(&pending.answer(deadline).await, &place, has);
            let written = matches!(step, Step::Ok { .. });
            hub.finish(&name, op, step);
            written
        }))
    }
}

/// What an answer means, of a broker that is known to have the batch or not.
fn outcome(answer: &Result<ProduceResponse, CallError>, place: &Place, has: bool) -> Step {
    let told = match answer {
        Err(e) => return Step::Info { error: e.to_string() },
        Ok(response) => several::produced(response, place),
    };
    let Some(told) = told else { return Step::Info { error: "nothing about it".into() } };
    let error = || code(told.error_code);
    match ErrorCode::from_code(told.error_code) {
        ErrorCode::None => Step::Ok { reply: Reply::Produced { base: told.base_offset } },
        // It came again, when its place was forgotten.
        ErrorCode::DuplicateSequenceNumber => Step::Ok { reply: Reply::Produced { base: -1 } },
        ErrorCode::OutOfOrderSequenceNumber
        | ErrorCode::UnknownProducerId
        | ErrorCode::InvalidProducerEpoch
        | ErrorCode::ProducerFenced
            if has =>
        {
            Step::Fail { error: error() }
        }
        _ => Step::Info { error: error() },
    }
}
