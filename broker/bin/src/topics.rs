//! `tidemark topics`: what kafka-topics does most.

use crate::arguments::Arguments;
use crate::clients::{self, Bootstrap};
use crate::exit::Exit;
use clap::{Args, Subcommand};
use client::admin::{Admin, AdminError, NewTopic, TopicDescription};
use runtime_tokio::TokioRuntime;
use std::io::{self, ErrorKind, Write};

/// Which topics, and what to do with them.
#[derive(Debug, Args)]
pub struct Topics {
    /// What to do; without it: list them.
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub bootstrap: Bootstrap,
}

/// What to do with topics.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List all topics by name.
    List,
    /// Create a topic; --set gives it configurations of its own.
    Create {
        /// Its name.
        topic: String,
        /// How many partitions; as many as the cluster gives where none is said.
        #[arg(short, long, value_name = "N")]
        partitions: Option<i32>,
        /// How many replicas of each; as many as the cluster gives where none is said.
        #[arg(short, long, value_name = "N")]
        replication_factor: Option<i16>,
        /// It may be there already.
        #[arg(long)]
        if_not_exists: bool,
    },
    /// Tell of a topic's partitions: who leads, who holds them, who is in sync. Without a name, of all.
    Describe {
        /// The topic.
        topic: Option<String>,
    },
    /// Delete a topic.
    Delete {
        /// The topic.
        topic: String,
        /// It need not be there.
        #[arg(long)]
        if_exists: bool,
    },
}

/// Does it.
pub fn run(arguments: &Arguments, how: &Topics) -> Result<(), Exit> {
    if !matches!(how.command, Some(Command::Create { .. })) {
        clients::no_settings(arguments)?;
    }
    clients::run(arguments, |rt| topics(rt, arguments, how))
}

async fn topics(rt: TokioRuntime, arguments: &Arguments, how: &Topics) -> Result<(), Exit> {
    let mut admin = clients::connect(&rt, &how.bootstrap.cluster("tidemark-topics")).await?;
    let failed = |error: AdminError| Exit::Client(error.to_string());
    let told = match &how.command {
        None | Some(Command::List) => {
            let topics = admin.topics().await.map_err(failed)?;
            topics.into_iter().map(|topic| topic.name + "\n").collect()
        }
        Some(Command::Create { topic, partitions, replication_factor, if_not_exists }) => {
            let new = NewTopic {
                name: topic.clone(),
                partitions: *partitions,
                replication_factor: *replication_factor,
                configs: arguments.set.clone(),
            };
            match admin.create_topic(&new).await {
                Err(error) if *if_not_exists && error.is_existing_topic() => String::new(),
                created => {
                    created.map_err(|error| clients::about_topic(topic, &error))?;
                    format!("created topic {topic}\n")
                }
            }
        }
        Some(Command::Describe { topic }) => {
            let topics = match topic {
                Some(name) => {
                    vec![admin.topic(name).await.map_err(|error| clients::about_topic(name, &error))?]
                }
                None => admin.topics().await.map_err(failed)?,
            };
            let mut told = String::new();
            for topic in topics {
                told += &described(&mut admin, &topic).await.map_err(failed)?;
            }
            told
        }
        Some(Command::Delete { topic, if_exists }) => match admin.delete_topic(topic).await {
            Err(error) if *if_exists && error.is_unknown_topic() => String::new(),
            deleted => {
                deleted.map_err(|error| clients::about_topic(topic, &error))?;
                format!("deleted topic {topic}\n")
            }
        },
    };
    match io::stdout().write_all(told.as_bytes()) {
        Err(why) if why.kind() != ErrorKind::BrokenPipe => {
            Err(Exit::Client(format!("standard output: {why}")))
        }
        _ => Ok(()),
    }
}

/// A topic in the words of kafka-topics.
async fn described(admin: &mut Admin<TokioRuntime>, topic: &TopicDescription) -> Result<String, AdminError> {
    let TopicDescription { name, id, partitions, .. } = topic;
    let configs = admin.topic_configs(name).await?;
    let configs: Vec<String> = configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let replicas = partitions.first().map_or(0, |partition| partition.replicas.len());
    let mut told = format!(
        "Topic: {name}\tTopicId: {id}\tPartitionCount: {}\tReplicationFactor: {replicas}\tConfigs: {}\n",
        partitions.len(),
        configs.join(",")
    );
    for partition in partitions {
        let leader = partition.leader.map_or("none".to_owned(), |leader| leader.to_string());
        told += &format!(
            "\tTopic: {name}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}\n",
            partition.index,
            list(&partition.replicas),
            list(&partition.in_sync)
        );
    }
    Ok(told)
}

fn list(brokers: &[i32]) -> String {
    brokers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}
