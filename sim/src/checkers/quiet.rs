//! I23: once the faults have healed, everything works again within the scenario's time.
//!
//! The harness knows what it waits for: a broker that starts, a partition that is read to its end, a stop in order. It
//! tells here what did not happen.

use super::{Checker, Context, Report, Seen};

/// See the file's header.
pub struct Quiet;

impl Checker for Quiet {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn invariant(&self) -> &'static str {
        "I23"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        if let Seen::Stuck { what } = seen {
            report.violation(*what);
        }
    }
}
