//! Whoever is elected cleanly has everything that is committed, whatever brokers do and in which order.
//!
//! A model of one partition: each replica is a number of records, the leader commits what its whole ISR has while that
//! is as large as it must be, and brokers go down with and without loss. What is elected while `recovery` says that
//! nothing was lost must have all that was committed.

use crate::image::ClusterImage;
use crate::partition_change::{Election, Rules, Target, change};
use crate::scene::cluster_id;
use crate::topic::{LeaderRecovery, Partition};
use model::{BrokerId, PartitionIndex, PartitionKey, TopicId, Uuid};
use proptest::prelude::*;
use records::metadata::{MetadataRecord, PartitionRecord, TopicRecord};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The leader appends, and those of the ISR in the mask get it.
    Produce(u8),
    /// Everybody in the ISR gets everything.
    Replicate,
    /// The leader takes a replica out of the ISR, or one in that has everything.
    Shrink(i32),
    Expand(i32),
    /// A broker is fenced, with all its records.
    Gone(i32),
    /// Its next incarnation registers, having lost some of them.
    Lost(i32, i64),
    Back(i32),
    Prefer,
}

const REPLICAS: std::ops::Range<i32> = 0..4;

struct Model {
    image: ClusterImage,
    key: PartitionKey,
    rules: Rules,
    available: BTreeSet<BrokerId>,
    ends: [i64; 4],
    committed: i64,
}

impl Model {
    fn new(rules: Rules) -> Model {
        let key = PartitionKey { topic: TopicId(Uuid::from_draws(1, 1)), index: PartitionIndex(0) };
        let mut model = Model {
            image: ClusterImage::new(cluster_id()),
            key,
            rules,
            available: REPLICAS.map(BrokerId).collect(),
            ends: [0; 4],
            committed: 0,
        };
        model.replay(TopicRecord { name: "t".to_owned(), topic_id: key.topic.0 }.into());
        let record = PartitionRecord {
            partition_id: 0,
            topic_id: key.topic.0,
            replicas: REPLICAS.collect(),
            isr: REPLICAS.collect(),
            leader: 0,
            leader_epoch: 0,
            partition_epoch: 0,
            ..Default::default()
        };
        model.replay(record.into());
        model
    }

    fn replay(&mut self, record: MetadataRecord) {
        let end = self.image.end();
        self.image.replay(end, &record).unwrap();
    }

    fn partition(&self) -> Arc<Partition> {
        self.image.partition(self.key).unwrap().clone()
    }

    fn end(&self, id: BrokerId) -> i64 {
        self.ends[id.0 as usize]
    }

    fn change(&mut self, target: Target) {
        let before = self.partition();
        let lost = target.lost;
        let may_lead = |id: BrokerId| self.available.contains(&id);
        if let Some(record) = change(self.key, &before, target, self.rules, &may_lead) {
            self.replay(record.into());
        }
        let after = self.partition();
        after.assert_invariants();
        assert!(after.leader.is_none_or(|leader| self.available.contains(&leader)));
        assert!(after.isr.len() < self.rules.min_isr || after.elr.is_empty(), "a large ISR needs no ELR");
        if after.leader.is_none() {
            assert!(
                !after.isr.iter().chain(&after.elr).any(|id| self.available.contains(id)),
                "one could lead"
            );
        }
        let Some(leader) = after.leader.filter(|_| after.leader_epoch != before.leader_epoch) else { return };
        if after.recovery == LeaderRecovery::Recovered {
            assert!(self.end(leader) >= self.committed, "{leader} lacks what is committed: {after:?}");
        } else {
            let known = before.isr.iter().chain(&before.elr).filter(|id| Some(**id) != lost);
            assert_eq!(known.count(), 0, "one is known to have everything: {before:?}");
            // It was said that something may be lost, and from here on it is.
            self.committed = self.committed.min(self.end(leader));
            let mut target = Target::of(&after, Election::Online);
            target.recovery = LeaderRecovery::Recovered;
            self.change(target);
        }
        // Followers truncate to what their leader has.
        let end = self.end(leader);
        self.ends.iter_mut().for_each(|other| *other = end.min(*other));
    }

    fn commit(&mut self) {
        let partition = self.partition();
        if partition.leader.is_some() && partition.isr.len() >= self.rules.min_isr {
            let least = partition.isr.iter().map(|id| self.end(*id)).min().unwrap();
            self.committed = self.committed.max(least);
        }
    }

    fn take(&mut self, step: Step) {
        let partition = self.partition();
        let mut target = Target::of(&partition, Election::Online);
        match (step, partition.leader) {
            (Step::Produce(mask), Some(leader)) => {
                self.ends[leader.0 as usize] += 1;
                let end = self.end(leader);
                let gets = |id: &&BrokerId| mask & (1 << id.0) != 0 && self.available.contains(id);
                for id in partition.isr.iter().filter(gets).copied().collect::<Vec<_>>() {
                    self.ends[id.0 as usize] = end;
                }
            }
            (Step::Replicate, Some(leader)) => {
                let end = self.end(leader);
                partition.isr.iter().for_each(|id| self.ends[id.0 as usize] = end);
            }
            (Step::Shrink(id), Some(leader)) if leader.0 != id => {
                target.isr.retain(|member| member.0 != id);
                self.change(target);
            }
            (Step::Expand(id), Some(leader)) if self.available.contains(&BrokerId(id)) => {
                self.ends[id as usize] = self.end(leader);
                if !target.isr.contains(&BrokerId(id)) {
                    target.isr.push(BrokerId(id));
                }
                self.change(target);
            }
            (Step::Gone(id), _) => {
                self.available.remove(&BrokerId(id));
                target.isr.retain(|member| member.0 != id);
                self.change(target);
            }
            (Step::Lost(id, records), _) => {
                self.available.remove(&BrokerId(id));
                self.ends[id as usize] = (self.ends[id as usize] - records).max(0);
                target.isr.retain(|member| member.0 != id);
                target.lost = Some(BrokerId(id));
                self.change(target);
            }
            (Step::Back(id), leader) => {
                self.available.insert(BrokerId(id));
                if leader.is_none() {
                    self.change(target);
                }
            }
            (Step::Prefer, _) => {
                target.election = Election::Preferred;
                self.change(target);
            }
            _ => {}
        }
        self.commit();
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u8>().prop_map(Step::Produce),
        2 => Just(Step::Replicate),
        1 => REPLICAS.prop_map(Step::Shrink),
        2 => REPLICAS.prop_map(Step::Expand),
        2 => REPLICAS.prop_map(Step::Gone),
        1 => (REPLICAS, 0..3i64).prop_map(|(id, records)| Step::Lost(id, records)),
        3 => REPLICAS.prop_map(Step::Back),
        1 => Just(Step::Prefer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn clean_leaders_have_what_is_committed(
        min_isr in 1..5usize,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut model = Model::new(Rules { elr: true, min_isr, unclean: false });
        for step in steps {
            model.take(step);
        }
    }
}
