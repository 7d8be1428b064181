//! Consumers by assignment: one partition after the other, from anywhere, poll by poll.

use super::session::Poll;
use super::{Client, Session};
use crate::history::{Call, Reply};
use crate::scenario::StartAt;
use client::single::{FetchLimits, Topic};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

pub(super) async fn run(mut client: Client, start: StartAt, max_bytes: u32, max_wait_ms: u32, polls: u32) {
    while let Some(mut session) = Session::open(&mut client).await {
        while !client.over() {
            let Some((name, partition)) = client.any_partition() else { return };
            let Some(topic) = session.topic(&name).cloned() else { break };
            let limits = FetchLimits {
                max_wait_ms: max_wait_ms as i32,
                min_bytes: client.stream.between(0, 1) as i32,
                max_bytes: client.stream.between(1, u64::from(max_bytes.max(1))) as i32,
            };
            if !assignment(&mut client, &mut session, &topic, partition, start, limits, polls).await {
                break;
            }
        }
    }
}

/// Takes a partition and polls it for a while. False when the connection is of no more use.
async fn assignment(
    client: &mut Client,
    session: &mut Session,
    topic: &Topic,
    partition: i32,
    start: StartAt,
    limits: FetchLimits,
    polls: u32,
) -> bool {
    client.next_operation().await;
    let Some(mut next) = position(client, session, topic, partition, start).await else {
        // Refused, or broken: a new session finds out.
        client.rest_ms(50).await;
        return false;
    };
    let op = client.invoke(Call::Assign { topic: topic.name.clone(), partition, from: next });
    client.ok(op, Reply::Done);
    for _ in 0..client.stream.between(1, u64::from(polls.max(1))) {
        client.next_operation().await;
        if client.over() {
            return true;
        }
        match session.poll(client, topic, partition, next, limits).await {
            Poll::Read { next: after, .. } => next = after,
            // A page-cache topic lost its end: a new assignment finds another.
            Poll::OutOfRange => return true,
            Poll::Refused => {
                client.rest_ms(50).await;
                return true;
            }
            Poll::Broken => return false,
        }
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
