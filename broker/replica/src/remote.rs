//! A follower as its leader sees it: how far it is, since when, and as which incarnation of its broker.
//!
//! A follower is caught up at the moment of a fetch that begins at the log's end; and, as it never gets there while records
//! keep coming, at the moment of its last fetch if it asks now for what came after that.

use model::time::Duration;
use model::{BrokerEpoch, Instant, LogEnd, Offset};

/// A follower that is about to join has fetched within this time: twice as long as its fetch may wait for records
/// (`replica.fetch.wait.max.ms`).
const JOIN_MAX: Duration = Duration::from_secs(1);

/// What a follower's fetch says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it fetches from: it has everything below, as firmly as the topic's mode demands. One past its log's last
    /// record, and the leader has found that both logs agree so far.
    pub from: Offset,
    /// Its log's first offset.
    pub start: Offset,
    /// The incarnation of its broker; `None` when it does not say (before version 15 of Fetch).
    pub broker: Option<BrokerEpoch>,
    /// Whether it may be taken into the ISR: alive, not on its way down, and in this incarnation, as far as the image of
    /// the leader's broker goes (KIP-841, KIP-903).
    pub eligible: bool,
}

/// One follower.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote {
    /// One past the last record that it is known to have; `None` until it has fetched in this epoch.
    end: Option<Offset>,
    start: Offset,
    broker: Option<BrokerEpoch>,
    eligible: bool,
    /// When it was caught up last. One that is in sync when an epoch begins is given the benefit of the doubt.
    caught_up: Option<Instant>,
    /// When it fetched last, and the leader's end at that time.
    last: Option<(Instant, LogEnd)>,
    /// Whether its last fetch found it caught up: if so, it is about to have everything.
    keeps_pace: bool,
}

impl Remote {
    /// A follower of which nothing has been heard in this epoch.
    pub(crate) fn unheard(in_sync: bool, now: Instant) -> Remote {
        Remote {
            end: None,
            start: Offset::ZERO,
            broker: None,
            eligible: false,
            caught_up: in_sync.then_some(now),
            last: None,
            keeps_pace: false,
        }
    }

    /// One past the last record that it is known to have.
    pub(crate) fn end(&self) -> Option<Offset> {
        self.end
    }

    /// Its log's first offset, if it has been heard of.
    pub(crate) fn start(&self) -> Option<Offset> {
        self.end.map(|_| self.start)
    }

    /// The incarnation that was heard of last.
    pub(crate) fn broker(&self) -> Option<BrokerEpoch> {
        self.broker
    }

    /// When it was last heard of; of one in sync, when the epoch began if not since.
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.last.map(|(at, _)| at).max(self.caught_up)
    }

    /// Its broker's place in the cluster has changed, or not.
    pub(crate) fn judged(&mut self, eligible: bool) {
        self.eligible = eligible;
    }

    /// Whether a fetch is of an incarnation that another has replaced.
    pub(crate) fn is_over(&self, broker: Option<BrokerEpoch>) -> bool {
        matches!((self.broker, broker), (Some(known), Some(asking)) if asking < known)
    }

    /// It fetched; the leader's log ends at `log`.
    pub(crate) fn fetched(&mut self, fetched: &Fetched, log: LogEnd, now: Instant) {
        if self.broker.is_some() && fetched.broker != self.broker {
            // What was true of the incarnation before says nothing about this one's log.
            *self = Remote::unheard(false, now);
        }
        let caught_up = if fetched.from >= log.0 {
            Some(now)
        } else {
            self.last.filter(|(_, end)| fetched.from >= end.0).map(|(at, _)| at)
        };
        self.keeps_pace = caught_up.is_some();
        self.caught_up = self.caught_up.max(caught_up);
        self.end = Some(fetched.from);
        self.start = fetched.start;
        self.broker = fetched.broker.or(self.broker);
        self.eligible = fetched.eligible;
        self.last = Some((now, log));
    }

    /// Whether it may be taken into the ISR and, the way it goes on, soon will be.
    pub(crate) fn is_about_to_join(&self, now: Instant) -> bool {
        self.joins_before().is_some_and(|end| now < end)
    }

    /// Until when it is about to join, unless it goes on.
    pub(crate) fn joins_before(&self) -> Option<Instant> {
        let (at, _) = self.last.filter(|_| self.eligible && self.keeps_pace)?;
        Some(at + JOIN_MAX)
    }

    /// Whether it has everything, or had at most `lag_max` ago.
    pub(crate) fn is_caught_up(&self, log: LogEnd, now: Instant, lag_max: Duration) -> bool {
        self.end == Some(log.0) || self.caught_up.is_some_and(|at| now.since(at) <= lag_max)
    }
}
