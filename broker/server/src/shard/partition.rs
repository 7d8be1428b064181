//! One partition as its shard owns it: the log, the replica core, and the rules by which a batch is placed.

use super::inbox::{Placed, Position, ProducePart, Refused, Role};
use super::open::{Opened, log_config};
use crate::refusal;
use crate::tail::{Entry, TailCache};
use bytes::{Bytes, BytesMut};
use log::producers::{Draft, Verdict};
use log::{AppendBatch, AppendError, Log, PartitionName, SyncDone};
use model::config::{TimestampType, TopicConfig};
use model::time::Duration;
use model::{BrokerId, DurableEnd, Instant, LeaderEpoch, Offset, PartitionKey, Timestamp};
use protocol::ErrorCode;
use records::batch::{self, BatchHeader, HEADER_LEN, ProduceRules, check_produced};
use replica::{Acks, Ends, Follower, Leader, Rules, Step};
use runtime::Disk;
use std::sync::Arc;

/// Batches shorter than this are copied into one buffer with their new header; of longer ones only the header
/// is copied, and the rest stays where the socket put it.
const COPY_BELOW: usize = 32 * 1024;

/// A partition of which this broker has a replica.
pub struct Partition<D: Disk> {
    host: Host,
    /// Its identity.
    pub key: PartitionKey,
    /// Its name, which is its directory's.
    pub name: PartitionName,
    /// Its log.
    pub log: Log<D>,
    /// What this broker is to it.
    tenure: Tenure,
    /// Who was last told to be in sync, and in which epoch.
    in_sync_told: Option<(LeaderEpoch, Vec<BrokerId>)>,
    /// Its topic's configuration.
    pub config: TopicConfig,
    /// Lives as long as the log is open here, and is not cut: afterwards there may be other records under its directory's
    /// name, or at the same offsets.
    pub(super) open: Arc<()>,
}

/// What is the same for all partitions of a broker.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The broker.
    pub me: BrokerId,
    /// `replica.lag.time.max.ms`.
    pub lag_max: Duration,
}

/// What a broker is to a partition, with what only that role needs.
enum Tenure {
    /// Who is in sync and what is committed, in the epoch that is stamped on every batch.
    Leader(Leader),
    Follower(Follower),
}

/// What an append did.
pub struct Appended {
    /// One answer for each part, in order.
    pub results: Vec<Result<Placed, Refused>>,
    /// What is in the log now that was not before.
    pub new: Option<New>,
    /// What follows for the partition's other replicas, and for whoever waits.
    pub step: Step,
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

/// What becomes of a batch.
enum Placing {
    /// It goes into the log: its final offsets and bytes, and how it is answered then.
    New { header: BatchHeader, entry: Entry, placed: Placed },
    /// It is in the log, or about to be: how it is answered. It has come a second time.
    Known(Placed),
}

impl<D: Disk> Partition<D> {
    /// A partition whose log has just been opened. What is in it was committed as far as that was written down.
    pub fn new(
        host: Host,
        key: PartitionKey,
        name: PartitionName,
        role: Role,
        opened: Opened<D>,
        config: TopicConfig,
        now: Instant,
    ) -> Partition<D> {
        let Opened { log, high_watermark, .. } = opened;
        let ends = ends(&log);
        let nobody = Follower::new(role.epoch(), None, config.durability(), ends, high_watermark);
        let tenure = Tenure::Follower(nobody);
        let mut partition =
            Partition { host, key, name, log, tenure, in_sync_told: None, config, open: Arc::new(()) };
        let _initial = partition.play(role, now);
        partition
    }

    /// Takes a role. A leader leads on in a later epoch, or with other replicas in sync; what is committed stays so.
    pub fn play(&mut self, role: Role, now: Instant) -> Step {
        let (before, committed) = (self.epoch(), self.high_watermark());
        assert!(role.epoch() >= before, "{}: {role:?} comes after epoch {before}", self.key);
        let ends = ends(&self.log);
        match (role, &mut self.tenure) {
            (Role::Leader(leadership), Tenure::Leader(leader)) if leadership.epoch == before => {
                leader.isr_told(leadership.isr, leadership.partition_epoch, now)
            }
            (Role::Leader(leadership), Tenure::Leader(leader)) => {
                self.log.begin_epoch(leadership.epoch);
                leader.lead_on(leadership, now)
            }
            (Role::Leader(leadership), Tenure::Follower(_)) => {
                self.log.begin_epoch(leadership.epoch);
                let rules = Rules { durability: self.config.durability(), lag_max: self.host.lag_max };
                let leader = Leader::new(self.host.me, leadership, rules, ends, committed, now);
                self.tenure = Tenure::Leader(leader);
                Step::default()
            }
            (Role::Follower { epoch, leader }, _) => {
                let durability = self.config.durability();
                self.tenure = Tenure::Follower(Follower::new(epoch, leader, durability, ends, committed));
                Step::default()
            }
        }
    }

    /// The epoch of the role that is played.
    pub fn epoch(&self) -> LeaderEpoch {
        match &self.tenure {
            Tenure::Leader(leader) => leader.epoch(),
            Tenure::Follower(follower) => follower.epoch(),
        }
    }

    /// One past the last record that is known here to be committed.
    pub fn high_watermark(&self) -> Offset {
        match &self.tenure {
            Tenure::Leader(leader) => leader.high_watermark(),
            Tenure::Follower(follower) => follower.high_watermark(),
        }
    }

    /// What only the leader knows, or the refusal of whoever asks another replica for it.
    pub fn leader(&self) -> Result<&Leader, ErrorCode> {
        match &self.tenure {
            Tenure::Leader(leader) => Ok(leader),
            Tenure::Follower(_) => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// Whom it follows, and where it is; none for a leader, or while nothing may be fetched.
    pub fn position(&self) -> Option<(BrokerId, Position)> {
        let Tenure::Follower(follower) = &self.tenure else { return None };
        let position = Position {
            epoch: follower.epoch(),
            from: follower.position()?,
            last: self.log.latest_epoch().unwrap_or(LeaderEpoch::UNKNOWN),
            start: self.log.start(),
        };
        Some((follower.leader()?, position))
    }

    /// The follower, if it follows that leader in that epoch.
    pub fn follower(&self, leader: BrokerId, epoch: LeaderEpoch) -> Option<&Follower> {
        match &self.tenure {
            Tenure::Follower(follower) => {
                Some(follower).filter(|of| of.leader() == Some(leader) && of.epoch() == epoch)
            }
            Tenure::Leader(_) => None,
        }
    }

    /// The follower, to be told what happened.
    pub fn following(&mut self) -> Option<&mut Follower> {
        match &mut self.tenure {
            Tenure::Follower(follower) => Some(follower),
            Tenure::Leader(_) => None,
        }
    }

    /// Who is in sync, where it is led here and others were the last time, in the same epoch.
    pub fn in_sync_news(&mut self) -> Option<(LeaderEpoch, Vec<BrokerId>)> {
        let Tenure::Leader(leader) = &self.tenure else {
            self.in_sync_told = None;
            return None;
        };
        let epoch = leader.epoch();
        let told = self.in_sync_told.as_ref();
        if told
            .is_some_and(|(of, members)| *of == epoch && leader.isr().members().eq(members.iter().copied()))
        {
            return None;
        }
        let news = (epoch, leader.isr().members().collect());
        self.in_sync_told = Some(news);
        self.in_sync_told.clone()
    }

    /// The ends of its log.
    pub fn ends(&self) -> Ends {
        ends(&self.log)
    }

    /// What is read of the log as it was is of no use from here on.
    pub fn renew(&mut self) {
        self.open = Arc::new(());
    }

    /// The leader, to be told what happened.
    pub fn leader_mut(&mut self) -> Result<&mut Leader, ErrorCode> {
        match &mut self.tenure {
            Tenure::Leader(leader) => Ok(leader),
            Tenure::Follower(_) => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// Obeys another configuration from here on.
    pub fn configure(&mut self, config: TopicConfig, now: Instant) -> Step {
        self.log.set_config(log_config(&config));
        let durability = config.durability();
        let min = config.min_insync_replicas as usize;
        self.config = config;
        match &mut self.tenure {
            Tenure::Leader(leader) => {
                leader.durability_changed(durability, now).then(leader.min_changed(min, now))
            }
            Tenure::Follower(follower) => {
                follower.durability_changed(durability);
                Step::default()
            }
        }
    }

    /// Appends `parts`, one batch each, in order and as one write. On a disk error nobody's batch is in the log.
    pub async fn append(
        &mut self,
        parts: Vec<ProducePart>,
        (now, wall): (Instant, Timestamp),
        tail: &mut TailCache,
    ) -> Result<Appended, AppendError> {
        if let Err(code) = self.leader() {
            let results = parts.iter().map(|_| Err(code.into())).collect();
            return Ok(Appended { results, new: None, step: Step::default() });
        }
        let base = self.log.end().0;
        let segment = self.log.active_base();
        let mut next = base;
        let mut results = Vec::with_capacity(parts.len());
        let (mut appends, mut entries) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        // What one part leaves is what the next one is judged by, though nothing is written yet.
        let mut producers = self.log.producers().draft();
        for part in parts {
            match self.place(part, next, wall, &mut producers) {
                Ok(Placing::New { header, entry, placed }) => {
                    next = placed.end;
                    let [head, rest] = entry.pieces.clone();
                    appends.push(AppendBatch { header, head, rest });
                    entries.push(entry);
                    results.push(Ok(placed));
                }
                Ok(Placing::Known(placed)) => results.push(Ok(placed)),
                Err(refused) => results.push(Err(refused)),
            }
        }
        let Some(last) = appends.last() else {
            return Ok(Appended { results, new: None, step: Step::default() });
        };
        let crc = last.header.crc;
        self.log.append(&appends).await?;
        assert_eq!(self.log.end().0, next, "the log of {} ends elsewhere than its last batch", self.key);
        for entry in entries {
            tail.push(self.key, entry);
        }
        let new = New { base, crc, rolled: self.log.active_base() != segment };
        let Tenure::Leader(leader) = &mut self.tenure else { unreachable!("looked at above") };
        let step = leader.local_appended(self.log.end(), now);
        Ok(Appended { results, new: Some(new), step })
    }

    /// Everything below may be acknowledged to a producer that waits for the leader alone.
    pub fn local_line(&self) -> Offset {
        self.leader().map_or(Offset::ZERO, |leader| leader.acknowledged_below(Acks::Leader))
    }

    /// A sync of the log is done. How far it is durable, and what follows.
    pub fn synced(&mut self, done: SyncDone, now: Instant) -> (DurableEnd, Step) {
        let end = self.log.finish_sync(done);
        let step = match &mut self.tenure {
            Tenure::Leader(leader) => leader.local_synced(end, now),
            Tenure::Follower(follower) => {
                follower.synced(end);
                Step::default()
            }
        };
        (end, step)
    }

    /// Checks one batch and gives it its place in the log: base offset, epoch and, if the topic asks for it,
    /// the time. One that an idempotent producer sends again has its place already.
    fn place(
        &self,
        part: ProducePart,
        base: Offset,
        now: Timestamp,
        producers: &mut Draft<'_>,
    ) -> Result<Placing, Refused> {
        let ProducePart { batch, keeps_alive, .. } = part;
        let produced = check_produced(&batch, &self.rules(part.zstd, now)).map_err(refusal::produce)?;
        let mut header = produced.header;
        if header.is_transactional() {
            // The request names no transaction: that it might be somebody else's is what Kafka says.
            return Err(ErrorCode::TransactionalIdAuthorizationFailed.into());
        }
        let mut log_append_time = Timestamp::NONE;
        if self.config.timestamp_type == TimestampType::LogAppendTime {
            header.stamp_log_append_time(now, &batch[HEADER_LEN..]);
            log_append_time = now;
        }
        header.place(base, self.epoch());
        let log_start = self.log.start();
        let known = match producers.admit(&header).map_err(refusal::producer)? {
            Verdict::Append => None,
            Verdict::Duplicate(kept) => Some(Placed {
                base: Some(kept.first_offset()),
                end: kept.last_offset.plus(1),
                log_append_time: kept.timestamp,
                log_start,
            }),
            Verdict::Written { below } => {
                Some(Placed { base: None, end: below, log_append_time: Timestamp::NONE, log_start })
            }
        };
        if let Some(placed) = known {
            return Ok(Placing::Known(placed));
        }
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
        let placed = Placed { base: Some(base), end, log_append_time, log_start };
        Ok(Placing::New { header, entry: Entry { base, end, pieces, keeps_alive }, placed })
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
}

fn ends<D: Disk>(log: &Log<D>) -> Ends {
    Ends { start: log.start(), durable: log.durable_end(), log: log.end() }
}
