//! What happened, as one closed enum.
//!
//! Metrics, traces, probes, the simulator's checkers and its trace hash have no other source. An event states a
//! fact after it became true, carries values of `model` only, and is cheap enough to leave on in production.

use model::{BrokerEpoch, BrokerId, DurableEnd, LeaderEpoch, LogEnd, Offset, PartitionKey};

/// A fact about one broker process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The process serves clients from now on.
    Started {
        /// Its id.
        broker: BrokerId,
        /// Its registration; -1 where it is no broker.
        epoch: BrokerEpoch,
    },
    /// The process has stopped in order: everything synced, the clean-shutdown file written.
    Stopped {
        /// Its id.
        broker: BrokerId,
    },
    /// A log was opened and recovered.
    Recovered {
        /// Whose log.
        partition: PartitionKey,
        /// First offset kept.
        start: Offset,
        /// One past the last offset kept.
        end: LogEnd,
        /// Bytes cut off behind the last whole batch.
        truncated_bytes: u64,
        /// Whether the clean-shutdown file vouched for it.
        clean: bool,
    },
    /// This process became leader of a partition (or of the metadata quorum, for its partition).
    BecameLeader {
        /// Of what.
        partition: PartitionKey,
        /// In which epoch.
        epoch: LeaderEpoch,
    },
    /// This process follows the leader of a partition or of the metadata quorum.
    BecameFollower {
        /// Of what.
        partition: PartitionKey,
        /// In which epoch.
        epoch: LeaderEpoch,
        /// Whom.
        leader: BrokerId,
    },
    /// The leader of a partition learnt who is in sync, or that somebody else is: everything that it commits from here on is
    /// on all of them.
    InSync {
        /// Of what.
        partition: PartitionKey,
        /// In which epoch.
        epoch: LeaderEpoch,
        /// The in-sync replicas, itself included, ascending.
        members: Vec<BrokerId>,
    },
    /// A vote of this process is durable.
    Voted {
        /// In whose quorum.
        partition: PartitionKey,
        /// In which epoch.
        epoch: LeaderEpoch,
        /// For whom.
        candidate: BrokerId,
    },
    /// This process gave up its leadership.
    Resigned {
        /// Of what.
        partition: PartitionKey,
        /// In which epoch it led.
        epoch: LeaderEpoch,
    },
    /// A log was cut: another leader's records come there.
    Truncated {
        /// Where.
        partition: PartitionKey,
        /// One past the last record left.
        end: LogEnd,
    },
    /// A snapshot of what is committed was written: whole, and durable.
    SnapshotTaken {
        /// Of what.
        partition: PartitionKey,
        /// One past the last record that it stands for.
        end: Offset,
        /// That record's epoch.
        epoch: LeaderEpoch,
    },
    /// A log was replaced by a snapshot: it begins, empty, where that ends.
    SnapshotInstalled {
        /// Whose log.
        partition: PartitionKey,
        /// Where it begins.
        end: Offset,
        /// The epoch of the record before.
        epoch: LeaderEpoch,
    },
    /// The first records of a log were removed.
    Trimmed {
        /// Of which log.
        partition: PartitionKey,
        /// The first offset left.
        start: Offset,
    },
    /// Records were appended: visible to readers of the file, not yet durable.
    Appended {
        /// Where.
        partition: PartitionKey,
        /// The leader epoch stamped on them.
        epoch: LeaderEpoch,
        /// Offset of the first.
        base: Offset,
        /// One past the last.
        end: LogEnd,
        /// CRC-32C of the last batch, as stored.
        crc: u32,
    },
    /// A sync finished: everything below `end` survives a power cut.
    Synced {
        /// Where.
        partition: PartitionKey,
        /// One past the last durable record.
        end: DurableEnd,
    },
    /// The high watermark moved.
    HighWatermark {
        /// Where.
        partition: PartitionKey,
        /// One past the last committed record.
        to: Offset,
    },
    /// A segment file was closed and another one begun.
    Rolled {
        /// Where.
        partition: PartitionKey,
        /// The new segment's base offset.
        base: Offset,
    },
    /// A produce answer is about to leave.
    Acknowledged {
        /// Where.
        partition: PartitionKey,
        /// Offset of the first record acknowledged.
        base: Offset,
        /// One past the last.
        end: Offset,
        /// What the producer asked for.
        acks: Acks,
    },
    /// Records are about to leave in a fetch answer.
    Served {
        /// Where.
        partition: PartitionKey,
        /// Offset asked for.
        from: Offset,
        /// One past the last record served.
        to: Offset,
        /// The high watermark told along with them.
        high_watermark: Offset,
    },
    /// An answer left, or a request that wants none was done.
    Answered(Answer),
    /// This process, the active controller, has written that a broker is no longer available.
    BrokerFenced {
        /// Which broker.
        broker: BrokerId,
        /// In which registration.
        epoch: BrokerEpoch,
        /// Why.
        sign: Sign,
    },
    /// A client connected.
    Connected,
    /// A client's connection ended.
    Disconnected,
    /// A log directory may no longer be written: its state on disk can't be trusted until the next recovery.
    Fenced(Fence),
}

/// One request's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Kafka's API key.
    pub api: i16,
    /// The version asked for.
    pub version: i16,
    /// Nanoseconds from the last byte of the request to the answer's hand-over to the socket.
    pub nanos: u64,
}

/// By what a broker is known to be dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Its address refuses: there is no process.
    Refused,
    /// It does not answer, and nothing else has come from it for a while.
    Unanswered,
    /// It has not been heard of for `broker.session.timeout.ms`.
    Silent,
}

/// What a producer asked to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// `acks=0`: no answer at all.
    None,
    /// `acks=1`: the leader's own log.
    Leader,
    /// `acks=all` (-1): every in-sync replica.
    All,
}

/// Why a log directory was fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fence {
    /// A sync failed: what was written since the last good one can't be trusted.
    SyncFailed,
    /// A write failed for another reason than a full disk.
    WriteFailed,
    /// The node can't follow the cluster's metadata: what is in the log means nothing to it.
    MetadataFailed,
    /// Another process has taken the node's place in the cluster: what it would write is of no use.
    Displaced,
}
