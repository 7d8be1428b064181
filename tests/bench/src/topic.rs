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
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(patience));
        let created = self.waiting.block_on(self.client.create_topics([&topic], &options));
        match created.map_err(|error| error.to_string())?.into_iter().next() {
            Some(Ok(_)) | Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
            Some(Err((name, code))) => Err(format!("topic {name} can't be created: {code}")),
            None => Err("the broker said nothing about the topic".to_string()),
        }
    }
}
