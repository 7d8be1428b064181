//! A producer among brokers some of which are of no use to it.

use crate::ClusterConfig;
use crate::endpoint::Endpoint;
use crate::producer::{Producer, ProducerConfig, Record};
use crate::stage::{self, Answering};
use model::time::{Duration, Instant};
use protocol::messages::init_producer_id::InitProducerIdResponse;
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::messages::produce::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use protocol::{ApiKey, ErrorCode};
use runtime::Runtime;

/// Brokers 1 to 3 at 10.0.0.1 to 10.0.0.3.
fn at(node: i32) -> String {
    format!("10.0.0.{node}:9092")
}

/// A broker that gives ids, refuses to, or is silent about it. Broker 3 leads the only partition.
fn broker(names: Option<ErrorCode>) -> Answering {
    Box::new(move |asked| match ApiKey::from_key(asked.api_key) {
        Some(ApiKey::ApiVersions) => {
            stage::hello(asked, &[(ApiKey::Metadata, 7), (ApiKey::InitProducerId, 2), (ApiKey::Produce, 8)])
        }
        Some(ApiKey::Metadata) => stage::answer(asked, &metadata()),
        Some(ApiKey::InitProducerId) => {
            let error_code = names? as i16;
            let named = InitProducerIdResponse { error_code, producer_id: 7, ..Default::default() };
            stage::answer(asked, &named)
        }
        Some(ApiKey::Produce) => {
            let taken = PartitionProduceResponse { base_offset: 40, ..Default::default() };
            let topic = TopicProduceResponse {
                name: "t".into(),
                partition_responses: vec![taken],
                ..Default::default()
            };
            stage::answer(asked, &ProduceResponse { responses: vec![topic], ..Default::default() })
        }
        other => panic!("a producer asked {other:?}"),
    })
}

fn metadata() -> MetadataResponse {
    let broker = |node_id| MetadataResponseBroker {
        node_id,
        host: format!("10.0.0.{node_id}"),
        port: 9092,
        ..Default::default()
    };
    let partition = MetadataResponsePartition { leader_id: 3, ..Default::default() };
    let topic =
        MetadataResponseTopic { name: Some("t".into()), partitions: vec![partition], ..Default::default() };
    MetadataResponse { brokers: (1..=3).map(broker).collect(), topics: vec![topic], ..Default::default() }
}

/// How long a first record takes where brokers answer like that; those that are not told of are gone.
fn time_to_deliver(brokers: &[(i32, Option<ErrorCode>)]) -> Duration {
    let names: Vec<String> = brokers.iter().map(|(node, _)| at(*node)).collect();
    let hosts = brokers.iter().zip(&names).map(|((_, named), at)| (at.as_str(), broker(*named)));
    stage::run(&[], hosts.collect(), async |stage| {
        let seeds = Endpoint::parse_list(&at(1)).unwrap();
        let cluster = ClusterConfig::new(seeds, "test");
        let producer = Producer::start(&stage, cluster, ProducerConfig::default()).unwrap();
        let record = Record { topic: "t".into(), ..Record::default() };
        let delivered = producer.send(record).await.await.unwrap();
        assert_eq!(delivered.offset, Some(40));
        stage.now() - Instant(0)
    })
}

/// Its connection is open and it has just answered about metadata: it may be stopped, or cut off from the controller.
#[test]
fn an_id_comes_from_another_broker_when_one_gives_none() {
    let good = Some(ErrorCode::None);
    for mute in [None, Some(ErrorCode::CoordinatorLoadInProgress)] {
        let took = time_to_deliver(&[(1, mute), (2, good), (3, good)]);
        assert!(took < Duration::from_millis(1_000), "{mute:?}: {took:?}");
        let took = time_to_deliver(&[(1, mute), (2, mute), (3, good)]);
        assert!(took < Duration::from_millis(2_000), "{mute:?}: {took:?}");
        // One is dead: connections to it are refused.
        let took = time_to_deliver(&[(1, mute), (3, good)]);
        assert!(took < Duration::from_millis(2_000), "{mute:?}: {took:?}");
    }
}
