//! How one partition changes: its new ISR, the replicas that may lead although they left it, and who leads.
//!
//! **Eligible leader replicas** (KIP-966). A leader does not commit while its ISR is smaller than
//! `min.insync.replicas`. So whoever leaves an ISR and makes it that small, or left it since, still has everything
//! that is committed: it is remembered in the ELR, and may lead when the ISR is empty.
//!
//! ```text
//!   ISR ≥ min.insync.replicas:   the ELR is empty
//!   ISR < min.insync.replicas:   ELR = (ELR ∪ old ISR) − new ISR − who lost data when it went down
//!   ISR empty:                   no leader, until a member of the ELR is available: then it is the ISR
//!   ISR and ELR empty:           nobody is known to have everything; the last leader leads again when it is
//!                                available, and is to recover first
//! ```
//!
//! Members of the ELR that are not available stay in it. The last leader is remembered while there is none. Where the
//! feature is not finalized the last member of an ISR stays in it when it goes, as nobody else may have its records.
//!
//! An *unclean* election, where the topic allows it, takes any replica that is available when nothing else is left.
//! What the leader lacks is lost: it alone is the ISR, and nobody is eligible.

use crate::replay::LEADER_UNCHANGED;
use crate::snapshot::broker_ids;
use crate::topic::{LeaderRecovery, Partition};
use model::{BrokerId, PartitionKey};
use records::metadata::PartitionChangeRecord;

/// Who is preferred when several replicas may lead, and how far an election goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Election {
    /// The first replica; else as little change as possible.
    Preferred,
    /// The leader stays where it may.
    Online,
    /// As `Online`, and anybody when nobody may lead.
    Unclean,
}

/// What holds for all partitions of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Eligible leader replicas are a finalized feature.
    pub elr: bool,
    /// The size of an ISR below which nothing is committed; never more than there are replicas.
    pub min_isr: usize,
    /// `unclean.leader.election.enable`.
    pub unclean: bool,
}

/// What a partition is to be.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The ISR, before anybody is elected.
    pub isr: Vec<BrokerId>,
    /// Whether its leader has yet to recover.
    pub recovery: LeaderRecovery,
    /// A replica that may have lost records.
    pub lost: Option<BrokerId>,
    /// How a leader is elected.
    pub election: Election,
}

impl Target {
    /// What the partition is, with an election.
    pub(crate) fn of(partition: &Partition, election: Election) -> Target {
        Target { isr: partition.isr.clone(), recovery: partition.recovery, lost: None, election }
    }
}

/// The change that makes a partition what it is to be, or none when it is that already. `may_lead` says which
/// replicas are available.
pub(crate) fn change(
    key: PartitionKey,
    partition: &Partition,
    target: Target,
    rules: Rules,
    may_lead: &dyn Fn(BrokerId) -> bool,
) -> Option<PartitionChangeRecord> {
    let Target { mut isr, mut recovery, lost, election } = target;
    let mut elr = match rules.elr {
        true => eligible(partition, &isr, lost, rules.min_isr),
        // Of when the feature was finalized. The first change forgets it, until then it holds.
        false => sorted(partition.elr.clone()),
    };
    let (leader, unclean) = elect(partition, &isr, &elr, election, rules, may_lead);
    if let Some(leader) = leader.filter(|_| leader != partition.leader) {
        if unclean {
            (isr, elr, recovery) = (vec![leader], Vec::new(), LeaderRecovery::Recovering);
        } else if elr.contains(&leader) {
            isr = vec![leader];
            elr.retain(|member| *member != leader);
        }
    }
    if !rules.elr {
        elr.clear();
        if isr.is_empty() {
            isr.clone_from(&partition.isr);
        }
    }
    let last_known = match (partition.leader, leader) {
        (Some(last), None) if rules.elr && partition.last_known_elr.is_empty() => Some(vec![last.0]),
        (before, Some(now)) if before != Some(now) && !partition.last_known_elr.is_empty() && rules.elr => {
            Some(Vec::new())
        }
        _ => None,
    };
    let record = PartitionChangeRecord {
        topic_id: key.topic.0,
        partition_id: key.index.0,
        isr: (isr != partition.isr).then(|| broker_ids(&isr)),
        leader: match leader {
            same if same == partition.leader => LEADER_UNCHANGED,
            other => other.unwrap_or(BrokerId::NONE).0,
        },
        leader_recovery_state: match recovery {
            same if same == partition.recovery => -1,
            LeaderRecovery::Recovered => 0,
            LeaderRecovery::Recovering => 1,
        },
        eligible_leader_replicas: (elr != sorted(partition.elr.clone())).then(|| broker_ids(&elr)),
        last_known_elr: last_known,
        ..PartitionChangeRecord::default()
    };
    let nothing = PartitionChangeRecord {
        topic_id: key.topic.0,
        partition_id: key.index.0,
        ..PartitionChangeRecord::default()
    };
    (record != nothing).then_some(record)
}

/// The replicas outside of `isr` that have everything committed, ascending.
fn eligible(
    partition: &Partition,
    isr: &[BrokerId],
    lost: Option<BrokerId>,
    min_isr: usize,
) -> Vec<BrokerId> {
    if isr.len() >= min_isr {
        return Vec::new();
    }
    let known = partition.elr.iter().chain(&partition.isr).copied();
    sorted(known.filter(|id| !isr.contains(id) && Some(*id) != lost).collect())
}

fn sorted(mut ids: Vec<BrokerId>) -> Vec<BrokerId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Who leads, and whether it may lack what is committed.
fn elect(
    partition: &Partition,
    isr: &[BrokerId],
    elr: &[BrokerId],
    election: Election,
    rules: Rules,
    may_lead: &dyn Fn(BrokerId) -> bool,
) -> (Option<BrokerId>, bool) {
    let set = if isr.is_empty() { elr } else { isr };
    let eligible = |id: &BrokerId| set.contains(id) && may_lead(*id);
    let first = |of: &[BrokerId]| of.iter().copied().find(|id| eligible(id));
    let preferred = match election {
        Election::Preferred => first(&partition.replicas[..1]),
        Election::Online | Election::Unclean => None,
    };
    let stays = || partition.leader.filter(|leader| eligible(leader));
    if let Some(leader) = preferred.or_else(stays).or_else(|| first(&partition.replicas)) {
        return (Some(leader), false);
    }
    let last = match partition.last_known_elr.as_slice() {
        [last] if rules.elr && set.is_empty() && may_lead(*last) => Some(*last),
        _ => None,
    };
    let anybody = || match election {
        Election::Unclean => partition.replicas.iter().copied().find(|id| may_lead(*id)),
        Election::Preferred | Election::Online => None,
    };
    (last.or_else(anybody), true)
}

#[cfg(test)]
#[path = "partition_change_test.rs"]
mod tests;

#[cfg(test)]
#[path = "partition_change_prop.rs"]
mod properties;
