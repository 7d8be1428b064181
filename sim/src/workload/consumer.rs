//! Consumers by assignment: some partitions for a while, then others, from anywhere, poll by poll.

use super::session::Poll;
use super::{Client, Session};
use crate::history::{Call, Reply};
use crate::scenario::StartAt;
use client::several::Place;
use client::single::{FetchLimits, Topic};
use model::{Offset, PartitionIndex};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

pub(super) async fn run(mut client: Client, manner: Manner) {
    while let Some(mut session) = Session::open(&mut client).await {
        while !client.over() {
            let limits = FetchLimits {
                max_wait_ms: manner.max_wait_ms as i32,
                min_bytes: client.stream.between(0, 1) as i32,
                max_bytes: client.stream.between(1, u64::from(manner.max_bytes.max(1))) as i32,
            };
            let Some(places) = places(&mut client, &session, manner.partitions) else {
                client.rest_ms(20).await;
                break;
            };
            if !assignment(&mut client, &mut session, places, &manner, limits).await {
                break;
            }
        }
    }
}

/// What a consumer is like.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) start: StartAt,
    pub(super) max_bytes: u32,
    pub(super) max_wait_ms: u32,
    pub(super) polls: u32,
    pub(super) partitions: u32,
}

/// Some partitions, none of them twice. None: there are none, or the session does not know their topic.
fn places(client: &mut Client, session: &Session, most: u32) -> Option<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    for _ in 0..client.stream.between(1, u64::from(most.max(1))) {
        let (name, partition) = client.any_partition_led(session)?;
        let topic = session.topic(&name)?.clone();
        let place = Place { topic, partition: PartitionIndex(partition) };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Some(places)
}

/// Takes partitions and polls them for a while. False when the connection is of no more use.
async fn assignment(
    client: &mut Client,
    session: &mut Session,
    places: Vec<Place>,
    manner: &Manner,
    limits: FetchLimits,
) -> bool {
    client.next_operation().await;
    let mut wanted = Vec::new();
    for place in places {
        let Place { topic, partition } = &place;
        let Some(from) = position(client, session, topic, partition.0, manner.start).await else {
            // Refused, or broken: a new session finds out.
            client.rest_ms(50).await;
            return false;
        };
        let op = client.invoke(Call::Assign { topic: topic.name.clone(), partition: partition.0, from });
        client.ok(op, Reply::Done);
        wanted.push((place, Offset(from)));
    }
    for _ in 0..client.stream.between(1, u64::from(manner.polls.max(1))) {
        client.next_operation().await;
        if client.over() {
            return true;
        }
        let polls = session.poll_many(client, &wanted, limits).await;
        let mut refused = false;
        for ((_, from), poll) in wanted.iter_mut().zip(polls) {
            match poll {
                Poll::Read { next, .. } => *from = Offset(next),
                // A page-cache topic lost its end: a new assignment finds another.
                Poll::OutOfRange | Poll::Refused => refused = true,
                Poll::Broken => return false,
            }
        }
        if refused {
            client.rest_ms(50).await;
            return client.brokers() == 1;
        }
        // Who comes first in a request gets the bytes: it changes.
        wanted.rotate_left(1);
    }
    true
}

async fn position(
    client: &mut Client,
    session: &mut Session,
    topic: &Topic,
    partition: i32,
    start: StartAt,
) -> Option<i64> {
    let start = match start {
        StartAt::Any => [StartAt::Earliest, StartAt::Latest, StartAt::Random][client.stream.index(3)],
        start => start,
    };
    match start {
        StartAt::Earliest => session.offset(client, topic, partition, EARLIEST).await,
        StartAt::Latest => session.offset(client, topic, partition, LATEST).await,
        StartAt::Random | StartAt::Any => {
            let first = session.offset(client, topic, partition, EARLIEST).await?;
            let last = session.offset(client, topic, partition, LATEST).await?;
            let width = u64::try_from(last - first).unwrap_or(0);
            Some(first + client.stream.between(0, width) as i64)
        }
    }
}
