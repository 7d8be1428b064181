//! Records and snapshots fetched from the leader.
//!
//! A fetch names the end of the log only when all of it is durable, so that the leader may count it. What comes is
//! appended, synced, and the next fetch says so.

use super::{Quorum, share};
use crate::effect::{Effect, Failure, RequestId};
use crate::log_view::{EpochEnd, SnapshotId};
use crate::message::{Answer, Batches, Fetch, FetchSnapshot, Records, Rejection, Request};
use crate::role::{Download, Fetching, Role};
use crate::voters::ReplicaKey;
use model::time::Duration;
use model::{BrokerId, Instant};

impl Quorum {
    /// Asks the leader for what comes next, when that is due.
    pub(super) fn ask_leader(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Role::Follower(follower) = &self.role else { return };
        let leader = follower.leader;
        match follower.fetching {
            Fetching::NotBefore(at) if at <= now && self.log.is_durable() => {
                let id = self.ask_for_records(leader, self.config.timeouts.wait(), effects);
                self.set_fetching(Fetching::Waiting(id));
            }
            Fetching::Snapshot(download) if download.waiting.is_none() && download.not_before <= now => {
                let Download { id, position, .. } = download;
                let fetch = FetchSnapshot { replica: self.config.me, epoch: self.epoch, id, position };
                let waiting = Some(self.send(leader, Request::FetchSnapshot(fetch), effects));
                self.set_fetching(Fetching::Snapshot(Download { waiting, ..download }));
            }
            _ => {}
        }
    }

    /// Asks `peer` for what comes after this log's end. The log must be durable.
    pub(super) fn ask_for_records(
        &mut self,
        peer: BrokerId,
        wait: Duration,
        effects: &mut Vec<Effect>,
    ) -> RequestId {
        assert!(self.log.is_durable(), "a fetch would tell what is not so");
        let EpochEnd { epoch: last_epoch, end: from } = self.log.last();
        let fetch = Fetch {
            replica: self.config.me,
            epoch: self.epoch,
            from,
            last_epoch,
            high_watermark: self.high_watermark,
            wait,
        };
        self.send(peer, Request::Fetch(fetch), effects)
    }

    /// When the leader is to be asked next, if that depends on the time.
    pub(super) fn next_fetch(&self) -> Option<Instant> {
        let Role::Follower(follower) = &self.role else { return None };
        match &follower.fetching {
            Fetching::NotBefore(at) => self.log.is_durable().then_some(*at),
            Fetching::Snapshot(download) => download.waiting.is_none().then_some(download.not_before),
            Fetching::Waiting(_) | Fetching::Appending(_) | Fetching::Installing(_) => None,
        }
    }

    /// The leader, or who was taken for it, has answered.
    pub(super) fn fetched(
        &mut self,
        id: RequestId,
        body: Result<Answer, Rejection>,
        effects: &mut Vec<Effect>,
    ) {
        let Role::Follower(follower) = &self.role else { return };
        match follower.fetching {
            Fetching::Waiting(waiting) if waiting == id => {}
            Fetching::Snapshot(download) if download.waiting == Some(id) => {
                return self.piece_fetched(download, body, effects);
            }
            _ => return,
        }
        // Unless it is said otherwise below.
        self.set_fetching(Fetching::NotBefore(self.now + self.config.timeouts.backoff));
        match body {
            Ok(Answer::Records(records)) => self.records_fetched(records, effects),
            Ok(Answer::Diverging(theirs)) => {
                let to = self.log.agreement(theirs);
                // The leader that a majority elected has everything that a majority had.
                assert!(
                    self.high_watermark.is_none_or(|committed| to >= committed),
                    "told to remove committed records from {to} on: {self:?}"
                );
                if to < self.log.end().0 && to >= self.log.start() {
                    self.log.truncated(to);
                    self.placed_end = to;
                    effects.push(Effect::Truncate(to));
                    self.set_fetching(Fetching::NotBefore(self.now));
                }
                self.heard();
            }
            Ok(Answer::Snapshot(id)) => {
                if id.epoch <= self.epoch && self.high_watermark.is_none_or(|committed| id.end >= committed) {
                    let not_before = self.now;
                    let download = Download { id, position: 0, waiting: None, not_before };
                    self.set_fetching(Fetching::Snapshot(download));
                    self.heard();
                }
            }
            // In the epoch that it was elected for: it has resigned, or its process is another one by now, and none leads
            // on in an epoch that it led before.
            Err(Rejection::NotLeader) => self.leader_gone(),
            Ok(_) | Err(_) => {}
        }
    }

    fn records_fetched(&mut self, records: Records, effects: &mut Vec<Effect>) {
        let end = self.log.end().0;
        let Records { from, high_watermark, batches } = records;
        if from != end || batches.as_ref().is_some_and(|batches| !self.fits(batches)) {
            return;
        }
        self.heard();
        if let Role::Follower(follower) = &mut self.role {
            follower.told_committed = follower.told_committed.max(high_watermark);
        }
        match batches {
            Some(batches) => {
                self.set_fetching(Fetching::Appending(batches.clone()));
                effects.push(Effect::Append(batches));
            }
            None => self.set_fetching(Fetching::NotBefore(self.now)),
        }
        self.advance_as_follower(effects);
    }

    /// Moves a follower's high watermark to what its leader has told, as far as its own log is durable.
    pub(super) fn advance_as_follower(&mut self, effects: &mut Vec<Effect>) {
        let Role::Follower(follower) = &self.role else { return };
        if let Some(told) = follower.told_committed {
            let to = told.min(self.log.durable().0);
            self.advance_high_watermark(to, effects);
            // Only what is committed in the leader's own epoch tells that nothing committed is missing before it.
            if to == told && self.log.has_epoch_below(self.epoch, told) {
                self.end_doubt(effects);
            }
        }
    }

    /// Whether batches go on where the log ends, in epochs that may come there.
    fn fits(&self, batches: &Batches) -> bool {
        let Batches { base, end, epochs, .. } = batches;
        let last = self.log.last();
        let ascending =
            epochs.windows(2).all(|pair| pair[0].epoch < pair[1].epoch && pair[0].start < pair[1].start);
        let first = epochs.first().is_some_and(|first| first.epoch >= last.epoch && first.start == *base);
        let at_last =
            epochs.last().is_some_and(|at_last| at_last.epoch <= self.epoch && at_last.start < *end);
        *base == last.end && ascending && first && at_last
    }

    fn piece_fetched(
        &mut self,
        download: Download,
        body: Result<Answer, Rejection>,
        effects: &mut Vec<Effect>,
    ) {
        let Download { id, position, .. } = download;
        let later = self.now + self.config.timeouts.backoff;
        match body {
            Ok(Answer::SnapshotPiece(piece)) if piece.id == id && piece.position == position => {
                let end = position + piece.bytes.len() as u64;
                if piece.bytes.is_empty() || end > piece.size {
                    return self.set_fetching(Fetching::NotBefore(later));
                }
                let whole = end == piece.size;
                effects.push(Effect::WriteSnapshot(piece));
                match whole {
                    true => {
                        effects.push(Effect::InstallSnapshot(id));
                        self.set_fetching(Fetching::Installing(id));
                    }
                    false => {
                        let next = Download { id, position: end, waiting: None, not_before: self.now };
                        self.set_fetching(Fetching::Snapshot(next));
                    }
                }
                self.heard();
            }
            // It is gone, or another one by now: the log's next fetch tells.
            Ok(_) | Err(Rejection::SnapshotNotFound | Rejection::PositionOutOfRange) => {
                self.set_fetching(Fetching::NotBefore(later));
            }
            Err(_) => self.set_fetching(Fetching::Snapshot(Download {
                waiting: None,
                not_before: later,
                ..download
            })),
        }
    }

    /// The log was replaced by the snapshot that was fetched.
    pub(super) fn installed(&mut self, id: SnapshotId, effects: &mut Vec<Effect>) {
        assert_eq!(self.fetching(), Some(id), "installed, and not told to: {self:?}");
        self.log.replaced(id);
        self.placed_end = id.end;
        // A snapshot holds what is committed, and nothing else.
        self.advance_high_watermark(id.end, effects);
        self.set_fetching(Fetching::NotBefore(self.now));
    }

    /// The snapshot that was fetched could not be written, or is none. Another try at once would not be luckier.
    pub(super) fn install_failed(&mut self, id: SnapshotId) {
        if self.fetching() == Some(id) {
            self.set_fetching(Fetching::NotBefore(self.now + self.silence()));
        }
    }

    /// A fetch got no answer.
    pub(super) fn fetch_failed(&mut self, id: RequestId, failure: Failure) {
        let backoff = self.config.timeouts.backoff;
        let pause = match failure {
            // The next try finds out whether the process or only the connection is gone.
            Failure::Lost => backoff / 4,
            Failure::Refused | Failure::TimedOut | Failure::Mute => backoff,
        };
        if self.fetch_again(id, self.now + pause) && matches!(failure, Failure::Refused | Failure::Mute) {
            self.leader_gone();
        }
    }

    /// The leader does not lead any more: no use waiting for the rest of the timeout. The others find the same within
    /// moments, and don't all stand at once: two candidates that meet cost an election timeout. So each leaves those before
    /// it the time of an election.
    fn leader_gone(&mut self) {
        if let Role::Follower(follower) = &mut self.role {
            let before = |voter: &ReplicaKey| voter.id < self.config.me.id && voter.id != follower.leader;
            let before = self.config.voters.iter().filter(before).count() as u32;
            let backoff = self.config.timeouts.backoff;
            let deadline = self.now + backoff * (3 * before) + share(backoff, self.draw);
            follower.content = false;
            follower.deadline = follower.deadline.min(deadline);
        }
    }

    /// Asks the leader again at `at` what `id` asked. False when that is not waited for.
    pub(super) fn fetch_again(&mut self, id: RequestId, at: Instant) -> bool {
        let Role::Follower(follower) = &mut self.role else { return false };
        match &mut follower.fetching {
            Fetching::Waiting(waiting) if *waiting == id => follower.fetching = Fetching::NotBefore(at),
            Fetching::Snapshot(download) if download.waiting == Some(id) => {
                (download.waiting, download.not_before) = (None, at);
            }
            _ => return false,
        }
        true
    }

    /// The leader has been heard.
    fn heard(&mut self) {
        let deadline = self.now + self.config.timeouts.fetch;
        if let Role::Follower(follower) = &mut self.role {
            follower.deadline = deadline;
            follower.content = true;
        }
    }

    fn set_fetching(&mut self, fetching: Fetching) {
        if let Role::Follower(follower) = &mut self.role {
            follower.fetching = fetching;
        }
    }
}
