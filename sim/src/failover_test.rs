//! A controller that hangs, can't write or dies, and brokers whose addresses lead nowhere: what others make of it.

use super::*;
use crate::runtime::{NodeHandle, World, WorldKnobs, run_seed};
use crate::trace::What;
use ::client::Connection;
use ::client::single::{self, Topic};
use ::runtime::{Event, Runtime, Sign};
use model::time::Duration;
use model::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId, Uuid};
use protocol::ErrorCode;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use records::batch::BatchBuilder;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// CreateTopics of an age that knows of partitions and errors, no more.
const CREATE: i16 = 2;
/// Metadata of an age that knows of no topic ids.
const METADATA: i16 = 9;
/// Produce of an age that knows of no topic ids.
const PRODUCE: i16 = 9;
/// Requests under way when the controller is paused.
const REQUESTS: usize = 8;
/// So soon after there is another controller everything must be answered, in nanoseconds. Nobody here waits for each other.
const ANSWERED_WITHIN: u64 = 1_000_000_000;
/// So soon after its successor's election a dead controller's broker is found dead, in nanoseconds, if it was reachable.
const FOUND_WITHIN: u64 = 500_000_000;
/// So soon if it was not: before its session is over.
const MISSED_WITHIN: u64 = 5_000_000_000;
/// So soon after a leader had no space another leads that has some, in milliseconds.
const GIVEN_WAY_WITHIN_MS: u64 = 2_000;
/// So many connections may be tried in seven seconds while one broker is gone.
const CONNECTIONS_MAX: u64 = 100;

/// Three brokers, some or all of them controllers too.
struct Scene {
    world: World,
    nodes: Vec<NodeHandle>,
    client: SimRuntime,
    /// Who was elected, and when in true nanoseconds.
    elected: Arc<Mutex<Vec<(usize, u64)>>>,
    /// Who was found dead by what, and when.
    fenced: Arc<Mutex<Vec<(usize, Sign, u64)>>>,
}

/// What a cluster is like.
#[derive(Clone, Copy)]
struct Kind {
    /// So many of the nodes are controllers.
    controllers: usize,
    /// The brokers advertise addresses where nobody listens.
    unreachable: bool,
}

const USUAL: Kind = Kind { controllers: 3, unreachable: false };

fn run<T, F, Fut>(seed: u64, kind: Kind, main: F) -> T
where
    F: FnOnce(Scene) -> Fut + Send + 'static,
    Fut: Future<Output = T>,
    T: Send + 'static,
{
    let finished = run_seed(seed, WorldKnobs::default(), move |world| async move {
        let nodes: Vec<NodeHandle> = (1..=3).map(|id| world.node(&format!("b{id}"))).collect();
        let elected = Arc::new(Mutex::new(Vec::new()));
        let fenced = Arc::new(Mutex::new(Vec::new()));
        let ids: Vec<_> = nodes.iter().map(NodeHandle::id).collect();
        let (elections, fencings) = (elected.clone(), fenced.clone());
        world.subscribe(move |record| match &record.what {
            What::Event(Event::BecameLeader { partition, .. })
                if partition.topic == TopicId(Uuid::METADATA_TOPIC) =>
            {
                let at = ids.iter().position(|id| *id == record.node).expect("a node of the cluster");
                elections.lock().unwrap().push((at, record.at_nanos));
            }
            What::Event(Event::BrokerFenced { broker, sign, .. }) => {
                fencings.lock().unwrap().push((broker.0 as usize - 1, *sign, record.at_nanos));
            }
            _ => {}
        });
        let mut client = None;
        world.node("client").boot(|runtime| {
            client = Some(runtime);
            std::future::pending()
        });
        let scene = Scene { world, nodes, client: client.unwrap(), elected, fenced };
        (0..3).for_each(|node| scene.boot(node, kind));
        main(scene).await
    });
    finished.unwrap_or_else(|failure| panic!("seed {seed}: {failure}")).value
}

impl Scene {
    fn boot(&self, node: usize, kind: Kind) {
        let ip = self.nodes[node].ip();
        let voter = |(at, node): (usize, &NodeHandle)| format!("{}@{}:{CONTROLLER_PORT}", at + 1, node.ip());
        let voters: Vec<String> = self.nodes.iter().enumerate().take(kind.controllers).map(voter).collect();
        let advertised = if kind.unreachable { 19092 } else { 9092 };
        let (mut listeners, mut roles) = (format!("PLAINTEXT://{ip}:9092"), "broker");
        if node < kind.controllers {
            listeners += &format!(",CONTROLLER://{ip}:{CONTROLLER_PORT}");
            roles = "broker,controller";
        }
        let pairs = [
            ("node.id", (node + 1).to_string()),
            ("tidemark.shards", "1".to_string()),
            ("tidemark.cluster.id", "c2ltdWxhdGVkY2x1c3RlcQ".to_string()),
            ("controller.listener.names", "CONTROLLER".to_string()),
            ("controller.quorum.voters", voters.join(",")),
            ("advertised.listeners", format!("PLAINTEXT://{ip}:{advertised}")),
            ("listeners", listeners),
            ("process.roles", roles.to_string()),
        ];
        self.nodes[node].boot(move |runtime| async move {
            let pairs = pairs.into_iter().map(|(key, value)| (key.to_string(), value));
            let (settings, _) = BrokerSettings::from_pairs(pairs).unwrap();
            Broker::start(runtime, settings, 1024).await.unwrap().stopped().await;
        });
    }

    async fn connect(&self, node: usize) -> Connection<SimRuntime> {
        let addr = SocketAddr::new(self.nodes[node].ip(), 9092);
        loop {
            let soon = self.client.now() + Duration::from_secs(10);
            match Connection::open(&self.client, addr, "test", soon).await {
                Ok(connection) => return connection,
                Err(_) => self.world.sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Creates a topic. What is to be answered, and when: in true nanoseconds.
    fn create(
        &self,
        mut connection: Connection<SimRuntime>,
        name: String,
    ) -> impl Future<Output = (ErrorCode, u64)> + use<> {
        let (world, patient) = (self.world.clone(), self.client.now() + Duration::from_secs(60));
        async move {
            let request = single::create_topic(&name, 1, &[], 60_000);
            let response = connection.call(CREATE, &request, patient).await.unwrap();
            let code = single::created(&response).unwrap().error_code;
            (ErrorCode::from_code(code), world.now_nanos())
        }
    }

    /// The brokers that are shown to a client of the first one.
    async fn brokers(&self) -> Vec<i32> {
        self.ask_leader(&mut self.connect(0).await, "none").await.1
    }

    /// Creates a topic of one partition with three replicas.
    async fn create_replicated(&self, name: &str) {
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions: 1,
            replication_factor: 3,
            ..CreatableTopic::default()
        };
        let request =
            CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..CreateTopicsRequest::default() };
        let soon = self.client.now() + Duration::from_secs(10);
        let response = self.connect(0).await.call(CREATE, &request, soon).await.unwrap();
        assert_eq!(response.topics[0].error_code, 0);
    }

    /// Appends a record to a topic's partition, and waits for all replicas.
    async fn produce(&self, connection: &mut Connection<SimRuntime>, topic: &str) -> ErrorCode {
        let topic = Topic { name: topic.to_owned(), id: TopicId(Uuid::ZERO) };
        let mut batch = BatchBuilder::new(Offset(0), LeaderEpoch(-1));
        batch.push(Timestamp(1), None, Some(b"x"));
        let request = single::produce(&topic, PartitionIndex(0), -1, 30_000, batch.build());
        let patient = self.client.now() + Duration::from_secs(60);
        let response = connection.call(PRODUCE, &request, patient).await.unwrap();
        ErrorCode::from_code(single::produced(&response).unwrap().error_code)
    }

    /// The node that leads a topic's partition, as `node` tells.
    async fn leader_of(&self, node: usize, topic: &str) -> usize {
        self.ask_leader(&mut self.connect(node).await, topic).await.0
    }

    /// The node that leads a topic's partition, if there is such a topic, and the ids of the brokers that are shown.
    async fn ask_leader(&self, connection: &mut Connection<SimRuntime>, topic: &str) -> (usize, Vec<i32>) {
        let topic = MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest {
            topics: Some(vec![topic]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let soon = self.client.now() + Duration::from_secs(10);
        let response = connection.call(METADATA, &request, soon).await.unwrap();
        let mut brokers: Vec<i32> = response.brokers.iter().map(|broker| broker.node_id).collect();
        brokers.sort();
        let leader = response.topics[0].partitions.first().map_or(0, |partition| partition.leader_id);
        ((leader - 1).max(0) as usize, brokers)
    }

    /// Waits until all three serve.
    async fn ready(&self) {
        for node in 0..3 {
            let connection = self.connect(node).await;
            assert_eq!(self.create(connection, format!("ready-{node}")).await.0, ErrorCode::None);
        }
    }

    async fn seconds(&self, seconds: u64) {
        self.world.sleep(Duration::from_secs(seconds)).await;
    }

    fn fenced(&self) -> Vec<(usize, Sign, u64)> {
        self.fenced.lock().unwrap().clone()
    }

    fn active(&self) -> (usize, u64) {
        *self.elected.lock().unwrap().last().expect("somebody was elected")
    }
}

#[test]
fn a_paused_controller_holds_nobody_up() {
    let mut asked_was_elected = [false; 2];
    for seed in 0..6 {
        let itself = run(seed, USUAL, move |scene| async move {
            scene.ready().await;
            let (active, _) = scene.active();
            let asked = (active + 1) % 3;
            let mut requests = Vec::new();
            for n in 0..REQUESTS {
                let connection = scene.connect(asked).await;
                requests.push(scene.create(connection, format!("during-{n}")));
            }
            let paused = scene.world.now_nanos();
            scene.nodes[active].pause();
            let requests: Vec<_> = requests.into_iter().map(|request| scene.world.spawn(request)).collect();
            let mut answers = Vec::new();
            for request in requests {
                answers.push(request.await.expect("nobody aborts it"));
            }
            let (next, elected) = scene.active();
            assert!(next != active && elected > paused, "another one leads");
            // One was under way when the controller was paused: nobody can say what becomes of it. The others were in line.
            let unknown = answers.iter().filter(|(code, _)| *code == ErrorCode::NotController).count();
            assert!(unknown <= 1, "seed {seed}: {answers:?}");
            for (code, at) in answers {
                assert!(matches!(code, ErrorCode::None | ErrorCode::NotController), "seed {seed}: {code:?}");
                let after_ms = at.saturating_sub(elected) / 1_000_000;
                assert!(at < elected + ANSWERED_WITHIN, "seed {seed}: {after_ms} ms after the election");
            }
            next == asked
        });
        asked_was_elected[usize::from(itself)] = true;
    }
    assert_eq!(asked_was_elected, [true; 2], "both the node asked and another one were elected");
}

#[test]
fn a_controller_whose_disk_is_full_gives_way_to_one_that_has_space() {
    for seed in 0..6 {
        run(seed, USUAL, move |scene| async move {
            let ready = scene.connect(0).await;
            assert_eq!(scene.create(ready, "before".to_string()).await.0, ErrorCode::None);
            let (full, _) = scene.active();
            scene.nodes[full].disk().adjust(|knobs| knobs.capacity_bytes = 1);
            let other = (full + 1) % 3;
            // The controller learns of it when it has something to write, and one may be on its way there meanwhile.
            let mut refused = Vec::new();
            loop {
                let name = format!("after-{}", refused.len());
                let (code, _) = scene.create(scene.connect(other).await, name).await;
                if code == ErrorCode::None {
                    break;
                }
                refused.push((code, scene.active().0));
                assert!(
                    refused.len() <= 2,
                    "seed {seed}: nobody who has space leads: {refused:?}, full {full}"
                );
            }
            assert_ne!(scene.active().0, full, "seed {seed}");
            // What is written from then on needs two nodes of three, and brokers that die are found dead.
            let dies = (0..3).find(|node| *node != full && *node != scene.active().0).expect("a third");
            scene.nodes[dies].kill();
            scene.boot(dies, USUAL);
            let again = scene.create(scene.connect(dies).await, "again".to_string()).await;
            assert_eq!(again.0, ErrorCode::None, "seed {seed}");
        });
    }
}

#[test]
fn a_controller_that_dies_is_found_dead_by_the_next_one() {
    for seed in 0..4 {
        run(seed, USUAL, move |scene| async move {
            scene.ready().await;
            scene.seconds(3).await;
            let (dead, _) = scene.active();
            scene.nodes[dead].kill();
            scene.seconds(5).await;
            let (next, elected) = scene.active();
            assert_ne!(next, dead);
            let fenced = scene.fenced();
            let [(id, Sign::Refused, at)] = fenced[..] else { panic!("seed {seed}: {fenced:?}") };
            let after_ms = at.saturating_sub(elected) / 1_000_000;
            assert!(id == dead && at < elected + FOUND_WITHIN, "seed {seed}: {id} after {after_ms} ms");
        });
    }
}

#[test]
fn a_broker_that_has_no_space_for_metadata_is_fenced_until_it_has() {
    for seed in 0..4 {
        run(seed, Kind { controllers: 1, ..USUAL }, move |scene| async move {
            scene.ready().await;
            assert_eq!(scene.brokers().await, [1, 2, 3]);
            let disk = scene.nodes[2].disk();
            disk.adjust(|knobs| knobs.capacity_bytes = 1);
            let (code, _) = scene.create(scene.connect(0).await, "unheard-of".to_string()).await;
            assert_eq!(code, ErrorCode::None);
            scene.seconds(5).await;
            assert_eq!(scene.brokers().await, [1, 2], "seed {seed}");
            disk.adjust(|knobs| knobs.capacity_bytes = u64::MAX);
            scene.seconds(5).await;
            assert_eq!(scene.brokers().await, [1, 2, 3], "seed {seed}");
        });
    }
}

#[test]
fn a_leader_whose_disk_is_full_gives_way_to_one_that_has_space() {
    for seed in 0..8 {
        run(seed, USUAL, move |scene| async move {
            scene.ready().await;
            scene.create_replicated("t").await;
            scene.seconds(3).await;
            let full = scene.leader_of(0, "t").await;
            let disk = scene.nodes[full].disk();
            // Half of the times what the controllers decide finds space yet.
            let left = seed % 2 * 10_000;
            disk.adjust(|knobs| knobs.capacity_bytes = disk.used_bytes() + left);
            let mut at = full;
            let mut refused = None;
            let after_ms = loop {
                let code = scene.produce(&mut scene.connect(at).await, "t").await;
                let now = scene.world.now_nanos();
                let since = *refused.get_or_insert(now);
                match code {
                    ErrorCode::None if at != full => break (now - since) / 1_000_000,
                    // It has some space left.
                    ErrorCode::None => refused = None,
                    ErrorCode::KafkaStorageError | ErrorCode::NotLeaderOrFollower => {}
                    other => panic!("seed {seed}: {other:?}"),
                }
                at = scene.leader_of((full + 1) % 3, "t").await;
            };
            assert!(after_ms < GIVEN_WAY_WITHIN_MS, "seed {seed}: after {after_ms} ms");
            // It is shown for a while after it is fenced.
            scene.seconds(3).await;
            let (_, shown) = scene.ask_leader(&mut scene.connect((full + 1) % 3).await, "t").await;
            assert!(!shown.contains(&(full as i32 + 1)), "seed {seed}: it is fenced");
            disk.adjust(|knobs| knobs.capacity_bytes = 0);
            scene.seconds(3).await;
            assert_eq!(scene.brokers().await, [1, 2, 3], "seed {seed}");
        });
    }
}

#[test]
fn whoever_asks_who_leads_when_a_leader_has_died_hears_of_the_next_one_at_once() {
    for seed in 0..6 {
        run(seed, USUAL, move |scene| async move {
            scene.ready().await;
            scene.create_replicated("t").await;
            scene.seconds(3).await;
            let (mut connection, first) = (scene.connect(0).await, scene.leader_of(0, "t").await);
            let asked = (first + 1) % 3;
            if asked != 0 {
                connection = scene.connect(asked).await;
            }
            scene.nodes[first].kill();
            // As soon as a client can hear of it.
            scene.world.sleep(Duration::from_millis(2)).await;
            let died = scene.world.now_nanos();
            let (next, brokers) = scene.ask_leader(&mut connection, "t").await;
            let after_ms = (scene.world.now_nanos() - died) / 1_000_000;
            assert_ne!(next, first, "seed {seed}, after {after_ms} ms");
            assert!(brokers.contains(&(first as i32 + 1)), "seed {seed}: {brokers:?}");
            scene.seconds(3).await;
            let (_, brokers) = scene.ask_leader(&mut connection, "t").await;
            assert!(!brokers.contains(&(first as i32 + 1)), "seed {seed}: {brokers:?}");
        });
    }
}

#[test]
fn whoever_waits_at_a_leader_that_is_cut_off_is_sent_away_soon() {
    for seed in 0..4 {
        run(seed, USUAL, move |scene| async move {
            scene.ready().await;
            scene.create_replicated("t").await;
            scene.seconds(3).await;
            let leader = scene.leader_of(0, "t").await;
            let mut connection = scene.connect(leader).await;
            assert_eq!(scene.produce(&mut connection, "t").await, ErrorCode::None);
            let others: Vec<_> =
                (0..3).filter(|node| *node != leader).map(|node| scene.nodes[node].id()).collect();
            scene.world.net().partition(&[scene.nodes[leader].id()], &others);
            let cut = scene.world.now_nanos();
            assert_eq!(
                scene.produce(&mut connection, "t").await,
                ErrorCode::NotLeaderOrFollower,
                "seed {seed}"
            );
            let after_ms = (scene.world.now_nanos() - cut) / 1_000_000;
            assert!((3_000..5_000).contains(&after_ms), "seed {seed}: after {after_ms} ms");
            let next = scene.leader_of((leader + 1) % 3, "t").await;
            assert_ne!(next, leader, "seed {seed}");
            assert_eq!(
                scene.produce(&mut scene.connect(next).await, "t").await,
                ErrorCode::None,
                "seed {seed}"
            );
        });
    }
}

#[test]
fn a_controller_that_stands_still_is_replaced_and_fenced_within_a_second_and_a_half() {
    for seed in 0..10 {
        run(seed, USUAL, move |scene| async move {
            scene.ready().await;
            scene.seconds(3).await;
            let (still, _) = scene.active();
            let paused = scene.world.now_nanos();
            scene.nodes[still].pause();
            scene.seconds(5).await;
            assert_ne!(scene.active().0, still);
            let fenced = scene.fenced();
            let [(id, Sign::Unanswered, at)] = fenced[..] else { panic!("seed {seed}: {fenced:?}") };
            let after_ms = at.saturating_sub(paused) / 1_000_000;
            let elected_ms = scene.active().1.saturating_sub(paused) / 1_000_000;
            assert!(
                id == still && after_ms < 1_500,
                "seed {seed}: {id} after {after_ms} ms, elected after {elected_ms}"
            );
        });
    }
}

#[test]
fn brokers_whose_addresses_lead_nowhere_are_fenced_when_they_are_dead_and_not_before() {
    for seed in 0..4 {
        run(seed, Kind { unreachable: true, ..USUAL }, move |scene| async move {
            scene.ready().await;
            scene.seconds(10).await;
            // Another one leads, to which nobody has ever answered.
            let (first, _) = scene.active();
            scene.nodes[first].pause();
            scene.seconds(3).await;
            scene.nodes[first].resume();
            scene.seconds(10).await;
            assert_ne!(scene.active().0, first);
            let unjustly: Vec<_> = scene.fenced().into_iter().filter(|(id, ..)| *id != first).collect();
            assert_eq!(unjustly, [], "seed {seed}");
            let (dead, now) = (3 - first - scene.active().0, scene.world.now_nanos());
            scene.nodes[dead].kill();
            scene.seconds(10).await;
            let found = scene.fenced().into_iter().filter(|(_, _, at)| *at > now).collect::<Vec<_>>();
            let [(id, Sign::Unanswered, at)] = found[..] else { panic!("seed {seed}: {found:?}") };
            assert!(
                id == dead && at < now + MISSED_WITHIN,
                "seed {seed}: {id} after {} ms",
                (at - now) / 1_000_000
            );
        });
    }
}

#[test]
fn a_death_that_cannot_be_written_down_is_not_asked_about_without_end() {
    run(1, Kind { controllers: 1, ..USUAL }, |scene| async move {
        scene.ready().await;
        scene.seconds(3).await;
        let (active, _) = scene.active();
        let dead = active + 1;
        // There is no other one that could take over.
        let disk = scene.nodes[active].disk();
        disk.adjust(|knobs| knobs.capacity_bytes = disk.used_bytes());
        // Connections are numbered, those that were refused included.
        let last = Arc::new(Mutex::new(0));
        let into = last.clone();
        scene.world.subscribe(move |record| {
            if let What::Wire(wire) = &record.what {
                let mut last = into.lock().unwrap();
                *last = wire.connection.max(*last);
            }
        });
        scene.world.watch_wire(true);
        drop(scene.connect(active).await);
        let before = *last.lock().unwrap();
        scene.nodes[dead].kill();
        // Not until its session is over, which is another reason to fence it.
        scene.seconds(5).await;
        assert_eq!((scene.fenced(), scene.active().0), (Vec::new(), active));
        disk.adjust(|knobs| knobs.capacity_bytes = 0);
        scene.seconds(2).await;
        assert!(matches!(scene.fenced()[..], [(id, Sign::Refused, _)] if id == dead), "{:?}", scene.fenced());
        drop(scene.connect(active).await);
        let opened = *last.lock().unwrap() - before;
        assert!((1..CONNECTIONS_MAX).contains(&opened), "{opened} connections");
    });
}
