//! Leaders that this broker's fetchers have lost touch with, before the controller has judged them.
//!
//! When a broker dies its clients hear of it in the same moment as its followers do, and ask at once who leads instead. What
//! the image says then is about to be wrong, and there are clients that ask again a whole second later (librdkafka looks for
//! partitions without a living leader once a second). So Metadata waits for a moment while a leader is in doubt. And such a
//! client loses its way when the same answer moves a partition to another leader and names the old one no more: a broker that
//! has just been fenced is shown for a while.
//!
//! One writer for each leader: the line that fetches from it.

use model::time::Duration;
use model::{BrokerId, Instant};
use std::collections::BTreeMap;
use std::sync::Arc;
use sync::Snapshot;

/// So long after touch was lost the controller may take to fence a broker that is dead. One that is out of this broker's reach
/// only costs its clients no more than this, once.
const JUDGED_WITHIN: Duration = Duration::from_millis(300);
/// So long after that a broker is shown that has been fenced meanwhile.
const SHOWN_FOR: Duration = Duration::from_secs(2);

/// When touch was lost, and not found again since.
pub type Lost = Arc<Snapshot<Option<Instant>>>;

/// All of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Doubts {
    /// Bound: brokers that have led something which was followed here.
    lines: Arc<Snapshot<BTreeMap<BrokerId, Lost>>>,
}

impl Doubts {
    /// Where a line is to tell of its leader. The only writer is the task that starts lines.
    pub fn of(&self, leader: BrokerId) -> Lost {
        let lost = Lost::default();
        let mut lines = BTreeMap::clone(&self.lines.load());
        lines.insert(leader, lost.clone());
        self.lines.publish(lines);
        lost
    }

    /// Leaders that may be dead though nobody has said so yet.
    pub fn unjudged(&self, now: Instant) -> Vec<BrokerId> {
        self.lost_within(now, JUDGED_WITHIN)
    }

    /// Leaders whose address clients may still need, though they are fenced.
    pub fn shown(&self, now: Instant) -> Vec<BrokerId> {
        self.lost_within(now, SHOWN_FOR)
    }

    fn lost_within(&self, now: Instant, within: Duration) -> Vec<BrokerId> {
        let lines = self.lines.load();
        let lost = lines.iter().filter(|(_, lost)| lost.load().is_some_and(|since| now < since + within));
        lost.map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
#[path = "doubts_test.rs"]
mod tests;
