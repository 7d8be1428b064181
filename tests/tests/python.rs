//! confluent-kafka and kafka-python, each through a script of checks: two unrelated implementations of the protocol.

use tidemark_tests::{Broker, full, python, script};

fn passes(name: &str, arguments: &[&str]) {
    let Some(python) = python() else { return };
    let broker = Broker::start(&[]);
    let address = broker.address();
    let arguments: Vec<&str> = [address.as_str()].iter().chain(arguments).copied().collect();
    script(&python, name, &arguments).expect(name);
}

#[test]
fn librdkafka_gets_along() {
    passes("librdkafka_checks.py", &[]);
}

#[test]
fn consumers_fetch_from_the_replica_in_their_rack() {
    let Some(python) = python() else { return };
    let selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    let settings = ["broker.rack=rack-{id}", &format!("replica.selector.class={selector}")];
    let Some(nodes) = Broker::start_cluster(3, &settings) else { return };
    script(&python, "closest.py", &[&nodes[0].address()]).expect("closest.py");
}

#[test]
fn kafka_python_gets_along() {
    passes("kafka_python_checks.py", &[]);
}

#[test]
fn a_lot_of_data_comes_back_identical() {
    let megabytes = if full() { "1024" } else { "16" };
    passes("bulk.py", &["confluent-kafka", megabytes]);
    passes("bulk.py", &["kafka-python", if full() { megabytes } else { "4" }]);
}
