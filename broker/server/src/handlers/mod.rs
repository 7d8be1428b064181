//! One file per API: decode, ask the shards or the controller, encode.
//!
//! A handler has two halves. `apply` takes effect and is awaited before the connection's next request starts;
//! what it returns may still have to wait (for a sync, for data), and those waits overlap. RPC messages do not
//! leave this folder, and error codes are decided here and in the shards, nowhere below.
//!
//! One request may name 100,000 topics and partitions together; more end the connection.

mod allocate_producer_ids;
mod alter_partition;
mod api_versions;
mod broker_heartbeat;
mod broker_registration;
mod controller_registration;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_quorum;
mod describe_topic_partitions;
mod elect_leaders;
mod envelope;
mod fetch;
mod forward;
mod init_producer_id;
mod leader_hints;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod nearest;
mod offset_for_leader_epoch;
mod offset_queries;
mod produce;
mod quorum;
mod shown;
mod unregister_broker;

use crate::context::Context;
use crate::metadata::Handle;
use bytes::Bytes;
use controller::{ClusterImage, Topic};
use model::{BrokerId, Instant, TopicId, Uuid};
use protocol::{ApiKey, Frame, Request, RequestHeader, Response, Supported};
use runtime::Event;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The client id by which Kafka knows producers that may write to internal topics. No authentication is meant: it
/// keeps others from doing so by mistake.
const INTERNAL_CLIENT: &str = "__admin_client";

/// Bytes of a frame's length.
const LENGTH_LEN: usize = 4;

/// Topics and partitions that one request may name. The shortest mention of a partition takes a few bytes of the
/// request and some hundred of memory until it is answered, so that a large request could hold many times what it
/// is charged for. No client comes near: a broker serves fewer partitions. Whoever
/// names more loses the connection, since not every API's answer has a place to say so once for all of them.
const NAMED_MAX: usize = 100_000;

/// Whom a listener is for: what it offers depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Clients, and brokers as followers.
    Broker,
    /// Other nodes of the quorum, and brokers as the controller's.
    Controller,
}

impl Side {
    /// What is offered there.
    pub fn offers(self) -> &'static [Supported] {
        match self {
            Side::Broker => protocol::supported(),
            Side::Controller => protocol::supported_by_controllers(),
        }
    }
}

/// A request whose header has been read.
#[derive(Clone)]
pub struct Parsed {
    /// Its API key, known or not.
    pub api: i16,
    /// Its version, supported or not.
    pub version: i16,
    header: RequestHeader,
    body: Bytes,
    /// The whole frame: what a slice of it keeps allocated, and what is passed on.
    frame: Bytes,
}

impl Parsed {
    fn asked(&self, arrived: Instant) -> Asked {
        Asked {
            version: self.version,
            correlation: self.header.correlation_id,
            arrived,
            frame_len: self.frame.len(),
            internal_client: self.header.client_id.as_deref() == Some(INTERNAL_CLIENT),
        }
    }

    /// Bytes that the request may take until it has taken effect: its frame, and what decoding may make of it.
    pub fn memory(&self) -> usize {
        let decoding = ApiKey::from_key(self.api).map_or(0, |api| api.decoding_bytes_max(self.body.len()));
        self.frame.len().saturating_add(decoding)
    }
}

/// What the requests of one connection leave for those that come after them.
pub struct Conversation {
    fetches: fetch::Fetches,
}

impl Conversation {
    /// Of a connection that has just been accepted; `drawn` is random.
    pub fn new(drawn: u64) -> Conversation {
        Conversation { fetches: fetch::Fetches::new(drawn) }
    }
}

/// What a handler may ask about the request that it serves, besides its body.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The version of its message.
    pub version: i16,
    /// Tells the answer apart from others on the connection.
    pub correlation: i32,
    /// When its last byte arrived.
    pub arrived: Instant,
    /// Memory that a slice of its body keeps allocated.
    pub frame_len: usize,
    /// Whether its client says that it is a broker's own, which may write to internal topics.
    pub internal_client: bool,
}

/// Bytes for the socket, and the facts that they make true.
pub struct Answer {
    /// The frame, length included.
    pub parts: Vec<Bytes>,
    /// What happens by their leaving.
    pub events: Vec<Event>,
    /// It only says that another node has to be asked: whoever passed the request on asks there.
    pub not_controller: bool,
}

/// An answer, or why there can be none: then the connection ends.
pub type Answered = Result<Answer, String>;

/// A boxed wait.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request that has taken effect.
pub enum Outcome {
    /// Its answer is known.
    Ready(Answered),
    /// Its answer has to be waited for.
    Later(Later<Answered>),
    /// It wants no answer (acks=0), but keeps its place and its memory until it is done.
    Silent(Later<()>),
}

/// Reads a request's header. An error ends the connection: nothing after it can be trusted.
pub fn parse(frame: Bytes) -> Result<Parsed, String> {
    let (header, body) = RequestHeader::decode(frame.clone()).map_err(|error| error.to_string())?;
    Ok(Parsed { api: header.api_key, version: header.api_version, header, body, frame })
}

/// The broker whose heartbeat this is, if it is one.
pub fn heartbeat_of(side: Side, parsed: &Parsed) -> Option<BrokerId> {
    let heartbeat = side == Side::Controller && parsed.api == ApiKey::BrokerHeartbeat as i16;
    heartbeat.then(|| broker_heartbeat::sender(parsed.body.clone(), parsed.version)).flatten()
}

/// Lets a request take effect. An error ends the connection.
pub async fn apply(
    context: &Arc<Context>,
    conversation: &mut Conversation,
    side: Side,
    parsed: Parsed,
    arrived: Instant,
) -> Result<Outcome, String> {
    let Parsed { api, version, .. } = parsed;
    let supported = side.offers().iter().find(|range| range.key as i16 == api);
    let Some(supported) = supported else {
        return Err(format!("API {api} is not offered here"));
    };
    if supported.key == ApiKey::ApiVersions {
        let asked = parsed.asked(arrived);
        return Ok(Outcome::Ready(api_versions::answer(context, side, &asked, parsed.body)));
    }
    if !supported.accepts(version) {
        return Err(format!("version {version} of {:?} is not offered here", supported.key));
    }
    match side {
        Side::Broker if forward::is_forwarded(supported.key) => {
            forward::apply(context, parsed, arrived).await
        }
        Side::Broker => broker(context, conversation, supported.key, parsed, arrived).await,
        Side::Controller => controller(context, supported.key, parsed, arrived).await,
    }
}

/// What a broker answers itself.
async fn broker(
    context: &Arc<Context>,
    conversation: &mut Conversation,
    api: ApiKey,
    parsed: Parsed,
    arrived: Instant,
) -> Result<Outcome, String> {
    let (asked, body) = (parsed.asked(arrived), parsed.body);
    let version = asked.version;
    match api {
        ApiKey::Produce => produce::apply(context, asked, decode(body, version)?).await,
        ApiKey::Fetch => {
            fetch::apply(context, &mut conversation.fetches, asked, decode(body, version)?).await
        }
        ApiKey::ListOffsets => list_offsets::apply(context, asked, decode(body, version)?).await,
        ApiKey::Metadata => metadata::apply(context, asked, decode(body, version)?).await,
        ApiKey::InitProducerId => Ok(init_producer_id::apply(context, asked, decode(body, version)?)),
        ApiKey::OffsetForLeaderEpoch => {
            offset_for_leader_epoch::apply(context, asked, decode(body, version)?).await
        }
        ApiKey::DescribeConfigs => describe_configs::apply(context, asked, decode(body, version)?),
        ApiKey::ListPartitionReassignments => {
            list_partition_reassignments::apply(context, asked, decode(body, version)?)
        }
        ApiKey::DescribeCluster => {
            describe_cluster::apply(context, Side::Broker, asked, decode(body, version)?)
        }
        ApiKey::DescribeTopicPartitions => {
            describe_topic_partitions::apply(context, asked, decode(body, version)?)
        }
        other => unreachable!("{other:?} is advertised without a handler"),
    }
}

/// What a controller answers, the active one or, as far as that has a meaning, any.
async fn controller(
    context: &Arc<Context>,
    api: ApiKey,
    parsed: Parsed,
    arrived: Instant,
) -> Result<Outcome, String> {
    let (asked, body) = (parsed.asked(arrived), parsed.body);
    let version = asked.version;
    match api {
        api if forward::is_change(api) => change(&context.metadata, api, asked, body).await,
        ApiKey::AlterPartition => alter_partition::apply(context, asked, decode(body, version)?).await,
        ApiKey::AllocateProducerIds => {
            allocate_producer_ids::apply(context, asked, decode(body, version)?).await
        }
        ApiKey::ControllerRegistration => {
            controller_registration::apply(context, asked, decode(body, version)?).await
        }
        ApiKey::Vote => quorum::vote(context, asked, decode(body, version)?).await,
        ApiKey::BeginQuorumEpoch => quorum::begin_epoch(context, asked, decode(body, version)?).await,
        ApiKey::EndQuorumEpoch => quorum::end_epoch(context, asked, decode(body, version)?).await,
        ApiKey::Fetch => quorum::fetch(context, asked, decode(body, version)?).await,
        ApiKey::FetchSnapshot => quorum::fetch_snapshot(context, asked, decode(body, version)?).await,
        ApiKey::DescribeQuorum => describe_quorum::apply(context, asked, decode(body, version)?).await,
        ApiKey::DescribeCluster => {
            describe_cluster::apply(context, Side::Controller, asked, decode(body, version)?)
        }
        ApiKey::DescribeConfigs => describe_configs::apply(context, asked, decode(body, version)?),
        ApiKey::ListPartitionReassignments => {
            list_partition_reassignments::apply(context, asked, decode(body, version)?)
        }
        ApiKey::Envelope => envelope::apply(context, asked, decode(body, version)?).await,
        ApiKey::BrokerRegistration => {
            broker_registration::apply(context, asked, decode(body, version)?).await
        }
        ApiKey::BrokerHeartbeat => broker_heartbeat::apply(context, asked, decode(body, version)?).await,
        other => unreachable!("{other:?} is advertised without a handler"),
    }
}

/// What brokers pass on to the active controller because it changes metadata.
async fn change(metadata: &Handle, api: ApiKey, asked: Asked, body: Bytes) -> Result<Outcome, String> {
    let version = asked.version;
    match api {
        ApiKey::CreateTopics => create_topics::apply(metadata, asked, decode(body, version)?).await,
        ApiKey::DeleteTopics => delete_topics::apply(metadata, asked, decode(body, version)?).await,
        ApiKey::CreatePartitions => create_partitions::apply(metadata, asked, decode(body, version)?).await,
        ApiKey::ElectLeaders => elect_leaders::apply(metadata, asked, decode(body, version)?).await,
        ApiKey::UnregisterBroker => unregister_broker::apply(metadata, asked, decode(body, version)?).await,
        other => unreachable!("{other:?} changes nothing"),
    }
}

/// Refuses a request that names too much: for each topic, how many partitions.
fn check_named(topics: impl Iterator<Item = usize>) -> Result<(), String> {
    let named = topics.fold(0usize, |named, partitions| named.saturating_add(partitions).saturating_add(1));
    if named > NAMED_MAX {
        return Err(format!("{named} topics and partitions in one request, {NAMED_MAX} allowed"));
    }
    Ok(())
}

fn decode<T: Request>(body: Bytes, version: i16) -> Result<T, String> {
    T::decode_body(body, version).map_err(|error| format!("{:?}: {error}", T::KEY))
}

/// Encodes an answer to `asked`.
fn encode<T: Response>(asked: &Asked, response: &T, events: Vec<Event>) -> Answered {
    let parts = Frame::response(asked.correlation, asked.version, response);
    Ok(Answer { parts: parts.map_err(|error| error.to_string())?, events, not_controller: false })
}

/// Encodes an answer of the controller. `not_controller`: it says that another one has to be asked.
fn encode_of_controller<T: Response>(asked: &Asked, response: &T, not_controller: bool) -> Answered {
    Ok(Answer { not_controller, ..encode(asked, response, Vec::new())? })
}

/// An answer that is made when it is about to leave: one that waits behind others costs what its question does.
fn when_leaving<T: Response>(
    context: &Arc<Context>,
    asked: Asked,
    respond: impl FnOnce(&Context) -> T + Send + 'static,
) -> Outcome {
    let context = context.clone();
    Outcome::Later(Box::pin(async move { encode(&asked, &respond(&context), Vec::new()) }))
}

/// The topic that a request means: by id where it has ids, by name otherwise.
fn topic<'a>(image: &'a ClusterImage, name: &str, id: Uuid) -> Option<&'a Arc<Topic>> {
    if id == Uuid::ZERO { image.topic_named(name) } else { image.topic(TopicId(id)) }
}

#[cfg(test)]
#[path = "mod_test.rs"]
mod tests;
