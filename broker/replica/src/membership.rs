//! Who is in sync: as the controller has written it, and the one change of it that the leader has asked for (KIP-497).
//!
//! ```text
//!            propose                     the controller answers
//! committed ─────────▶ proposed ─┬─ Written ────────────────────────▶ committed, the new one
//!     ▲                          ├─ Refused ────────────────────────▶ committed, as before
//!     │                          ├─ Unheard ─▶ proposed: asked again
//!     │                          └─ Outdated ▶ proposed: until the metadata log tells
//!     └── the metadata log tells of a later partition epoch ◀──── both
//! ```
//!
//! While a change is proposed, the controller may have written it and the answer may be on its way: whoever is in either set
//! is waited for (the *maximal* ISR), and whoever is in the written one only counts for `min.insync.replicas`.

use crate::Isr;
use model::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch};

/// Who a leader wants to be in sync from now on: a partition of AlterPartition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The epoch in which it leads.
    pub leader_epoch: LeaderEpoch,
    /// The partition's epoch that it knows. Names the proposal: there is one at a time for each.
    pub partition_epoch: PartitionEpoch,
    /// The members, ascending, each in the incarnation that was heard of last; `None` for one that has not been heard of
    /// and stays, and for the leader itself.
    pub isr: Vec<(BrokerId, Option<BrokerEpoch>)>,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is written.
    Written {
        /// The partition's epoch since then.
        partition_epoch: PartitionEpoch,
    },
    /// Nobody knows: there was no answer, or no controller. It is to be asked again.
    Unheard,
    /// It was not written, and never will be: a member is not eligible.
    Refused,
    /// The partition, or its leader, is not what the proposal says: the metadata log will tell.
    Outdated,
}

/// The members of one partition's ISR in one leader epoch.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    isr: Isr,
    partition_epoch: PartitionEpoch,
    /// Invariant: of `partition_epoch`, and with other members than `isr`.
    proposal: Option<Proposal>,
}

impl Membership {
    /// As the metadata log has it.
    pub(crate) fn new(isr: Isr, partition_epoch: PartitionEpoch) -> Membership {
        Membership { isr, partition_epoch, proposal: None }
    }

    /// As it is written.
    pub(crate) fn isr(&self) -> &Isr {
        &self.isr
    }

    /// The partition's epoch as of which it is written.
    pub(crate) fn partition_epoch(&self) -> PartitionEpoch {
        self.partition_epoch
    }

    /// The change that is under way.
    pub(crate) fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_ref()
    }

    /// Whether `broker` is in sync, or is once the change that is under way is written.
    pub(crate) fn may_contain(&self, broker: BrokerId) -> bool {
        let proposed = |proposal: &Proposal| proposal.isr.iter().any(|(id, _)| *id == broker);
        self.isr.contains(broker) || self.proposal.as_ref().is_some_and(proposed)
    }

    /// Asks for other members.
    pub(crate) fn propose(&mut self, proposal: Proposal) -> Proposal {
        assert!(self.proposal.is_none(), "two changes at once: {:?}, {proposal:?}", self.proposal);
        assert_eq!(proposal.partition_epoch, self.partition_epoch, "a change of what is written");
        self.proposal = Some(proposal.clone());
        self.proposal.clone().expect("just proposed")
    }

    /// The controller has answered the proposal of `partition_epoch`, which may be one of the past. The proposal, if it is
    /// to be asked again.
    pub(crate) fn answered(
        &mut self,
        partition_epoch: PartitionEpoch,
        verdict: &Verdict,
    ) -> Option<Proposal> {
        let proposal = self.proposal.take_if(|proposal| proposal.partition_epoch == partition_epoch)?;
        match verdict {
            Verdict::Written { partition_epoch } => {
                assert!(*partition_epoch >= self.partition_epoch, "the partition's epoch went back");
                let members: Vec<_> = proposal.isr.iter().map(|(id, _)| *id).collect();
                self.isr = self.isr.clone().with_members(&members);
                self.partition_epoch = *partition_epoch;
                None
            }
            Verdict::Refused => None,
            Verdict::Outdated => {
                self.proposal = Some(proposal);
                None
            }
            Verdict::Unheard => {
                self.proposal = Some(proposal.clone());
                Some(proposal)
            }
        }
    }

    /// The metadata log has the partition so. What it tells may be older than what the controller has answered.
    pub(crate) fn told(&mut self, isr: Isr, partition_epoch: PartitionEpoch) {
        if partition_epoch > self.partition_epoch {
            *self = Membership::new(isr, partition_epoch);
        } else {
            self.isr = self.isr.clone().with_min(isr.min());
        }
    }
}
