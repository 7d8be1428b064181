//! I14: a voter votes for one candidate in an epoch, whatever happens to its process in between.

use super::{Checker, Context, Report, Seen};
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch, PartitionKey};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct OneVote {
    votes: BTreeMap<(PartitionKey, LeaderEpoch, i32), BrokerId>,
}

impl Checker for OneVote {
    fn name(&self) -> &'static str {
        "one_vote"
    }

    fn invariant(&self) -> &'static str {
        "I14"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        let Seen::Event { broker, event: Event::Voted { partition, epoch, candidate } } = seen else {
            return;
        };
        let first = self.votes.entry((*partition, *epoch, *broker)).or_insert(*candidate);
        if first != candidate {
            report.violation(format!(
                "{}: broker {broker} votes for {candidate} in epoch {epoch}, and has voted for {first}",
                context.name(*partition)
            ));
        }
    }
}

#[cfg(test)]
#[path = "one_vote_test.rs"]
mod tests;
