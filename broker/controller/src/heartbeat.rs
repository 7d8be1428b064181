//! What a broker's heartbeat changes (BrokerHeartbeat, key 63; KIP-631).
//!
//! ```text
//!             want_fence, or its registration      ┌── want_fence ──┐
//!             not yet applied                      ▼                │
//!              ┌───► fenced ── caught up, no want_fence ──► available ── want_shutdown, it leads nothing ──┐
//!              └───────┘│                                           │                                      │
//!                       │                                           └─ want_shutdown, it leads ─► leaving  │
//!                       │                                              ┌── it leads, or others have ──┘ │  │
//!                       │                                              └──► not applied that it doesn't │  │
//!                       └── want_shutdown ──► told to shut down, fenced ◄───────────────────────────────┴──┘
//! ```
//!
//! A broker that is leaving goes on serving what clients still ask it for. It may shut down once it leads nothing
//! and every available broker has applied the metadata that says so: whichever of them a client asks, it finds the
//! new leaders. What *leaving* means is in the log; from which offset on is known to one controller only, and a new
//! one takes the end of its log.

use crate::brokers;
use crate::controller::Settings;
use crate::decision::{Decision, Refusal};
use crate::image::ClusterImage;
use crate::sessions::Sessions;
use model::{BrokerEpoch, BrokerId, Instant, Offset};

/// What a broker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Its id.
    pub id: BrokerId,
    /// The epoch that its registration gave it.
    pub epoch: BrokerEpoch,
    /// The last offset of the metadata log that it has applied; -1 before any.
    pub metadata_offset: Offset,
    /// It wants to be fenced, or to stay it.
    pub want_fence: bool,
    /// It wants to shut down.
    pub want_shutdown: bool,
}

/// What it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatReply {
    /// It has applied its own registration.
    pub caught_up: bool,
    /// It is fenced.
    pub fenced: bool,
    /// It may shut down now.
    pub should_shut_down: bool,
}

/// What it is after its heartbeat.
enum Next {
    Fenced,
    Available,
    Leaving,
    Told,
}

/// Decides a heartbeat, which is also a sign of life.
pub(crate) fn heartbeat(
    image: &ClusterImage,
    sessions: &mut Sessions,
    now: Instant,
    request: &Heartbeat,
    settings: &Settings,
) -> Result<Decision<HeartbeatReply>, Refusal> {
    let &Heartbeat { id, epoch, metadata_offset, .. } = request;
    brokers::check_epoch(image, id, epoch)?;
    sessions.heard_of(now, id, epoch, Some(metadata_offset));
    let next = next(image, sessions, request);
    let changes = match next {
        Next::Fenced | Next::Told => brokers::fence(image, id, epoch, settings)?,
        Next::Available => brokers::unfence(image, id, epoch, settings)?,
        Next::Leaving => brokers::shut_down(image, id, epoch, settings)?,
    };
    let session = sessions.of(id, epoch).expect("a broker that is registered has a session");
    match next {
        Next::Leaving if !changes.records.is_empty() || session.shutdown_at.is_none() => {
            session.shutdown_at = Some(Offset(image.end().0 + changes.records.len() as i64 - 1));
        }
        Next::Leaving => {}
        Next::Fenced | Next::Available | Next::Told => session.shutdown_at = None,
    }
    let reply = HeartbeatReply {
        caught_up: session.is_caught_up(metadata_offset),
        fenced: matches!(next, Next::Fenced | Next::Told),
        should_shut_down: matches!(next, Next::Told),
    };
    if reply.should_shut_down {
        sessions.over(id, epoch);
    }
    Ok(Decision::prefixes(changes.records, reply))
}

fn next(image: &ClusterImage, sessions: &mut Sessions, request: &Heartbeat) -> Next {
    let broker = image.broker(request.id).expect("its epoch was checked");
    let applied = sessions.applied_by_others(image, request.id);
    let session = sessions.of(request.id, request.epoch).expect("a broker that is registered has a session");
    if broker.fenced {
        return match (request.want_shutdown, request.want_fence) {
            (true, _) => Next::Told,
            (false, false) if session.is_caught_up(request.metadata_offset) => Next::Available,
            _ => Next::Fenced,
        };
    }
    if broker.in_controlled_shutdown {
        let seen = session.shutdown_at.is_some_and(|at| applied.is_some_and(|applied| applied >= at));
        return if seen && !image.leads_any(request.id) { Next::Told } else { Next::Leaving };
    }
    match (request.want_fence, request.want_shutdown) {
        (false, false) => Next::Available,
        (true, false) => Next::Fenced,
        (true, true) => Next::Told,
        (false, true) if image.leads_any(request.id) => Next::Leaving,
        (false, true) => Next::Told,
    }
}

#[cfg(test)]
#[path = "heartbeat_test.rs"]
mod tests;
