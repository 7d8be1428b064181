//! A broker that is unregistered while it runs: it goes on as it is, and stops at once when it is asked to.

use super::*;
use crate::runtime::{NodeHandle, World, WorldKnobs, run_seed};
use ::client::{Connection, single};
use ::runtime::Runtime;
use model::time::Duration;
use protocol::ErrorCode;
use protocol::messages::unregister_broker::UnregisterBrokerRequest;
use std::net::SocketAddr;
use tokio::sync::watch;

/// So soon a broker stops that nobody has to let go, in nanoseconds.
const STOPS_WITHIN: u64 = 1_500_000_000;
/// CreateTopics of an age that knows of partitions and errors, no more.
const CREATE: i16 = 2;

fn boot(nodes: &[NodeHandle], at: usize) -> watch::Sender<bool> {
    let ip = nodes[at].ip();
    let mut pairs = vec![
        ("node.id", (at + 1).to_string()),
        ("tidemark.shards", "1".to_string()),
        ("tidemark.cluster.id", "c2ltdWxhdGVkY2x1c3RlcQ".to_string()),
        ("controller.listener.names", "CONTROLLER".to_string()),
        ("controller.quorum.voters", format!("1@{}:{CONTROLLER_PORT}", nodes[0].ip())),
    ];
    if at == 0 {
        pairs.push(("listeners", format!("PLAINTEXT://{ip}:9092,CONTROLLER://{ip}:{CONTROLLER_PORT}")));
    } else {
        pairs.push(("listeners", format!("PLAINTEXT://{ip}:9092")));
        pairs.push(("process.roles", "broker".to_string()));
    }
    let (stop, mut asked) = watch::channel(false);
    nodes[at].boot(move |runtime| async move {
        let pairs = pairs.into_iter().map(|(key, value)| (key.to_string(), value));
        let (settings, _) = BrokerSettings::from_pairs(pairs).unwrap();
        let broker = Broker::start(runtime, settings, 1024).await.unwrap();
        tokio::select! { biased;
            why = broker.stopped() => panic!("it has stopped by itself: {why:?}"),
            _ = asked.wait_for(|asked| *asked) => {}
        }
        assert_eq!(broker.stop().await, Stopped::Clean);
    });
    stop
}

async fn connect(world: &World, client: &SimRuntime, to: &NodeHandle) -> Connection<SimRuntime> {
    loop {
        let soon = client.now() + Duration::from_secs(10);
        match Connection::open(client, SocketAddr::new(to.ip(), 9092), "test", soon).await {
            Ok(connection) => return connection,
            Err(_) => world.sleep(Duration::from_millis(10)).await,
        }
    }
}

#[test]
fn an_unregistered_broker_goes_on_and_stops_at_once() {
    for seed in 0..4 {
        let finished = run_seed(seed, WorldKnobs::default(), move |world| async move {
            let nodes: Vec<NodeHandle> = (1..=2).map(|id| world.node(&format!("b{id}"))).collect();
            let mut client = None;
            world.node("client").boot(|runtime| {
                client = Some(runtime);
                std::future::pending()
            });
            let client: SimRuntime = client.unwrap();
            let _controller = boot(&nodes, 0);
            let stop = boot(&nodes, 1);
            let mut other = connect(&world, &client, &nodes[1]).await;
            let mut admin = connect(&world, &client, &nodes[0]).await;
            // It serves, so it has joined.
            let soon = client.now() + Duration::from_secs(10);
            let created = other.call(CREATE, &single::create_topic("s", 1, &[], 5_000), soon).await.unwrap();
            assert_eq!(single::created(&created).unwrap().error_code, ErrorCode::None as i16, "seed {seed}");
            let request = UnregisterBrokerRequest { broker_id: 2 };
            let answer = admin.call(0, &request, soon).await.unwrap();
            assert_eq!(answer.error_code, 0, "seed {seed}: {:?}", answer.error_message);
            world.sleep(Duration::from_secs(5)).await;

            // It does not come back by itself, and passes on what it is asked.
            let soon = client.now() + Duration::from_secs(10);
            let created = other.call(CREATE, &single::create_topic("t", 2, &[], 5_000), soon).await.unwrap();
            assert_eq!(single::created(&created).unwrap().error_code, ErrorCode::None as i16, "seed {seed}");
            let again = admin.call(0, &request, soon).await.unwrap();
            assert_eq!(again.error_code, ErrorCode::BrokerIdNotRegistered as i16, "seed {seed}");

            let asked = world.now_nanos();
            stop.send(true).unwrap();
            nodes[1].ended().await;
            let after = world.now_nanos() - asked;
            assert!(after < STOPS_WITHIN, "seed {seed}: it stopped after {} ms", after / 1_000_000);
        });
        finished.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    }
}
