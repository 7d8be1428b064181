//! Requests of clients that the active controller decides: served here when that is this node, else passed on to it in
//! an envelope (KIP-590).
//!
//! While there is no active controller, or the one asked is it no more, the request waits and is tried again: a client
//! notices a change of controllers by the time that it takes. A request whose answer was lost is tried again too, as by
//! Kafka's brokers: it may have been carried out, and then says so (TOPIC_ALREADY_EXISTS, say).

use super::{Answer, Outcome, Parsed, controller};
use crate::context::Context;
use crate::forwarder::Forwarded;
use bytes::Bytes;
use model::Instant;
use model::time::Duration;
use protocol::ApiKey;
use std::sync::Arc;

/// How long a request may wait for a controller. Then whatever this node has to say about it is answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether an API's requests are the active controller's to decide.
pub(super) fn is_forwarded(api: ApiKey) -> bool {
    matches!(api, ApiKey::CreateTopics | ApiKey::DescribeQuorum)
}

pub(super) async fn apply(
    context: &Arc<Context>,
    parsed: Parsed,
    arrived: Instant,
) -> Result<Outcome, String> {
    let api = ApiKey::from_key(parsed.api).expect("an API that is offered");
    let deadline = arrived + PATIENCE;
    loop {
        let leader = context.metadata.leadership().leader;
        let patient = context.now() < deadline;
        match leader {
            Some(leader) if leader != context.settings.node_id && patient => {
                match context.forwarder.pass_on(leader, parsed.frame.clone(), deadline).await {
                    Forwarded::Answer(answer) => return Ok(Outcome::Ready(Ok(framed(answer)))),
                    Forwarded::Refused(code) => {
                        return Err(format!("the controller does not take {api:?} from here: {code}"));
                    }
                    Forwarded::Elsewhere => {}
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

/// An answer without its length as a frame.
fn framed(answer: Bytes) -> Answer {
    let length = i32::try_from(answer.len()).expect("it came in a frame");
    let parts = vec![Bytes::copy_from_slice(&length.to_be_bytes()), answer];
    Answer { parts, events: Vec::new(), not_controller: false }
}
