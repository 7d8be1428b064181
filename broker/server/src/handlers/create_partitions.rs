//! CreatePartitions (key 37): topics get more partitions, through the controller.
//!
//! * A topic is told how many it is to have in all. With `validate_only` nothing changes.
//! * The answer leaves when the partitions are committed and can be produced to, as far as this broker leads them.

use super::{Asked, Outcome, encode_of_controller};
use crate::metadata::Handle;
use crate::refusal;
use controller::{CreatePartitions, MorePartitions, Refusal};
use protocol::ErrorCode;
use protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

pub(super) async fn apply(
    metadata: &Handle,
    asked: Asked,
    request: CreatePartitionsRequest,
) -> Result<Outcome, String> {
    let assigned = |topic: &CreatePartitionsTopic| topic.assignments.as_ref().map_or(0, Vec::len);
    super::check_named(request.topics.iter().map(assigned))?;
    let names: Vec<String> = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let topics = request.topics.into_iter().map(more).collect();
    let wanted = CreatePartitions { topics, validate_only: request.validate_only };
    let outcome = metadata.create_partitions(wanted).await;
    let not_controller = refusal::is_not_controller(&outcome);
    let outcomes = outcome
        .unwrap_or_else(|refusal| names.into_iter().map(|name| (name, Err(refusal.clone()))).collect());
    let results = outcomes.into_iter().map(|(name, outcome)| result(name, outcome)).collect();
    let response = CreatePartitionsResponse { results, ..CreatePartitionsResponse::default() };
    Ok(Outcome::Ready(encode_of_controller(&asked, &response, not_controller)))
}

fn more(topic: CreatePartitionsTopic) -> MorePartitions {
    let brokers = |assignments: Vec<CreatePartitionsAssignment>| {
        assignments.into_iter().map(|assignment| assignment.broker_ids).collect()
    };
    MorePartitions {
        name: topic.name,
        count: topic.count,
        assignments: topic.assignments.map(brokers),
        start: 0,
    }
}

fn result(name: String, outcome: Result<(), Refusal>) -> CreatePartitionsTopicResult {
    let (error_code, error_message) = match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err(refusal) => (refusal::controller(refusal.reason), Some(refusal.message)),
    };
    CreatePartitionsTopicResult { name, error_code: error_code as i16, error_message }
}
