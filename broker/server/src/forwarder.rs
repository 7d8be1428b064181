//! The way to the active controller for what clients ask of it, where that is another node: a connection to each voter,
//! opened when there is something to pass on, and one request at a time on it.
//!
//! Whoever brings a request may give up waiting, because another node leads or its client has gone: what stands in line is
//! then never sent, and what is under way ends with its connection, so that a late answer is nobody's.

use crate::metadata::{Handle, Link, LinkError, Replicas};
use bytes::Bytes;
use controller::METADATA_TOPIC;
use model::time::Duration;
use model::{BrokerId, Instant, Offset};
use protocol::ErrorCode;
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, RequestedPartitionData, RequestedTopicData,
};
use protocol::messages::envelope::EnvelopeRequest;
use runtime::Runtime;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait to be passed on to one node; whoever brings one more waits.
const LINE_MAX: usize = 256;
/// How long a controller may take. One that is cut off must not hold up what another could answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Between two looks at who leads.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The way. Cheap to clone.
#[derive(Clone)]
pub struct Forwarder {
    lines: BTreeMap<BrokerId, mpsc::Sender<Passed>>,
}

struct Passed {
    request: Bytes,
    /// Whether it is asked how much is committed once the request is answered.
    changes: bool,
    deadline: Instant,
    reply: oneshot::Sender<Forwarded>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// The request has been answered.
    Answer {
        /// The answer, with its header.
        answer: Bytes,
        /// Of a change: everything that it did lies below this offset of the metadata log, as far as that could be learnt.
        committed: Option<Offset>,
    },
    /// The node asked is not the active controller, or could not be asked.
    Elsewhere,
    /// It was asked and has not answered: it may have carried the request out, or may yet.
    Unanswered,
    /// It does not take such a request.
    Refused(ErrorCode),
}

impl Forwarder {
    /// Starts a task for each other voter.
    pub fn start<R: Runtime>(rt: &R, replicas: &Replicas, metadata: &Handle) -> Forwarder {
        let me = replicas.local.me.id;
        let others = replicas.voters.iter().filter(|(id, _)| **id != me);
        let lines = others.map(|(id, at)| {
            let (sender, passed) = mpsc::channel(LINE_MAX);
            let link = Link::new(rt.clone(), at.clone(), format!("broker-{me}-forward"));
            let line = Line { rt: rt.clone(), to: *id, link, metadata: metadata.clone() };
            rt.spawn_detached("forwarder", line.run(passed));
            (*id, sender)
        });
        Forwarder { lines: lines.collect() }
    }

    /// Passes a request, header included, on to `to`. `changes`: it changes metadata. Dropped before it is done: the request
    /// may have been carried out, or be yet.
    pub async fn pass_on(&self, to: BrokerId, request: Bytes, changes: bool, deadline: Instant) -> Forwarded {
        let (reply, answer) = oneshot::channel();
        let Some(line) = self.lines.get(&to) else { return Forwarded::Elsewhere };
        if line.send(Passed { request, changes, deadline, reply }).await.is_err() {
            return Forwarded::Elsewhere;
        }
        answer.await.unwrap_or(Forwarded::Elsewhere)
    }
}

/// One node's line.
struct Line<R: Runtime> {
    rt: R,
    to: BrokerId,
    link: Link<R>,
    metadata: Handle,
}

impl<R: Runtime> Line<R> {
    async fn run(mut self, mut passed: mpsc::Receiver<Passed>) {
        while let Some(Passed { request, changes, deadline, mut reply }) = passed.recv().await {
            let (rt, metadata, to) = (self.rt.clone(), self.metadata.clone(), self.to);
            let ready_by = deadline.min(self.link.deadline(ANSWER_MAX));
            let link = &mut self.link;
            let forwarded = tokio::select! { biased;
                () = reply.closed() => continue,
                () = succeeded(&rt, &metadata, to) => Forwarded::Elsewhere,
                ready = link.ready(ready_by) => match ready {
                    Ok(()) => {
                        let succeeded = succeeded(&rt, &metadata, to);
                        let put = async |link: &mut Link<R>| put(link, request, deadline).await;
                        let committed = async |link: &mut Link<R>| committed(link, deadline).await;
                        tokio::select! { biased;
                            () = reply.closed() => continue,
                            forwarded = exchange(link, changes, put, committed, succeeded) => forwarded,
                        }
                    }
                    Err(_) => Forwarded::Elsewhere,
                },
            };
            // Whoever asked may have gone just now.
            let _ = reply.send(forwarded);
        }
    }
}

/// Puts a request; once a change is answered, asks how much is committed. Another leader ends either wait: but what has
/// been answered stays answered, whoever leads by now.
async fn exchange<L>(
    link: &mut L,
    changes: bool,
    put: impl AsyncFnOnce(&mut L) -> Forwarded,
    committed: impl AsyncFnOnce(&mut L) -> Option<Offset>,
    succeeded: impl Future<Output = ()>,
) -> Forwarded {
    let mut succeeded = pin!(succeeded);
    let forwarded = tokio::select! { biased;
        forwarded = put(link) => forwarded,
        () = &mut succeeded => return Forwarded::Unanswered,
    };
    match forwarded {
        Forwarded::Answer { answer, .. } if changes => {
            let committed = tokio::select! { biased;
                committed = committed(link) => committed,
                () = &mut succeeded => None,
            };
            Forwarded::Answer { answer, committed }
        }
        forwarded => forwarded,
    }
}

/// Waits until another node leads than `before`. While nobody does, that one may lead on.
async fn succeeded<R: Runtime>(rt: &R, metadata: &Handle, before: BrokerId) {
    while metadata.leadership().leader.is_none_or(|leader| leader == before) {
        rt.sleep_until(rt.now() + LOOK_EVERY).await;
    }
}

async fn put<R: Runtime>(link: &mut Link<R>, request: Bytes, deadline: Instant) -> Forwarded {
    // Nobody is authenticated yet; the client's address is of no use without that, and 0.0.0.0 says so.
    let make = |_| {
        Some(EnvelopeRequest {
            request_data: request,
            request_principal: None,
            client_host_address: Bytes::from_static(&[0; 4]),
        })
    };
    let deadline = deadline.min(link.deadline(ANSWER_MAX));
    match link.call(0..=0, deadline, make).await {
        Ok((_, answer)) => match (ErrorCode::from_code(answer.error_code), answer.response_data) {
            (ErrorCode::None, Some(answer)) => Forwarded::Answer { answer, committed: None },
            (ErrorCode::None | ErrorCode::NotController, _) => Forwarded::Elsewhere,
            (code, _) => Forwarded::Refused(code),
        },
        Err(LinkError::Failed(_)) => Forwarded::Unanswered,
        Err(LinkError::Unspoken) => Forwarded::Refused(ErrorCode::UnsupportedVersion),
    }
}

/// How much of the metadata log is committed, as its leader knows. An envelope has no room to say it.
async fn committed<R: Runtime>(link: &mut Link<R>, deadline: Instant) -> Option<Offset> {
    let partition = RequestedPartitionData { partition_index: 0 };
    let topic = RequestedTopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] };
    let make = |_| Some(DescribeQuorumRequest { topics: vec![topic] });
    let deadline = deadline.min(link.deadline(ANSWER_MAX));
    let (_, answer) = link.call(0..=2, deadline, make).await.ok()?;
    let partition = answer.topics.first()?.partitions.first()?;
    (partition.high_watermark >= 0).then_some(Offset(partition.high_watermark))
}

#[cfg(test)]
#[path = "forwarder_test.rs"]
mod tests;
