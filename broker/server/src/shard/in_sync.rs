//! Who is in sync with the partitions that a shard leads: followers that are behind for too long, brokers that come and go,
//! and what the controller says of it.

use super::inbox::Altered;
use super::partition::Partition;
use super::{Shard, TICK_EVERY};
use crate::waiters::Line;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Instant, PartitionKey};
use protocol::ErrorCode;
use runtime::{Event, Runtime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So long after their fetches should have come, followers of which nothing is heard are waited for.
const ALONE_AFTER: Duration = Duration::from_secs(3);

impl<R: Runtime> Shard<R> {
    /// When to look for followers that are behind; never, while nothing is led.
    pub(super) fn tick_due(&self) -> Option<Instant> {
        (!self.partitions.is_empty()).then_some(self.next_tick)
    }

    /// Tells who is in sync in a partition that is led here, if that has not been told.
    pub(super) fn tell_in_sync(&mut self, key: PartitionKey) {
        let news = self.partitions.get_mut(&key).and_then(Partition::in_sync_news);
        if let Some((epoch, members)) = news {
            self.rt.observe(Event::InSync { partition: key, epoch, members });
        }
    }

    pub(super) fn tick(&mut self) {
        let now = self.rt.now();
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK_EVERY;
        self.lead(|leader| leader.tick(now));
        self.give_up_alone();
    }

    /// Answers whoever waits for followers of which nothing has been heard for long: another leader may have been elected behind
    /// this one's back, and clients that wait here would not look for it. What they sent may yet be committed, as when a leader
    /// is deposed.
    fn give_up_alone(&mut self) {
        let (now, after) =
            (self.rt.now(), ALONE_AFTER + Duration::from_millis(self.settings.fetch_wait_ms.into()));
        let led = self.partitions.iter_mut();
        let alone = led
            .filter_map(|(key, partition)| partition.leader_mut().ok()?.is_alone(now, after).then_some(*key));
        for key in alone.collect::<Vec<_>>() {
            self.evict_from(key, &[Line::Committed], ErrorCode::NotLeaderOrFollower);
        }
    }

    /// The brokers that may be in an ISR, as the latest image has them.
    pub(super) fn know(&mut self, brokers: Arc<BTreeMap<BrokerId, BrokerEpoch>>) {
        self.brokers = brokers.clone();
        let now = self.rt.now();
        self.lead(|leader| {
            let eligible = |id, heard: Option<BrokerEpoch>| is_eligible(&brokers, id, heard);
            leader.brokers_changed(eligible, now)
        });
    }

    pub(super) fn altered(&mut self, altered: &Altered) {
        let now = self.rt.now();
        let Some(partition) = self.partitions.get_mut(&altered.partition) else { return };
        let Ok(leader) = partition.leader_mut() else { return };
        let step = leader.proposal_answered(altered.of, &altered.verdict, now);
        self.moved(altered.partition, step);
    }

    /// Lets every partition that is led take an input.
    fn lead(&mut self, input: impl Fn(&mut replica::Leader) -> replica::Step) {
        let led = self.partitions.iter_mut().filter_map(|(key, partition)| {
            let step = input(partition.leader_mut().ok()?);
            Some((*key, step))
        });
        let steps: Vec<(PartitionKey, replica::Step)> =
            led.filter(|(_, step)| *step != replica::Step::default()).collect();
        for (key, step) in steps {
            self.moved(key, step);
        }
    }
}

/// Whether a broker, in the incarnation that was heard of, may be in an ISR.
pub(super) fn is_eligible(
    brokers: &BTreeMap<BrokerId, BrokerEpoch>,
    id: BrokerId,
    heard: Option<BrokerEpoch>,
) -> bool {
    brokers.get(&id).is_some_and(|known| heard.is_none_or(|heard| heard == *known))
}
