//! The topic that is measured on.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;
use std::time::Duration;

/// Creates the topic unless it is there.
pub(crate) fn create(brokers: &str, name: &str, partitions: i32) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().map_err(|error| error.to_string())?;
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    let waiting = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let created =
        waiting.block_on(admin.create_topics([&topic], &options)).map_err(|error| error.to_string())?;
    match created.into_iter().next() {
        Some(Ok(_)) | Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((name, code))) => Err(format!("topic {name} can't be created: {code}")),
        None => Err("the broker said nothing about the topic".to_string()),
    }
}
