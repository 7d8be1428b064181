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
    let part = FetchPart {
        slot,
        partition,
        epoch: LeaderEpoch(0),
        from: Offset(0),
        bytes_max: 1000,
        replica: None,
        from_whom: FromWhom::Leader,
    };
    Slot { topic: no_name(), index: slot as i32, part: Ok(part) }
}

fn no_name() -> TopicName {
    TopicName { name: String::new(), id: Uuid::ZERO }
}

fn unknown() -> Slot {
    Slot { topic: no_name(), index: 9, part: Err(ErrorCode::UnknownTopicOrPartition) }
}

fn found(records: Records) -> Result<Found, ErrorCode> {
    Ok(Found {
        high_watermark: Offset(9),
        log_start: Offset(0),
        line: Offset(9),
        diverging: None,
        followers: Vec::new(),
        records,
    })
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
    let mut counted = vec![Counted::default(); slots.len()];
    let worth = ready(is_worth_answering(slots, &mut found, &mut counted, bytes_min));
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
fn what_was_read_once_is_counted_and_looked_behind() {
    let slots = [known(0), known(1)];
    let mut counted = vec![Counted::default(); 2];
    let worth = |mut found: Vec<_>, counted: &mut Vec<Counted>| {
        ready(is_worth_answering(&slots, &mut found, counted, 100))
    };
    assert!(!worth(vec![disk(Ok(40)), memory(30)], &mut counted));
    // Memory costs nothing to look at again; what came from disk is behind us.
    assert_eq!(counted, [Counted { bytes: 40, to: Some(Offset(1)) }, Counted::default()]);
    let part = |slot: usize| counted[slot].behind(*slots[slot].part.as_ref().unwrap());
    assert_eq!((part(0).from, part(0).bytes_max), (Offset(1), 960));
    assert_eq!((part(1).from, part(1).bytes_max), (Offset(0), 1000));
    assert!(!worth(vec![disk(Ok(0)), memory(59)], &mut counted));
    assert_eq!(counted[0].bytes, 40, "no more came of it");
    assert!(!worth(vec![disk(Ok(20)), memory(30)], &mut counted));
    assert!(worth(vec![found(Records::None), memory(40)], &mut counted));
    assert!(worth(vec![memory(10), memory(30)], &mut counted));
}

/// A fetch of 100 bytes from one cold partition, to which a batch is added whenever it parks.
#[test]
fn however_often_a_fetch_is_woken_it_reads_nothing_more_than_twice() {
    const BATCH: i64 = 7;
    let slot = known(0);
    let (mut counted, mut read, mut looks) = (vec![Counted::default()], 0, 0);
    for batches in 1.. {
        let from = counted[0].behind(*slot.part.as_ref().unwrap()).from.0;
        let (new, end) = ((batches - from) * BATCH, Offset(batches));
        let result = Ok((Bytes::from(vec![0; new as usize]), end));
        read += new;
        looks += 1;
        let read = Box::pin(async move { result });
        let mut found = [found(Records::Disk { bytes_max: 1000, read })];
        if ready(is_worth_answering(std::slice::from_ref(&slot), &mut found, &mut counted, 100)) {
            break;
        }
    }
    assert_eq!((looks, read), (15, 15 * BATCH), "each byte once; the answer reads them again");
}

#[test]
fn old_clients_are_not_told_of_storage_errors() {
    assert_eq!(suited(ErrorCode::KafkaStorageError, 5), ErrorCode::NotLeaderOrFollower);
    assert_eq!(suited(ErrorCode::KafkaStorageError, 6), ErrorCode::KafkaStorageError);
    assert_eq!(suited(ErrorCode::OffsetOutOfRange, 4), ErrorCode::OffsetOutOfRange);
}
