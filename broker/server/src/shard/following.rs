//! What a shard does as a follower: it takes what fetchers have copied, and says where they are to go on.
//!
//! ```text
//! a role begins ─▶ wanted ─▶ copied ─┬─ records ─▶ appended ─┬─ page cache ──────────▶ wanted from there, at once
//!                                    │                       └─ durable ─▶ synced ──▶ wanted from there
//!                                    ├─ the logs part ─▶ cut, or begun anew ────────▶ wanted from there, at once
//!                                    └─ nothing new, or it can't be taken now ──────▶ as before
//! ```
//!
//! What a fetcher brings may be of a role that is over: then it is dropped. A log that a sync round covers is not cut: the
//! fetcher comes again.

use super::Shard;
use super::inbox::{Copied, CopiedPart, Copy, Next, Position, Want};
use super::partition::Partition;
use bytes::Bytes;
use log::{AppendBatch, AppendError, TruncateError};
use model::config::Durability;
use model::{Offset, PartitionKey};
use records::batch::{Place, check_copied};
use replica::{Answer, Found, Step, Todo};
use runtime::{DiskError, DiskErrorKind, Event, Fence, Runtime};
use tracing::{error, info, warn};

impl<R: Runtime> Shard<R> {
    pub(super) async fn copied(&mut self, copied: Copied) {
        let mut next = Vec::with_capacity(copied.parts.len());
        for part in copied.parts {
            let key = part.partition;
            next.push((key, self.take(part).await));
        }
        // A fetcher that is gone has left the partition to another.
        let _ = copied.reply.send(next);
    }

    /// Has a partition that is followed fetched from where it is, or from nobody.
    pub(super) fn want(&mut self, key: PartitionKey) {
        let from = self.partitions.get(&key).and_then(Partition::position);
        self.others.wants.want(Want { partition: key, from });
    }

    async fn take(&mut self, part: CopiedPart) -> Next {
        let key = part.partition;
        if self.fences.is_fenced() {
            return Next::Gone;
        }
        let Some(partition) = self.partitions.get_mut(&key) else { return Next::Gone };
        let ours = |theirs: model::EpochEnd| partition.log.epoch_end_offset(theirs.epoch);
        let found = match &part.found {
            Copy::Records(bytes) => Found::Records { any: !bytes.is_empty() },
            Copy::Diverges(theirs) => Found::Diverges { theirs: *theirs, ours: ours(*theirs) },
            Copy::OutOfRange { end } => Found::OutOfRange { end: *end },
        };
        let answer =
            Answer { from: part.from, high_watermark: part.high_watermark, start: part.log_start, found };
        let Some(follower) = partition.follower(part.leader, part.epoch) else { return Next::Gone };
        let todo = follower.answered(&answer);
        let taken = match (todo, part.found) {
            (Todo::Append, Copy::Records(bytes)) => self.append_copied(key, bytes).await,
            (Todo::Cut(_) | Todo::StartOver(_), _) if self.syncs.covers(key) => Ok(false),
            (Todo::Cut(to), _) => self.cut(key, to).await,
            (Todo::StartOver(at), _) => self.start_over(key, at).await,
            _ => Ok(true),
        };
        match taken {
            Ok(true) => {}
            Ok(false) => return Next::Again,
            Err(why) => {
                self.fence(why);
                return Next::Gone;
            }
        }
        if let Err(why) = self.learn(key, &answer).await {
            self.fence(why);
            return Next::Gone;
        }
        let position = self.partitions[&key].position().map(|(_, position)| position);
        next(todo, answer.from, position)
    }

    /// Appends what a leader has sent. False when it can't be now, or is not what comes next.
    async fn append_copied(&mut self, key: PartitionKey, bytes: Bytes) -> Result<bool, Fence> {
        let partition = self.partitions.get_mut(&key).expect("looked at by the caller");
        let from = partition.log.end().0;
        let latest = partition.log.latest_epoch().unwrap_or(model::LeaderEpoch(0));
        let place = Place { from, epochs: latest..=partition.epoch(), holes: true };
        let batches = match check_copied(&bytes, place) {
            Ok(batches) => batches,
            Err(unfit) => {
                warn!(partition = %key, %unfit, "what the leader sent is not what comes next: it is asked again");
                return Ok(false);
            }
        };
        let whole = |(header, batch)| AppendBatch::whole(header, batch);
        let batches: Vec<AppendBatch> = batches.into_iter().map(whole).collect();
        let Some(AppendBatch { header: last, .. }) = batches.last() else { return Ok(true) };
        let (epoch, crc) = (last.leader_epoch, last.crc);
        let segment = partition.log.active_base();
        match partition.log.append(&batches).await {
            Ok(()) => {}
            Err(AppendError::NoSpace(error)) => {
                self.no_space(key, &error);
                return Ok(false);
            }
            Err(error) => {
                error!(partition = %key, %error, "append failed");
                return Err(Fence::WriteFailed);
            }
        }
        let end = partition.log.end();
        partition.following().expect("looked at by the caller").appended(end);
        self.rt.observe(Event::Appended { partition: key, epoch, base: from, end, crc });
        let rolled = partition.log.active_base() != segment;
        if rolled {
            self.rt.observe(Event::Rolled { partition: key, base: partition.log.active_base() });
        }
        if rolled || partition.config.durability() == Durability::Durable {
            self.syncs.mark(key);
        }
        Ok(true)
    }

    /// Cuts off what the leader's log does not have.
    async fn cut(&mut self, key: PartitionKey, to: Offset) -> Result<bool, Fence> {
        let partition = self.partitions.get_mut(&key).expect("looked at by the caller");
        info!(partition = %key, %to, end = %partition.log.end(), "the log is cut where the leader's differs");
        // What is written in its place later must not be believed unchecked.
        let mut points = super::points(partition);
        points.recovery_point = points.recovery_point.min(to);
        if let Err(error) = self.checkpoints.note_durably(points).await {
            return self.not_now(key, &error);
        }
        partition.renew();
        partition.log.truncate(to).await.map_err(|error| cut_failed(key, &error))?;
        let ends = partition.ends();
        let lost = partition.following().expect("looked at by the caller").cut(ends);
        if let Some(committed) = lost {
            warn!(partition = %key, %committed, "the leader lacks what was committed: it is cut off here too");
            self.note_high_watermarks();
        }
        self.rt.observe(Event::Truncated { partition: key, end: ends.log });
        Ok(true)
    }

    /// Begins the log anew where the leader's begins, or where nothing agrees.
    async fn start_over(&mut self, key: PartitionKey, at: Offset) -> Result<bool, Fence> {
        let partition = self.partitions.get_mut(&key).expect("looked at by the caller");
        info!(partition = %key, %at, end = %partition.log.end(), "the log begins anew: nothing of it is in the leader's");
        // What is written there later must not be believed unchecked. Where the log begins its files tell.
        let mut points = super::points(partition);
        points.recovery_point = points.recovery_point.min(at);
        if let Err(error) = self.checkpoints.note_durably(points).await {
            return self.not_now(key, &error);
        }
        partition.renew();
        if let Err(error) = partition.log.start_over(at).await {
            return self.not_now(key, &error);
        }
        self.checkpoints.note(super::points(partition));
        let ends = partition.ends();
        partition.following().expect("looked at by the caller").started_over(ends);
        self.note_high_watermarks();
        self.rt.observe(Event::Truncated { partition: key, end: ends.log });
        Ok(true)
    }

    /// Learns what is committed, and lets go of what the leader has deleted.
    async fn learn(&mut self, key: PartitionKey, answer: &Answer) -> Result<(), Fence> {
        let partition = self.partitions.get_mut(&key).expect("looked at by the caller");
        if !matches!(answer.found, Found::Records { .. }) {
            return Ok(());
        }
        let (advance, start) = partition.following().expect("looked at by the caller").learned(answer);
        if let Some(start) = start {
            let mut points = super::points(partition);
            points.log_start = start;
            match self.checkpoints.note_durably(points).await {
                Ok(()) => {
                    partition.log.trim_to(start).await.map_err(|error| failed(key, &error))?;
                    partition.following().expect("looked at by the caller").start_moved(start);
                }
                // The leader says so again.
                Err(error) => drop(self.not_now(key, &error)?),
            }
        }
        if let Some(advance) = advance {
            self.moved(key, Step { advance: Some(advance), ..Step::default() });
        }
        Ok(())
    }

    /// A log was not changed: for want of space, or for good.
    fn not_now(&mut self, key: PartitionKey, error: &DiskError) -> Result<bool, Fence> {
        if error.kind != DiskErrorKind::NoSpace {
            return Err(failed(key, error));
        }
        self.no_space(key, error);
        Ok(false)
    }

    fn no_space(&mut self, key: PartitionKey, error: &DiskError) {
        if self.full.met(self.rt.now()) {
            warn!(partition = %key, %error, "the disk is full: nothing is copied");
        }
    }
}

/// Where to go on after what was fetched `from` there: never again from a place where the log does not end any more. A fetcher
/// may hear of such a place late, and would come with it for ever.
fn next(todo: Todo, from: Offset, position: Option<Position>) -> Next {
    match position {
        Some(position) if todo == Todo::Nothing && position.from == from => Next::Same,
        Some(position) => Next::From(position),
        None => Next::Later,
    }
}

fn failed(key: PartitionKey, error: &DiskError) -> Fence {
    error!(partition = %key, %error, "a log can't be changed");
    Fence::WriteFailed
}

fn cut_failed(key: PartitionKey, error: &TruncateError) -> Fence {
    error!(partition = %key, %error, "a log can't be cut");
    Fence::WriteFailed
}

#[cfg(test)]
#[path = "following_test.rs"]
mod tests;
