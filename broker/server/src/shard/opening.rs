//! The partitions of one shard on their way open: recovery takes as long as the disk pleases, and the shard goes on.
//!
//! Each log is opened by a task, a few at a time, which owns it until the shard takes it over. A partition that finds
//! the disk full is tried again after a while: it exists, its topic's records are committed.
//!
//! ```text
//! Hold ─▶ queued ─▶ under way (a task) ─▶ open: the shard's, unless it has to be left again
//!            ▲               └─▶ no space ─▶ resting ─┐
//!            └────────────────────────────────────────┘
//! ```

use super::inbox::{Hold, Role};
use super::open::{Opened, Unopened, open};
use crate::checkpoints::Checkpoints;
use model::config::TopicConfig;
use model::time::Duration;
use model::{Instant, PartitionKey};
use protocol::ErrorCode;
use runtime::Runtime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Logs that one shard opens at once: syncs of that many files share the device's rounds, and more gain little
/// (`runtime-tokio/src/round.rs` has the measurements).
const AT_ONCE_MAX: usize = 16;
/// How long a partition rests for which there was no space. Trying costs a few names in a directory.
const REST: Duration = Duration::from_secs(1);

/// What is on its way. One entry for each partition of the image at the most, however often it is asked for.
pub struct Openings<R: Runtime> {
    /// Each knows its place, and is in `queued` or `resting` when that is its place.
    wanted: BTreeMap<PartitionKey, Wanted>,
    /// By the number that each drew when it was queued.
    queued: BTreeMap<u64, PartitionKey>,
    next_number: u64,
    resting: BTreeSet<(Instant, PartitionKey)>,
    under_way: usize,
    /// Has room for the outcome of every task under way.
    finished: mpsc::Sender<Finished<R>>,
    outcomes: mpsc::Receiver<Finished<R>>,
}

/// A partition that is to be held as soon as it is open.
pub struct Wanted {
    /// Its topic's name.
    pub topic: Arc<str>,
    /// The latest role that was asked for.
    pub role: Role,
    /// Its topic's configuration.
    pub config: TopicConfig,
    place: Place,
    waiting: Vec<oneshot::Sender<Result<(), ErrorCode>>>,
}

/// Where a partition is on its way.
#[derive(Clone, Copy)]
enum Place {
    /// Under this number.
    Queued(u64),
    UnderWay,
    /// Until then.
    Resting(Instant),
}

/// What a task brings back.
type Finished<R> = (PartitionKey, Result<Opened<<R as Runtime>::Disk>, Unopened>);

/// How an opening ended.
pub struct Outcome<R: Runtime> {
    /// Whose it was.
    pub key: PartitionKey,
    /// What was wanted, and who waits for it.
    pub wanted: Wanted,
    /// The log, or why there is none.
    pub result: Result<Opened<R::Disk>, Unopened>,
}

impl Wanted {
    /// Tells whoever waits.
    pub fn tell(&mut self, result: Result<(), ErrorCode>) {
        for waiting in self.waiting.drain(..) {
            // Nobody listens any more when the metadata task is gone.
            let _ = waiting.send(result);
        }
    }
}

impl<R: Runtime> Openings<R> {
    /// Nothing on its way.
    pub fn new() -> Openings<R> {
        let (finished, outcomes) = mpsc::channel(AT_ONCE_MAX);
        Openings {
            wanted: BTreeMap::new(),
            queued: BTreeMap::new(),
            next_number: 0,
            resting: BTreeSet::new(),
            under_way: 0,
            finished,
            outcomes,
        }
    }

    /// A partition that is not open is to be held. One that is on its way already is opened once, for all who ask;
    /// one that rests is tried again at once.
    pub fn want(&mut self, hold: Hold) {
        let Hold { partition, topic, role, config, done } = hold;
        if let Some(wanted) = self.wanted.get_mut(&partition) {
            wanted.role = role;
            wanted.waiting.push(done);
            if let Place::Resting(until) = wanted.place {
                self.resting.remove(&(until, partition));
                self.queue(partition);
            }
            return;
        }
        let place = Place::UnderWay;
        self.wanted.insert(partition, Wanted { topic, role, config, place, waiting: vec![done] });
        self.queue(partition);
    }

    /// Puts a wanted partition, which is in no other place, at the end of the queue.
    fn queue(&mut self, partition: PartitionKey) {
        let number = self.next_number;
        self.next_number += 1;
        self.wanted.get_mut(&partition).expect("it is wanted").place = Place::Queued(number);
        self.queued.insert(number, partition);
    }

    /// A partition that is to be held obeys other configs.
    pub fn configure(&mut self, partition: PartitionKey, config: TopicConfig) {
        if let Some(wanted) = self.wanted.get_mut(&partition) {
            wanted.config = config;
        }
    }

    /// Whether a task is opening `partition`.
    pub fn is_opening(&self, partition: PartitionKey) -> bool {
        self.wanted.get(&partition).is_some_and(|wanted| matches!(wanted.place, Place::UnderWay))
    }

    /// A partition is not to be held after all. A task that is opening it goes on.
    pub fn unwant(&mut self, partition: PartitionKey) {
        match self.wanted.get(&partition).map(|wanted| wanted.place) {
            None | Some(Place::UnderWay) => return,
            Some(Place::Queued(number)) => drop(self.queued.remove(&number)),
            Some(Place::Resting(until)) => drop(self.resting.remove(&(until, partition))),
        }
        let mut wanted = self.wanted.remove(&partition).expect("just seen");
        wanted.tell(Err(ErrorCode::NotLeaderOrFollower));
    }

    /// Starts what is queued, and what has rested until `now`, as far as there is room.
    pub fn start(&mut self, rt: &R, checkpoints: &Checkpoints, now: Instant) {
        while let Some((until, key)) = self.resting.first().copied().filter(|(until, _)| *until <= now) {
            self.resting.remove(&(until, key));
            self.queue(key);
        }
        while self.under_way < AT_ONCE_MAX {
            let Some((_, key)) = self.queued.pop_first() else { return };
            let wanted = self.wanted.get_mut(&key).expect("what is queued is wanted");
            wanted.place = Place::UnderWay;
            let Wanted { topic, role, config, .. } = &*wanted;
            let (topic, role, config) = (topic.clone(), role.clone(), config.clone());
            let (disk, checkpoints) = (rt.disk().clone(), checkpoints.clone());
            let finished = self.finished.clone();
            self.under_way += 1;
            rt.spawn_detached("opening", async move {
                let result = open(disk, &checkpoints, key, &topic, &role, &config).await;
                // The shard is gone only when the process is.
                let _ = finished.send((key, result)).await;
            });
        }
    }

    /// Whether a task is under way.
    pub fn under_way(&self) -> bool {
        self.under_way > 0
    }

    /// Waits for a task, one of which must be under way. Safe to drop and call again before one is done.
    pub async fn done(&mut self) -> Outcome<R> {
        assert!(self.under_way > 0, "asked for an opening that is not there");
        let (key, result) = self.outcomes.recv().await.expect("self has a sender");
        self.under_way -= 1;
        let wanted = self.wanted.remove(&key).expect("what is under way is wanted");
        Outcome { key, wanted, result }
    }

    /// There was no space for a partition: it is tried again.
    pub fn rest(&mut self, key: PartitionKey, mut wanted: Wanted, now: Instant) {
        wanted.place = Place::Resting(now + REST);
        self.resting.insert((now + REST, key));
        let before = self.wanted.insert(key, wanted);
        assert!(before.is_none(), "{key} is opened twice");
    }

    /// When to try again what rests.
    pub fn next_try(&self) -> Option<Instant> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// Gives up what no task is at, telling whoever waits. How many partitions that were.
    pub fn give_up(&mut self, code: ErrorCode) -> usize {
        let queued = std::mem::take(&mut self.queued).into_values();
        let resting = std::mem::take(&mut self.resting).into_iter().map(|(_, key)| key);
        let mut given_up = 0;
        for key in queued.chain(resting) {
            let mut wanted = self.wanted.remove(&key).expect("in exactly one place");
            wanted.tell(Err(code));
            given_up += 1;
        }
        given_up
    }
}
