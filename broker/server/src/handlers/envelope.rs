//! Envelope (key 58): a request that a broker passes on to the active controller, in the name of its client (KIP-590).
//!
//! * Only changes are passed on: what else is in the envelope, or an envelope in it, is refused with UNKNOWN_SERVER_ERROR,
//!   a request that can't be read with INVALID_REQUEST.
//! * A node that is not the active controller answers NOT_CONTROLLER, and the broker asks another one.
//! * There are no principals yet: nobody is authenticated, and everybody may do everything.

use super::forward::is_forwarded;
use super::{Answer, Asked, LENGTH_LEN, Later, Outcome, Side, controller, encode, parse};
use crate::context::Context;
use bytes::{Bytes, BytesMut};
use model::Instant;
use protocol::messages::envelope::{EnvelopeRequest, EnvelopeResponse};
use protocol::{ApiKey, ErrorCode};
use std::sync::Arc;

pub(super) async fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: EnvelopeRequest,
) -> Result<Outcome, String> {
    let response = match open(context.clone(), asked.arrived, request.request_data).await {
        Ok(answer) => EnvelopeResponse { response_data: Some(answer), error_code: 0 },
        Err(code) => EnvelopeResponse { response_data: None, error_code: code as i16 },
    };
    Ok(Outcome::Ready(encode(&asked, &response, Vec::new())))
}

/// Serves the request that is in the envelope. Boxed: what the controller serves includes envelopes.
fn open(context: Arc<Context>, arrived: Instant, request: Bytes) -> Later<Result<Bytes, ErrorCode>> {
    Box::pin(async move {
        if context.metadata.leadership().leader != Some(context.settings.node_id) {
            return Err(ErrorCode::NotController);
        }
        let parsed = parse(request).map_err(|_| ErrorCode::InvalidRequest)?;
        let offered = Side::Controller.offers().iter().find(|range| range.key as i16 == parsed.api);
        let api = ApiKey::from_key(parsed.api).filter(|api| is_forwarded(*api));
        let api = api.ok_or(ErrorCode::UnknownServerError)?;
        if !offered.is_some_and(|range| range.accepts(parsed.version)) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let served = controller(&context, api, parsed, arrived).await;
        let answered = match served.map_err(|_| ErrorCode::InvalidRequest)? {
            Outcome::Ready(answered) => answered,
            Outcome::Later(answered) => answered.await,
            Outcome::Silent(_) => return Err(ErrorCode::UnknownServerError),
        };
        let Answer { parts, not_controller, .. } = answered.map_err(|_| ErrorCode::UnknownServerError)?;
        if not_controller {
            return Err(ErrorCode::NotController);
        }
        Ok(without_length(&parts))
    })
}

/// A frame without its length, in one piece.
fn without_length(parts: &[Bytes]) -> Bytes {
    let mut frame = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    frame.freeze().slice(LENGTH_LEN..)
}
