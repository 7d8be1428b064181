//! When a broker's silence is worth a question.
//!
//! A broker says that it lives by its heartbeats, and by following the metadata log: its fetches wait for news for half a
//! second at most. A question costs little and harms nobody, so the limits are tight; what follows from silence alone is
//! decided after `broker.session.timeout.ms`. One that was asked and is mute on every way is taken for dead within little
//! more than a second: a process that is stopped, or a machine that is gone, resets no connection.

use controller::Broker;
use model::Instant;
use model::time::Duration;
use std::sync::Arc;

/// A broker that fetches no metadata for so long is silent.
const NO_FETCH_MAX: Duration = Duration::from_millis(600);
/// One that fetches none for so long, while two questions on connections of their own go unanswered, is mute: longer than
/// a segment takes that has to be sent again.
const MUTE_FETCH_MAX: Duration = Duration::from_millis(1100);
/// One whose address says nothing, and that fetches none for so long, is lost if its heartbeats are missing too: longer
/// than a few segments in a row that have to be sent again.
const LOST_FETCH_MAX: Duration = Duration::from_millis(1500);
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
        let (heard, fetched) = self.last_signs(since);
        now > fetched + NO_FETCH_MAX || now > heard + overdue(heartbeat_every)
    }

    /// Whether no sign has come while it was asked, since `began`, nor for long before: it is gone if it did not answer.
    pub(super) fn is_mute(&self, now: Instant, since: Instant, began: Instant) -> bool {
        let (_, fetched) = self.last_signs(since);
        now > fetched + MUTE_FETCH_MAX && self.heard.is_none_or(|heard| heard <= began)
    }

    /// Whether there was a sign after `since`, when this controller was elected.
    pub(super) fn is_back(&self, since: Instant) -> bool {
        self.heard.max(self.fetched).is_some_and(|last| last > since)
    }

    /// Whether no sign has come for so long that it is gone whatever its address says: it neither follows the metadata
    /// log nor sends heartbeats.
    pub(super) fn is_lost(&self, now: Instant, since: Instant, heartbeat_every: Duration) -> bool {
        let (heard, fetched) = self.last_signs(since);
        now > fetched + LOST_FETCH_MAX && now > heard + overdue(heartbeat_every)
    }

    /// When its last heartbeat came and when it last asked for metadata: not before `since`, which counts for both.
    fn last_signs(&self, since: Instant) -> (Instant, Instant) {
        let last = |at: Option<Instant>| at.map_or(since, |at| at.max(since));
        (last(self.heard), last(self.fetched))
    }
}

/// How long after a heartbeat the next one is overdue.
fn overdue(heartbeat_every: Duration) -> Duration {
    heartbeat_every + LATE_MAX
}

#[cfg(test)]
#[path = "suspicion_test.rs"]
mod tests;
