//! Which faults are due: on an event, or at a time.
//!
//! Pure: counts events and hands out what they trigger. Striking is the business of `harness::chaos`.

use crate::scenario::{EventKind, Fault, Trigger};
use std::collections::BTreeMap;

/// The faults that wait for events.
#[derive(Debug, Default)]
pub struct Triggers {
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    fault: Fault,
    /// Whose healing it waits for before it counts.
    since: Option<String>,
    /// Whose strike it waits for before it counts.
    during: Option<String>,
    /// When it begins to count, in milliseconds since the chaos began.
    from_ms: u64,
    /// Whichever broker tells the event is struck.
    whoever: bool,
    kind: EventKind,
    /// Events still to come.
    left: u32,
}

impl Triggers {
    /// Sorts a scenario's faults: those that wait for an event, and those that strike at a time (in milliseconds since
    /// the chaos began).
    pub fn new(faults: &[Fault]) -> (Triggers, BTreeMap<u64, Vec<Fault>>) {
        let mut waiting = Vec::new();
        let mut timed: BTreeMap<u64, Vec<Fault>> = BTreeMap::new();
        for fault in faults {
            match &fault.trigger {
                Trigger::At(ms) => timed.entry(*ms).or_default().push(fault.clone()),
                Trigger::Event { since, during, from_ms, whoever, kind, nth, .. } => waiting.push(Waiting {
                    fault: fault.clone(),
                    since: since.clone(),
                    during: during.clone(),
                    from_ms: *from_ms,
                    whoever: *whoever,
                    kind: *kind,
                    left: *nth,
                }),
            }
        }
        (Triggers { waiting }, timed)
    }

    /// A broker told an event, so many milliseconds after the chaos began: the faults that this is the right one for.
    pub fn event(&mut self, broker: i32, kind: EventKind, at_ms: u64) -> Vec<Fault> {
        let mut due = Vec::new();
        self.waiting.retain_mut(|waiting| {
            let called = waiting.since.is_none() && waiting.during.is_none();
            let counts = called && waiting.from_ms <= at_ms;
            let its = waiting.whoever || waiting.fault.broker == broker;
            if !counts || waiting.kind != kind || !its {
                return true;
            }
            waiting.left -= 1;
            if waiting.left == 0 {
                due.push(Fault { broker, ..waiting.fault.clone() });
            }
            waiting.left > 0
        });
        due
    }

    /// A fault strikes `broker`: those that wait for that begin to count, and what follows it strikes the same one.
    pub fn struck(&mut self, name: &str, broker: i32) {
        for waiting in &mut self.waiting {
            if [&waiting.since, &waiting.during].into_iter().any(|of| of.as_deref() == Some(name)) {
                waiting.fault.broker = broker;
            }
            if waiting.during.as_deref() == Some(name) {
                waiting.during = None;
            }
        }
    }

    /// A fault has healed: those that wait for that begin to count.
    pub fn healed(&mut self, name: &str) {
        for waiting in &mut self.waiting {
            if waiting.since.as_deref() == Some(name) {
                waiting.since = None;
            }
        }
    }
}

#[cfg(test)]
#[path = "faults_test.rs"]
mod tests;
