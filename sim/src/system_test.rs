//! What a broker does with new partitions while its disk is full or slow.

use super::*;
use crate::runtime::{NodeHandle, World, WorldKnobs, run_seed};
use ::client::Connection;
use ::client::single::{self, Topic};
use ::runtime::Runtime;
use model::time::Duration;
use model::{Instant, PartitionIndex, TopicId, Uuid};
use protocol::ErrorCode;
use records::batch::BatchBuilder;
use std::net::SocketAddr;

/// CreateTopics of an age that knows of partitions and errors, no more.
const CREATE: i16 = 2;
/// Produce by name.
const PRODUCE: i16 = 9;

/// A broker with one shard, and a client connected to it.
struct Scene {
    world: World,
    broker: NodeHandle,
    client: SimRuntime,
    addr: SocketAddr,
}

fn run<T, F, Fut>(seed: u64, main: F) -> T
where
    F: FnOnce(Scene) -> Fut + Send + 'static,
    Fut: Future<Output = T>,
    T: Send + 'static,
{
    let finished = run_seed(seed, WorldKnobs::default(), |world| async move {
        let (broker, node) = (world.node("b1"), world.node("client"));
        let addr = SocketAddr::new(broker.ip(), 9092);
        broker.boot(|runtime| async move {
            let pairs = [("node.id", "1".to_string()), ("tidemark.shards", "1".to_string())];
            let listen = [("listeners", format!("PLAINTEXT://{addr}"))];
            let pairs = pairs.into_iter().chain(listen).map(|(key, value)| (key.to_string(), value));
            let (settings, _) = BrokerSettings::from_pairs(pairs).unwrap();
            Broker::start(runtime, settings, 1024).await.unwrap().stopped().await;
        });
        let mut client = None;
        node.boot(|runtime| {
            client = Some(runtime);
            std::future::pending()
        });
        main(Scene { world, broker, client: client.unwrap(), addr }).await
    });
    finished.unwrap_or_else(|failure| panic!("{failure}")).value
}

impl Scene {
    fn soon(&self) -> Instant {
        self.client.now() + Duration::from_secs(60)
    }

    async fn connect(&self) -> Connection<SimRuntime> {
        loop {
            match Connection::open(&self.client, self.addr, "test", self.soon()).await {
                Ok(connection) => return connection,
                Err(_) => self.world.sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn create(
        &self,
        connection: &mut Connection<SimRuntime>,
        name: &str,
        partitions: i32,
    ) -> ErrorCode {
        let request = single::create_topic(name, partitions, &[], 60_000);
        let response = connection.call(CREATE, &request, self.soon()).await.unwrap();
        ErrorCode::from_code(single::created(&response).unwrap().error_code)
    }

    async fn produce(&self, connection: &mut Connection<SimRuntime>, name: &str) -> ErrorCode {
        let topic = Topic { name: name.to_string(), id: TopicId(Uuid::ZERO) };
        let mut batch = BatchBuilder::produced();
        batch.push(model::Timestamp(self.client.wall_ms()), None, Some(b"value"));
        let request = single::produce(&topic, PartitionIndex(0), -1, 30_000, batch.build());
        let response = connection.call(PRODUCE, &request, self.soon()).await.unwrap();
        ErrorCode::from_code(single::produced(&response).unwrap().error_code)
    }
}

#[test]
fn a_topic_created_on_a_full_disk_can_be_used_once_there_is_space() {
    let mut waited = 0;
    for left_bytes in (0..800).step_by(20) {
        waited += u32::from(run(left_bytes, move |scene| async move {
            let mut connection = scene.connect().await;
            assert_eq!(scene.create(&mut connection, "before", 1).await, ErrorCode::None);
            let disk = scene.broker.disk();
            disk.adjust(|knobs| knobs.capacity_bytes = disk.used_bytes() + left_bytes);
            let created = scene.create(&mut connection, "topic", 1).await;
            let produced = scene.produce(&mut connection, "topic").await;
            scene.world.sleep(Duration::from_secs(5)).await;
            disk.adjust(|knobs| knobs.capacity_bytes = 0);
            scene.world.sleep(Duration::from_secs(3)).await;
            match created {
                ErrorCode::KafkaStorageError => {
                    assert_eq!(produced, ErrorCode::UnknownTopicOrPartition);
                    assert_eq!(scene.create(&mut connection, "topic", 1).await, ErrorCode::None);
                }
                created => assert_eq!(created, ErrorCode::None, "{left_bytes} bytes left"),
            }
            assert_eq!(scene.produce(&mut connection, "topic").await, ErrorCode::None);
            assert_eq!(scene.produce(&mut connection, "before").await, ErrorCode::None);
            assert_eq!((scene.broker.is_up(), scene.broker.incarnation()), (true, 1));
            created == ErrorCode::None && produced == ErrorCode::NotLeaderOrFollower
        }));
    }
    assert!(waited > 0, "no size of the disk was between the topic's records and its partition's files");
}

#[test]
fn partitions_beyond_the_descriptors_are_refused_and_nothing_breaks() {
    run(1, |scene| async move {
        let mut connection = scene.connect().await;
        assert_eq!(scene.create(&mut connection, "small", 100).await, ErrorCode::None);
        assert_eq!(scene.create(&mut connection, "large", 285).await, ErrorCode::PolicyViolation);
        assert_eq!(scene.create(&mut connection, "fits", 284).await, ErrorCode::None);
        assert_eq!(scene.create(&mut connection, "one", 1).await, ErrorCode::PolicyViolation);
        assert_eq!(scene.produce(&mut connection, "fits").await, ErrorCode::None);
        let open = scene.broker.disk().open_files();
        assert!((384..500).contains(&open), "{open} files for 384 partitions: one each, and a few");
    });
}

#[test]
fn connections_beyond_the_descriptors_wait() {
    run(1, |scene| async move {
        let mut first = scene.connect().await;
        assert_eq!(scene.create(&mut first, "topic", 1).await, ErrorCode::None);
        let mut held = Vec::new();
        for _ in 1..384 {
            held.push(scene.connect().await);
        }
        assert_eq!(scene.produce(&mut held[382], "topic").await, ErrorCode::None);
        let mut beyond = scene.connect().await;
        let waiting = scene.produce(&mut beyond, "topic");
        tokio::pin!(waiting);
        tokio::select! { biased;
            code = &mut waiting => panic!("served beside 384 others: {code:?}"),
            () = scene.world.sleep(Duration::from_secs(5)) => {}
        }
        held.pop();
        assert_eq!(waiting.await, ErrorCode::None);
    });
}

#[test]
fn a_partition_is_served_while_others_are_opened() {
    let (served, took) = run(1, |scene| async move {
        let mut connection = scene.connect().await;
        assert_eq!(scene.create(&mut connection, "busy", 1).await, ErrorCode::None);
        let mut other = scene.connect().await;
        let request = single::create_topic("many", 300, &[], 60_000);
        let began = scene.client.now();
        let creating = other.send(CREATE, &request).await.unwrap();
        let created = creating.answer(scene.soon());
        tokio::pin!(created);
        let mut served = 0;
        loop {
            tokio::select! { biased;
                response = &mut created => {
                    assert_eq!(single::created(&response.unwrap()).unwrap().error_code, 0);
                    return (served, scene.client.now().since(began));
                }
                produced = scene.produce(&mut connection, "busy") => {
                    assert_eq!(produced, ErrorCode::None);
                    served += 1;
                }
            }
        }
    });
    // A sync takes a millisecond here, and opening 300 logs some thousand of them.
    assert!(served > 10, "{served} requests were served while 300 logs were opened in {took:?}");
}
