//! Where a consumer is in one partition, and whether that is still a place in its log.
//!
//! ```text
//!                listed                      a newer leader epoch
//! resetting ───────────────▶ fetching ─────────────────────────────▶ validating
//!     ▲                       ▲    │                                    │   │
//!     │   out of range        │    │             the epoch's end covers │   │
//!     ├───────────────────────┼────┘◀───────────────────────────────────┘   │
//!     │                       └── at the end ── truncated, if reset is wanted
//!     └────────────────────────────────────────── or no common end is known ┘
//! ```
//!
//! From anywhere to resetting: the topic has another id. It was created anew, its epochs count from 0 again, and nothing of
//! the old one's says anything about it.
//!
//! A new leader may lack what an old one has handed out (KIP-320). Before anything is fetched from it, it is asked where its
//! log's last epoch up to that of the position ends: a position beyond that is not a place in its log.

use super::reading::Fetched;
use super::rules::{ConsumerConfig, Reset, Start, Trouble};
use crate::metadata::Leader;
use model::time::{Duration, Instant};
use model::{LeaderEpoch, TopicId};
use protocol::ErrorCode;

/// What has to be done for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Its offset is to be asked for: by this name or time.
    List(i64),
    /// The end of this epoch is to be asked for.
    Validate(LeaderEpoch),
    /// Its records.
    Fetch(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Resetting(i64),
    Validating,
    Fetching,
    /// Until its owner decides.
    Stopped,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    request: u64,
    node: i32,
}

/// A position.
#[derive(Debug)]
pub(super) struct Position {
    state: State,
    /// It is wanted where it is, and nothing is read there.
    located: bool,
    /// The topic that it is a place in; zero before that is known.
    topic: TopicId,
    /// The next record to hand out; meaningless while resetting.
    offset: i64,
    /// The leader epoch of what comes before it, as far as it is known.
    last_epoch: LeaderEpoch,
    /// The leader epoch in which it is a place in the log.
    epoch: LeaderEpoch,
    asked: Option<Asked>,
    not_before: Instant,
    failures: u32,
    fetched: Fetched,
    high_watermark: Option<i64>,
}

impl Position {
    pub(super) fn new(start: Start) -> Position {
        let (state, offset) = match (start, start.timestamp()) {
            (Start::At(offset), _) => (State::Fetching, offset),
            (_, timestamp) => (State::Resetting(timestamp.expect("all else has a name")), 0),
        };
        Position {
            state,
            located: false,
            topic: TopicId::default(),
            offset,
            last_epoch: LeaderEpoch::UNKNOWN,
            epoch: LeaderEpoch::UNKNOWN,
            asked: None,
            not_before: Instant(0),
            failures: 0,
            fetched: Fetched::default(),
            high_watermark: None,
        }
    }

    /// One that stops as soon as it is known.
    pub(super) fn locating(start: Start) -> Position {
        Position { located: true, ..Position::new(start) }
    }

    /// The next offset to hand out, if it is known.
    pub(super) fn offset(&self) -> Option<i64> {
        (!matches!(self.state, State::Resetting(_))).then_some(self.offset)
    }

    /// The leader epoch to name in a request.
    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Whether nothing was left to hand out when it was last fetched.
    pub(super) fn is_at_end(&self) -> bool {
        self.state == State::Fetching
            && self.fetched.is_empty()
            && self.high_watermark.is_some_and(|end| self.offset >= end)
    }

    /// The high watermark that came with the last fetch.
    pub(super) fn high_watermark(&self) -> Option<i64> {
        self.high_watermark
    }

    pub(super) fn fetched(&mut self) -> &mut Fetched {
        &mut self.fetched
    }

    /// Whether something is left to hand out.
    pub(super) fn has_fetched(&self) -> bool {
        !self.fetched.is_empty()
    }

    /// When it is to be looked at again, though nothing happens.
    pub(super) fn wake(&self) -> Option<Instant> {
        (self.state != State::Stopped && self.asked.is_none()).then_some(self.not_before)
    }

    /// Its topic has this id now, if one is known.
    pub(super) fn meets(&mut self, topic: TopicId, config: &ConsumerConfig) -> Result<(), Trouble> {
        let first = self.topic == TopicId::default();
        // What has been fetched of the old one is handed out all the same, and the new one is begun afterwards.
        if topic == TopicId::default() || topic == self.topic || !(first || self.fetched.is_empty()) {
            return Ok(());
        }
        self.topic = topic;
        if first || self.state == State::Stopped {
            return Ok(());
        }
        // Whoever was asked was asked about the old one.
        (self.asked, self.not_before, self.failures) = (None, Instant(0), 0);
        (self.last_epoch, self.epoch) = (LeaderEpoch::UNKNOWN, LeaderEpoch::UNKNOWN);
        match (self.state, config.reset) {
            // It has not begun.
            (State::Resetting(_), _) => {}
            (_, Reset::Error) => {
                self.state = State::Stopped;
                return Err(Trouble::Recreated);
            }
            (_, reset) => self.reset(reset),
        }
        Ok(())
    }

    /// Brokers have said for so long that its topic does not exist.
    pub(super) fn misses(&mut self, so_long: Duration, config: &ConsumerConfig) -> Result<(), Trouble> {
        if so_long < config.topic_patience || !self.fetched.is_empty() || self.state == State::Stopped {
            return Ok(());
        }
        (self.state, self.asked) = (State::Stopped, None);
        Err(Trouble::NoTopic)
    }

    /// What there is to do with this leader now.
    pub(super) fn task(&mut self, leader: Leader, now: Instant) -> Option<Task> {
        let moved = leader.epoch > self.epoch;
        if let Some(Asked { node, .. }) = self.asked {
            if !(moved && leader.node != Some(node)) {
                return None;
            }
            // Whoever was asked leads no more, and may be silent for long.
            self.asked = None;
        }
        if self.not_before > now && !moved {
            return None;
        }
        if moved {
            self.epoch = leader.epoch;
            // What has been fetched came from a leader of its time: it is handed out all the same, and validated afterwards.
            if self.state == State::Fetching {
                self.state = State::Validating;
            }
        }
        match self.state {
            State::Resetting(timestamp) => Some(Task::List(timestamp)),
            // Where it will be when all of it has been handed out is not known before.
            _ if !self.fetched.is_empty() => None,
            State::Validating if self.last_epoch != LeaderEpoch::UNKNOWN => {
                Some(Task::Validate(self.last_epoch))
            }
            State::Validating => {
                // Nothing has been read that could be gone.
                self.state = State::Fetching;
                Some(Task::Fetch(self.offset))
            }
            State::Fetching => Some(Task::Fetch(self.offset)),
            State::Stopped => None,
        }
    }

    pub(super) fn asked(&mut self, request: u64, node: i32) {
        self.asked = Some(Asked { request, node });
    }

    /// Whether an answer to this request is waited for; it is not from now on.
    pub(super) fn is_answer(&mut self, request: u64) -> bool {
        self.asked.take_if(|asked| asked.request == request).is_some()
    }

    /// Nothing came of it: later, or elsewhere. `draw` is random.
    pub(super) fn failed(&mut self, now: Instant, config: &ConsumerConfig, draw: u64) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + config.backoff.after(self.failures, draw);
    }

    /// An offset was found.
    pub(super) fn listed(&mut self, offset: Option<i64>, epoch: LeaderEpoch) {
        assert!(matches!(self.state, State::Resetting(_)), "nobody asked");
        self.failures = 0;
        match offset {
            Some(offset) => {
                let state = if self.located { State::Stopped } else { State::Fetching };
                (self.state, self.offset, self.last_epoch) = (state, offset, epoch);
            }
            // Nothing is as late as that.
            None => self.state = State::Resetting(-1),
        }
    }

    /// The leader's last epoch up to that of the position ends there; none if it has none.
    pub(super) fn validated(
        &mut self,
        end: Option<(LeaderEpoch, i64)>,
        config: &ConsumerConfig,
    ) -> Result<(), Trouble> {
        assert_eq!(self.state, State::Validating, "nobody asked");
        self.failures = 0;
        match end {
            Some((_, end)) if end >= self.offset => self.state = State::Fetching,
            Some((epoch, end)) if config.reset != Reset::Error => {
                (self.state, self.offset, self.last_epoch) = (State::Fetching, end, epoch);
            }
            None if config.reset != Reset::Error => self.reset(config.reset),
            end => {
                self.state = State::Stopped;
                return Err(Trouble::Truncated { diverges_at: end.map(|(_, end)| end) });
            }
        }
        Ok(())
    }

    /// Goes on without having been validated, if that is what it waits for: the broker can't.
    pub(super) fn not_validated(&mut self) -> bool {
        let validating = self.state == State::Validating;
        if validating {
            self.state = State::Fetching;
        }
        validating
    }

    /// Records, or none, from where it was asked for.
    pub(super) fn fetch_answered(&mut self, fetched: Fetched, high_watermark: i64) {
        assert!(self.fetched.is_empty(), "what is left would be lost");
        self.failures = 0;
        self.fetched = fetched;
        self.high_watermark = Some(high_watermark);
    }

    /// There is nothing at its offset.
    pub(super) fn out_of_range(&mut self, config: &ConsumerConfig) -> Result<(), Trouble> {
        if config.reset == Reset::Error {
            self.state = State::Stopped;
            return Err(Trouble::OutOfRange);
        }
        self.reset(config.reset);
        Ok(())
    }

    /// The broker refuses for good.
    pub(super) fn refused(&mut self, code: ErrorCode) -> Trouble {
        self.state = State::Stopped;
        Trouble::Refused(code)
    }

    /// What was fetched is damaged.
    pub(super) fn corrupt(&mut self, why: String) -> Trouble {
        self.state = State::Stopped;
        Trouble::Corrupt(why)
    }

    /// Everything before this offset has been handed out or passed over.
    pub(super) fn advance(&mut self, to: i64, epoch: LeaderEpoch) {
        assert!(to >= self.offset, "a position goes forward");
        (self.offset, self.last_epoch) = (to, epoch);
    }

    fn reset(&mut self, reset: Reset) {
        let start = match reset {
            Reset::Earliest => Start::Earliest,
            Reset::Latest => Start::Latest,
            Reset::Error => unreachable!("refused before"),
        };
        self.state = State::Resetting(start.timestamp().expect("it has a name"));
        (self.last_epoch, self.high_watermark) = (LeaderEpoch::UNKNOWN, None);
    }
}

#[cfg(test)]
#[path = "position_test.rs"]
mod tests;
