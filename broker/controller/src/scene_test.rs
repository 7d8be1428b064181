//! A controller and its log, for tests: decisions are appended, and committed when the test says so.

use crate::brokers;
use crate::{
    BrokerRegistration, ClusterImage, Controller, CreateTopics, Decision, Due, Heartbeat, HeartbeatReply,
    NewTopic, NodeEndpoint, Refusal, Settings, TopicDraws, TopicOutcome, features,
};
use model::config::Overrides;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, ClusterId, DirectoryId, Instant, LeaderEpoch, Offset, Uuid};
use records::metadata::MetadataRecord;
use std::sync::Arc;

/// A controller, everything ever appended, and a source of draws.
pub struct Scene {
    pub controller: Controller,
    /// Offsets and records; what a resignation took back is gone from here too.
    pub log: Vec<(Offset, MetadataRecord)>,
    pub end: Offset,
    pub epoch: LeaderEpoch,
    pub draws: u64,
    /// What time it is.
    pub now: Instant,
    /// The largest batch of a decision that may be cut.
    pub batch_max: usize,
}

impl Scene {
    /// An active controller whose bootstrap records are committed.
    pub fn new() -> Scene {
        let mut scene = Scene::standby();
        scene.lead();
        scene.commit();
        scene
    }

    pub fn settings() -> Settings {
        Settings {
            node: BrokerId(1),
            num_partitions: 2,
            default_replication_factor: 1,
            fixed: Overrides::new(),
            session_timeout: Duration::from_secs(9),
            delete_topics: true,
            leader_balance: Some(Duration::from_secs(300)),
        }
    }

    pub fn standby() -> Scene {
        let controller = Controller::new(cluster_id(), Scene::settings());
        Scene {
            controller,
            log: Vec::new(),
            end: Offset::ZERO,
            epoch: LeaderEpoch(0),
            draws: 0,
            now: Instant(0),
            batch_max: 2,
        }
    }

    /// An active controller with these brokers, all of them available.
    pub fn with_brokers(ids: &[i32]) -> Scene {
        let mut scene = Scene::new();
        for id in ids {
            scene.register(*id);
            scene.unfence(*id);
        }
        scene.commit();
        scene
    }

    /// Wins an election: a control record goes into the log, then what activation decides.
    pub fn lead(&mut self) {
        self.epoch = self.epoch.next();
        self.end = self.end.plus(1);
        self.controller.follow_to(self.end);
        let decision = self.controller.became_leader(self.now, self.epoch);
        self.append(decision);
    }

    /// Appends a decision in the bytes it would have on disk.
    pub fn append<T>(&mut self, decision: Decision<T>) -> T {
        let bytes = decision.records.iter().map(|record| record.encode().unwrap());
        let records: Vec<_> = bytes.map(|bytes| MetadataRecord::decode(bytes).unwrap()).collect();
        assert_eq!(records, decision.records, "what was decided survives its encoding");
        for batch in decision.batches(self.batch_max) {
            self.controller.appended(self.end, batch).unwrap();
            self.image().assert_invariants();
            for record in batch {
                self.log.push((self.end, record.clone()));
                self.end = self.end.plus(1);
            }
        }
        decision.reply
    }

    pub fn commit(&mut self) -> bool {
        self.controller.committed_to(self.end)
    }

    pub fn resign(&mut self) {
        self.controller.resigned();
        let kept = self.controller.committed().end();
        self.log.retain(|(offset, _)| *offset < kept);
        self.end = self.end.max(kept);
    }

    pub fn draw(&mut self) -> u64 {
        // The finalizer of splitmix64 over a counter: any spread-out numbers will do.
        self.draws += 1;
        let mut z = self.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn registration(&mut self, id: i32) -> BrokerRegistration {
        let incarnation = Uuid::from_draws(self.draw(), self.draw());
        registration(id, incarnation)
    }

    pub fn register(&mut self, id: i32) -> BrokerEpoch {
        let request = self.registration(id);
        let decision = self.controller.register_broker(&request, self.end, false).unwrap();
        self.append(decision)
    }

    /// A new incarnation that vouches for what the one before it left.
    pub fn restart(&mut self, id: i32) -> BrokerEpoch {
        let mut request = self.registration(id);
        request.previous_epoch = Some(self.epoch_of(id));
        let decision = self.controller.register_broker(&request, self.end, false).unwrap();
        self.append(decision)
    }

    pub fn epoch_of(&self, id: i32) -> BrokerEpoch {
        self.image().broker(BrokerId(id)).unwrap().epoch
    }

    pub fn unfence(&mut self, id: i32) {
        let last = Offset(self.end.0 - 1);
        self.heartbeat_with(id, |request| request.metadata_offset = last);
    }

    pub fn fence(&mut self, id: i32) {
        let decision = self.controller.gone(BrokerId(id), self.epoch_of(id)).unwrap();
        self.append(decision);
    }

    pub fn shut_down(&mut self, id: i32) {
        let (broker, settings) = (BrokerId(id), Scene::settings());
        let decision = brokers::shut_down(self.image(), broker, self.epoch_of(id), &settings).unwrap();
        self.append(decision);
    }

    /// A heartbeat of a broker that has applied everything that is committed.
    pub fn heartbeat(&mut self, id: i32) -> HeartbeatReply {
        self.heartbeat_with(id, |_| {})
    }

    pub fn heartbeat_with(&mut self, id: i32, change: impl FnOnce(&mut Heartbeat)) -> HeartbeatReply {
        let mut request = Heartbeat {
            id: BrokerId(id),
            epoch: self.epoch_of(id),
            metadata_offset: Offset(self.controller.committed().end().0 - 1),
            want_fence: false,
            want_shutdown: false,
        };
        change(&mut request);
        let decision = self.controller.heartbeat(self.now, &request).unwrap();
        self.append(decision)
    }

    /// Time passes, and what is due is done. Says which brokers were fenced.
    pub fn pass(&mut self, time: Duration) -> Vec<i32> {
        self.now = self.now + time;
        let mut fenced = Vec::new();
        while let Some(decision) = self.controller.expire(self.now) {
            if let Due::Fenced(id, _) = self.append(decision) {
                fenced.push(id.0);
            }
        }
        fenced
    }

    pub fn image(&self) -> &ClusterImage {
        self.controller.speculative()
    }

    /// A topic with default numbers, to be changed.
    pub fn topic(&mut self, name: &str) -> NewTopic {
        let draws = TopicDraws { id: [self.draw(), self.draw()], start: 0 };
        NewTopic {
            name: name.to_owned(),
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
            draws,
        }
    }

    pub fn create(&mut self, topics: Vec<NewTopic>) -> Result<Vec<TopicOutcome>, Refusal> {
        let request = CreateTopics { topics, validate_only: false };
        let decision = self.controller.create_topics(&request)?;
        Ok(self.append(decision))
    }

    /// The image that the log gives from the beginning.
    pub fn replayed(&self) -> ClusterImage {
        let mut image = ClusterImage::new(cluster_id());
        for (offset, record) in &self.log {
            image.replay(*offset, record).unwrap();
        }
        image
    }
}

pub fn cluster_id() -> ClusterId {
    ClusterId(Arc::from("tide"))
}

pub fn registration(id: i32, incarnation: Uuid) -> BrokerRegistration {
    let endpoint = NodeEndpoint {
        name: "PLAINTEXT".to_owned(),
        host: format!("b{id}"),
        port: 9092,
        security_protocol: 0,
    };
    BrokerRegistration {
        id: BrokerId(id),
        cluster_id: cluster_id(),
        incarnation,
        endpoints: vec![endpoint],
        features: features::supported(),
        rack: None,
        directories: vec![directory(id)],
        previous_epoch: None,
    }
}

pub fn directory(id: i32) -> DirectoryId {
    DirectoryId(Uuid::from_draws(id as u64 + 1, 7))
}
