//! Topics that are deleted and created again under their name, while the broker is killed and its power is cut: what was
//! deleted never shows under the new topic, what was acknowledged under it is there, and in the end nothing is left over.

use super::*;
use crate::random::Stream;
use crate::runtime::{NodeHandle, World, WorldKnobs, run_seed};
use ::client::single::{self, FetchLimits, Topic};
use ::client::{Connection, Pending};
use ::runtime::Runtime;
use model::time::Duration;
use model::{Instant, Offset, PartitionIndex, TopicId};
use protocol::ErrorCode;
use protocol::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use protocol::messages::produce::ProduceRequest;
use records::batch::BatchBuilder;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Versions that know topics by their ids.
const CREATE: i16 = 7;
const DELETE: i16 = 6;
const METADATA: i16 = 12;
const PRODUCE: i16 = 13;
const FETCH: i16 = 13;

const NAME: &str = "topic";
const PARTITIONS: i32 = 3;
const LIMITS: FetchLimits = FetchLimits { max_wait_ms: 0, min_bytes: 0, max_bytes: 1 << 20 };

/// A broker, a client, and what the client knows.
struct Scene {
    world: World,
    broker: NodeHandle,
    addr: SocketAddr,
    client: SimRuntime,
    stream: Stream,
    connection: Option<Connection<SimRuntime>>,
    /// What was acknowledged of each topic: partition and value.
    acknowledged: BTreeMap<TopicId, BTreeSet<(i32, String)>>,
    /// Topics that are certainly deleted.
    deleted: BTreeSet<TopicId>,
    sent: u64,
    crashes: u64,
    /// Tells the broker to stop in order.
    stop: Arc<Mutex<watch::Sender<bool>>>,
}

/// Nobody knows what became of a request: the broker went down.
struct Unknown;

fn run<F, Fut>(seed: u64, main: F)
where
    F: FnOnce(Scene) -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    let finished = run_seed(seed, WorldKnobs::default(), |world| async move {
        let (broker, node) = (world.node("b1"), world.node("client"));
        let addr = SocketAddr::new(broker.ip(), 9092);
        let mut client = None;
        node.boot(|runtime| {
            client = Some(runtime);
            std::future::pending()
        });
        let stream = world.stream("deletions");
        let scene = Scene {
            world,
            broker,
            addr,
            client: client.unwrap(),
            stream,
            connection: None,
            acknowledged: BTreeMap::new(),
            deleted: BTreeSet::new(),
            sent: 0,
            crashes: 0,
            stop: Arc::new(Mutex::new(watch::Sender::new(false))),
        };
        boot(&scene.broker, addr, &scene.stop);
        main(scene).await
    });
    finished.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
}

fn boot(broker: &NodeHandle, addr: SocketAddr, stop: &Mutex<watch::Sender<bool>>) {
    let (sender, mut asked) = watch::channel(false);
    *stop.lock().unwrap() = sender;
    broker.boot(move |runtime| async move {
        let pairs = [("node.id", "1".to_string()), ("tidemark.shards", "3".to_string())];
        let listen = [("listeners", format!("PLAINTEXT://{addr}"))];
        let pairs = pairs.into_iter().chain(listen).map(|(key, value)| (key.to_string(), value));
        let (settings, _) = BrokerSettings::from_pairs(pairs).unwrap();
        let broker = Broker::start(runtime, settings, 1024).await.unwrap();
        tokio::select! { biased;
            stopped = broker.stopped() => panic!("the broker has stopped by itself: {stopped:?}"),
            _ = asked.wait_for(|asked| *asked) => {}
        }
        assert_eq!(broker.stop().await, Stopped::Clean);
    });
}

/// A deletion that was sent before the broker went down may take effect after it has come up.
fn going(code: i16) -> Result<(), Unknown> {
    match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        ErrorCode::NotLeaderOrFollower | ErrorCode::UnknownTopicId => Err(Unknown),
        code => panic!("{code:?}"),
    }
}

impl Scene {
    fn soon(&self) -> Instant {
        self.client.now() + Duration::from_secs(30)
    }

    async fn call<Q: protocol::Request>(
        &mut self,
        version: i16,
        request: &Q,
    ) -> Result<Q::Response, Unknown> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await,
        };
        let answer = connection.call(version, request, self.soon()).await.map_err(|_| Unknown)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn connect(&self) -> Connection<SimRuntime> {
        loop {
            match Connection::open(&self.client, self.addr, "test", self.soon()).await {
                Ok(connection) => return connection,
                Err(_) => self.world.sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// The topic of the name, if there is one.
    async fn current(&mut self) -> Option<Topic> {
        loop {
            if let Ok(answer) = self.call(METADATA, &single::one_topic(NAME)).await {
                let topic = answer.topics.first().expect("asked for one");
                let id = TopicId(topic.topic_id);
                if topic.error_code != 0 {
                    assert_eq!(ErrorCode::from_code(topic.error_code), ErrorCode::UnknownTopicOrPartition);
                    return None;
                }
                assert!(!self.deleted.contains(&id), "{id} is back");
                return Some(Topic { name: NAME.to_string(), id });
            }
        }
    }

    async fn create(&mut self) -> Result<(), Unknown> {
        let answer = self.call(CREATE, &single::create_topic(NAME, PARTITIONS, &[], 30_000)).await?;
        assert_eq!(single::created(&answer).unwrap().error_code, 0);
        Ok(())
    }

    /// Sends a record whose fate is not waited for: what is done next happens while it is on its way.
    async fn send(&mut self, topic: &Topic) -> Result<Pending<SimRuntime, ProduceRequest>, Unknown> {
        let partition = PartitionIndex(self.stream.below(PARTITIONS as u64) as i32);
        let mut batch = BatchBuilder::produced();
        batch.push(model::Timestamp(self.client.wall_ms()), None, Some(topic.id.to_string().as_bytes()));
        let request = single::produce(topic, partition, -1, 30_000, batch.build());
        let mut other = self.connect().await;
        other.send(PRODUCE, &request).await.map_err(|_| Unknown)
    }

    async fn delete(&mut self, topic: &Topic) -> Result<(), Unknown> {
        let _waiting = self.send(topic).await?;
        let topics = vec![DeleteTopicState { name: None, topic_id: topic.id.0 }];
        let request = DeleteTopicsRequest { topics, timeout_ms: 30_000, ..Default::default() };
        let answer = self.call(DELETE, &request).await?;
        going(answer.responses[0].error_code)?;
        self.deleted.insert(topic.id);
        Ok(())
    }

    /// Deletes the topic and creates it again before the deletion is answered.
    async fn replace(&mut self, topic: &Topic) -> Result<(), Unknown> {
        let topics = vec![DeleteTopicState { name: None, topic_id: topic.id.0 }];
        let request = DeleteTopicsRequest { topics, timeout_ms: 30_000, ..Default::default() };
        let _waiting = self.send(topic).await?;
        let mut other = self.connect().await;
        let deleting = other.send(DELETE, &request).await.map_err(|_| Unknown)?;
        loop {
            let answer = self.call(CREATE, &single::create_topic(NAME, PARTITIONS, &[], 30_000)).await?;
            match ErrorCode::from_code(single::created(&answer).unwrap().error_code) {
                ErrorCode::None => break,
                // It has overtaken the deletion.
                code => assert_eq!(code, ErrorCode::TopicAlreadyExists),
            }
        }
        self.deleted.insert(topic.id);
        let answer = deleting.answer(self.soon()).await.map_err(|_| Unknown)?;
        going(answer.responses[0].error_code)?;
        Ok(())
    }

    async fn produce(&mut self, topic: &Topic) -> Result<(), Unknown> {
        let partition = self.stream.below(PARTITIONS as u64) as i32;
        let value = format!("{} {}", topic.id, self.sent);
        self.sent += 1;
        let mut batch = BatchBuilder::produced();
        batch.push(model::Timestamp(self.client.wall_ms()), None, Some(value.as_bytes()));
        let request = single::produce(topic, PartitionIndex(partition), -1, 30_000, batch.build());
        let answer = self.call(PRODUCE, &request).await?;
        going(single::produced(&answer).unwrap().error_code)?;
        self.acknowledged.entry(topic.id).or_default().insert((partition, value));
        Ok(())
    }

    /// Everything that is in the topic is its own, and everything that was acknowledged is there.
    async fn check(&mut self) -> Result<(), Unknown> {
        let Some(topic) = self.current().await else { return Ok(()) };
        let mut found = BTreeSet::new();
        for partition in 0..PARTITIONS {
            let mut from = Offset(0);
            loop {
                let request = single::fetch(&topic, PartitionIndex(partition), from, LIMITS);
                let answer = self.call(FETCH, &request).await?;
                let data = single::fetched(&answer).unwrap();
                going(data.error_code)?;
                let bytes = data.records.clone().into_bytes();
                if bytes.is_empty() {
                    break;
                }
                for batch in records::batch::split(bytes) {
                    let batch = batch.unwrap();
                    for record in records::batch::records(&batch) {
                        let record = record.unwrap();
                        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                        assert!(value.starts_with(&topic.id.to_string()), "{value} shows in {}", topic.id);
                        found.insert((partition, value));
                        from = record.offset.plus(1);
                    }
                }
            }
        }
        let lost: Vec<_> =
            self.acknowledged.get(&topic.id).into_iter().flatten().filter(|at| !found.contains(at)).collect();
        assert!(lost.is_empty(), "{lost:?} of {} are lost", topic.id);
        Ok(())
    }

    /// Takes the broker down within the next moments, and up again.
    fn crash_soon(&mut self) {
        self.crashes += 1;
        let after = Duration::from_micros(self.stream.between(0, 40_000));
        let down = Duration::from_millis(self.stream.between(1, 50));
        let how = self.stream.below(3);
        let (world, broker, addr) = (self.world.clone(), self.broker.clone(), self.addr);
        let stop = self.stop.clone();
        self.world.spawn(async move {
            world.sleep(after).await;
            match how {
                0 => broker.power_loss(),
                1 => broker.kill(),
                _ => {
                    stop.lock().unwrap().send_replace(true);
                    while broker.is_up() {
                        world.sleep(Duration::from_millis(1)).await;
                    }
                }
            }
            world.sleep(down).await;
            boot(&broker, addr, &stop);
        });
    }

    /// One step, whatever becomes of it.
    async fn step(&mut self) -> Result<(), Unknown> {
        match self.current().await {
            None => self.create().await,
            Some(topic) => match self.stream.below(5) {
                0 => self.delete(&topic).await,
                1 => self.replace(&topic).await,
                _ => self.produce(&topic).await,
            },
        }
    }

    /// The directories of partitions, but for the metadata's.
    fn dirs(&self) -> Vec<String> {
        let live = self.broker.disk().live();
        let dirs = live.dirs().map(|dir| dir.to_string_lossy().into_owned());
        dirs.filter(|dir| dir.starts_with(NAME)).collect()
    }
}

#[test]
fn a_deleted_topic_leaves_nothing_to_the_next_one_of_its_name() {
    run(1, |mut scene| async move {
        for _ in 0..20 {
            scene.create().await.ok().unwrap();
            let topic = scene.current().await.unwrap();
            for _ in 0..5 {
                scene.produce(&topic).await.ok().unwrap();
            }
            scene.check().await.ok().unwrap();
            scene.replace(&topic).await.ok().unwrap();
            let topic = scene.current().await.unwrap();
            scene.check().await.ok().unwrap();
            scene.produce(&topic).await.ok().unwrap();
            scene.check().await.ok().unwrap();
            scene.delete(&topic).await.ok().unwrap();
            assert!(scene.current().await.is_none());
        }
        scene.world.sleep(Duration::from_secs(1)).await;
        assert_eq!(scene.dirs(), Vec::<String>::new());
        assert!(scene.broker.disk().open_files() < 20, "the descriptors of deleted topics are not free");
    });
}

#[test]
fn deleted_and_created_again_through_crashes() {
    for seed in 0..60 {
        run(seed, |mut scene| async move {
            for _ in 0..12 {
                scene.crash_soon();
                // Until the broker has gone down and a little longer.
                let end = scene.world.now_nanos() + 150_000_000;
                while scene.world.now_nanos() < end {
                    let _ = scene.step().await;
                }
                while scene.check().await.is_err() {}
            }
            scene.world.sleep(Duration::from_secs(2)).await;
            let here = scene.current().await.is_some();
            let (strays, dirs): (Vec<String>, Vec<String>) =
                scene.dirs().into_iter().partition(|dir| dir.ends_with("-stray"));
            assert!(strays.len() as u64 <= scene.crashes * PARTITIONS as u64, "{strays:?}");
            assert_eq!(dirs.len(), if here { PARTITIONS as usize } else { 0 }, "{dirs:?}");
        });
    }
}

#[test]
fn whoever_waits_for_a_deleted_topic_is_told_at_once() {
    run(1, |mut scene| async move {
        scene.create().await.ok().unwrap();
        let topic = scene.current().await.unwrap();
        let mut other = scene.connect().await;
        let limits = FetchLimits { max_wait_ms: 20_000, min_bytes: 1, max_bytes: 1000 };
        let request = single::fetch(&topic, PartitionIndex(0), Offset(0), limits);
        let waiting = other.send(FETCH, &request).await.unwrap();
        scene.world.sleep(Duration::from_millis(100)).await;
        let began = scene.client.now();
        scene.delete(&topic).await.ok().unwrap();
        let answer = waiting.answer(scene.soon()).await.unwrap();
        let code = ErrorCode::from_code(single::fetched(&answer).unwrap().error_code);
        assert!(matches!(code, ErrorCode::NotLeaderOrFollower | ErrorCode::UnknownTopicId), "{code:?}");
        assert!(scene.client.now().since(began) < Duration::from_secs(1));
    });
}
