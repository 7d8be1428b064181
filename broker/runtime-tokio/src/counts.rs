//! What becomes of Events in production: relaxed counters, read by whoever exports metrics.

use runtime::{Event, Fence};
use sync::Counter;

/// Api keys counted one by one; Kafka's highest was 92 in 2026. Others share the last place.
const APIS: usize = 128;

/// Everything counted since the process started. Counts only grow.
#[derive(Debug)]
pub struct Counts {
    /// Logs recovered without a clean-shutdown file to vouch for them.
    pub recovered_unclean: Counter,
    /// Logs opened.
    pub recovered: Counter,
    /// Bytes that recovery cut off behind the last whole batch.
    pub truncated_bytes: Counter,
    /// Leaderships won.
    pub became_leader: Counter,
    /// Leaders of the metadata quorum followed.
    pub became_follower: Counter,
    /// Changes of who is in sync, in partitions that were led.
    pub in_sync_changes: Counter,
    /// Votes given in the metadata quorum.
    pub voted: Counter,
    /// Leaderships given up.
    pub resigned: Counter,
    /// Logs cut where another leader's differs.
    pub truncated: Counter,
    /// Snapshots written.
    pub snapshots_taken: Counter,
    /// Logs replaced by snapshots.
    pub snapshots_installed: Counter,
    /// Logs whose first records were removed.
    pub trimmed: Counter,
    /// Appends to logs.
    pub appends: Counter,
    /// Records appended.
    pub appended_records: Counter,
    /// Syncs that moved a durable end.
    pub syncs: Counter,
    /// Moves of high watermarks.
    pub high_watermarks: Counter,
    /// Segments begun after the first.
    pub rolled: Counter,
    /// Records acknowledged to producers.
    pub acknowledged_records: Counter,
    /// Records served to consumers and followers.
    pub served_records: Counter,
    /// Brokers fenced by this process as the active controller.
    pub brokers_fenced: Counter,
    /// Connections accepted.
    pub connected: Counter,
    /// Connections ended.
    pub disconnected: Counter,
    /// Log directories fenced because a sync failed.
    pub fenced_by_sync: Counter,
    /// Log directories fenced because a write failed.
    pub fenced_by_write: Counter,
    /// Directories fenced because the metadata could not be followed.
    pub fenced_by_metadata: Counter,
    /// Whether another process took this one's place in the cluster.
    pub fenced_by_another: Counter,
    apis: Box<[ApiCounts]>,
}

/// One api's answers.
#[derive(Debug, Default)]
pub struct ApiCounts {
    /// Answers given.
    pub answers: Counter,
    /// Nanoseconds from request to answer, summed.
    pub nanos: Counter,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            recovered_unclean: Counter::default(),
            recovered: Counter::default(),
            truncated_bytes: Counter::default(),
            became_leader: Counter::default(),
            became_follower: Counter::default(),
            in_sync_changes: Counter::default(),
            voted: Counter::default(),
            resigned: Counter::default(),
            truncated: Counter::default(),
            snapshots_taken: Counter::default(),
            snapshots_installed: Counter::default(),
            trimmed: Counter::default(),
            appends: Counter::default(),
            appended_records: Counter::default(),
            syncs: Counter::default(),
            high_watermarks: Counter::default(),
            rolled: Counter::default(),
            acknowledged_records: Counter::default(),
            served_records: Counter::default(),
            brokers_fenced: Counter::default(),
            connected: Counter::default(),
            disconnected: Counter::default(),
            fenced_by_sync: Counter::default(),
            fenced_by_write: Counter::default(),
            fenced_by_metadata: Counter::default(),
            fenced_by_another: Counter::default(),
            apis: (0..APIS).map(|_| ApiCounts::default()).collect(),
        }
    }
}

impl Counts {
    /// The answers of one api, by Kafka's key.
    pub fn api(&self, key: i16) -> &ApiCounts {
        let place = usize::try_from(key).unwrap_or(APIS - 1).min(APIS - 1);
        &self.apis[place]
    }

    pub(crate) fn observe(&self, event: &Event) {
        match event {
            Event::Started { .. } | Event::Stopped { .. } => {}
            Event::Recovered { truncated_bytes, clean, .. } => {
                self.recovered.add(1);
                self.recovered_unclean.add(u64::from(!clean));
                self.truncated_bytes.add(*truncated_bytes);
            }
            Event::BecameLeader { .. } => self.became_leader.add(1),
            Event::BecameFollower { .. } => self.became_follower.add(1),
            Event::InSync { .. } => self.in_sync_changes.add(1),
            Event::Voted { .. } => self.voted.add(1),
            Event::Resigned { .. } => self.resigned.add(1),
            Event::Truncated { .. } => self.truncated.add(1),
            Event::SnapshotTaken { .. } => self.snapshots_taken.add(1),
            Event::SnapshotInstalled { .. } => self.snapshots_installed.add(1),
            Event::Trimmed { .. } => self.trimmed.add(1),
            Event::Appended { base, end, .. } => {
                self.appends.add(1);
                self.appended_records.add(span(base.0, end.0.0));
            }
            Event::Synced { .. } => self.syncs.add(1),
            Event::HighWatermark { .. } => self.high_watermarks.add(1),
            Event::Rolled { .. } => self.rolled.add(1),
            Event::Acknowledged { base, end, .. } => self.acknowledged_records.add(span(base.0, end.0)),
            Event::Served { from, to, .. } => self.served_records.add(span(from.0, to.0)),
            Event::Answered(answer) => {
                let api = self.api(answer.api);
                api.answers.add(1);
                api.nanos.add(answer.nanos);
            }
            Event::BrokerFenced { .. } => self.brokers_fenced.add(1),
            Event::Connected => self.connected.add(1),
            Event::Disconnected => self.disconnected.add(1),
            Event::Fenced(Fence::SyncFailed) => self.fenced_by_sync.add(1),
            Event::Fenced(Fence::WriteFailed) => self.fenced_by_write.add(1),
            Event::Fenced(Fence::MetadataFailed) => self.fenced_by_metadata.add(1),
            Event::Fenced(Fence::Displaced) => self.fenced_by_another.add(1),
        }
    }
}

/// Records between two offsets. Offsets of compacted logs have gaps, so this counts offsets, as Kafka's meters do.
fn span(from: i64, to: i64) -> u64 {
    u64::try_from(to.saturating_sub(from)).unwrap_or(0)
}
