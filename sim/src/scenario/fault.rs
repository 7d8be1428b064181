//! What goes wrong: a trigger and an action.
//!
//! Every fault carries the time of its own healing, so that a fault is one item: taking it out of a scenario leaves
//! nothing half done.

use serde::{Deserialize, Serialize};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its name, unique in the scenario: it keys the fault's randomness.
    pub name: String,
    /// The broker it happens to, unless the trigger says whoever tells the event, or what it follows has struck another one.
    pub broker: i32,
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: Action,
}

impl Fault {
    /// Whether its broker's disk may be empty afterwards.
    pub fn empties(&self) -> bool {
        matches!(self.action, Action::Wipe { .. } | Action::Disk { fault: DiskFault::Lies, .. })
    }
}

/// When a fault happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// At this time, in simulated milliseconds since the chaos began.
    At(u64),
    /// After the n-th event of a kind that the fault's broker tells, or any broker.
    Event {
        /// Counting begins when the fault of this name has healed: a process that it took down is started again.
        /// Without it, when the chaos begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
        /// Counting begins when the fault of this name strikes: what happens while it is at work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        during: Option<String>,
        /// Counting begins at this time, in simulated milliseconds since the chaos began.
        #[serde(default)]
        from_ms: u64,
        /// Whichever broker tells it, and it happens to that one: a fault that is meant for a role.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        whoever: bool,
        /// Which kind.
        kind: EventKind,
        /// Which one, from 1.
        nth: u32,
        /// How long after it, in microseconds.
        after_us: u64,
    },
}

/// Kinds of events to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A process serves clients.
    Started,
    /// A log was opened.
    Recovered,
    /// Records were appended.
    Appended,
    /// A sync finished.
    Synced,
    /// The high watermark moved.
    HighWatermark,
    /// A segment was begun.
    Rolled,
    /// A produce answer is about to leave.
    Acknowledged,
    /// Records are about to leave.
    Served,
    /// A log directory was given up.
    Fenced,
    /// The broker leads a partition, or the metadata quorum.
    BecameLeader,
    /// The broker follows a leader of the metadata quorum.
    BecameFollower,
    /// The broker has voted in the metadata quorum.
    Voted,
    /// The broker gave the metadata quorum's leadership up.
    Resigned,
    /// A log was cut where another leader's differs.
    Truncated,
    /// A snapshot of the metadata was written.
    SnapshotTaken,
    /// The metadata log was replaced by a snapshot.
    SnapshotInstalled,
    /// The first records of the metadata log were removed.
    Trimmed,
}

impl EventKind {
    /// The kind of an event, of those that can be waited for.
    pub fn of(event: &::runtime::Event) -> Option<EventKind> {
        use ::runtime::Event;
        Some(match event {
            Event::Started { .. } => EventKind::Started,
            Event::Recovered { .. } => EventKind::Recovered,
            Event::Appended { .. } => EventKind::Appended,
            Event::Synced { .. } => EventKind::Synced,
            Event::HighWatermark { .. } => EventKind::HighWatermark,
            Event::Rolled { .. } => EventKind::Rolled,
            Event::Acknowledged { .. } => EventKind::Acknowledged,
            Event::Served { .. } => EventKind::Served,
            Event::Fenced(_) => EventKind::Fenced,
            Event::BecameLeader { .. } => EventKind::BecameLeader,
            Event::BecameFollower { .. } => EventKind::BecameFollower,
            Event::Voted { .. } => EventKind::Voted,
            Event::Resigned { .. } => EventKind::Resigned,
            Event::Truncated { .. } => EventKind::Truncated,
            Event::SnapshotTaken { .. } => EventKind::SnapshotTaken,
            Event::SnapshotInstalled { .. } => EventKind::SnapshotInstalled,
            Event::Trimmed { .. } => EventKind::Trimmed,
            _ => return None,
        })
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The process is killed and started again after so many milliseconds: the page cache survives.
    Kill {
        /// Until it is started again.
        down_ms: u64,
    },
    /// The machine loses power and starts again after so many milliseconds: what was not synced may be gone.
    PowerLoss {
        /// Until it is started again.
        down_ms: u64,
    },
    /// The disk is replaced by an empty one, the power off meanwhile, and the node started again after so many
    /// milliseconds: as the one that it was, without anything that it had.
    Wipe {
        /// Until it is started again.
        down_ms: u64,
    },
    /// The process is asked to stop, and started again so many milliseconds after it has.
    Stop {
        /// Until it is started again.
        down_ms: u64,
    },
    /// The process is stopped in its tracks for so many milliseconds, as by SIGSTOP; its kernel goes on.
    Pause {
        /// For how long.
        for_ms: u64,
    },
    /// The clocks misbehave for a while.
    Clock {
        /// How.
        fault: ClockFault,
        /// For how long.
        for_ms: u64,
    },
    /// The disk misbehaves for a while.
    Disk {
        /// How.
        fault: DiskFault,
        /// For how long.
        for_ms: u64,
    },
    /// The links between the broker and all others, clients and brokers, misbehave for a while.
    Link {
        /// How.
        fault: LinkFault,
        /// For how long.
        for_ms: u64,
    },
    /// The links between the broker and the other brokers misbehave for a while; clients notice nothing.
    Peers {
        /// How.
        fault: LinkFault,
        /// For how long.
        for_ms: u64,
    },
}

/// How a machine's clocks misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockFault {
    /// The wall clock jumps by so many milliseconds, either way, and back when it heals.
    Jump(i64),
    /// Both clocks run faster by so many parts per million, slower when negative.
    Drift(i32),
}

/// How a disk misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DiskFault {
    /// Syncs fail with this chance, in parts per million: what they should have made durable can't be trusted.
    SyncErrors(u32),
    /// Writes fail with this chance, in parts per million, some part of them done.
    WriteErrors(u32),
    /// Reads fail with this chance, in parts per million.
    ReadErrors(u32),
    /// So many bytes are left.
    Full(u64),
    /// Every operation takes so many times longer.
    Slow(u32),
    /// No sync returns.
    HungSync,
    /// No write returns.
    HungWrite,
    /// Syncs succeed and make nothing durable.
    Lies,
}

/// How links misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LinkFault {
    /// Nothing gets through in either direction.
    Cut,
    /// Nothing gets through to the broker.
    CutInbound,
    /// Nothing gets through from the broker.
    CutOutbound,
    /// Segments are lost with this chance, in parts per million, and sent again later.
    Loss(u32),
    /// So many milliseconds are added to every segment's way.
    Delay(u64),
    /// Every connection is reset at once.
    Reset,
    /// A middlebox forgets every connection: nothing passes on them any more, and nobody is told.
    Forget,
}
