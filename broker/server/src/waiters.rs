//! The purgatory: everything in a shard that waits for a line to be passed, or for its deadline.
//!
//! A line is a partition's local end (what acks=1 waits for), its high watermark (acks=all, and a consumer's fetch that
//! found too little) or the end of its log (a follower's fetch). Nobody polls: whoever moves a line calls `passed`, and gets back what was waiting for it.
//! Pure: `now` is an argument, tokens are numbers, and what is parked is the caller's own type.
//!
//! ```text
//! park ──▶ parked ──passed (Any: one of its waits, All: the last of them)──▶ returned
//!            ├────expire (deadline reached)──────────────────────────────▶ returned, with what was not passed
//!            └────evict (its partition goes away)───────────────────────────▶ returned, likewise
//! ```

use model::{Instant, Offset, PartitionKey};
use std::collections::{BTreeMap, BTreeSet};

/// Which line of a partition is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// The leader's own log, as far as the partition's durability mode counts it.
    Local,
    /// The high watermark.
    Committed,
    /// The end of the log: what a follower's fetch waits for.
    End,
}

/// One condition: `line` of `partition` at or above `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// Whose line.
    pub partition: PartitionKey,
    /// Which one.
    pub line: Line,
    /// The lowest value that satisfies it.
    pub at: Offset,
}

/// When what is parked comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One of its waits is satisfied.
    Any,
    /// All of its waits are satisfied.
    All,
}

/// Names something parked. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

/// What a shard has parked.
#[derive(Debug)]
pub struct Waiters<T> {
    /// Everything parked. Invariant: each of its `waits` stands in `lines`, its deadline in `deadlines`.
    parked: BTreeMap<Token, Parked<T>>,
    /// The waits of everything parked, in the order in which a rising line satisfies them.
    lines: BTreeMap<(PartitionKey, Line), BTreeSet<(Offset, Token)>>,
    deadlines: BTreeSet<(Instant, Token)>,
    next: u64,
    parked_max: usize,
}

#[derive(Debug)]
struct Parked<T> {
    what: T,
    until: Until,
    /// Not satisfied yet. Never empty while parked.
    waits: Vec<Wait>,
    deadline: Instant,
}

impl<T> Waiters<T> {
    /// At most `parked_max` things wait at a time.
    pub fn new(parked_max: usize) -> Waiters<T> {
        Waiters {
            parked: BTreeMap::new(),
            lines: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next: 0,
            parked_max,
        }
    }

    /// Parks `what`. Gives it back when the house is full: the caller answers it as if its deadline had come.
    ///
    /// The waits must be unsatisfied at the time of the call and not empty.
    pub fn park(
        &mut self,
        what: T,
        until: Until,
        mut waits: Vec<Wait>,
        deadline: Instant,
    ) -> Result<Token, T> {
        assert!(!waits.is_empty(), "parked without anything to wait for");
        if self.parked.len() >= self.parked_max {
            return Err(what);
        }
        waits.sort_unstable();
        waits.dedup();
        let token = Token(self.next);
        self.next += 1;
        for wait in &waits {
            self.lines.entry((wait.partition, wait.line)).or_default().insert((wait.at, token));
        }
        self.deadlines.insert((deadline, token));
        self.parked.insert(token, Parked { what, until, waits, deadline });
        Ok(token)
    }

    /// `line` of `partition` is at `to` now. Appends what that frees to `freed`, in the order of their offsets.
    pub fn passed(&mut self, partition: PartitionKey, line: Line, to: Offset, freed: &mut Vec<T>) {
        let Some(waiting) = self.lines.get_mut(&(partition, line)) else { return };
        let mut satisfied = Vec::new();
        while let Some(&(at, token)) = waiting.first() {
            if at > to {
                break;
            }
            waiting.pop_first();
            satisfied.push((at, token));
        }
        if waiting.is_empty() {
            self.lines.remove(&(partition, line));
        }
        for (at, token) in satisfied {
            let Some(parked) = self.parked.get_mut(&token) else { continue };
            parked.waits.retain(|wait| !(wait.partition == partition && wait.line == line && wait.at == at));
            if parked.until == Until::Any || parked.waits.is_empty() {
                freed.extend(self.remove(token).map(|parked| parked.what));
            }
        }
    }

    /// Whatever has reached its deadline, with the waits that were still open.
    pub fn expire(&mut self, now: Instant) -> Vec<(T, Vec<Wait>)> {
        let mut expired = Vec::new();
        while let Some(&(deadline, token)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            let parked = self.remove(token).expect("a deadline without its waiter");
            expired.push((parked.what, parked.waits));
        }
        expired
    }

    /// Whatever waits for these lines of `partition`: it is going away, or they don't move.
    pub fn evict(&mut self, partition: PartitionKey, lines: &[Line]) -> Vec<(T, Vec<Wait>)> {
        let mut tokens = BTreeSet::new();
        for line in lines.iter().copied() {
            tokens.extend(self.lines.get(&(partition, line)).into_iter().flatten().map(|(_, token)| *token));
        }
        tokens.into_iter().filter_map(|token| self.remove(token)).map(|p| (p.what, p.waits)).collect()
    }

    /// Takes back everything for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let gone: Vec<Token> = self.parked.iter().filter(|(_, p)| !keep(&p.what)).map(|(t, _)| *t).collect();
        for token in gone {
            self.remove(token);
        }
    }

    /// When `expire` has something to do next.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// How many are parked.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    fn remove(&mut self, token: Token) -> Option<Parked<T>> {
        let parked = self.parked.remove(&token)?;
        let had_deadline = self.deadlines.remove(&(parked.deadline, token));
        assert!(had_deadline, "a waiter without its deadline");
        for wait in &parked.waits {
            let key = (wait.partition, wait.line);
            if let Some(waiting) = self.lines.get_mut(&key) {
                waiting.remove(&(wait.at, token));
                if waiting.is_empty() {
                    self.lines.remove(&key);
                }
            }
        }
        Some(parked)
    }
}

#[cfg(test)]
#[path = "waiters_test.rs"]
mod tests;
