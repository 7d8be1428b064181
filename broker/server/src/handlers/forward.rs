//! Requests of clients that the active controller decides: served here when that is this node, else passed on to it in
//! an envelope (KIP-590).
//!
//! While there is no active controller, or the one asked is it no more, the request waits and is tried again: a client
//! notices a change of controllers by the time that it takes. One that hangs is waited for until another leads. A change
//! that was sent and not answered is not sent again: the first copy may still be on its way, to be carried out after what
//! the client does next. It is refused with NOT_CONTROLLER, which tells clients to try again. What a request has changed
//! shows on this broker when the answer leaves, unless this broker is behind for long.

use super::{Answer, LENGTH_LEN, Outcome, Parsed, change, controller, parse};
use crate::context::Context;
use crate::forwarder::Forwarded;
use bytes::Bytes;
use model::time::Duration;
use model::{Instant, Offset};
use protocol::{ApiKey, Frame, Request};
use std::sync::Arc;

/// How long a request may wait for a controller. Then whatever this node has to say about it is answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the answer to a change may wait until this broker shows it.
const SHOW_MAX: Duration = Duration::from_secs(1);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether an API's requests are the active controller's to decide.
pub(super) fn is_forwarded(api: ApiKey) -> bool {
    is_change(api) || api == ApiKey::DescribeQuorum
}

pub(super) fn is_change(api: ApiKey) -> bool {
    matches!(
        api,
        ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::CreatePartitions
            | ApiKey::ElectLeaders
            | ApiKey::UnregisterBroker
    )
}

pub(super) async fn apply(
    context: &Arc<Context>,
    parsed: Parsed,
    arrived: Instant,
) -> Result<Outcome, String> {
    carry(context, parsed, arrived, arrived + PATIENCE).await
}

/// Asks the active controller in the name of this broker itself. Whatever comes of it shows in the image, if it does
/// before the deadline.
pub(super) async fn ask<Q: Request>(
    context: &Arc<Context>,
    version: i16,
    request: &Q,
    deadline: Instant,
) -> Result<(), String> {
    let frame = Frame::request(0, None, version, request).map_err(|error| error.to_string())?;
    let parsed = parse(Bytes::from(frame.concat()).slice(LENGTH_LEN..))?;
    carry(context, parsed, context.now(), deadline).await.map(drop)
}

async fn carry(
    context: &Arc<Context>,
    parsed: Parsed,
    arrived: Instant,
    deadline: Instant,
) -> Result<Outcome, String> {
    let api = ApiKey::from_key(parsed.api).expect("an API that is offered");
    loop {
        let leader = context.metadata.leadership().leader;
        let patient = context.now() < deadline;
        match leader {
            Some(leader) if leader != context.settings.node_id && patient => {
                let passed =
                    context.forwarder.pass_on(leader, parsed.frame.clone(), is_change(api), deadline);
                match passed.await {
                    Forwarded::Answer { answer, committed } => {
                        if let Some(end) = committed {
                            show(context, end).await;
                        }
                        return Ok(Outcome::Ready(Ok(framed(answer))));
                    }
                    Forwarded::Refused(code) => {
                        return Err(format!("the controller does not take {api:?} from here: {code}"));
                    }
                    Forwarded::Unanswered if is_change(api) => {
                        let (asked, body) = (parsed.asked(arrived), parsed.body);
                        return change(&context.metadata.refusing(), api, asked, body).await;
                    }
                    Forwarded::Elsewhere | Forwarded::Unanswered => {}
                }
            }
            None if patient => {}
            _ => {
                let outcome = controller(context, api, parsed.clone(), arrived).await?;
                let elsewhere = matches!(&outcome, Outcome::Ready(Ok(Answer { not_controller: true, .. })));
                if !elsewhere || !patient {
                    return Ok(outcome);
                }
            }
        }
        let again = context.now() + PAUSE;
        tokio::select! { biased;
            () = context.closing() => return Err("the broker stops".to_owned()),
            () = context.sleep_until(again) => {}
        }
    }
}

/// Waits until this broker shows what is committed below `end`, but not for long: it may be cut off.
async fn show(context: &Context, end: Offset) {
    tokio::select! { biased;
        _ = context.metadata.applied(end) => {}
        () = context.closing() => {}
        () = context.sleep_until(context.now() + SHOW_MAX) => {}
    }
}

/// An answer without its length as a frame.
fn framed(answer: Bytes) -> Answer {
    let length = i32::try_from(answer.len()).expect("it came in a frame");
    let parts = vec![Bytes::copy_from_slice(&length.to_be_bytes()), answer];
    Answer { parts, events: Vec::new(), not_controller: false }
}
