//! When an answer is worth leaving, and what old clients are told.

use super::*;
use bytes::Bytes;
use model::{TopicId, Uuid};
use std::task::{Context, Poll, Waker};

fn ready<F: Future>(future: F) -> F::Output {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the reads of this test never wait"),
    }
}

fn known(slot: usize) -> Slot {
    let partition = PartitionKey { topic: TopicId(Uuid::ZERO), index: PartitionIndex(slot as i32) };
    let part = FetchPart { slot, partition, epoch: LeaderEpoch(0), from: Offset(0), bytes_max: 1000 };
    Slot { topic: 0, index: slot as i32, part: Ok(part) }
}

fn unknown() -> Slot {
    Slot { topic: 0, index: 9, part: Err(ErrorCode::UnknownTopicOrPartition) }
}

fn found(records: Records) -> Result<Found, ErrorCode> {
    Ok(Found { high_watermark: Offset(9), log_start: Offset(0), records })
}

fn memory(bytes: usize) -> Result<Found, ErrorCode> {
    found(Records::Memory { pieces: vec![Bytes::from(vec![0; bytes])], bytes, to: Offset(1) })
}

fn disk(result: Result<usize, ErrorCode>) -> Result<Found, ErrorCode> {
    let result = result.map(|bytes| (Bytes::from(vec![0; bytes]), Offset(1)));
    found(Records::Disk { bytes_max: 1000, read: Box::pin(async move { result }) })
}

/// Whether it is worth answering, and how many bytes are in memory then.
fn worth(slots: &[Slot], mut found: Vec<Result<Found, ErrorCode>>, bytes_min: usize) -> (bool, usize) {
    let worth = ready(is_worth_answering(slots, &mut found, bytes_min));
    let bytes = |found: &Found| match &found.records {
        Records::Memory { bytes, .. } => *bytes,
        _ => 0,
    };
    (worth, found.iter().flatten().map(bytes).sum())
}

#[test]
fn an_unknown_partition_does_not_end_the_wait_and_a_failed_one_does() {
    let unknown_error = || Err(ErrorCode::UnknownTopicOrPartition);
    assert_eq!(worth(&[known(0), unknown()], vec![found(Records::None), unknown_error()], 1), (false, 0));
    assert_eq!(worth(&[known(0), unknown()], vec![memory(5), unknown_error()], 5), (true, 5));
    let failed = Err(ErrorCode::OffsetOutOfRange);
    assert_eq!(worth(&[known(0), known(1)], vec![found(Records::None), failed], 1), (true, 0));
}

#[test]
fn cold_reads_count_for_what_they_give() {
    let slots = [known(0), known(1)];
    assert_eq!(worth(&slots, vec![disk(Ok(10)), disk(Ok(20))], 31), (false, 30));
    assert_eq!(worth(&slots, vec![disk(Ok(10)), disk(Ok(20))], 30), (true, 30));
    // What is not needed to decide is left for later.
    assert_eq!(worth(&slots, vec![disk(Ok(10)), memory(20)], 20), (true, 20));
    assert_eq!(worth(&slots, vec![disk(Ok(10)), disk(Err(ErrorCode::CorruptMessage))], 10), (true, 10));
    assert_eq!(worth(&slots, vec![disk(Err(ErrorCode::CorruptMessage)), disk(Ok(10))], 10), (true, 0));
    assert_eq!(worth(&slots, vec![disk(Ok(0)), found(Records::None)], 0), (true, 0));
}

#[test]
fn only_a_request_within_a_session_needs_one() {
    assert!(!continues_session(0) && !continues_session(-1));
    assert!(continues_session(1) && continues_session(i32::MAX) && continues_session(-2));
}

#[test]
fn old_clients_are_not_told_of_storage_errors() {
    assert_eq!(suited(ErrorCode::KafkaStorageError, 5), ErrorCode::NotLeaderOrFollower);
    assert_eq!(suited(ErrorCode::KafkaStorageError, 6), ErrorCode::KafkaStorageError);
    assert_eq!(suited(ErrorCode::OffsetOutOfRange, 4), ErrorCode::OffsetOutOfRange);
}
