//! A node's settings from the files that Kafka's users have.

use super::super::properties;
use super::*;

fn settings(text: &str) -> (BrokerSettings, Vec<Notice>) {
    BrokerSettings::from_pairs(properties::parse(text).unwrap()).unwrap()
}

fn refused(text: &str, message: &str) {
    let error = BrokerSettings::from_pairs(properties::parse(text).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_node_without_settings_is_a_whole_cluster_on_loopback() {
    let (settings, notices) = settings("");
    assert_eq!(notices, []);
    assert_eq!(settings.node_id, BrokerId(1));
    assert_eq!(settings.roles, Roles { broker: true, controller: true });
    assert_eq!(settings.listeners.len(), 1);
    assert_eq!(settings.listeners[0].to_string(), "PLAINTEXT://127.0.0.1:9092");
    assert_eq!(settings.inter_broker_listener, "PLAINTEXT");
    assert!(settings.controller_listeners.is_empty() && settings.quorum_voters.is_empty());
    assert_eq!(settings.log_dirs, [PathBuf::from("tidemark-data")]);
    assert_eq!(settings.metadata_log_dir, PathBuf::from("tidemark-data"));
    assert_eq!((settings.num_partitions, settings.default_replication_factor), (1, 1));
    assert_eq!(settings.request_bytes_max, 100 << 20);
    assert_eq!(settings.requests_bytes_max, None);
    assert_eq!(settings.topic_defaults(), TopicConfig::defaults());
    assert_eq!(settings.given, Overrides::new());
}

#[test]
fn kafkas_own_server_properties_is_taken() {
    let (settings, notices) = settings(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
         listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n\
         advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\
         SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n\
         num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\n\
         socket.receive.buffer.bytes=102400\nsocket.request.max.bytes=104857600\nlog.dirs=/tmp/kraft-combined-logs\n\
         num.partitions=1\nnum.recovery.threads.per.data.dir=2\noffsets.topic.replication.factor=1\n\
         share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n\
         transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\nlog.retention.hours=168\n\
         log.segment.bytes=1073741824\nlog.retention.check.interval.ms=300000\n",
    );
    assert!(notices.iter().all(|notice| matches!(notice, Notice::WithoutEffect(_))), "{notices:?}");
    assert!(notices.contains(&Notice::WithoutEffect("num.io.threads".to_owned())));
    assert_eq!(settings.listeners[0].endpoint, Endpoint { host: String::new(), port: 9092 });
    assert_eq!(settings.controller_listeners[0].endpoint.port, 9093);
    assert_eq!(settings.advertised_listeners.len(), 2);
    assert_eq!(settings.quorum_bootstrap_servers[0].to_string(), "localhost:9093");
    assert_eq!(settings.log_dirs, [PathBuf::from("/tmp/kraft-combined-logs")]);
}

#[test]
fn later_pairs_override_earlier_ones() {
    let pairs = [("node.id", "3"), ("log.dirs", "/a, /b"), ("node.id", "4")];
    let (settings, _) = BrokerSettings::from_pairs(pairs).unwrap();
    assert_eq!(settings.node_id, BrokerId(4));
    assert_eq!(settings.log_dirs, [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!(settings.metadata_log_dir, PathBuf::from("/a"));
}

#[test]
fn names_that_are_not_in_the_table_are_told_apart() {
    let (_, notices) = settings("num.partition=3\nlog.cleaner.enable=false\nmin.insync.replicas=2");
    let expected =
        [Notice::KafkaOnly("log.cleaner.enable".to_owned()), Notice::Unknown("num.partition".to_owned())];
    assert_eq!(notices, expected);
}

#[test]
fn security_that_does_not_exist_is_refused_and_not_ignored() {
    refused(
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "Configuration authorizer.class.name is not supported: it would leave unsecured what it is to secure",
    );
    refused(
        "ssl.keystore.location=/etc/keys",
        "Configuration ssl.keystore.location is not supported: it would leave unsecured what it is to secure",
    );
    refused(
        "listeners=SASL_SSL://:9092",
        "Listener SASL_SSL has the security protocol SASL_SSL: only PLAINTEXT is supported",
    );
    refused(
        "listeners=PUBLIC://:9092",
        "No security protocol defined for listener PUBLIC: add it to listener.security.protocol.map",
    );
    settings("security.inter.broker.protocol=PLAINTEXT\nauthorizer.class.name=");
}

#[test]
fn values_are_refused_with_the_name_and_the_reason() {
    refused("node.id=one", "Invalid value one for configuration node.id: Not a number of type INT");
    refused("node.id=-2", "Invalid value -2 for configuration node.id: Value must be at least 0");
    refused(
        "listeners=9092",
        "Invalid value 9092 for configuration listeners: Expected a listener such as PLAINTEXT://host:port",
    );
    refused(
        "listeners=A://:1,a://:2",
        "Invalid value a://:2 for configuration listeners: Each listener must have a different name",
    );
    refused(
        "advertised.listeners=PLAINTEXT://0.0.0.0:9092",
        "Invalid value PLAINTEXT://0.0.0.0:9092 for configuration advertised.listeners: An address that clients can \
         connect to is needed, not one of every interface",
    );
    refused(
        "controller.quorum.voters=1-localhost:9093",
        "Invalid value 1-localhost:9093 for configuration controller.quorum.voters: Expected {id}@{host}:{port}",
    );
    refused(
        "default.replication.factor=0",
        "Invalid value 0 for configuration default.replication.factor: Value must be at least 1 and no more than \
         32767",
    );
    refused(
        "log.dirs=",
        "Configuration 'log.dirs' must not be empty. Valid values include: any non-empty value",
    );
    refused(
        "process.roles=zookeeper",
        "Invalid value zookeeper for configuration process.roles: String must be one of: broker, controller",
    );
}

#[test]
fn contradictions_are_refused() {
    refused(
        "node.id=1\nbroker.id=2",
        "You must set node.id to the same value as broker.id: they are 1 and 2",
    );
    refused(
        "listeners=CONTROLLER://:9093",
        "listeners must name a listener that is not in controller.listener.names",
    );
    refused(
        "inter.broker.listener.name=PRIVATE",
        "inter.broker.listener.name PRIVATE must be one of the listeners",
    );
    refused(
        "controller.quorum.voters=2@b:9093",
        "controller.quorum.voters must contain node.id 1: process.roles says it is a controller",
    );
    refused(
        "process.roles=broker\ncontroller.quorum.voters=1@b:9093",
        "controller.quorum.voters must not contain node.id 1: process.roles says it is not a controller",
    );
    refused(
        "log.cleaner.min.compaction.lag.ms=2\nlog.cleaner.max.compaction.lag.ms=1",
        "conflict topic config setting min.compaction.lag.ms (2) > max.compaction.lag.ms (1)",
    );
}

#[test]
fn addresses_of_every_kind() {
    let parse = |text| Endpoint::parse(text).map(|endpoint| (endpoint.host.clone(), endpoint.to_string()));
    assert_eq!(parse("[::1]:9092"), Some(("::1".to_owned(), "[::1]:9092".to_owned())));
    assert_eq!(parse(":0"), Some((String::new(), ":0".to_owned())));
    assert_eq!(
        parse("broker-1.local:65535"),
        Some(("broker-1.local".to_owned(), "broker-1.local:65535".to_owned()))
    );
    for text in ["", "host", "host:", "host:65536", "::1:9092", "ho st:1", "host:-1"] {
        assert_eq!(parse(text), None, "{text}");
    }
}
