//! Judges a history that some program has written, of whatever broker: `check-history FILE`.

use crate::checkers::Checkers;
use crate::history::{self, Step};

/// Reads a file of JSON lines and prints what does not hold in it.
pub fn check(path: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let entries = history::parse(&text).map_err(|e| format!("{path}: {e}"))?;
    let mut checkers = Checkers::of_history();
    let (mut invoked, mut ok, mut fail, mut info) = (0u64, 0u64, 0u64, 0u64);
    for entry in &entries {
        match &entry.step {
            Step::Invoke { .. } => invoked += 1,
            Step::Ok { .. } => ok += 1,
            Step::Fail { .. } => fail += 1,
            Step::Info { .. } => info += 1,
            Step::Note { .. } => {}
        }
        checkers.entry(entry);
    }
    println!("{path}: {invoked} operations, {ok} ok, {fail} fail, {info} info");
    for violation in checkers.violations() {
        println!("{} ({}) at {}: {}", violation.invariant, violation.checker, violation.time, violation.what);
    }
    match checkers.violations().len() {
        0 => Ok(()),
        count => Err(format!("{count} violations")),
    }
}
