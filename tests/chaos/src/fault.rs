//! What is done to the cluster, as data.

use crate::fabric::HostId;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// Who suffers, said before anybody knows who that will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Who leads this partition of the topic with this number, then.
    Leader {
        /// Which topic.
        topic: u32,
        /// Which partition.
        partition: u32,
    },
    /// The active controller.
    Controller,
    /// This node.
    Node(HostId),
}

/// From whom a node is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The other nodes only: clients still speak to it.
    Nodes,
    /// Everybody.
    Everybody,
}

/// Something that is done to the cluster, and undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// kill -9, and a start after a while.
    Kill(Whom),
    /// SIGSTOP, and SIGCONT after a while.
    Pause(Whom),
    /// All links of a node are cut, both ways.
    CutOff(Whom, Reach),
    /// The link from one node to another is cut; the other way is not.
    OneWay(HostId, HostId),
    /// All links of a node take longer, and may carry less.
    Slow {
        /// Whose.
        whom: Whom,
        /// By how much.
        delay: Duration,
        /// And at most so much more.
        jitter: Duration,
        /// Bytes a second of each link.
        rate: Option<NonZeroU32>,
    },
    /// All links of a node lose packets.
    Lossy {
        /// Whose.
        whom: Whom,
        /// Of a million packets so many.
        loss_ppm: u32,
    },
    /// A node's disk has no space left.
    DiskFull(Whom),
    /// Every node is stopped in order and started again, one after the other.
    Rolling,
}

impl Fault {
    /// Who is meant, of a fault that is meant for one node.
    pub fn whom(&self) -> Option<Whom> {
        match self {
            Fault::Kill(whom) | Fault::Pause(whom) | Fault::CutOff(whom, _) | Fault::DiskFull(whom) => {
                Some(*whom)
            }
            Fault::Slow { whom, .. } | Fault::Lossy { whom, .. } => Some(*whom),
            Fault::OneWay(from, _) => Some(Whom::Node(*from)),
            Fault::Rolling => None,
        }
    }

    /// The row of the report that it belongs to, when it has struck `whom`.
    pub fn kind(&self, whom: Whom) -> String {
        match self {
            Fault::Kill(_) => format!("kill -9 of {whom}"),
            Fault::Pause(_) => format!("SIGSTOP of {whom}"),
            Fault::CutOff(_, Reach::Nodes) => format!("{whom} cut off from the nodes"),
            Fault::CutOff(_, Reach::Everybody) => format!("{whom} cut off"),
            Fault::OneWay(..) => "a link cut one way".to_string(),
            Fault::Slow { .. } => "slow links of a node".to_string(),
            Fault::Lossy { .. } => "lossy links of a node".to_string(),
            Fault::DiskFull(_) => format!("full disk of {whom}"),
            Fault::Rolling => "rolling restart".to_string(),
        }
    }
}

impl fmt::Display for Fault {
    /// What its kind does not tell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::OneWay(from, to) => write!(f, " ({from} to {to})"),
            Fault::Slow { delay, jitter, rate, .. } => {
                write!(f, " ({} ms and up to {} more", delay.as_millis(), jitter.as_millis())?;
                match rate {
                    Some(rate) => write!(f, ", {rate} bytes a second)"),
                    None => f.write_str(")"),
                }
            }
            Fault::Lossy { loss_ppm, .. } => write!(f, " ({:.1} %)", f64::from(*loss_ppm) / 10_000.0),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Whom::Leader { .. } => "a leader",
            Whom::Controller => "the active controller",
            Whom::Node(_) => "a node",
        })
    }
}
