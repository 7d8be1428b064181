//! What is due when: one ordered list of everything that will happen, on madsim's clock.
//!
//! A single task (the pump, on madsim's node 0) sleeps until the first item and then hands the due ones to the
//! world in order. Unlike madsim's own timers an item can be taken back, so a sleep that lost its `select!` costs
//! nothing afterwards, and items are values rather than closures.

use madsim::time::TimeHandle;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// An item's place: true time in nanoseconds, then order of entry.
pub(crate) type Key = (u64, u64);

/// Later than this is never: 31 years.
const NEVER_NANOS: u64 = 1_000_000_000_000_000_000;

/// Items by time. `T` is what is due.
pub(crate) struct Agenda<T> {
    items: BTreeMap<Key, T>,
    entered: u64,
    time: TimeHandle,
    /// The time for which madsim will wake the pump; `u64::MAX` when none is set.
    armed: u64,
    pump: Waker,
}

impl<T> Agenda<T> {
    pub(crate) fn new(time: TimeHandle) -> Agenda<T> {
        Agenda { items: BTreeMap::new(), entered: 0, time, armed: u64::MAX, pump: Waker::noop().clone() }
    }

    /// True time, nanoseconds since the world began.
    pub(crate) fn now(&self) -> u64 {
        self.time.elapsed().as_nanos() as u64
    }

    /// Enters an item for a time; a time in the past means now. `None` when the time is never.
    pub(crate) fn insert(&mut self, at: u64, item: T) -> Option<Key> {
        if at > NEVER_NANOS {
            return None;
        }
        let key = (at, self.entered);
        self.entered += 1;
        self.items.insert(key, item);
        if at < self.armed {
            self.arm(at);
        }
        Some(key)
    }

    /// Takes an item back.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        self.items.remove(&key)
    }

    /// The item at `key`, if it is not due yet.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.items.get_mut(&key)
    }

    /// How many items are entered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The first item that is due, taken off the list.
    pub(crate) fn pop_due(&mut self) -> Option<T> {
        let (at, _) = *self.items.first_key_value()?.0;
        if at > self.now() {
            return None;
        }
        self.items.pop_first().map(|(_, item)| item)
    }

    /// The pump is about to sleep: wake `pump` for the first item.
    pub(crate) fn sleep(&mut self, pump: &Waker) {
        let now = self.now();
        if !self.pump.will_wake(pump) {
            self.pump = pump.clone();
            self.armed = u64::MAX;
        }
        let first = self.items.first_key_value().map_or(u64::MAX, |((at, _), _)| *at);
        if self.armed <= now {
            self.armed = u64::MAX;
        }
        if first < self.armed {
            self.arm(first);
        }
    }

    /// Forgets everything, and the pump.
    pub(crate) fn clear(&mut self) -> BTreeMap<Key, T> {
        self.pump = Waker::noop().clone();
        std::mem::take(&mut self.items)
    }

    fn arm(&mut self, at: u64) {
        self.armed = at;
        let ahead = Duration::from_nanos(at.saturating_sub(self.now()));
        let deadline = self.time.now_instant() + ahead;
        // `sleep_until` rounds up to a millisecond, `reset` does not. Polling it once registers the pump's waker
        // with madsim; that registration is all we want of it.
        let mut sleep = pin!(self.time.sleep_until(deadline));
        sleep.as_mut().reset(deadline);
        if sleep.poll(&mut Context::from_waker(&self.pump)).is_ready() {
            self.pump.wake_by_ref();
        }
    }
}
