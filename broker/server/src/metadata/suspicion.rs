//! When a broker's silence is worth a question.
//!
//! A broker says that it lives by its heartbeats, and by following the metadata log: its fetches wait for news for half a
//! second at most. A question costs little and harms nobody, so the limits are tight; what follows from silence alone is
//! decided after `broker.session.timeout.ms`.

use controller::Broker;
use model::Instant;
use model::time::Duration;
use std::sync::Arc;

/// A broker that fetches no metadata for so long is silent.
const NO_FETCH_MAX: Duration = Duration::from_millis(750);
/// How much later than its time a heartbeat may come.
const LATE_MAX: Duration = Duration::from_millis(500);

/// What the active controller knows of an available broker.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// As it is registered.
    pub(super) broker: Arc<Broker>,
    /// When its last heartbeat came, or when this controller was elected.
    pub(super) heard: Option<Instant>,
    /// When it last asked for metadata.
    pub(super) fetched: Option<Instant>,
}

impl Watched {
    /// Whether it should have been heard of, by a controller that has been the active one `since`.
    pub(super) fn is_silent(&self, now: Instant, since: Instant, heartbeat_every: Duration) -> bool {
        let last = |at: Option<Instant>| at.map_or(since, |at| at.max(since));
        now > last(self.fetched) + NO_FETCH_MAX || now > last(self.heard) + overdue(heartbeat_every)
    }
}

/// How long after a heartbeat the next one is overdue.
pub(super) fn overdue(heartbeat_every: Duration) -> Duration {
    heartbeat_every + LATE_MAX
}

#[cfg(test)]
#[path = "suspicion_test.rs"]
mod tests;
