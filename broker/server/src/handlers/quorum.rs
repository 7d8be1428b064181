//! What replicas of the metadata quorum ask each other: Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch of the metadata
//! log, FetchSnapshot (keys 52, 53, 54, 1, 59).
//!
//! * Each of them is put to this node's quorum; what it answers is durable before it leaves.
//! * A fetch may wait for news there, and the connection's next request with it. Whoever votes has another connection.
//! * What the versions say is told in `metadata/wire`.

use super::{Asked, Outcome, encode};
use crate::context::Context;
use crate::metadata::wire::{self, BYTES_MAX};
use crate::metadata::{Replicas, Told};
use controller::NodeEndpoint;
use protocol::messages::begin_quorum_epoch::BeginQuorumEpochRequest;
use protocol::messages::end_quorum_epoch::EndQuorumEpochRequest;
use protocol::messages::fetch::FetchRequest;
use protocol::messages::fetch_snapshot::FetchSnapshotRequest;
use protocol::messages::vote::VoteRequest;
use raft::{Answer, Request, Response};
use records::RecordBytes;
use std::sync::Arc;

/// The quorum of a node that stops gives no answers: the connection ends.
const STOPPING: &str = "the metadata quorum has stopped here";

pub(super) async fn vote(
    context: &Arc<Context>,
    asked: Asked,
    request: VoteRequest,
) -> Result<Outcome, String> {
    let response = match wire::vote::read(&context.replicas.local, request) {
        Ok(vote) => {
            let told = ask(context, Request::Vote(vote)).await?;
            wire::vote::response(asked.version, &told.response, leader(&context.replicas, &told.response))
        }
        Err(code) => wire::vote::refused(code),
    };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

pub(super) async fn begin_epoch(
    context: &Arc<Context>,
    asked: Asked,
    request: BeginQuorumEpochRequest,
) -> Result<Outcome, String> {
    let response = match wire::begin_epoch::read(&context.replicas.local, request) {
        Ok(request) => {
            let told = ask(context, request).await?;
            wire::begin_epoch::response(
                asked.version,
                &told.response,
                leader(&context.replicas, &told.response),
            )
        }
        Err(code) => wire::begin_epoch::refused(code),
    };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

pub(super) async fn end_epoch(
    context: &Arc<Context>,
    asked: Asked,
    request: EndQuorumEpochRequest,
) -> Result<Outcome, String> {
    let response = match wire::end_epoch::read(&context.replicas.local, request) {
        Ok(request) => {
            let told = ask(context, request).await?;
            wire::end_epoch::response(
                asked.version,
                &told.response,
                leader(&context.replicas, &told.response),
            )
        }
        Err(code) => wire::end_epoch::refused(code),
    };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

pub(super) async fn fetch(
    context: &Arc<Context>,
    asked: Asked,
    request: FetchRequest,
) -> Result<Outcome, String> {
    let read = wire::fetch::read(&context.replicas.local, asked.version, request);
    let wire::fetch::Asked { fetch, bytes_max } = match read {
        Ok(read) => read,
        Err(code) => return Ok(Outcome::Ready(encode(&asked, &wire::fetch::refused(code), Vec::new()))),
    };
    let told = context.metadata.ask(Request::Fetch(fetch), bytes_max).await;
    let context = context.clone();
    Ok(Outcome::Later(Box::pin(async move {
        let Some(Told { response, bytes, log_start }) = told.await else {
            return Err(STOPPING.to_owned());
        };
        let mut records = RecordBytes::new();
        records.push(bytes);
        let read = wire::fetch::Read { records, log_start };
        let leader = leader(&context.replicas, &response);
        encode(&asked, &wire::fetch::response(asked.version, &response, read, leader), Vec::new())
    })))
}

pub(super) async fn fetch_snapshot(
    context: &Arc<Context>,
    asked: Asked,
    request: FetchSnapshotRequest,
) -> Result<Outcome, String> {
    let response = match wire::fetch_snapshot::read(&context.replicas.local, request) {
        Ok(wire::fetch_snapshot::Asked { fetch, bytes_max }) => {
            let told = context.metadata.ask(Request::FetchSnapshot(fetch), bytes_max.min(BYTES_MAX)).await;
            let Told { mut response, bytes, .. } = told.await.ok_or(STOPPING)?;
            if let Ok(Answer::SnapshotPiece(piece)) = &mut response.body {
                piece.bytes = bytes;
            }
            wire::fetch_snapshot::response(asked.version, &response, leader(&context.replicas, &response))
        }
        Err(code) => wire::fetch_snapshot::refused(code),
    };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

async fn ask(context: &Context, request: Request) -> Result<Told, String> {
    context.metadata.ask(request, 0).await.await.ok_or_else(|| STOPPING.to_owned())
}

/// Where the leader of an answer listens.
fn leader<'a>(replicas: &'a Replicas, response: &Response) -> Option<&'a NodeEndpoint> {
    replicas.voters.get(&response.leader?)
}
