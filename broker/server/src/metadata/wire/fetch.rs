//! Fetch of the metadata log: a follower asks what comes next, and says by that what it has.
//!
//! Kafka's replicas send the newest version that both know. Before version 12 there is no epoch of the last record in it, without
//! which logs can't be compared; 12 names the topic by its name, 13 by its id, 15 the asker within a structure of its
//! own, 17 the asker's directory. From 18 on the asker tells its high watermark, so that it hears of another at once; one that
//! does not tell is not to be told, which is what the highest offset stands for.
//!
//! Sessions and minimum sizes have no place here: Kafka's replicas send neither.

use super::batches::{self, Batched};
use super::{
    BYTES_MAX, Local, PARTITION, Senseless, asker, check_top, directory_id, leader_at, leader_id, only,
    rejection, rejection_code, standing,
};
use controller::{METADATA_TOPIC, NodeEndpoint};
use model::time::Duration;
use model::{LeaderEpoch, Offset, Uuid};
use protocol::ErrorCode;
use protocol::messages::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse,
    LeaderIdAndEpoch, NodeEndpoint as LeaderAt, PartitionData, ReplicaState, SnapshotId as WireSnapshotId,
};
use raft::{Answer, EpochEnd, Fetch, Records, Response, SnapshotId};
use records::RecordBytes;
use std::ops::RangeInclusive;

/// The versions that are spoken.
pub const VERSIONS: RangeInclusive<i16> = 12..=18;

/// The first version that names topics by id.
const TOPIC_IDS: i16 = 13;
/// The first version with the asker in a structure.
const REPLICA_STATE: i16 = 15;
/// The first version in which the leader's place is told. Version 16 has room for it, but Kafka's replicas leave it empty.
const ENDPOINTS: i16 = 17;

/// A fetch as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub fetch: Fetch,
    /// Most bytes of the answer, but for a first batch, which comes whole. Never more than [`BYTES_MAX`].
    pub bytes_max: usize,
}

/// What the log has for a fetch that fits.
#[derive(Clone, Debug)]
pub struct Read {
    /// The batches from the offset asked for, as many as fit; none for another answer.
    pub records: RecordBytes,
    /// The first offset kept.
    pub log_start: Offset,
}

/// `fetch` as a request.
pub fn request(local: &Local, version: i16, fetch: &Fetch) -> FetchRequest {
    let Fetch { replica, epoch, from, last_epoch, high_watermark, wait } = *fetch;
    let bytes_max = local.portions.log;
    let partition = FetchPartition {
        partition: PARTITION,
        current_leader_epoch: epoch.0,
        fetch_offset: from.0,
        last_fetched_epoch: last_epoch.0,
        partition_max_bytes: bytes_max,
        replica_directory_id: directory_id(replica.directory),
        high_watermark: high_watermark.map_or(-1, |offset| offset.0),
        ..FetchPartition::default()
    };
    let (topic, topic_id) = named(version);
    let in_state = version >= REPLICA_STATE;
    FetchRequest {
        cluster_id: local.cluster_text(),
        replica_id: if in_state { -1 } else { replica.id.0 },
        replica_state: ReplicaState {
            replica_id: if in_state { replica.id.0 } else { -1 },
            ..ReplicaState::default()
        },
        max_wait_ms: i32::try_from(wait.as_millis()).unwrap_or(i32::MAX),
        max_bytes: bytes_max,
        topics: vec![FetchTopic { topic, topic_id, partitions: vec![partition] }],
        ..FetchRequest::default()
    }
}

/// What a request asks, or the error to [refuse](refused) it with.
pub fn read(local: &Local, version: i16, request: FetchRequest) -> Result<Asked, ErrorCode> {
    if !VERSIONS.contains(&version) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    local.check_cluster(request.cluster_id.as_deref())?;
    let named = named(version);
    let topic = only(request.topics).filter(|topic| (&topic.topic, topic.topic_id) == (&named.0, named.1));
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition == PARTITION);
    let partition = partition.ok_or(ErrorCode::InvalidRequest)?;
    let id = if version >= REPLICA_STATE { request.replica_state.replica_id } else { request.replica_id };
    let replica = asker(id, partition.replica_directory_id)?;
    let FetchPartition { current_leader_epoch, last_fetched_epoch, fetch_offset, high_watermark, .. } =
        partition;
    let in_order = 0 <= last_fetched_epoch && last_fetched_epoch <= current_leader_epoch;
    let wait_ms = u64::try_from(request.max_wait_ms).map_err(|_| ErrorCode::InvalidRequest)?;
    if fetch_offset < 0 || !in_order {
        return Err(ErrorCode::InvalidRequest);
    }
    let fetch = Fetch {
        replica,
        epoch: LeaderEpoch(current_leader_epoch),
        from: Offset(fetch_offset),
        last_epoch: LeaderEpoch(last_fetched_epoch),
        high_watermark: (high_watermark >= 0).then_some(Offset(high_watermark)),
        wait: Duration::from_millis(wait_ms),
    };
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0).min(BYTES_MAX);
    Ok(Asked { fetch, bytes_max })
}

/// The answer of the quorum, with what the log has for it, and with where the leader listens if that is known. The
/// batches that the quorum's answer itself may hold are not looked at.
pub fn response(
    version: i16,
    response: &Response,
    read: Read,
    leader: Option<&NodeEndpoint>,
) -> FetchResponse {
    let mut partition = PartitionData {
        partition_index: PARTITION,
        error_code: rejection_code(&response.body),
        high_watermark: -1,
        log_start_offset: read.log_start.0,
        current_leader: LeaderIdAndEpoch { leader_id: leader_id(response), leader_epoch: response.epoch.0 },
        ..PartitionData::default()
    };
    match &response.body {
        Ok(Answer::Records(records)) => {
            partition.high_watermark = records.high_watermark.map_or(-1, |offset| offset.0);
            partition.records = read.records;
        }
        Ok(Answer::Diverging(EpochEnd { epoch, end })) => {
            partition.diverging_epoch = EpochEndOffset { epoch: epoch.0, end_offset: end.0 };
        }
        Ok(Answer::Snapshot(SnapshotId { end, epoch })) => {
            partition.snapshot_id = WireSnapshotId { end_offset: end.0, epoch: epoch.0 };
        }
        Ok(other) => panic!("a fetch was answered with {other:?}"),
        Err(_) => {}
    }
    let (topic, topic_id) = named(version);
    let node = leader_at(response, leader).filter(|_| version >= ENDPOINTS);
    let node = node.map(|(node_id, at)| LeaderAt {
        node_id,
        host: at.host.clone(),
        port: i32::from(at.port),
        rack: None,
    });
    FetchResponse {
        responses: vec![FetchableTopicResponse { topic, topic_id, partitions: vec![partition] }],
        node_endpoints: node.into_iter().collect(),
        ..FetchResponse::default()
    }
}

/// The answer to a request that [`read`](fn@read) has refused.
pub fn refused(code: ErrorCode) -> FetchResponse {
    FetchResponse { error_code: code as i16, ..FetchResponse::default() }
}

/// What a response to `asked` says. Its records are checked.
pub fn answer(version: i16, asked: &Fetch, response: FetchResponse) -> Result<Response, Senseless> {
    check_top(response.error_code)?;
    let named = named(version);
    let topic =
        only(response.responses).filter(|topic| (&topic.topic, topic.topic_id) == (&named.0, named.1));
    let partition = topic.and_then(|topic| only(topic.partitions));
    let partition = partition.filter(|partition| partition.partition_index == PARTITION);
    let partition = partition.ok_or(Senseless::Partition)?;
    let rejected = rejection(partition.error_code)?;
    let LeaderIdAndEpoch { leader_id, leader_epoch } = partition.current_leader;
    let (epoch, leader) = standing(leader_id, leader_epoch)?;
    let body = match rejected {
        Ok(()) => Ok(served(asked, epoch, partition)?),
        Err(rejection) => Err(rejection),
    };
    Ok(Response { epoch, leader, body })
}

/// What comes next: the logs differ, or a snapshot, or records, and Kafka looks for them in this order.
fn served(asked: &Fetch, epoch: LeaderEpoch, partition: PartitionData) -> Result<Answer, Senseless> {
    let EpochEndOffset { epoch: diverging, end_offset } = partition.diverging_epoch;
    if (diverging, end_offset) != (-1, -1) {
        if diverging < 0 || end_offset < 0 {
            return Err(Senseless::Number("diverging epoch"));
        }
        return Ok(Answer::Diverging(EpochEnd { epoch: LeaderEpoch(diverging), end: Offset(end_offset) }));
    }
    let WireSnapshotId { end_offset, epoch: of } = partition.snapshot_id;
    if (of, end_offset) != (-1, -1) {
        if of < 0 || end_offset < 0 {
            return Err(Senseless::Number("snapshot id"));
        }
        return Ok(Answer::Snapshot(SnapshotId { end: Offset(end_offset), epoch: LeaderEpoch(of) }));
    }
    let place = Batched { from: asked.from, epochs: asked.last_epoch..=epoch };
    let batches = batches::check(partition.records.into_bytes(), place).map_err(Senseless::Records)?;
    let high_watermark = (partition.high_watermark >= 0).then_some(Offset(partition.high_watermark));
    Ok(Answer::Records(Records { from: asked.from, high_watermark, batches }))
}

/// The metadata log's name, or its id, as a version has it.
fn named(version: i16) -> (String, Uuid) {
    if version >= TOPIC_IDS {
        (String::new(), Uuid::METADATA_TOPIC)
    } else {
        (METADATA_TOPIC.to_owned(), Uuid::ZERO)
    }
}

#[cfg(test)]
#[path = "fetch_test.rs"]
mod tests;
