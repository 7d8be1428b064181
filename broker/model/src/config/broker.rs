//! A node's settings, typed, from the pairs of its file and command line.

use super::entry::{Effect, Lookup, Scope, lookup, row};
use super::layers::{Layers, Overrides};
use super::listener::{self, Endpoint, Listener, Voter};
use super::topic::TopicConfig;
use super::value::{ConfigError, Value};
use crate::{BrokerId, ClusterId};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What a node is (`process.roles`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// It stores partitions and serves clients.
    pub broker: bool,
    /// It votes in the metadata quorum.
    pub controller: bool,
}

/// How long the metadata quorum waits, and how much it asks for at once (KIP-595).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumSettings {
    /// `controller.quorum.election.timeout.ms`: without a leader for so long, a voter stands for election.
    pub election_timeout_ms: u64,
    /// `controller.quorum.fetch.timeout.ms`: a voter that could not fetch for so long stands for election.
    pub fetch_timeout_ms: u64,
    /// `controller.quorum.election.backoff.max.ms`: at most so long between a lost election and the next.
    pub election_backoff_ms_max: u64,
    /// `controller.quorum.request.timeout.ms`: a request that is not answered for so long has failed.
    pub request_timeout_ms: u64,
    /// `controller.quorum.retry.backoff.ms`: between a failed request and the next try.
    pub retry_backoff_ms: u64,
    /// `controller.quorum.fetch.max.bytes`: so much of the log is asked for at once; a first batch comes whole.
    pub fetch_bytes_max: u32,
    /// `controller.quorum.fetch.snapshot.max.bytes`: so much of a snapshot is asked for at once.
    pub fetch_snapshot_bytes_max: u32,
}

/// Snapshots of the metadata (KIP-630).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotSettings {
    /// `metadata.log.max.record.bytes.between.snapshots`: so much of the log makes the next one due.
    pub log_bytes_max: u64,
    /// `metadata.log.max.snapshot.interval.ms`: a change is so long without a snapshot at the most; none for never.
    pub interval_ms: Option<u64>,
    /// `metadata.max.retention.bytes`: log and snapshots together; none for no limit. The latest snapshot stays.
    pub retention_bytes: Option<u64>,
    /// `metadata.max.retention.ms`: how old a snapshot gets; none for no limit. The latest one stays.
    pub retention_ms: Option<u64>,
}

/// How followers copy partitions, and how long they may be behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationSettings {
    /// `replica.lag.time.max.ms`: a follower that is behind for longer leaves the ISR.
    pub lag_ms_max: u64,
    /// `replica.fetch.wait.max.ms`: how long a follower's fetch waits for records.
    pub fetch_wait_ms: u32,
    /// `replica.fetch.min.bytes`: how much it waits for.
    pub fetch_bytes_min: u32,
    /// `replica.fetch.max.bytes`: how much is asked of one partition at once; a first batch comes whole.
    pub fetch_bytes_max: u32,
    /// `replica.fetch.response.max.bytes`: how much is asked of all partitions at once; a first batch comes whole.
    pub fetch_response_bytes_max: u32,
    /// `replica.high.watermark.checkpoint.interval.ms`: how often it is written down how far partitions are committed.
    pub high_watermark_every_ms: u64,
    /// `replica.selector.class` is RackAwareReplicaSelector: consumers are sent to a replica in their rack (KIP-392).
    pub by_rack: bool,
}

/// How long idempotent producers are known (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerSettings {
    /// `producer.id.expiration.ms`: one whose last batch in a partition is so old is forgotten there.
    pub expiration_ms: u64,
    /// `producer.id.expiration.check.interval.ms`: how often they are looked for.
    pub check_interval_ms: u64,
}

/// Something about the settings that the operator should be told, and that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Neither Kafka nor Tidemark has a config of this name.
    Unknown(String),
    /// Kafka has it, Tidemark does not; it is ignored.
    KafkaOnly(String),
    /// It is known and changes nothing.
    WithoutEffect(String),
}

/// The settings of a node. Times are milliseconds, sizes are bytes; each field names its config.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerSettings {
    /// `node.id`, or `broker.id` where only that is set.
    pub node_id: BrokerId,
    /// `process.roles`.
    pub roles: Roles,
    /// `tidemark.cluster.id`: the id a new directory is formatted with; none to draw one.
    pub cluster_id: Option<ClusterId>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `listeners` that clients and brokers use, in the order given.
    pub listeners: Vec<Listener>,
    /// `listeners` that are named in `controller.listener.names`. Empty in a quorum of one that nobody else joins.
    pub controller_listeners: Vec<Listener>,
    /// `advertised.listeners`; empty when unset: then what is bound is advertised.
    pub advertised_listeners: Vec<Listener>,
    /// `inter.broker.listener.name`; the first listener when unset.
    pub inter_broker_listener: String,
    /// `controller.quorum.voters`; empty for a quorum of this node alone.
    pub quorum_voters: Vec<Voter>,
    /// `controller.quorum.bootstrap.servers`.
    pub quorum_bootstrap_servers: Vec<Endpoint>,
    /// `log.dirs`, or `log.dir`.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, or the first of `log_dirs`.
    pub metadata_log_dir: PathBuf,
    /// `metadata.log.segment.bytes`
    pub metadata_segment_bytes: u32,
    /// `metadata.log.segment.ms`; none for never.
    pub metadata_segment_ms: Option<u64>,
    /// `num.partitions`.
    pub num_partitions: u32,
    /// `default.replication.factor`.
    pub default_replication_factor: u16,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `socket.request.max.bytes`: a longer frame ends its connection.
    pub request_bytes_max: u32,
    /// `queued.max.request.bytes`: bytes of requests being served, over all connections; none
    /// when it is left to the broker.
    pub requests_bytes_max: Option<u64>,
    /// `connections.max.idle.ms`; none for never.
    pub connections_idle_ms_max: Option<u64>,
    /// `max.connections`.
    pub connections_max: u32,
    /// `fetch.max.bytes`: the most one Fetch answer carries, whatever the client asks for.
    pub fetch_bytes_max: u32,
    /// `max.incremental.fetch.session.cache.slots`: consumers' fetch sessions that are kept at once.
    pub fetch_sessions_max: u32,
    /// `leader.imbalance.check.interval.seconds`: how often the controller restores preferred leaders; none where
    /// `auto.leader.rebalance.enable` is off.
    pub leader_balance_seconds: Option<u64>,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// `broker.session.timeout.ms`: a broker that is not heard of for so long is fenced by the controller.
    pub session_timeout_ms: u64,
    /// `broker.heartbeat.interval.ms`: how often a broker tells the controller that it is alive.
    pub heartbeat_interval_ms: u64,
    /// How long the metadata quorum waits for what.
    pub quorum: QuorumSettings,
    /// How partitions are copied.
    pub replication: ReplicationSettings,
    /// When snapshots of the metadata are taken, and how long they are kept.
    pub snapshots: SnapshotSettings,
    /// How long idempotent producers are known.
    pub producers: ProducerSettings,
    /// `tidemark.shards`: tasks that own partitions; 0 for as many as the machine has cores.
    pub shards: u32,
    /// `tidemark.tail.cache.bytes`: the budget of recently appended bytes kept for consumers.
    pub tail_cache_bytes: u64,
    /// Every pair of a known config that was set, by name: the `Static` layer of topics' configs.
    pub given: Overrides,
}

/// Names whose meaning is security: ignoring one of them would be a promise broken in silence.
const SECURITY: &[&str] = &[
    "ssl.",
    "sasl.",
    "security.",
    "authorizer.",
    "delegation.token.",
    "principal.builder.",
    "password.encoder.",
    "super.users",
    "allow.everyone.if.no.acl.found",
    "listener.name.",
    "early.start.listeners",
];

impl BrokerSettings {
    /// Settings from pairs, of which later ones override earlier ones (the command line comes after the file).
    /// Fails on the first value that is refused, on contradictions, and on configs of security that are not
    /// implemented.
    pub fn from_pairs<K, V>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(BrokerSettings, Vec<Notice>), ConfigError>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let pairs: BTreeMap<String, String> = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let mut given = Overrides::new();
        let mut notices = Vec::new();
        for (name, text) in pairs {
            match lookup(Scope::Broker, &name) {
                Lookup::Known(entry) => {
                    entry.parse(&text)?;
                    if entry.effect == Effect::AcceptedWithoutEffect {
                        notices.push(Notice::WithoutEffect(name.clone()));
                    }
                    given.insert(Arc::from(name), Arc::from(text));
                }
                _ if SECURITY.iter().any(|prefix| name.starts_with(prefix)) => not_secured(&name, &text)?,
                Lookup::KafkaOnly => notices.push(Notice::KafkaOnly(name)),
                Lookup::Unknown => notices.push(Notice::Unknown(name)),
            }
        }
        Ok((BrokerSettings::read(Given(given))?, notices))
    }

    /// What a topic without overrides has on this node.
    pub fn topic_defaults(&self) -> TopicConfig {
        let none = Overrides::new();
        TopicConfig::resolve(&Layers::fixed(&self.given, &none)).expect("checked when the settings were read")
    }

    fn read(given: Given) -> Result<BrokerSettings, ConfigError> {
        let (listeners, controller_listeners) = given.split_listeners()?;
        let log_dirs = given.optional("log.dirs").unwrap_or_else(|| given.value("log.dir")).list();
        let log_dirs: Vec<PathBuf> = log_dirs.into_iter().map(PathBuf::from).collect();
        let metadata_log_dir = given.optional("metadata.log.dir").map(|dir| PathBuf::from(dir.text()));
        let first_listener = listeners.first().map(|listener| listener.name.clone()).unwrap_or_default();
        let inter_broker =
            given.optional("inter.broker.listener.name").map(|name| name.text().to_ascii_uppercase());
        let settings = BrokerSettings {
            node_id: given.node_id()?,
            roles: given.roles(),
            cluster_id: given.optional("tidemark.cluster.id").map(|id| ClusterId(Arc::from(id.text()))),
            rack: given.optional("broker.rack").map(Value::text),
            inter_broker_listener: inter_broker.unwrap_or(first_listener),
            listeners,
            controller_listeners,
            advertised_listeners: given.advertised()?,
            quorum_voters: listener::voters(&given.value("controller.quorum.voters").list())?,
            quorum_bootstrap_servers: given.bootstrap_servers()?,
            metadata_log_dir: metadata_log_dir.unwrap_or_else(|| log_dirs[0].clone()),
            metadata_segment_bytes: given.number("metadata.log.segment.bytes") as u32,
            metadata_segment_ms: given.limit("metadata.log.segment.ms"),
            log_dirs,
            num_partitions: given.number("num.partitions") as u32,
            default_replication_factor: given.replication_factor()?,
            auto_create_topics: given.value("auto.create.topics.enable").bool(),
            request_bytes_max: given.number("socket.request.max.bytes") as u32,
            requests_bytes_max: given.limit("queued.max.request.bytes").filter(|max| *max > 0),
            connections_idle_ms_max: given.limit("connections.max.idle.ms"),
            connections_max: given.number("max.connections") as u32,
            fetch_bytes_max: given.number("fetch.max.bytes") as u32,
            fetch_sessions_max: given.number("max.incremental.fetch.session.cache.slots") as u32,
            leader_balance_seconds: given
                .limit("leader.imbalance.check.interval.seconds")
                .filter(|_| given.value("auto.leader.rebalance.enable").bool()),
            delete_topics: given.value("delete.topic.enable").bool(),
            session_timeout_ms: given.limit("broker.session.timeout.ms").unwrap_or(0),
            heartbeat_interval_ms: given.number("broker.heartbeat.interval.ms") as u64,
            quorum: QuorumSettings {
                election_timeout_ms: given.number("controller.quorum.election.timeout.ms") as u64,
                fetch_timeout_ms: given.number("controller.quorum.fetch.timeout.ms") as u64,
                election_backoff_ms_max: given.number("controller.quorum.election.backoff.max.ms") as u64,
                request_timeout_ms: given.number("controller.quorum.request.timeout.ms") as u64,
                retry_backoff_ms: given.number("controller.quorum.retry.backoff.ms") as u64,
                fetch_bytes_max: given.number("controller.quorum.fetch.max.bytes") as u32,
                fetch_snapshot_bytes_max: given.number("controller.quorum.fetch.snapshot.max.bytes") as u32,
            },
            replication: ReplicationSettings {
                lag_ms_max: given.number("replica.lag.time.max.ms") as u64,
                fetch_wait_ms: given.number("replica.fetch.wait.max.ms") as u32,
                fetch_bytes_min: given.number("replica.fetch.min.bytes") as u32,
                fetch_bytes_max: given.number("replica.fetch.max.bytes") as u32,
                fetch_response_bytes_max: given.number("replica.fetch.response.max.bytes") as u32,
                high_watermark_every_ms: given.number("replica.high.watermark.checkpoint.interval.ms") as u64,
                by_rack: given
                    .optional("replica.selector.class")
                    .is_some_and(|class| class.text() == super::broker_table::RACK_SELECTOR),
            },
            snapshots: SnapshotSettings {
                log_bytes_max: given.number("metadata.log.max.record.bytes.between.snapshots") as u64,
                interval_ms: given
                    .limit("metadata.log.max.snapshot.interval.ms")
                    .filter(|interval| *interval > 0),
                retention_bytes: given.limit("metadata.max.retention.bytes"),
                retention_ms: given.limit("metadata.max.retention.ms"),
            },
            producers: ProducerSettings {
                expiration_ms: given.number("producer.id.expiration.ms") as u64,
                check_interval_ms: given.number("producer.id.expiration.check.interval.ms") as u64,
            },
            shards: given.number("tidemark.shards") as u32,
            tail_cache_bytes: given.number("tidemark.tail.cache.bytes") as u64,
            given: given.0,
        };
        settings.check()?;
        Ok(settings)
    }

    /// Settings that are fine one by one and not together.
    fn check(&self) -> Result<(), ConfigError> {
        let none = Overrides::new();
        TopicConfig::resolve(&Layers::fixed(&self.given, &none))?;
        let conflict = |message: String| Err(ConfigError::Conflict(message));
        if self.roles.broker && self.listeners.is_empty() {
            return conflict(
                "listeners must name a listener that is not in controller.listener.names".to_owned(),
            );
        }
        let named = |name: &str| self.listeners.iter().any(|listener| listener.name == name);
        if self.roles.broker && !named(&self.inter_broker_listener) {
            let name = &self.inter_broker_listener;
            return conflict(format!("inter.broker.listener.name {name} must be one of the listeners"));
        }
        let voter = self.quorum_voters.iter().any(|voter| voter.id == self.node_id);
        if !self.quorum_voters.is_empty() && self.roles.controller != voter {
            let id = self.node_id;
            let verb = if voter { "must not" } else { "must" };
            return conflict(format!(
                "controller.quorum.voters {verb} contain node.id {id}: process.roles says it is {}a controller",
                if voter { "not " } else { "" }
            ));
        }
        Ok(())
    }
}

/// The pairs that were set, each of them already checked.
struct Given(Overrides);

impl Given {
    fn optional(&self, name: &str) -> Option<Value> {
        let text = self.0.get(name)?;
        Some(row(Scope::Broker, name).parse(text).expect("checked when it was taken in"))
    }

    fn value(&self, name: &str) -> Value {
        self.optional(name).unwrap_or_else(|| row(Scope::Broker, name).default_value())
    }

    fn number(&self, name: &str) -> i64 {
        self.value(name).number()
    }

    /// None when negative.
    fn limit(&self, name: &str) -> Option<u64> {
        u64::try_from(self.number(name)).ok()
    }

    fn node_id(&self) -> Result<BrokerId, ConfigError> {
        let old = self.number("broker.id");
        let new = self.optional("node.id").map(Value::number);
        match (new, u32::try_from(old)) {
            (Some(new), Ok(_)) if new != old => Err(ConfigError::Conflict(format!(
                "You must set node.id to the same value as broker.id: they are {new} and {old}"
            ))),
            (None, Ok(_)) => Ok(BrokerId(old as i32)),
            (_, _) => Ok(BrokerId(self.number("node.id") as i32)),
        }
    }

    fn roles(&self) -> Roles {
        let roles = self.value("process.roles").list();
        let has = |role: &str| roles.iter().any(|given| given == role);
        Roles { broker: has("broker"), controller: has("controller") }
    }

    fn replication_factor(&self) -> Result<u16, ConfigError> {
        let name = "default.replication.factor";
        let number = self.number(name);
        let factor = i16::try_from(number).ok().filter(|factor| *factor > 0);
        factor.map(|factor| factor as u16).ok_or_else(|| {
            ConfigError::invalid(name, number, "Value must be at least 1 and no more than 32767")
        })
    }

    /// The listeners of brokers and those of controllers; all of them must be plain text.
    fn split_listeners(&self) -> Result<(Vec<Listener>, Vec<Listener>), ConfigError> {
        let all = listener::listeners("listeners", &self.value("listeners").list())?;
        let protocols = self.value("listener.security.protocol.map").text();
        for listener in &all {
            plain_text(listener, &protocols)?;
        }
        let controllers = self.value("controller.listener.names").list();
        let controller =
            |listener: &Listener| controllers.iter().any(|c| c.eq_ignore_ascii_case(&listener.name));
        let (for_controllers, for_clients) = all.into_iter().partition(controller);
        Ok((for_clients, for_controllers))
    }

    fn advertised(&self) -> Result<Vec<Listener>, ConfigError> {
        let name = "advertised.listeners";
        let Some(members) = self.optional(name) else {
            return Ok(Vec::new());
        };
        let advertised = listener::listeners(name, &members.list())?;
        if let Some(listener) = advertised.iter().find(|listener| listener.endpoint.is_wildcard()) {
            let reason = "An address that clients can connect to is needed, not one of every interface";
            return Err(ConfigError::invalid(name, listener, reason));
        }
        Ok(advertised)
    }

    fn bootstrap_servers(&self) -> Result<Vec<Endpoint>, ConfigError> {
        let name = "controller.quorum.bootstrap.servers";
        let endpoint = |member: &String| {
            Endpoint::parse(member)
                .ok_or_else(|| ConfigError::invalid(name, member, "Expected {host}:{port}"))
        };
        self.value(name).list().iter().map(endpoint).collect()
    }
}

/// Listeners are plain text until there is anything else. A name that the map lacks and that is no protocol's is
/// taken for plain text only when Kafka would too: the controller's own in its default set-up.
fn plain_text(listener: &Listener, protocols: &str) -> Result<(), ConfigError> {
    let mut pairs = protocols.split(',').filter_map(|pair| pair.trim().split_once(':'));
    let mapped = pairs.rfind(|(name, _)| name.trim().eq_ignore_ascii_case(&listener.name));
    match mapped.map(|(_, protocol)| protocol.trim().to_ascii_uppercase()).as_deref() {
        Some("PLAINTEXT") => Ok(()),
        None if listener.name == "CONTROLLER" => Ok(()),
        None => Err(ConfigError::Conflict(format!(
            "No security protocol defined for listener {}: add it to listener.security.protocol.map",
            listener.name
        ))),
        Some(protocol) => Err(ConfigError::Conflict(format!(
            "Listener {} has the security protocol {protocol}: only PLAINTEXT is supported",
            listener.name
        ))),
    }
}

/// A config of security is refused, unless it says what is the case anyway: nothing is secured.
fn not_secured(name: &str, text: &str) -> Result<(), ConfigError> {
    let harmless = matches!((name, text.trim()), ("security.inter.broker.protocol", "PLAINTEXT") | (_, ""));
    if harmless {
        return Ok(());
    }
    Err(ConfigError::Conflict(format!(
        "Configuration {name} is not supported: it would leave unsecured what it is to secure"
    )))
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Unknown(name) => write!(f, "configuration {name} is not known"),
            Notice::KafkaOnly(name) => {
                write!(f, "configuration {name} of Kafka is not supported and is ignored")
            }
            Notice::WithoutEffect(name) => write!(f, "configuration {name} is accepted and has no effect"),
        }
    }
}

#[cfg(test)]
#[path = "broker_test.rs"]
mod tests;
