//! Where two logs part, told by the ends of their epochs (KIP-101, KIP-279, KIP-595).
//!
//! Within an epoch there is one leader and one order, so two logs that both have records of an epoch agree on all that comes
//! before the shorter one's end of it. A fetch carries its log's end and last epoch; a leader whose log does not contain
//! that place answers with the end of that epoch, or of the one before it that it knows, and the follower cuts there or below.

use model::{EpochEnd, LeaderEpoch, Offset};

/// How a fetch fits a leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Everything before its offset is the same in both logs.
    Agrees,
    /// It is not: the asker is to cut its log.
    Diverges(EpochEnd),
    /// The place is not in this log, and nothing here tells how far the logs agree.
    OutOfRange,
}

/// How a log that ends at `from` with a record of `last` fits one that begins at `start`, in which the last epoch up to
/// `last` ends as `known` says. A `last` of [`LeaderEpoch::UNKNOWN`] is that of an empty log, or of an asker who does not
/// tell; then only the offset counts, and the caller knows the log's end.
pub fn fit(from: Offset, last: LeaderEpoch, start: Offset, known: Option<EpochEnd>) -> Fit {
    if from < start {
        return Fit::OutOfRange;
    }
    if last == LeaderEpoch::UNKNOWN {
        return Fit::Agrees;
    }
    match known {
        None => Fit::OutOfRange,
        Some(ours) if ours.epoch < last || ours.end < from => Fit::Diverges(ours),
        Some(_) => Fit::Agrees,
    }
}

/// Where a follower cuts its log, which ends at `end`, when its leader's epoch ends at `theirs`, and its own last epoch up
/// to that one ends as `ours` says. What is left may still have to be cut once more: the next fetch tells.
pub fn cut(theirs: EpochEnd, ours: Option<EpochEnd>, end: Offset) -> Offset {
    let agreed = match ours {
        Some(ours) if ours.epoch == theirs.epoch => ours.end.min(theirs.end),
        // Its own end of an epoch that the leader may know or not: what comes later, the leader has not.
        Some(ours) => ours.end,
        None => theirs.end,
    };
    agreed.min(end)
}

#[cfg(test)]
#[path = "divergence_test.rs"]
mod tests;
