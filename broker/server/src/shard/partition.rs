//! One partition as its shard owns it: the log, the replica core, and the rules by which a batch is placed.

use super::inbox::{
    FetchPart, Found, FoundOffset, Listing, OffsetQuery, Placed, ProducePart, Records, Refused, Role, Target,
};
use super::open::log_config;
use crate::refusal;
use crate::tail::{Entry, TailCache};
use bytes::{Bytes, BytesMut};
use log::{AppendBatch, AppendError, Log, PartitionName, ReadError, SyncDone};
use model::config::{TimestampType, TopicConfig};
use model::{BrokerId, DurableEnd, LeaderEpoch, Offset, PartitionKey, Timestamp};
use protocol::ErrorCode;
use records::batch::{self, BatchHeader, HEADER_LEN, ProduceRules, check_produced};
use replica::{Acks, Advance, Ends, Leader};
use runtime::Disk;
use std::sync::{Arc, Weak};

/// Batches shorter than this are copied into one buffer with their new header; of longer ones only the header
/// is copied, and the rest stays where the socket put it.
const COPY_BELOW: usize = 32 * 1024;

/// A partition of which this broker has a replica.
pub struct Partition<D: Disk> {
    /// Its identity.
    pub key: PartitionKey,
    /// Its name, which is its directory's.
    pub name: PartitionName,
    /// Its log.
    pub log: Log<D>,
    /// What this broker is to it.
    tenure: Tenure,
    /// Its topic's configuration.
    pub config: TopicConfig,
    /// Lives as long as the log is open here: under its directory's name there may be another log afterwards.
    open: Arc<()>,
}

/// What a broker is to a partition, with what only that role needs.
enum Tenure {
    /// Who is in sync and what is committed, in the epoch that is stamped on every batch.
    Leader(Leader),
    /// Since this epoch.
    Follower(LeaderEpoch),
}

/// What an append did.
pub struct Appended {
    /// One answer for each part, in order.
    pub results: Vec<Result<Placed, Refused>>,
    /// What is in the log now that was not before.
    pub new: Option<New>,
    /// Where the high watermark went, if it moved.
    pub advance: Option<Advance>,
}

/// Batches that were appended.
#[derive(Clone, Copy, Debug)]
pub struct New {
    /// Offset of the first record.
    pub base: Offset,
    /// CRC-32C of the last batch.
    pub crc: u32,
    /// Whether a segment was closed on the way.
    pub rolled: bool,
}

/// A batch with its final offsets, not yet in the log.
struct Placing {
    header: BatchHeader,
    entry: Entry,
    placed: Placed,
}

impl<D: Disk> Partition<D> {
    /// A partition whose log has just been opened: nothing is committed beyond what recovery made durable.
    pub fn new(
        me: BrokerId,
        key: PartitionKey,
        name: PartitionName,
        role: Role,
        log: Log<D>,
        config: TopicConfig,
    ) -> Partition<D> {
        let tenure = Tenure::Follower(role.epoch());
        let mut partition = Partition { key, name, log, tenure, config, open: Arc::new(()) };
        let _initial = partition.play(me, role);
        partition
    }

    /// Takes a role. A leader leads on in a later epoch, or with other replicas in sync; what is committed stays so.
    pub fn play(&mut self, me: BrokerId, role: Role) -> Option<Advance> {
        let before = self.epoch();
        assert!(role.epoch() >= before, "{}: {role:?} comes after epoch {before}", self.key);
        match (role, &mut self.tenure) {
            (Role::Leader { epoch, isr }, Tenure::Leader(leader)) => {
                if epoch > before {
                    leader.lead_on(epoch);
                    self.log.begin_epoch(epoch);
                }
                leader.isr_changed(isr)
            }
            (Role::Leader { epoch, isr }, Tenure::Follower(_)) => {
                let log = &mut self.log;
                log.begin_epoch(epoch);
                let ends = Ends { start: log.start(), durable: log.durable_end(), log: log.end() };
                let leader = Leader::new(me, epoch, self.config.durability(), isr, ends);
                self.tenure = Tenure::Leader(leader);
                None
            }
            (Role::Follower { epoch, .. }, _) => {
                self.tenure = Tenure::Follower(epoch);
                None
            }
        }
    }

    /// The epoch of the role that is played.
    pub fn epoch(&self) -> LeaderEpoch {
        match &self.tenure {
            Tenure::Leader(leader) => leader.epoch(),
            Tenure::Follower(epoch) => *epoch,
        }
    }

    /// What only the leader knows, or the refusal of whoever asks another replica for it.
    pub fn leader(&self) -> Result<&Leader, ErrorCode> {
        match &self.tenure {
            Tenure::Leader(leader) => Ok(leader),
            Tenure::Follower(_) => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// Obeys another configuration from here on.
    pub fn configure(&mut self, config: TopicConfig) -> Option<Advance> {
        self.log.set_config(log_config(&config));
        let mut advance = None;
        if let Tenure::Leader(leader) = &mut self.tenure {
            let isr = leader.isr().clone().with_min(config.min_insync_replicas as usize);
            advance = leader.durability_changed(config.durability());
            advance = leader.isr_changed(isr).or(advance);
        }
        self.config = config;
        advance
    }

    /// Appends `parts`, one batch each, in order and as one write. On a disk error nobody's batch is in the log.
    pub async fn append(
        &mut self,
        parts: Vec<ProducePart>,
        now: Timestamp,
        tail: &mut TailCache,
    ) -> Result<Appended, AppendError> {
        if let Err(code) = self.leader() {
            let results = parts.iter().map(|_| Err(code.into())).collect();
            return Ok(Appended { results, new: None, advance: None });
        }
        let base = self.log.end().0;
        let segment = self.log.active_base();
        let mut next = base;
        let mut results = Vec::with_capacity(parts.len());
        let (mut appends, mut entries) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        for part in parts {
            match self.place(part, next, now) {
                Ok(Placing { header, entry, placed }) => {
                    next = placed.end;
                    let [head, rest] = entry.pieces.clone();
                    appends.push(AppendBatch { header, head, rest });
                    entries.push(entry);
                    results.push(Ok(placed));
                }
                Err(code) => results.push(Err(code)),
            }
        }
        let Some(last) = appends.last() else {
            return Ok(Appended { results, new: None, advance: None });
        };
        let crc = last.header.crc;
        self.log.append(&appends).await?;
        assert_eq!(self.log.end().0, next, "the log of {} ends elsewhere than its last batch", self.key);
        for entry in entries {
            tail.push(self.key, entry);
        }
        let new = New { base, crc, rolled: self.log.active_base() != segment };
        let Tenure::Leader(leader) = &mut self.tenure else { unreachable!("looked at above") };
        let advance = leader.local_appended(self.log.end());
        Ok(Appended { results, new: Some(new), advance })
    }

    /// Everything below may be acknowledged to a producer that waits for the leader alone.
    pub fn local_line(&self) -> Offset {
        self.leader().map_or(Offset::ZERO, |leader| leader.acknowledged_below(Acks::Leader))
    }

    /// A sync of the log is done. How far it is durable, and where the high watermark went, if it moved.
    pub fn synced(&mut self, done: SyncDone) -> (DurableEnd, Option<Advance>) {
        let end = self.log.finish_sync(done);
        let advance = match &mut self.tenure {
            Tenure::Leader(leader) => leader.local_synced(end),
            Tenure::Follower(_) => None,
        };
        (end, advance)
    }

    /// Checks one batch and gives it its place in the log: base offset, epoch and, if the topic asks for it,
    /// the time.
    fn place(&self, part: ProducePart, base: Offset, now: Timestamp) -> Result<Placing, Refused> {
        let ProducePart { batch, keeps_alive, .. } = part;
        let produced = check_produced(&batch, &self.rules(part.zstd, now)).map_err(refusal::produce)?;
        let mut header = produced.header;
        if header.has_producer_id() {
            // Sequences are not kept yet, and nobody here has handed out this id.
            return Err(ErrorCode::UnknownProducerId.into());
        }
        let mut log_append_time = Timestamp::NONE;
        if self.config.timestamp_type == TimestampType::LogAppendTime {
            header.stamp_log_append_time(now, &batch[HEADER_LEN..]);
            log_append_time = now;
        }
        header.place(base, self.epoch());
        let (pieces, keeps_alive) = if batch.len() < COPY_BELOW || batch.len() < keeps_alive / 2 {
            let mut copy = BytesMut::with_capacity(batch.len());
            copy.extend_from_slice(&header.to_bytes());
            copy.extend_from_slice(&batch[HEADER_LEN..]);
            ([copy.freeze(), Bytes::new()], batch.len())
        } else {
            let (head, body) = header.pieces(&batch);
            ([head, body], keeps_alive)
        };
        let end = header.next_offset();
        let placed = Placed { base, end, log_append_time, log_start: self.log.start() };
        Ok(Placing { header, entry: Entry { base, end, pieces, keeps_alive }, placed })
    }

    fn rules(&self, zstd: bool, now: Timestamp) -> ProduceRules {
        let config = &self.config;
        ProduceRules {
            now,
            batch_bytes_max: config.max_message_bytes as usize,
            timestamp_type: match config.timestamp_type {
                TimestampType::CreateTime => batch::TimestampType::CreateTime,
                TimestampType::LogAppendTime => batch::TimestampType::LogAppendTime,
            },
            before_max_ms: i64::try_from(config.timestamp_before_max_ms).unwrap_or(i64::MAX),
            after_max_ms: i64::try_from(config.timestamp_after_max_ms).unwrap_or(i64::MAX),
            zstd,
            keys: config.cleanup.compact,
        }
    }

    /// Refuses a client whose idea of the leader's epoch is not ours (KIP-320).
    fn check_epoch(&self, theirs: LeaderEpoch) -> Result<(), ErrorCode> {
        match theirs {
            LeaderEpoch::UNKNOWN => Ok(()),
            theirs if theirs < self.epoch() => Err(ErrorCode::FencedLeaderEpoch),
            theirs if theirs > self.epoch() => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// The records that a fetch gets: whole batches from `part.from` on, all below the high watermark.
    pub fn find(
        &self,
        part: &FetchPart,
        bytes_max: usize,
        at_least_one: bool,
        tail: &TailCache,
    ) -> Result<(Found, usize), ErrorCode> {
        self.check_epoch(part.epoch)?;
        let (start, end) = (self.log.start(), self.log.end());
        if part.from < start || part.from > end.0 {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let high_watermark = self.leader()?.high_watermark();
        let mut found = Found { high_watermark, log_start: start, records: Records::None };
        if part.from >= high_watermark || (bytes_max == 0 && !at_least_one) {
            return Ok((found, 0));
        }
        if let Some(slice) = tail.slice(self.key, part.from, high_watermark, bytes_max, at_least_one) {
            let bytes = slice.bytes;
            if bytes > 0 {
                found.records = Records::Memory { pieces: slice.pieces, bytes, to: slice.to };
            }
            return Ok((found, bytes));
        }
        let slice = self.log.slice(part.from, high_watermark, bytes_max, at_least_one);
        let (key, from) = (self.key, part.from);
        let open = Arc::downgrade(&self.open);
        let read = Box::pin(async move {
            let batches = still_open(&open, key, slice.read().await)?;
            let to = last_of(&batches).map_or(from, |header| header.next_offset());
            Ok((batches, to))
        });
        found.records = Records::Disk { bytes_max, read };
        Ok((found, bytes_max))
    }

    /// The offset that a client asked for by name, or by time.
    pub fn offset(&self, query: &OffsetQuery) -> Result<Listing, ErrorCode> {
        self.check_epoch(query.epoch)?;
        let high_watermark = self.leader()?.high_watermark();
        let end =
            |offset, epoch| Listing::Known(Some(FoundOffset { offset, timestamp: Timestamp::NONE, epoch }));
        let search = match query.target {
            Target::Earliest => {
                let start = self.log.start();
                return Ok(end(start, self.log.epoch_at(start).unwrap_or(LeaderEpoch::UNKNOWN)));
            }
            Target::Latest => return Ok(end(high_watermark, self.epoch())),
            Target::LatestTiered => return Ok(Listing::Known(None)),
            Target::MaxTimestamp => self.log.max_timestamp(),
            Target::At(timestamp) => self.log.offset_for_timestamp(timestamp),
        };
        let (key, below) = (self.key, high_watermark);
        let open = Arc::downgrade(&self.open);
        Ok(Listing::Search(Box::pin(async move {
            let found = still_open(&open, key, search.read().await)?;
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
