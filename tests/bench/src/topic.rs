//! The topics that are measured on, created as any client creates them.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a broker may take to create a topic.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Creates the topic unless it is there.
pub(crate) fn create(brokers: &str, name: &str, partitions: i32) -> Result<(), String> {
    Admin::connect(brokers)?.create(name, partitions, 1, PATIENCE)
}

/// `min.insync.replicas` of topics with replicas.
const MIN_INSYNC: &str = "2";

/// A client that creates topics.
pub(crate) struct Admin {
    client: AdminClient<DefaultClientContext>,
    waiting: Runtime,
}

impl Admin {
    pub(crate) fn connect(brokers: &str) -> Result<Admin, String> {
        let client = ClientConfig::new().set("bootstrap.servers", brokers).create();
        let waiting = tokio::runtime::Builder::new_current_thread().build();
        Ok(Admin {
            client: client.map_err(|error| error.to_string())?,
            waiting: waiting.map_err(|error| error.to_string())?,
        })
    }

    /// Creates the topic unless it is there. An error may have come after it was created.
    pub(crate) fn create(
        &self,
        name: &str,
        partitions: i32,
        replicas: i32,
        patience: Duration,
    ) -> Result<(), String> {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
        self.create_topic(&topic, patience)
    }

    /// As [`Admin::create`], with three replicas, two of which must have a message before it is acknowledged.
    pub(crate) fn create_replicated(&self, name: &str, partitions: i32) -> Result<(), String> {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(3));
        self.create_topic(&topic.set("min.insync.replicas", MIN_INSYNC), PATIENCE)
    }

    /// The id of the broker that leads a topic's first partition, -1 while nobody does.
    pub(crate) fn leader(&self, name: &str) -> Result<i32, String> {
        let metadata = self.client.inner().fetch_metadata(Some(name), PATIENCE);
        let metadata = metadata.map_err(|error| error.to_string())?;
        let topic = metadata.topics().first().ok_or("the broker said nothing about the topic")?;
        topic.partitions().first().map(|partition| partition.leader()).ok_or_else(|| format!("no {name}"))
    }

    fn create_topic(&self, topic: &NewTopic<'_>, patience: Duration) -> Result<(), String> {
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(patience));
        let created = self.waiting.block_on(self.client.create_topics([topic], &options));
        match created.map_err(|error| error.to_string())?.into_iter().next() {
            Some(Ok(_)) | Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
            Some(Err((name, code))) => Err(format!("topic {name} can't be created: {code}")),
            None => Err("the broker said nothing about the topic".to_string()),
        }
    }
}
