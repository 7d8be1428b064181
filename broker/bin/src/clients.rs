//! What the commands have in common that speak to a cluster as its client: where it is, and what to say when it is not.

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::waits::SAID_AFTER;
use clap::Args;
use client::admin::{Admin, AdminError};
use client::{ClusterConfig, Endpoint};
use model::time::Duration;
use runtime::Runtime;
use runtime_tokio::{Threads, TokioRuntime};
use std::future::Future;
use std::path::Path;

/// How long a broker that does not answer is waited for, before the next one is tried.
const SETUP_MAX: Duration = Duration::from_secs(5);

/// Where the cluster is.
#[derive(Debug, Args)]
pub struct Bootstrap {
    /// Brokers to begin with, separated by commas; one that answers is enough.
    #[arg(
        short,
        long,
        value_name = "HOST:PORT,…",
        default_value = "127.0.0.1:9092",
        value_parser = endpoints,
        global = true
    )]
    pub bootstrap_server: Brokers,
}

/// One broker or several.
#[derive(Clone, Debug)]
pub struct Brokers(Vec<Endpoint>);

impl Bootstrap {
    /// How a command that calls itself `client_id` deals with the cluster.
    pub fn cluster(&self, client_id: &str) -> ClusterConfig {
        let Brokers(brokers) = self.bootstrap_server.clone();
        ClusterConfig { setup_timeout: SETUP_MAX, ..ClusterConfig::new(brokers, client_id) }
    }
}

/// Runs a command that is a client's.
pub fn run<F: Future<Output = Result<(), Exit>>>(
    arguments: &Arguments,
    command: impl FnOnce(TokioRuntime) -> F,
) -> Result<(), Exit> {
    if arguments.config.is_some() {
        return Err(Exit::Usage("--config is a node's; clients take what they need as arguments".to_owned()));
    }
    let here = Path::new(".");
    let done = Threads::default().run(here, command);
    done.map_err(|error| Exit::Directory { path: here.to_owned(), why: error.to_string() })?
}

/// Refuses settings where none are meant.
pub fn no_settings(arguments: &Arguments) -> Result<(), Exit> {
    match arguments.set.first() {
        None => Ok(()),
        Some((key, _)) => {
            Err(Exit::Usage(format!("--set {key}=…: settings are for nodes, and for new topics")))
        }
    }
}

/// Connects to any broker.
pub async fn connect(rt: &TokioRuntime, cluster: &ClusterConfig) -> Result<Admin<TokioRuntime>, Exit> {
    let connecting = Admin::connect(rt.clone(), cluster.clone());
    let connected =
        patiently(rt, || format!("no broker answers at {}: waiting", brokers(cluster)), connecting);
    connected.await.map_err(|error| {
        Exit::Client(format!(
            "{error}\nno broker can be reached: start one with `tidemark`, or name another with --bootstrap-server"
        ))
    })
}

/// Waits for something, and says so when it takes long.
pub async fn patiently<T>(
    rt: &TokioRuntime,
    words: impl FnOnce() -> String,
    future: impl Future<Output = T>,
) -> T {
    let mut future = std::pin::pin!(future);
    tokio::select! { biased;
        done = &mut future => return done,
        () = rt.sleep_until(rt.now() + SAID_AFTER) => eprintln!("{}", words()),
    }
    future.await
}

/// Where a cluster is, as it was given.
pub fn brokers(cluster: &ClusterConfig) -> String {
    let brokers: Vec<String> = cluster.bootstrap.iter().map(Endpoint::to_string).collect();
    brokers.join(",")
}

/// What to say while a topic is waited for.
pub fn waiting_for(topic: &str) -> String {
    format!("waiting for topic {topic}")
}

/// What to say when something is wrong with a topic.
pub fn about_topic(name: &str, error: &AdminError) -> Exit {
    Exit::Client(match error.is_unknown_topic() {
        true => format!(
            "there is no topic {name:?}: `tidemark topics` lists those there are, `tidemark topics create {name}` \
             creates it"
        ),
        false => format!("topic {name:?}: {error}"),
    })
}

fn endpoints(text: &str) -> Result<Brokers, String> {
    Endpoint::parse_list(text).map(Brokers).map_err(|error| error.to_string())
}
