//! Who is fenced has been silent for as long as a session lasts, who has been silent for so long is fenced, and who is
//! told to shut down is asked for nothing any more: whatever is heard, and whoever is the controller.

use crate::scene::Scene;
use model::time::Duration;
use model::{BrokerId, Instant, Offset};
use proptest::prelude::*;
use records::metadata::MetadataRecord;
use std::collections::BTreeMap;

const TIMEOUT: Duration = Duration::from_secs(9);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A broker tells how much of the committed log it has applied, in 255ths of what it has not told yet.
    Heartbeat {
        id: i32,
        applied: u8,
        want_shutdown: bool,
    },
    HeardOf(i32),
    Restart(i32),
    Pass {
        ms: u64,
    },
    Commit,
    Failover,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 1..4i32;
    prop_oneof![
        6 => (id.clone(), any::<u8>(), prop::bool::weighted(0.3))
            .prop_map(|(id, applied, want_shutdown)| Step::Heartbeat { id, applied, want_shutdown }),
        2 => id.clone().prop_map(Step::HeardOf),
        1 => id.prop_map(Step::Restart),
        3 => (0..5000u64).prop_map(|ms| Step::Pass { ms }),
        4 => Just(Step::Commit),
        1 => Just(Step::Failover),
    ]
}

/// What the brokers know that no controller remembers.
#[derive(Default)]
struct Witness {
    /// When each incarnation was last heard of; it counts from when the controller began, if that is later.
    heard: BTreeMap<BrokerId, Instant>,
    since: Instant,
    /// The last offset that each has told.
    applied: BTreeMap<BrokerId, i64>,
}

impl Witness {
    fn silent_for(&self, now: Instant, id: BrokerId) -> Duration {
        now - self.heard.get(&id).copied().unwrap_or_default().max(self.since)
    }

    /// Where the broker lost the last leadership that it had.
    fn lost_leadership(scene: &Scene, id: BrokerId) -> Option<Offset> {
        let mut image = crate::ClusterImage::new(crate::scene::cluster_id());
        let mut lost = None;
        for (offset, record) in &scene.log {
            let led = |image: &crate::ClusterImage| match record {
                MetadataRecord::PartitionChange(change) => {
                    let topic = image.topic(model::TopicId(change.topic_id)).unwrap();
                    topic.partition(model::PartitionIndex(change.partition_id)).unwrap().leader == Some(id)
                }
                _ => false,
            };
            let before = led(&image);
            image.replay(*offset, record).unwrap();
            if before && !led(&image) {
                lost = Some(*offset);
            }
        }
        lost
    }
}

fn take(scene: &mut Scene, witness: &mut Witness, step: Step) {
    match step {
        Step::Heartbeat { id, applied, want_shutdown } => {
            let broker = BrokerId(id);
            let told = witness.applied.get(&broker).copied().unwrap_or(-1);
            let last = scene.controller.committed().end().0 - 1;
            let metadata_offset = told + (last - told) * i64::from(applied) / 255;
            let was_leaving = scene.image().broker(broker).unwrap().is_leaving();
            let reply = scene.heartbeat_with(id, |request| {
                (request.metadata_offset, request.want_shutdown) = (Offset(metadata_offset), want_shutdown);
            });
            witness.heard.insert(broker, scene.now);
            witness.applied.insert(broker, metadata_offset);
            if reply.should_shut_down {
                assert!(!scene.image().leads_any(broker) && !scene.controller.in_session(scene.now, broker));
            }
            if reply.should_shut_down && was_leaving {
                let lost = Witness::lost_leadership(scene, broker);
                for other in scene.image().brokers().filter(|other| other.is_active()) {
                    let knows = witness.applied.get(&other.id).map(|applied| Offset(*applied));
                    assert!(
                        lost <= knows,
                        "{} still sends clients to {broker}: {knows:?}, {lost:?}",
                        other.id
                    );
                }
            }
        }
        Step::HeardOf(id) => {
            scene.controller.heard_of(scene.now, BrokerId(id), scene.epoch_of(id));
            witness.heard.insert(BrokerId(id), scene.now);
        }
        Step::Restart(id) => {
            scene.restart(id);
            witness.applied.remove(&BrokerId(id));
        }
        Step::Pass { ms } => {
            let before = scene.image().clone();
            let fenced = scene.pass(Duration::from_millis(ms));
            for broker in before.brokers().filter(|broker| !broker.fenced) {
                let silent = witness.silent_for(scene.now, broker.id) >= TIMEOUT;
                assert_eq!(fenced.contains(&broker.id.0), silent, "{} of {fenced:?}", broker.id);
            }
        }
        Step::Commit => _ = scene.commit(),
        Step::Failover => {
            scene.resign();
            scene.lead();
            scene.commit();
            witness.since = scene.now;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_silent_are_fenced_and_nobody_else(steps in prop::collection::vec(step(), 1..60)) {
        let mut scene = Scene::with_brokers(&[1, 2, 3]);
        let mut topic = scene.topic("orders");
        (topic.partitions, topic.replication_factor) = (3, 2);
        scene.create(vec![topic]).unwrap();
        scene.commit();
        let mut witness = Witness::default();
        for step in steps {
            take(&mut scene, &mut witness, step);
        }
    }
}
