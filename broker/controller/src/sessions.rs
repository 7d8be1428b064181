//! Which brokers are known to be alive: what the active controller remembers and never writes (KIP-631).
//!
//! ```text
//!   registered ──heard of──► in session ──nothing for broker.session.timeout.ms──► expired: fenced if it is not
//!                              │    ▲
//!                              │    └── heard of again
//!                              └── told to shut down, or found dead ──► over: another incarnation may register
//! ```
//!
//! A new controller begins with a fresh session for every broker that is available: it fences nobody for its
//! predecessor's silence; nor does one that was held up itself. It knows no offsets before the brokers tell them, so that
//! a broker which is on its way down waits for a heartbeat of every other one.

use crate::image::ClusterImage;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Instant, Offset};
use records::metadata::MetadataRecord;
use std::collections::BTreeMap;

/// How long after a broker's fencing was decided it is decided again, if it was not appended.
const FENCE_AGAIN: Duration = Duration::from_secs(1);

/// The sessions of all registered brokers; none on a standby.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    /// `broker.session.timeout.ms`.
    timeout: Duration,
    /// One for each broker that is registered in the speculative image, with the epoch that it has there.
    brokers: BTreeMap<BrokerId, Session>,
}

/// What is known of one incarnation of a broker.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The incarnation.
    epoch: BrokerEpoch,
    /// The offset of the record that registered it, or a later one.
    registered_at: Offset,
    /// The last offset of the metadata log that it says it has applied; none before it has said.
    applied: Option<Offset>,
    /// When it was last heard of.
    heard: Option<Instant>,
    /// When to look whether it has to be fenced.
    deadline: Option<Instant>,
    /// It was told to shut down or found dead, and not heard of since.
    over: bool,
    /// Others must have applied this offset before it may go: where it lost the last of its leaderships.
    pub(crate) shutdown_at: Option<Offset>,
}

impl Session {
    fn new(epoch: BrokerEpoch, registered_at: Offset) -> Session {
        Session {
            epoch,
            registered_at,
            applied: None,
            heard: None,
            deadline: None,
            over: false,
            shutdown_at: None,
        }
    }

    /// Whether the broker, which has applied everything up to `applied`, knows of its own registration.
    pub(crate) fn is_caught_up(&self, applied: Offset) -> bool {
        applied >= self.registered_at
    }
}

impl Sessions {
    pub(crate) fn new(timeout: Duration) -> Sessions {
        Sessions { timeout, brokers: BTreeMap::new() }
    }

    /// The node has become the active controller, with this image.
    pub(crate) fn begin(&mut self, now: Instant, image: &ClusterImage) {
        assert!(self.brokers.is_empty(), "a standby has no sessions");
        let last = Offset(image.end().0 - 1);
        for broker in image.brokers() {
            let mut session = Session::new(broker.epoch, last);
            if !broker.fenced {
                (session.heard, session.deadline) = (Some(now), Some(now + self.timeout));
            }
            self.brokers.insert(broker.id, session);
        }
    }

    /// The node is a standby.
    pub(crate) fn end(&mut self) {
        self.brokers.clear();
    }

    /// A record was appended: sessions begin and end here, and who is fenced needs no fencing any more.
    pub(crate) fn appended(&mut self, at: Offset, record: &MetadataRecord) {
        match record {
            MetadataRecord::RegisterBroker(record) => {
                let (id, epoch) = (BrokerId(record.broker_id), BrokerEpoch(record.broker_epoch));
                match self.brokers.get_mut(&id).filter(|session| session.epoch == epoch) {
                    Some(amended) => amended.registered_at = at,
                    None => {
                        self.brokers.insert(id, Session::new(epoch, at));
                    }
                }
            }
            MetadataRecord::BrokerRegistrationChange(record) if record.fenced == 1 => {
                if let Some(session) = self.of(BrokerId(record.broker_id), BrokerEpoch(record.broker_epoch)) {
                    session.deadline = None;
                }
            }
            MetadataRecord::UnregisterBroker(record) => {
                self.brokers.remove(&BrokerId(record.broker_id));
            }
            _ => {}
        }
    }

    /// The session of an incarnation.
    pub(crate) fn of(&mut self, id: BrokerId, epoch: BrokerEpoch) -> Option<&mut Session> {
        self.brokers.get_mut(&id).filter(|session| session.epoch == epoch)
    }

    /// When an incarnation was last heard of.
    pub(crate) fn heard(&self, id: BrokerId, epoch: BrokerEpoch) -> Option<Instant> {
        self.brokers.get(&id).filter(|session| session.epoch == epoch)?.heard
    }

    /// A sign of life. Signs of other incarnations than the registered one are none.
    pub(crate) fn heard_of(
        &mut self,
        now: Instant,
        id: BrokerId,
        epoch: BrokerEpoch,
        applied: Option<Offset>,
    ) {
        let timeout = self.timeout;
        let Some(session) = self.of(id, epoch) else { return };
        (session.heard, session.deadline, session.over) = (Some(now), Some(now + timeout), false);
        session.applied = applied.or(session.applied);
    }

    /// Nobody could be heard of: no session that is watched ends before a whole one has passed again.
    pub(crate) fn held_up(&mut self, now: Instant) {
        let end = now + self.timeout;
        for deadline in self.brokers.values_mut().filter_map(|session| session.deadline.as_mut()) {
            *deadline = end.max(*deadline);
        }
    }

    /// The broker was told to shut down, or its process was found dead.
    pub(crate) fn over(&mut self, id: BrokerId, epoch: BrokerEpoch) {
        if let Some(session) = self.of(id, epoch) {
            session.over = true;
        }
    }

    /// Whether the registered incarnation is known to be alive.
    pub(crate) fn is_alive(&self, now: Instant, id: BrokerId) -> bool {
        let heard = self.brokers.get(&id).filter(|session| !session.over).and_then(|session| session.heard);
        heard.is_some_and(|heard| now < heard + self.timeout)
    }

    /// The lowest offset that all available brokers have applied, `leaving` not counted; none while one of them has
    /// not said.
    pub(crate) fn applied_by_others(&self, image: &ClusterImage, leaving: BrokerId) -> Option<Offset> {
        let others = image.brokers().filter(|broker| broker.id != leaving && broker.is_active());
        let mut applied =
            others.map(|broker| self.brokers.get(&broker.id).and_then(|session| session.applied));
        applied.try_fold(Offset(i64::MAX), |lowest, applied| Some(lowest.min(applied?)))
    }

    /// When [`Sessions::expire`] is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.brokers.values().filter_map(|session| session.deadline).min()
    }

    /// A broker that is available and has not been heard of for too long, the one that has been silent for the
    /// longest time first. Called again once its fencing is appended.
    pub(crate) fn expire(&mut self, now: Instant, image: &ClusterImage) -> Option<(BrokerId, BrokerEpoch)> {
        while let Some((deadline, id)) =
            self.brokers.iter().filter_map(|(id, session)| Some((session.deadline?, *id))).min()
        {
            if now < deadline {
                return None;
            }
            let session = self.brokers.get_mut(&id).expect("just found");
            if image.broker(id).is_some_and(|broker| broker.epoch == session.epoch && !broker.fenced) {
                session.deadline = Some(now + FENCE_AGAIN);
                return Some((id, session.epoch));
            }
            session.deadline = None;
        }
        None
    }

    /// What must hold on the active controller; `image` is the speculative one.
    pub(crate) fn assert_invariants(&self, image: &ClusterImage) {
        let registered = image.brokers().map(|broker| (broker.id, broker.epoch));
        let known = self.brokers.iter().map(|(id, session)| (*id, session.epoch));
        assert!(registered.eq(known), "a session for every registered broker, of its epoch");
        for broker in image.brokers().filter(|broker| !broker.fenced) {
            assert!(
                self.brokers[&broker.id].deadline.is_some(),
                "{} is available and not watched",
                broker.id
            );
        }
    }
}

#[cfg(test)]
#[path = "sessions_test.rs"]
mod tests;

#[cfg(test)]
#[path = "sessions_prop.rs"]
mod properties;
