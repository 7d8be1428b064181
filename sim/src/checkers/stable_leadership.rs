//! I26: a leader of the metadata quorum that answers is left alone (StableLeadership of Kafka's RaftEventSimulationTest).
//!
//! Judged while nothing goes wrong: everything has healed, was read, and has had time to settle. Then nobody votes, nobody
//! gives the leadership up or takes it, and no follower begins to follow anew, which is what one does that
//! stood and was told that the leader lives.

use super::{Checker, Context, Report, Seen, committed::METADATA};
use crate::history::Note;
use ::runtime::Event;

/// See the file's header.
#[derive(Default)]
pub struct StableLeadership {
    resting: bool,
}

impl Checker for StableLeadership {
    fn name(&self) -> &'static str {
        "stable_leadership"
    }

    fn invariant(&self) -> &'static str {
        "I26"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        let (broker, event) = match seen {
            Seen::Note(Note::RestBegins) => return self.resting = true,
            Seen::Note(Note::RestEnds) => return self.resting = false,
            Seen::Event { broker, event } if self.resting => (broker, event),
            _ => return,
        };
        let did = match event {
            Event::Voted { partition: METADATA, epoch, candidate } => {
                format!("votes for {candidate} in epoch {epoch}")
            }
            Event::BecameLeader { partition: METADATA, epoch } => format!("leads epoch {epoch}"),
            Event::Resigned { partition: METADATA, epoch } => format!("does not lead epoch {epoch} any more"),
            Event::BecameFollower { partition: METADATA, epoch, leader } => {
                format!("follows {leader} anew in epoch {epoch}")
            }
            _ => return,
        };
        report.violation(format!("broker {broker} {did}, though nothing is wrong"));
    }
}

#[cfg(test)]
#[path = "stable_leadership_test.rs"]
mod tests;
