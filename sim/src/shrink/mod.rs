//! Shrinking: from a scenario that breaks an invariant to a small one that breaks the same.
//!
//! ```text
//! faults, clients, brokers, topics, configs   taken away by ddmin, kind by kind
//! operations of each client                   the least number
//! every other value                           its floor, or half-way there
//! ```
//!
//! again and again until a whole round changes nothing or the budget is used up. Pure but for the caller's `judge`,
//! who runs a candidate and says whether it breaks what the original broke; the same verdicts give the same result.

mod ddmin;
mod parts;
mod simpler;

pub use ddmin::{Verdict, ddmin, least};
pub use parts::{Kind, Part, Size};

use crate::scenario::Scenario;
use std::collections::BTreeMap;

/// A client that has no limit of operations is given one of at most so many.
const OPERATIONS_MAX: u64 = 1 << 16;

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The smallest that was found.
    pub scenario: Scenario,
    /// Candidates run.
    pub attempts: u32,
    /// Whether nothing more can be taken away, as far as was looked; else the budget ended it.
    pub finished: bool,
}

/// Shrinks a scenario that breaks something. `judge` runs a candidate, or says that the budget is used up; `tell` is
/// told of every step that succeeds.
pub fn shrink(
    scenario: &Scenario,
    judge: impl FnMut(&Scenario) -> Verdict,
    tell: impl FnMut(&str, &Scenario, u32),
) -> Shrunk {
    let known = BTreeMap::from([(scenario.to_json(), true)]);
    let best = scenario.clone();
    let mut search = Search { best, judge, tell, known, attempts: 0, stopped: false };
    loop {
        let before = search.best.clone();
        search.round();
        if search.stopped || search.best == before {
            let Search { best, attempts, stopped, .. } = search;
            return Shrunk { scenario: best, attempts, finished: !stopped };
        }
    }
}

struct Search<J, T> {
    /// The smallest so far that fails.
    best: Scenario,
    judge: J,
    tell: T,
    /// Candidates that were run, as JSON, and whether they fail.
    known: BTreeMap<String, bool>,
    attempts: u32,
    stopped: bool,
}

impl<J: FnMut(&Scenario) -> Verdict, T: FnMut(&str, &Scenario, u32)> Search<J, T> {
    fn round(&mut self) {
        for kind in Kind::ALL {
            let whole = self.best.clone();
            let all = parts::of(&whole, kind);
            let what = kind.to_string();
            ddmin(&all, |kept| self.attempt(&what, parts::keep(&whole, kind, kept)));
        }
        for index in 0..self.best.clients.len() {
            self.fewer_operations(index);
        }
        // After a success the list is another one. What is passed over by that, the next round looks at.
        let mut passed = 0;
        while let Some((what, candidate)) = simpler::simpler(&self.best).into_iter().nth(passed) {
            match self.attempt(&what, candidate) {
                Verdict::Fails => {}
                Verdict::Passes => passed += 1,
                Verdict::Stop => return,
            }
        }
    }

    fn fewer_operations(&mut self, index: usize) {
        let whole = self.best.clone();
        let limited = |operations| {
            let mut candidate = whole.clone();
            candidate.clients[index].operations_max = Some(operations);
            candidate
        };
        let most = whole.clients[index].operations_max.unwrap_or(OPERATIONS_MAX);
        least(0, most, |operations| self.attempt("operations", limited(operations)));
    }

    /// Runs a candidate, unless it is known; takes it when it fails.
    fn attempt(&mut self, what: &str, candidate: Scenario) -> Verdict {
        if self.stopped {
            return Verdict::Stop;
        }
        if candidate == self.best {
            return Verdict::Fails;
        }
        if candidate.validate().is_err() {
            return Verdict::Passes;
        }
        let json = candidate.to_json();
        let fails = match self.known.get(&json) {
            Some(fails) => *fails,
            None => {
                let verdict = (self.judge)(&candidate);
                if verdict == Verdict::Stop {
                    self.stopped = true;
                    return Verdict::Stop;
                }
                self.attempts += 1;
                self.known.insert(json, verdict == Verdict::Fails);
                verdict == Verdict::Fails
            }
        };
        if !fails {
            return Verdict::Passes;
        }
        self.best = candidate;
        (self.tell)(what, &self.best, self.attempts);
        Verdict::Fails
    }
}

#[cfg(test)]
#[path = "shrink_test.rs"]
mod tests;
