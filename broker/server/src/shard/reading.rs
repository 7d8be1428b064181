//! What is read of a partition: records for consumers and followers, offsets by name and by time.

use super::inbox::{
    FetchPart, Found, FoundOffset, FromWhom, Listing, OffsetQuery, Records, ReplicaFetch, Target,
};
use super::partition::Partition;
use crate::refusal;
use crate::tail::TailCache;
use log::ReadError;
use model::{Instant, LeaderEpoch, Offset, PartitionKey, Timestamp};
use protocol::ErrorCode;
use records::batch::BatchHeader;
use replica::{Fetched, Fit, Step};
use runtime::Disk;
use std::sync::{Arc, Weak};

/// How much a fetch may get.
#[derive(Clone, Copy)]
pub struct Room<'a> {
    /// Bytes, but for a first batch that is longer.
    pub bytes_max: usize,
    /// Whether the first batch may be longer.
    pub at_least_one: bool,
    /// Where recent batches are.
    pub tail: &'a TailCache,
}

impl<D: Disk> Partition<D> {
    /// Refuses a client whose idea of the leader's epoch is not ours (KIP-320).
    fn check_epoch(&self, theirs: LeaderEpoch) -> Result<(), ErrorCode> {
        match theirs {
            LeaderEpoch::UNKNOWN => Ok(()),
            theirs if theirs < self.epoch() => Err(ErrorCode::FencedLeaderEpoch),
            theirs if theirs > self.epoch() => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// The records that a consumer gets: whole batches from `part.from` on, all below the high watermark. A follower's
    /// may be behind the leader's: then there is nothing yet.
    pub fn find(&self, part: &FetchPart, room: Room<'_>) -> Result<(Found, usize), ErrorCode> {
        self.check_epoch(part.epoch)?;
        if part.from_whom == FromWhom::Leader {
            // First: a consumer that hears of a range begins elsewhere, and this replica's may be shorter than the leader's.
            self.leader()?;
        }
        if part.from < self.log.start() || part.from > self.log.end().0 {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let (high_watermark, followers) = match (self.leader(), part.from_whom) {
            (Ok(leader), FromWhom::Nearest) => (leader.high_watermark(), leader.who_has(part.from).collect()),
            (Ok(leader), _) => (leader.high_watermark(), Vec::new()),
            (Err(code), FromWhom::Leader) => return Err(code),
            (Err(_), _) => (self.high_watermark(), Vec::new()),
        };
        let found = Found {
            high_watermark,
            log_start: self.log.start(),
            line: high_watermark,
            diverging: None,
            followers,
            records: Records::None,
        };
        Ok(self.fill(found, part.from, room))
    }

    /// What a follower gets: whole batches up to the end of the log, and what follows from where it is; or where its log
    /// parts from this one.
    pub fn find_for_replica(
        &mut self,
        part: &FetchPart,
        replica: &ReplicaFetch,
        eligible: bool,
        now: Instant,
        room: Room<'_>,
    ) -> Result<(Found, usize, Step), ErrorCode> {
        self.check_epoch(part.epoch)?;
        let (start, end) = (self.log.start(), self.log.end());
        let known = self.log.epoch_end_offset(replica.last);
        let leader = self.leader_mut()?;
        let diverging = match replica::fit(part.from, replica.last, start, known) {
            Fit::Diverges(theirs) => Some(theirs),
            Fit::Agrees if part.from <= end.0 => None,
            Fit::Agrees | Fit::OutOfRange => return Err(ErrorCode::OffsetOutOfRange),
        };
        let mut step = Step::default();
        if diverging.is_none() {
            let ReplicaFetch { id, broker, start, .. } = *replica;
            let fetched = Fetched { from: part.from, start, broker, eligible };
            step = leader.follower_fetched(id, &fetched, now).map_err(refusal::stranger)?;
        }
        let (high_watermark, records) = (leader.high_watermark(), Records::None);
        let followers = Vec::new();
        let found = Found { high_watermark, log_start: start, line: end.0, diverging, followers, records };
        if diverging.is_some() {
            return Ok((found, 0, step));
        }
        let (found, bytes) = self.fill(found, part.from, room);
        Ok((found, bytes, step))
    }

    /// Adds the records from `from` up to the line.
    fn fill(&self, mut found: Found, from: Offset, room: Room<'_>) -> (Found, usize) {
        let Room { bytes_max, at_least_one, tail } = room;
        let below = found.line;
        if from >= below || (bytes_max == 0 && !at_least_one) {
            return (found, 0);
        }
        if let Some(slice) = tail.slice(self.key, from, below, bytes_max, at_least_one) {
            let bytes = slice.bytes;
            if bytes > 0 {
                found.records = Records::Memory { pieces: slice.pieces, bytes, to: slice.to };
            }
            return (found, bytes);
        }
        let slice = self.log.slice(from, below, bytes_max, at_least_one);
        let key = self.key;
        let open = Arc::downgrade(&self.open);
        let read = Box::pin(async move {
            let batches = still_open(&open, key, slice.read().await)?;
            let to = last_of(&batches).map_or(from, |header| header.next_offset());
            Ok((batches, to))
        });
        found.records = Records::Disk { bytes_max, read };
        (found, bytes_max)
    }

    /// The offset that a client asked for by name, or by time. OFFSET_NOT_AVAILABLE: it is below what is known to be committed
    /// only when this leader knows as much as those before it (KIP-207).
    pub fn offset(&self, query: &OffsetQuery) -> Result<Listing, ErrorCode> {
        self.check_epoch(query.epoch)?;
        let (high_watermark, knows_all) = {
            let leader = self.leader()?;
            (leader.high_watermark(), leader.knows_what_is_committed())
        };
        let end =
            |offset, epoch| Listing::Known(Some(FoundOffset { offset, timestamp: Timestamp::NONE, epoch }));
        let search = match query.target {
            Target::Earliest => {
                let start = self.log.start();
                return Ok(end(start, self.log.epoch_at(start).unwrap_or(LeaderEpoch::UNKNOWN)));
            }
            Target::Latest if !knows_all => return Err(ErrorCode::OffsetNotAvailable),
            Target::Latest => return Ok(end(high_watermark, self.epoch())),
            Target::LatestTiered => return Ok(Listing::Known(None)),
            Target::EndOf(epoch) => {
                let found = self.log.epoch_end_offset(epoch);
                return Ok(found.map_or(Listing::Known(None), |found| end(found.end, found.epoch)));
            }
            Target::MaxTimestamp => self.log.max_timestamp(),
            Target::At(timestamp) => self.log.offset_for_timestamp(timestamp),
        };
        let (key, below) = (self.key, high_watermark);
        let open = Arc::downgrade(&self.open);
        Ok(Listing::Search(Box::pin(async move {
            let found = still_open(&open, key, search.read().await)?;
            if !knows_all && found.is_some_and(|found| found.offset >= below) {
                return Err(ErrorCode::OffsetNotAvailable);
            }
            let found = found.filter(|found| found.offset < below);
            Ok(found.map(|found| FoundOffset {
                offset: found.offset,
                timestamp: found.timestamp,
                epoch: found.epoch,
            }))
        })))
    }
}

/// What was read of a log's files, if they were that log's until then: when it is closed, another one may come under the
/// same name.
fn still_open<T>(open: &Weak<()>, key: PartitionKey, read: Result<T, ReadError>) -> Result<T, ErrorCode> {
    if open.strong_count() == 0 {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    read.map_err(|error| refusal::read(key, &error))
}

/// The header of the last of whole batches that follow each other.
fn last_of(batches: &[u8]) -> Option<BatchHeader> {
    let mut rest = batches;
    let mut last = None;
    while let Ok(header) = BatchHeader::parse(rest) {
        rest = rest.get(header.total_len()..)?;
        last = Some(header);
    }
    last
}
