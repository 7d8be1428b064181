//! A controller that hangs, or can't write: what clients of the other nodes notice of it.

use super::*;
use crate::runtime::{NodeHandle, World, WorldKnobs, run_seed};
use crate::trace::What;
use ::client::Connection;
use ::client::single;
use ::runtime::{Event, Runtime};
use model::time::Duration;
use model::{TopicId, Uuid};
use protocol::ErrorCode;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// CreateTopics of an age that knows of partitions and errors, no more.
const CREATE: i16 = 2;
/// Requests under way when the controller is paused.
const REQUESTS: usize = 8;
/// So soon after there is another controller everything must be answered, in nanoseconds. Nobody here waits for each other.
const ANSWERED_WITHIN: u64 = 1_000_000_000;

/// Three nodes, each of them broker and controller.
struct Scene {
    world: World,
    nodes: Vec<NodeHandle>,
    client: SimRuntime,
    /// Who was elected, and when in true nanoseconds.
    elected: Arc<Mutex<Vec<(usize, u64)>>>,
}

fn run<T, F, Fut>(seed: u64, main: F) -> T
where
    F: FnOnce(Scene) -> Fut + Send + 'static,
    Fut: Future<Output = T>,
    T: Send + 'static,
{
    let finished = run_seed(seed, WorldKnobs::default(), |world| async move {
        let nodes: Vec<NodeHandle> = (1..=3).map(|id| world.node(&format!("b{id}"))).collect();
        let elected = Arc::new(Mutex::new(Vec::new()));
        let (ids, into) = (nodes.iter().map(NodeHandle::id).collect::<Vec<_>>(), elected.clone());
        world.subscribe(move |record| {
            if let What::Event(Event::BecameLeader { partition, .. }) = &record.what
                && partition.topic == TopicId(Uuid::METADATA_TOPIC)
            {
                let at = ids.iter().position(|id| *id == record.node).expect("a node of the cluster");
                into.lock().unwrap().push((at, record.at_nanos));
            }
        });
        let mut client = None;
        world.node("client").boot(|runtime| {
            client = Some(runtime);
            std::future::pending()
        });
        let scene = Scene { world, nodes, client: client.unwrap(), elected };
        (0..3).for_each(|node| scene.boot(node));
        main(scene).await
    });
    finished.unwrap_or_else(|failure| panic!("seed {seed}: {failure}")).value
}

impl Scene {
    fn boot(&self, node: usize) {
        let ip = self.nodes[node].ip();
        let voter = |(at, node): (usize, &NodeHandle)| format!("{}@{}:{CONTROLLER_PORT}", at + 1, node.ip());
        let voters: Vec<String> = self.nodes.iter().enumerate().map(voter).collect();
        let pairs = [
            ("node.id", (node + 1).to_string()),
            ("tidemark.shards", "1".to_string()),
            ("tidemark.cluster.id", "c2ltdWxhdGVkY2x1c3RlcQ".to_string()),
            ("controller.listener.names", "CONTROLLER".to_string()),
            ("controller.quorum.voters", voters.join(",")),
            ("listeners", format!("PLAINTEXT://{ip}:9092,CONTROLLER://{ip}:{CONTROLLER_PORT}")),
        ];
        self.nodes[node].boot(move |runtime| async move {
            let pairs = pairs.into_iter().map(|(key, value)| (key.to_string(), value));
            let (settings, _) = BrokerSettings::from_pairs(pairs).unwrap();
            Broker::start(runtime, settings, DESCRIPTORS_MAX).await.unwrap().stopped().await;
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

    fn active(&self) -> (usize, u64) {
        *self.elected.lock().unwrap().last().expect("somebody was elected")
    }
}

#[test]
fn a_paused_controller_holds_nobody_up() {
    let mut asked_was_elected = [false; 2];
    for seed in 0..6 {
        let itself = run(seed, move |scene| async move {
            let ready = scene.connect(0).await;
            assert_eq!(scene.create(ready, "before".to_string()).await.0, ErrorCode::None);
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
        run(seed, move |scene| async move {
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
            scene.boot(dies);
            let again = scene.create(scene.connect(dies).await, "again".to_string()).await;
            assert_eq!(again.0, ErrorCode::None, "seed {seed}");
        });
    }
}
