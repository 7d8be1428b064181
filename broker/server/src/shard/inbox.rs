//! What a shard can be asked: the closed set of messages in its inbox, and their answers.
//!
//! Messages carry values of `model`, decoded batches and reply channels; no RPC type comes this far. A message
//! about several partitions answers for all of them at once, each under the `slot` that the asker chose.

use crate::waiters::Line;
use bytes::Bytes;
use model::config::TopicConfig;
use model::{
    BrokerEpoch, BrokerId, EpochEnd, Instant, LeaderEpoch, Offset, PartitionEpoch, PartitionKey, Timestamp,
};
use protocol::ErrorCode;
use records::batch::ProduceRefusal;
use replica::{Leadership, Verdict};
use runtime::Acks;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// One message to a shard.
pub enum Message {
    /// Append batches.
    Produce(Produce),
    /// Find records.
    Fetch(Fetch),
    /// Say when a fetch that found too little should look again.
    Park(Park),
    /// Take what a fetcher has copied from leaders.
    Copied(Copied),
    /// Find offsets.
    ListOffsets(ListOffsets),
    /// Hold a replica of a partition, in a role.
    Hold(Hold),
    /// Hold a partition's replica no more.
    Leave(Leave),
    /// Hear what the controller says of in-sync replicas.
    Altered(Altered),
    /// Brokers have come or gone.
    Brokers(Arc<BTreeMap<BrokerId, BrokerEpoch>>),
    /// Obey other configs.
    Configure(PartitionKey, TopicConfig),
    /// Sync and close everything. The answer: whether the clean-shutdown file may vouch for all of it.
    Stop(oneshot::Sender<bool>),
}

/// Append at most one batch to each of several partitions.
pub struct Produce {
    /// What goes where.
    pub parts: Vec<ProducePart>,
    /// What the answer waits for.
    pub acks: Acks,
    /// When it stops waiting.
    pub deadline: Instant,
    /// Sent when every part has been appended or refused: the next request of the connection may start.
    pub applied: oneshot::Sender<()>,
    /// Sent when every part has reached what `acks` asks for.
    pub done: oneshot::Sender<Vec<Produced>>,
}

/// The records for one partition, as they came.
pub struct ProducePart {
    /// The asker's number for it.
    pub slot: usize,
    /// Where to.
    pub partition: PartitionKey,
    /// What the client says is one batch.
    pub batch: Bytes,
    /// Memory that `batch` keeps allocated.
    pub keeps_alive: usize,
    /// Whether the request's version may carry zstd.
    pub zstd: bool,
}

/// What became of a `ProducePart`.
pub struct Produced {
    /// The asker's number.
    pub slot: usize,
    /// Where it went, or why not.
    pub result: Result<Placed, Refused>,
}

/// Why a batch was not appended, or not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// For the client's program.
    pub code: ErrorCode,
    /// For its people, if the batch itself was at fault.
    pub why: Option<ProduceRefusal>,
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Refused {
        Refused { code, why: None }
    }
}

/// Where a batch was placed.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// Offset of its first record; `None` for one that came before, so long ago that nobody remembers where it is.
    pub base: Option<Offset>,
    /// One past its last record, or any offset beyond that.
    pub end: Offset,
    /// The broker's time, for topics with LogAppendTime; `Timestamp::NONE` otherwise.
    pub log_append_time: Timestamp,
    /// The partition's first offset.
    pub log_start: Offset,
}

/// Find records in several partitions.
pub struct Fetch {
    /// What to look for.
    pub parts: Vec<FetchPart>,
    /// Bytes that the answer may hold over all parts (its first batch may be longer).
    pub bytes_max: usize,
    /// The answer, one `Fetched` for each part.
    pub reply: oneshot::Sender<Vec<Fetched>>,
}

/// One partition of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchPart {
    /// The asker's number for it.
    pub slot: usize,
    /// Where.
    pub partition: PartitionKey,
    /// The leader epoch that the client knows, or `LeaderEpoch::UNKNOWN`.
    pub epoch: LeaderEpoch,
    /// From which offset on.
    pub from: Offset,
    /// Bytes at most (the request's first batch may be longer).
    pub bytes_max: usize,
    /// The follower that asks; none for a consumer.
    pub replica: Option<ReplicaFetch>,
    /// Who may serve it.
    pub from_whom: FromWhom,
}

/// Which replicas may serve a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromWhom {
    /// The leader: followers ask nobody else, nor do consumers that can't be sent elsewhere.
    Leader,
    /// Any; a follower serves what it knows to be committed (KIP-392).
    Any,
    /// Any, and the leader tells who else could.
    Nearest,
}

/// What a follower's fetch says of its log, which ends where it fetches from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaFetch {
    /// The broker.
    pub id: BrokerId,
    /// Its incarnation, if it says (from version 15 of Fetch on).
    pub broker: Option<BrokerEpoch>,
    /// The epoch of its last record; unknown for an empty log, or one that does not say (before version 12).
    pub last: LeaderEpoch,
    /// Its first offset.
    pub start: Offset,
}

/// What a `FetchPart` found.
pub struct Fetched {
    /// The asker's number.
    pub slot: usize,
    /// Records, or why not.
    pub result: Result<Found, ErrorCode>,
}

/// Records of one partition, and its lines at the moment they were found.
pub struct Found {
    /// One past the last committed record.
    pub high_watermark: Offset,
    /// The first offset there is.
    pub log_start: Offset,
    /// What a fetch that found too little waits to see moved: the high watermark for a consumer, the log's end for a
    /// follower.
    pub line: Offset,
    /// Where the follower's log parts from this one, if it does: then there are no records.
    pub diverging: Option<EpochEnd>,
    /// The followers that could serve it, and how far each is known to be, where that was asked for.
    pub followers: Vec<(BrokerId, Offset)>,
    /// The records: whole batches below that line.
    pub records: Records,
}

/// Where found records are.
pub enum Records {
    /// There are none.
    None,
    /// In memory.
    Memory {
        /// The batches.
        pieces: Vec<Bytes>,
        /// Their length together.
        bytes: usize,
        /// One past the last record.
        to: Offset,
    },
    /// On disk: still to be read, outside the shard.
    Disk {
        /// Bytes that `read` gives at most, unless its first batch alone is longer.
        bytes_max: usize,
        /// Reads them.
        read: ColdRead,
    },
}

/// A read of record batches from segments: the batches, and one past their last record. An error means that
/// the disk failed or the bytes are corrupt.
pub type ColdRead = Pin<Box<dyn Future<Output = Result<(Bytes, Offset), ErrorCode>> + Send>>;

/// Send one `Wake` when one of the lines has passed its offset, or at the deadline.
pub struct Park {
    /// Which line.
    pub line: Line,
    /// What it has to exceed, by partition.
    pub beyond: Vec<(PartitionKey, Offset)>,
    /// When to give up.
    pub deadline: Instant,
    /// Whom to wake. Closed when nobody waits there any more: then the shard may forget it.
    pub wake: mpsc::Sender<Wake>,
}

/// What a parked fetch is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There may be more now.
    Look,
    /// Nothing more may be parked: answer with what there is.
    GiveUp,
}

/// Take what was copied of partitions that are followed here.
pub struct Copied {
    /// What the leader answered, partition by partition.
    pub parts: Vec<CopiedPart>,
    /// Where each goes on.
    pub reply: oneshot::Sender<Vec<(PartitionKey, Next)>>,
}

/// A leader's answer about one partition.
pub struct CopiedPart {
    /// Which one.
    pub partition: PartitionKey,
    /// Who answered.
    pub leader: BrokerId,
    /// In which epoch it was asked.
    pub epoch: LeaderEpoch,
    /// From which offset on.
    pub from: Offset,
    /// What it knows to be committed.
    pub high_watermark: Offset,
    /// Its first offset.
    pub log_start: Offset,
    /// What it has found.
    pub found: Copy,
}

/// What a leader has found for a follower.
pub enum Copy {
    /// Batches as they are stored; empty when there is nothing new.
    Records(Bytes),
    /// The logs part: where the leader's epoch ends.
    Diverges(EpochEnd),
    /// There is nothing at that offset.
    OutOfRange {
        /// One past the leader's last record.
        end: Offset,
    },
}

/// How a followed partition goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is to be fetched from here.
    From(Position),
    /// As before.
    Same,
    /// When what was appended is synced: a [`Want`] will say so.
    Later,
    /// It could not be taken. As before, after a pause.
    Again,
    /// It is not followed any more, or not in that epoch.
    Gone,
}

/// Where a follower's log ends, and what its fetch says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The epoch in which it follows.
    pub epoch: LeaderEpoch,
    /// Where the next record goes.
    pub from: Offset,
    /// The epoch of the last record; unknown when there is none.
    pub last: LeaderEpoch,
    /// The first offset.
    pub start: Offset,
}

/// A partition is to be fetched from a leader, or from nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Which one.
    pub partition: PartitionKey,
    /// From whom, and from where on.
    pub from: Option<(BrokerId, Position)>,
}

/// What became of a proposal.
#[derive(Clone, Debug)]
pub struct Altered {
    /// Of which partition.
    pub partition: PartitionKey,
    /// Which proposal: that of this partition epoch.
    pub of: PartitionEpoch,
    /// What became of it.
    pub verdict: Verdict,
}

/// Find offsets by timestamp or by name.
pub struct ListOffsets {
    /// What to look for.
    pub parts: Vec<OffsetQuery>,
    /// The answer, one `Listed` for each part.
    pub reply: oneshot::Sender<Vec<Listed>>,
}

/// One partition of a ListOffsets.
#[derive(Clone, Copy, Debug)]
pub struct OffsetQuery {
    /// The asker's number for it.
    pub slot: usize,
    /// Where.
    pub partition: PartitionKey,
    /// The leader epoch that the client knows, or `LeaderEpoch::UNKNOWN`.
    pub epoch: LeaderEpoch,
    /// Which offset.
    pub target: Target,
}

/// Which offset a client wants (ListOffsetsRequest's special timestamps).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first offset (-2), or the first in local storage (-4): the same without tiered storage.
    Earliest,
    /// The high watermark (-1).
    Latest,
    /// The record with the greatest timestamp (-3, KIP-734).
    MaxTimestamp,
    /// The first record at or after this time.
    At(Timestamp),
    /// The last tiered offset (-5): there is none.
    LatestTiered,
    /// One past the last offset of this epoch, or of the last one before it (OffsetForLeaderEpoch).
    EndOf(LeaderEpoch),
}

/// What an `OffsetQuery` found.
pub struct Listed {
    /// The asker's number.
    pub slot: usize,
    /// The offset, or why not.
    pub result: Result<Listing, ErrorCode>,
}

/// An offset that is known, or where to look for it.
pub enum Listing {
    /// It is known; `None`: there is no such record.
    Known(Option<FoundOffset>),
    /// Segments have to be searched, outside the shard.
    Search(OffsetSearch),
}

/// A search through segments. `None`: there is no such record below the high watermark.
pub type OffsetSearch = Pin<Box<dyn Future<Output = Result<Option<FoundOffset>, ErrorCode>> + Send>>;

/// An offset with what the answer says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset.
    pub offset: Offset,
    /// Its record's timestamp; `Timestamp::NONE` for the ends of the log.
    pub timestamp: Timestamp,
    /// The epoch of the leader that wrote it; `LeaderEpoch::UNKNOWN` if not known.
    pub epoch: LeaderEpoch,
}

/// Hold a replica of a partition: open or create its log, unless it is open, and play a role.
pub struct Hold {
    /// Which one.
    pub partition: PartitionKey,
    /// Its topic's name, for the directory.
    pub topic: Arc<str>,
    /// What to be, as the latest image has it.
    pub role: Role,
    /// The topic's configuration.
    pub config: TopicConfig,
    /// Sent when the log is open and the role played, when there is no space to open it (then it is tried again until
    /// there is), or when it has failed.
    pub done: oneshot::Sender<Result<(), ErrorCode>>,
}

/// What a broker is to a partition of which it has a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its leader, itself in sync.
    Leader(Leadership),
    /// Not its leader.
    Follower {
        /// The epoch of the leader, or in which there came to be none.
        epoch: LeaderEpoch,
        /// Who leads, if anybody does.
        leader: Option<BrokerId>,
    },
}

impl Role {
    /// The epoch in which it is played.
    pub fn epoch(&self) -> LeaderEpoch {
        match self {
            Role::Leader(leadership) => leadership.epoch,
            Role::Follower { epoch, .. } => *epoch,
        }
    }
}

/// Hold a partition's replica no more, if it is held or about to be: nothing of its log needs to be on disk.
pub struct Leave {
    /// Which one.
    pub partition: PartitionKey,
    /// Sent when nothing is done to its files any more, or when that has failed.
    pub done: oneshot::Sender<Result<(), ErrorCode>>,
}
