//! What administrators ask: topics, listed, described, created and deleted.
//!
//! Any broker answers; what only the active controller decides, it passes on. A broker that can't tell whether a change was
//! made says NOT_CONTROLLER, and is asked again: then that a topic is there already, or no more, is what was wanted.

use crate::cluster::ClusterConfig;
use crate::error::CallError;
use crate::link::Link;
use model::time::{Duration, Instant};
use model::{TopicId, Uuid};
use protocol::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use protocol::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use protocol::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use protocol::{ErrorCode, Request};
use runtime::Runtime;
use std::fmt;

/// What Kafka calls a topic among things that are configured.
const TOPIC_RESOURCE: i8 = 2;
/// What Kafka calls a configuration that was given for a topic.
const TOPIC_CONFIG: i8 = 1;

/// A connection to any broker of a cluster.
pub struct Admin<R: Runtime> {
    runtime: R,
    link: Link<R>,
    config: ClusterConfig,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Its id; zero where an old broker told.
    pub id: TopicId,
    /// Whether it is one of the cluster's own.
    pub internal: bool,
    /// Its partitions, ascending.
    pub partitions: Vec<PartitionDescription>,
}

/// A partition as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its number.
    pub index: i32,
    /// Who leads, if anybody does.
    pub leader: Option<i32>,
    /// In which epoch.
    pub leader_epoch: i32,
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Who is in sync.
    pub in_sync: Vec<i32>,
}

/// A topic to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; as many as the cluster gives where none is said.
    pub partitions: Option<i32>,
    /// How many replicas of each; as many as the cluster gives where none is said.
    pub replication_factor: Option<i16>,
    /// Its configuration, where it differs from the cluster's.
    pub configs: Vec<(String, String)>,
}

/// Why there is no answer, or none that one would like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminError {
    /// No broker could be connected to: which was tried last, and what happened.
    Unreachable(String),
    /// The broker refuses.
    Refused {
        /// Its error code.
        code: ErrorCode,
        /// What else it said.
        words: Option<String>,
    },
    /// The connection failed, or the answer did not come.
    Failed(CallError),
}

impl<R: Runtime> Admin<R> {
    /// Connects to the first of the brokers to begin with that can be connected to.
    pub async fn connect(runtime: R, config: ClusterConfig) -> Result<Admin<R>, AdminError> {
        let mut trouble = String::new();
        for endpoint in &config.bootstrap {
            let deadline = runtime.now() + config.setup_timeout;
            match Link::open(&runtime, endpoint, &config.client_id, deadline).await {
                Ok(link) => return Ok(Admin { runtime, link, config }),
                Err(why) => trouble = format!("{endpoint}: {why}"),
            }
        }
        Err(AdminError::Unreachable(trouble))
    }

    /// All topics, by name.
    pub async fn topics(&mut self) -> Result<Vec<TopicDescription>, AdminError> {
        self.described(None, false).await
    }

    /// One topic.
    pub async fn topic(&mut self, name: &str) -> Result<TopicDescription, AdminError> {
        self.topic_by(name, false).await
    }

    async fn topic_by(&mut self, name: &str, create: bool) -> Result<TopicDescription, AdminError> {
        let wanted = vec![MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some(name.to_string()) }];
        let topics = self.described(Some(wanted), create).await?;
        topics.into_iter().next().ok_or(AdminError::refused(ErrorCode::UnknownTopicOrPartition))
    }

    /// As [`Admin::topic`], where the cluster creates topics that are asked for, for so long as that may take.
    pub async fn topic_or_created(
        &mut self,
        name: &str,
        within: Duration,
    ) -> Result<TopicDescription, AdminError> {
        let deadline = self.runtime.now() + within;
        loop {
            let told = self.topic_by(name, true).await;
            let next = self.runtime.now() + self.config.backoff.first;
            match told {
                Ok(topic) if topic.partitions.iter().any(|partition| partition.leader.is_some()) => {
                    return Ok(topic);
                }
                Ok(_) => {}
                Err(AdminError::Refused { code, .. }) if code.is_retriable() && next < deadline => {}
                told => return told,
            }
            if next >= deadline {
                return self.topic_by(name, false).await;
            }
            self.runtime.sleep_until(next).await;
        }
    }

    async fn described(
        &mut self,
        topics: Option<Vec<MetadataRequestTopic>>,
        create: bool,
    ) -> Result<Vec<TopicDescription>, AdminError> {
        let request =
            MetadataRequest { topics, allow_auto_topic_creation: create, ..MetadataRequest::default() };
        let answer = self.call(&request).await?;
        check(answer.error_code, None)?;
        let topics: Result<Vec<TopicDescription>, AdminError> =
            answer.topics.into_iter().filter(|topic| topic.name.is_some()).map(description).collect();
        let mut topics = topics?;
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// What was configured for a topic, and for no other.
    pub async fn topic_configs(&mut self, name: &str) -> Result<Vec<(String, String)>, AdminError> {
        let resource = DescribeConfigsResource {
            resource_type: TOPIC_RESOURCE,
            resource_name: name.to_string(),
            configuration_keys: None,
        };
        let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
        let answer = self.call(&request).await?;
        let Some(told) = answer.results.into_iter().next() else { return Ok(Vec::new()) };
        check(told.error_code, told.error_message)?;
        let own = told.configs.into_iter().filter(|config| config.config_source == TOPIC_CONFIG);
        Ok(own.map(|config| (config.name, config.value.unwrap_or_default())).collect())
    }

    /// Creates a topic. Returns when it is there.
    pub async fn create_topic(&mut self, topic: &NewTopic) -> Result<(), AdminError> {
        let configs = topic.configs.iter();
        let configs = configs
            .map(|(name, value)| CreatableTopicConfig { name: name.clone(), value: Some(value.clone()) });
        let topic = CreatableTopic {
            name: topic.name.clone(),
            num_partitions: topic.partitions.unwrap_or(-1),
            replication_factor: topic.replication_factor.unwrap_or(-1),
            configs: configs.collect(),
            ..CreatableTopic::default()
        };
        let timeout_ms = self.timeout_ms();
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms, validate_only: false };
        let mut tries = self.tries();
        loop {
            let answer = self.call(&request).await?;
            let told = answer.topics.into_iter().next();
            let told = told.ok_or(AdminError::refused(ErrorCode::UnknownServerError))?;
            match ErrorCode::from_code(told.error_code) {
                ErrorCode::NotController if tries.again(&self.runtime).await => {}
                ErrorCode::TopicAlreadyExists if tries.made > 0 => return Ok(()),
                _ => return check(told.error_code, told.error_message),
            }
        }
    }

    /// Deletes a topic.
    pub async fn delete_topic(&mut self, name: &str) -> Result<(), AdminError> {
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopicState { name: Some(name.to_string()), topic_id: Uuid::ZERO }],
            timeout_ms: self.timeout_ms(),
            ..DeleteTopicsRequest::default()
        };
        // Names moved within the request with version 6.
        let by_name = DeleteTopicsRequest {
            topics: Vec::new(),
            topic_names: vec![name.to_string()],
            timeout_ms: request.timeout_ms,
        };
        let mut tries = self.tries();
        loop {
            let old = self.link.version::<DeleteTopicsRequest>(i16::MAX).is_some_and(|version| version < 6);
            let answer = self.call(if old { &by_name } else { &request }).await?;
            let told = answer.responses.into_iter().next();
            let told = told.ok_or(AdminError::refused(ErrorCode::UnknownServerError))?;
            match ErrorCode::from_code(told.error_code) {
                ErrorCode::NotController if tries.again(&self.runtime).await => {}
                ErrorCode::UnknownTopicOrPartition if tries.made > 0 => return Ok(()),
                _ => return check(told.error_code, told.error_message),
            }
        }
    }

    async fn call<Q: Request>(&mut self, request: &Q) -> Result<Q::Response, AdminError> {
        let answer = self.link.call(&self.runtime, request, self.config.request_timeout).await;
        answer.unwrap_or(Err(CallError::Unspoken)).map_err(AdminError::Failed)
    }

    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.config.request_timeout.as_millis()).unwrap_or(i32::MAX)
    }

    fn tries(&self) -> Tries {
        let pause = self.config.backoff.most;
        Tries { made: 0, pause, deadline: self.runtime.now() + self.config.request_timeout }
    }
}

/// How often something was tried, and until when it will be.
struct Tries {
    made: u32,
    pause: Duration,
    deadline: Instant,
}

impl Tries {
    /// Waits before another one; false when the time is over.
    async fn again(&mut self, runtime: &impl Runtime) -> bool {
        self.made += 1;
        let next = runtime.now() + self.pause;
        if next < self.deadline {
            runtime.sleep_until(next).await;
        }
        next < self.deadline
    }
}

fn description(told: MetadataResponseTopic) -> Result<TopicDescription, AdminError> {
    // A topic some of whose partitions have no leader is described all the same.
    if ErrorCode::from_code(told.error_code) != ErrorCode::LeaderNotAvailable {
        check(told.error_code, None)?;
    }
    let partitions = told.partitions.into_iter().map(|partition| PartitionDescription {
        index: partition.partition_index,
        leader: (partition.leader_id >= 0).then_some(partition.leader_id),
        leader_epoch: partition.leader_epoch,
        replicas: partition.replica_nodes,
        in_sync: partition.isr_nodes,
    });
    let mut partitions: Vec<PartitionDescription> = partitions.collect();
    partitions.sort_by_key(|partition| partition.index);
    Ok(TopicDescription {
        name: told.name.unwrap_or_default(),
        id: TopicId(told.topic_id),
        internal: told.is_internal,
        partitions,
    })
}

fn check(code: i16, words: Option<String>) -> Result<(), AdminError> {
    match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        code => Err(AdminError::Refused { code, words }),
    }
}

impl AdminError {
    /// Whether there is no such topic.
    pub fn is_unknown_topic(&self) -> bool {
        matches!(self, AdminError::Refused { code: ErrorCode::UnknownTopicOrPartition, .. })
    }

    /// Whether there is such a topic already.
    pub fn is_existing_topic(&self) -> bool {
        matches!(self, AdminError::Refused { code: ErrorCode::TopicAlreadyExists, .. })
    }

    fn refused(code: ErrorCode) -> AdminError {
        AdminError::Refused { code, words: None }
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminError::Unreachable(trouble) => f.write_str(trouble),
            AdminError::Refused { code, words: Some(words) } => write!(f, "{words} ({code:?})"),
            AdminError::Refused { code, words: None } => write!(f, "{} ({code:?})", code.description()),
            AdminError::Failed(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for AdminError {}
