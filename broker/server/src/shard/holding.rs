//! Which partitions a shard holds, in which role, and how they come and go.
//!
//! ```text
//!         Hold                      Hold, later epoch
//! nothing ────▶ opening ─▶ Leader ◀──────────────────▶ Follower
//!    ▲             │         │                            │
//!    └── leaving ◀─┴─────────┴────────────────────────────┘ Leave
//! ```
//!
//! Every replica's log is open, whatever its role: to lead what was followed costs no I/O. What is left may still be in use
//! by a sync round, or by a task that is opening it; whoever asked is told when it is not.

use super::Shard;
use super::inbox::{Hold, Leave, Role};
use super::open::{Unopened, announce};
use super::opening;
use super::partition::{Host, Partition};
use log::PartitionName;
use model::PartitionKey;
use model::config::TopicConfig;
use model::time::Duration;
use protocol::ErrorCode;
use runtime::{Event, Fence, Runtime};
use std::collections::BTreeMap;
use tokio::sync::oneshot;
use tracing::{error, warn};

/// Partitions that are left, and whom to tell when nothing is done to their files any more. Bound: partitions that the
/// shard had.
pub(super) type Leaving = BTreeMap<PartitionKey, oneshot::Sender<Result<(), ErrorCode>>>;

impl<R: Runtime> Shard<R> {
    pub(super) fn hold(&mut self, hold: Hold) {
        let key = hold.partition;
        if self.fences.is_fenced() {
            // Nobody listens any more when the applier is gone.
            let _ = hold.done.send(Err(ErrorCode::KafkaStorageError));
        } else if self.partitions.contains_key(&key) {
            self.play(key, hold.role);
            let _ = hold.done.send(Ok(()));
        } else {
            assert!(!self.leaving.contains_key(&key), "{key} is held before it was left");
            self.openings.want(hold);
        }
    }

    /// Takes a role in a partition whose log is open. The log learns of a leader's epoch now, its checkpoint together
    /// with the first record of it.
    fn play(&mut self, key: PartitionKey, role: Role) {
        let partition = self.partitions.get_mut(&key).expect("whose log is open");
        let (led, before) = (partition.leader().is_ok(), partition.epoch());
        let step = partition.play(role.clone(), self.rt.now());
        if led && partition.leader().is_err() {
            self.evict(key, ErrorCode::NotLeaderOrFollower);
            self.tail.forget(key);
        }
        if role.epoch() > before {
            self.tell(key, &role);
        }
        self.want(key);
        self.moved(key, step);
    }

    /// Tells what this broker has become.
    fn tell(&mut self, key: PartitionKey, role: &Role) {
        match role {
            Role::Leader(leadership) => {
                self.rt.observe(Event::BecameLeader { partition: key, epoch: leadership.epoch });
                self.tell_in_sync(key);
                let leader = self.partitions[&key].leader().expect("the role was taken");
                self.rt.observe(Event::HighWatermark { partition: key, to: leader.high_watermark() });
            }
            Role::Follower { epoch, leader: Some(leader) } => {
                self.rt.observe(Event::BecameFollower { partition: key, epoch: *epoch, leader: *leader });
            }
            Role::Follower { leader: None, .. } => {}
        }
    }

    /// Takes a partition over whose log has been opened.
    pub(super) fn opened(&mut self, outcome: opening::Outcome<R>) {
        let opening::Outcome { key, mut wanted, result } = outcome;
        if self.fences.is_fenced() {
            return wanted.tell(Err(ErrorCode::KafkaStorageError));
        }
        let topic = wanted.topic.clone();
        match result {
            Ok(opened) => {
                announce(&self.rt, key, &opened.log, &opened.recovered);
                if self.leaving.contains_key(&key) {
                    return wanted.tell(Err(ErrorCode::NotLeaderOrFollower));
                }
                let name = PartitionName::new(&*topic, key.index);
                let host = Host { me: self.me, lag_max: Duration::from_millis(self.settings.lag_ms_max) };
                let (role, config) = (wanted.role.clone(), wanted.config.clone());
                let partition = Partition::new(host, key, name, role, opened, config, self.rt.now());
                self.checkpoints.note(super::points(&partition));
                self.partitions.insert(key, partition);
                self.tell(key, &wanted.role);
                self.want(key);
                wanted.tell(Ok(()));
            }
            Err(Unopened::NoSpace(_)) if self.leaving.contains_key(&key) => {
                wanted.tell(Err(ErrorCode::NotLeaderOrFollower));
            }
            Err(Unopened::NoSpace(error)) => {
                warn!(%topic, partition = %key.index, %error, "no space to open a log: it is tried again");
                wanted.tell(Ok(()));
                self.openings.rest(key, wanted, self.rt.now());
            }
            Err(Unopened::Failed(error)) => {
                error!(%topic, partition = %key.index, error, "a log can't be opened");
                self.fence(Fence::WriteFailed);
                wanted.tell(Err(ErrorCode::KafkaStorageError));
            }
        }
    }

    /// Holds a partition no more: whoever waits for it is told, and its files are let go when nothing is done to them.
    pub(super) fn leave(&mut self, leave: Leave) {
        let Leave { partition: key, done } = leave;
        if self.fences.is_fenced() {
            let _ = done.send(Err(ErrorCode::KafkaStorageError));
            return;
        }
        self.openings.unwant(key);
        self.partitions.remove(&key);
        self.want(key);
        self.evict(key, ErrorCode::NotLeaderOrFollower);
        self.tail.forget(key);
        let before = self.leaving.insert(key, done);
        assert!(before.is_none(), "{key} is left twice");
    }

    /// Tells whoever waits for what is left and at rest. Behind a fence nothing comes to rest.
    pub(super) fn let_go(&mut self) {
        let fenced = self.fences.is_fenced();
        let result = if fenced { Err(ErrorCode::KafkaStorageError) } else { Ok(()) };
        let Shard { syncs, openings, leaving, .. } = self;
        let at_rest =
            leaving.extract_if(.., |key, _| fenced || !(syncs.covers(*key) || openings.is_opening(*key)));
        for (_, done) in at_rest {
            let _ = done.send(result);
        }
    }

    pub(super) fn configure(&mut self, key: PartitionKey, config: TopicConfig) {
        let Some(partition) = self.partitions.get_mut(&key) else {
            return self.openings.configure(key, config);
        };
        let step = partition.configure(config, self.rt.now());
        // What was left to the kernel may have to be durable now.
        self.syncs.mark(key);
        self.moved(key, step);
    }
}
