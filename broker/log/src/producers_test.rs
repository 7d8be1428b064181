//! The rules for producers' batches one by one, as Kafka's `ProducerStateManager` has them.

use super::*;
use records::batch::{Attributes, BatchBuilder};
use records::control::{ControlRecord, EndTxnMarker};

const PRODUCER: ProducerId = ProducerId(7);

/// A log's producers, with the log reduced to where it ends.
#[derive(Default)]
struct Partition {
    table: Producers,
    end: i64,
}

/// A batch of an epoch: its first sequence, and how many records.
fn batch(epoch: i16, first: i32, records: i32) -> BatchHeader {
    let mut builder = BatchBuilder::produced().producer(PRODUCER, epoch, first);
    builder.push(Timestamp(100), None, None);
    let mut header = BatchHeader::parse(&builder.build()).expect("just built");
    header.record_count = records;
    header.last_offset_delta = records - 1;
    header
}

fn transactional(mut header: BatchHeader) -> BatchHeader {
    header.attributes = header.attributes.with_transactional(true);
    header
}

impl Partition {
    fn place(&mut self, mut header: BatchHeader) -> BatchHeader {
        header.base_offset = Offset(self.end);
        header.max_timestamp = Timestamp(1000 + self.end);
        self.end = header.next_offset().0;
        header
    }

    /// As a leader takes it.
    fn send(&mut self, header: BatchHeader) -> Result<Verdict, Refusal> {
        let before = self.end;
        let placed = self.place(header);
        let verdict = self.table.draft().admit(&placed);
        match verdict {
            Ok(Verdict::Append) => self.table.apply(&placed, None),
            _ => self.end = before,
        }
        verdict
    }

    /// As a follower takes it.
    fn copy(&mut self, header: BatchHeader) {
        let placed = self.place(header);
        self.table.apply(&placed, None);
    }

    fn mark(&mut self, epoch: i16, coordinator_epoch: i32) {
        let mut header = self.place(batch(epoch, -1, 1));
        header.attributes = Attributes::default().with_control(true).with_transactional(true);
        let timestamp = header.max_timestamp;
        self.table.apply(&header, Some(Marker { coordinator_epoch, timestamp }));
    }

    fn producer(&self) -> &Producer {
        self.table.get(PRODUCER).expect("known")
    }
}

fn out_of_order(found: i32, last: i32) -> Result<Verdict, Refusal> {
    Err(Refusal::OutOfOrder { found, last })
}

#[test]
fn batches_follow_each_other_without_a_gap() {
    let mut log = Partition::default();
    assert_eq!(log.send(batch(0, 0, 1)), Ok(Verdict::Append));
    assert_eq!(log.send(batch(0, 2, 1)), out_of_order(2, 0));
    assert_eq!(log.send(batch(0, 1, 3)), Ok(Verdict::Append));
    assert_eq!(log.send(batch(0, 5, 1)), out_of_order(5, 3));
    assert_eq!(log.send(batch(0, 4, 1)), Ok(Verdict::Append));
    assert_eq!((log.end, log.producer().last_sequence()), (5, 4));
}

#[test]
fn one_of_the_last_five_is_answered_again_and_those_before_them_are_known_to_be_there() {
    let mut log = Partition::default();
    for first in [0, 2, 4, 6, 8, 10] {
        assert_eq!(log.send(batch(3, first, 2)), Ok(Verdict::Append));
    }
    for first in [2, 4, 6, 8, 10] {
        let Ok(Verdict::Duplicate(kept)) = log.send(batch(3, first, 2)) else { panic!("{first} is new") };
        assert_eq!((kept.first_offset(), kept.last_offset), (Offset(first.into()), Offset(first as i64 + 1)));
        assert_eq!(kept.timestamp, Timestamp(1000 + i64::from(first)), "that of the append");
    }
    assert_eq!(log.end, 12);
    assert_eq!(log.send(batch(3, 0, 2)), Ok(Verdict::Written { below: Offset(2) }), "the sixth");
    for (first, records) in [(2, 1), (3, 1), (2, 4), (10, 3), (0, 3), (i32::MAX, 1), (-1, 1)] {
        assert_eq!(log.send(batch(3, first, records)), out_of_order(first, 11), "not the same batch");
    }
    assert_eq!(log.send(batch(4, 2, 2)), out_of_order(2, -1), "the same sequences of another epoch");
}

#[test]
fn nobody_says_that_a_batch_is_there_which_may_not_be() {
    // What was before the first batch that this log has of a producer, or before a gap that another leader has left.
    let mut log = Partition::default();
    for first in [4, 5, 6, 7, 8, 9] {
        assert_eq!(log.send(batch(0, first, 1)), Ok(Verdict::Append));
    }
    assert_eq!(log.send(batch(0, 3, 1)), out_of_order(3, 9));
    assert_eq!(log.send(batch(0, 4, 1)), Ok(Verdict::Written { below: Offset(1) }));
    log.copy(batch(0, 20, 1));
    assert_eq!(log.send(batch(0, 4, 1)), out_of_order(4, 20));
    (21..26).for_each(|first| log.copy(batch(0, first, 1)));
    assert_eq!(log.send(batch(0, 4, 1)), out_of_order(4, 25));
    assert_eq!(log.send(batch(0, 20, 1)), Ok(Verdict::Written { below: Offset(7) }));
}

#[test]
fn sequences_wrap_from_the_highest_to_zero() {
    let mut log = Partition::default();
    log.copy(batch(0, i32::MAX - 9, 10));
    assert_eq!(log.producer().last_sequence(), i32::MAX);
    assert_eq!(log.send(batch(0, 1, 1)), out_of_order(1, i32::MAX));
    assert_eq!(log.send(batch(0, 0, 1)), Ok(Verdict::Append));

    let mut log = Partition::default();
    log.copy(batch(0, i32::MAX - 1, 4));
    let kept = log.producer().batches()[0];
    assert_eq!(
        (kept.first_sequence(), kept.last_sequence, kept.first_offset()),
        (i32::MAX - 1, 1, Offset(0))
    );
    assert_eq!(log.send(batch(0, i32::MAX - 1, 4)), Ok(Verdict::Duplicate(kept)));
    assert_eq!(log.send(batch(0, 2, 1)), Ok(Verdict::Append));
}

#[test]
fn an_unknown_producer_begins_wherever_it_is() {
    // KIP-360: the records that told of it may be gone.
    let mut log = Partition::default();
    assert_eq!(log.send(batch(5, 77, 2)), Ok(Verdict::Append));
    assert_eq!(log.send(batch(5, 0, 1)), out_of_order(0, 78));
    assert_eq!(log.send(batch(5, 79, 1)), Ok(Verdict::Append));
}

#[test]
fn a_new_epoch_begins_at_zero_and_ends_the_old_one() {
    let mut log = Partition::default();
    log.copy(batch(1, 0, 3));
    assert_eq!(log.send(batch(2, 3, 1)), out_of_order(3, -1));
    assert_eq!(log.send(batch(0, 0, 1)), Err(Refusal::StaleEpoch { found: 0, known: 1 }));
    assert_eq!(log.send(batch(2, 0, 1)), Ok(Verdict::Append));
    assert_eq!(log.producer().batches().len(), 1);
    assert_eq!(
        log.send(batch(1, 0, 3)),
        Err(Refusal::StaleEpoch { found: 1, known: 2 }),
        "no duplicate either"
    );
    assert_eq!(log.send(batch(i16::MAX, 0, 1)), Ok(Verdict::Append));
}

#[test]
fn a_follower_takes_what_its_leader_took() {
    let mut log = Partition::default();
    log.copy(batch(4, 0, 1));
    log.copy(batch(4, 9, 1));
    assert_eq!(log.producer().last_sequence(), 9);
    log.copy(batch(2, 5, 1));
    assert_eq!((log.producer().epoch(), log.producer().batches().len()), (2, 1));
}

#[test]
fn batches_of_one_write_are_judged_by_those_before_them_and_leave_nothing_if_it_fails() {
    let mut log = Partition::default();
    log.copy(batch(0, 0, 1));
    let mut draft = log.table.draft();
    let (mut second, mut third) = (batch(0, 1, 1), batch(0, 2, 1));
    (second.base_offset, third.base_offset) = (Offset(1), Offset(2));
    assert_eq!(draft.admit(&third), out_of_order(2, 0));
    assert_eq!(draft.admit(&second), Ok(Verdict::Append));
    assert_eq!(draft.admit(&third), Ok(Verdict::Append));
    assert!(matches!(draft.admit(&second), Ok(Verdict::Duplicate(kept)) if kept.last_offset == Offset(1)));
    let next_epoch = batch(1, 0, 1);
    assert_eq!(draft.admit(&next_epoch), Ok(Verdict::Append));
    assert_eq!(draft.admit(&batch(0, 3, 1)), Err(Refusal::StaleEpoch { found: 0, known: 1 }));
    drop(draft);
    assert_eq!(log.producer().last_sequence(), 0);
    assert_eq!(log.send(batch(0, 1, 1)), Ok(Verdict::Append));
}

#[test]
fn a_batch_without_a_producer_is_appended_and_leaves_no_trace() {
    let mut table = Producers::default();
    let mut builder = BatchBuilder::produced();
    builder.push(Timestamp(1), None, None);
    let header = BatchHeader::parse(&builder.build()).expect("just built");
    assert_eq!(table.draft().admit(&header), Ok(Verdict::Append));
    assert_eq!(table.draft().admit(&header), Ok(Verdict::Append));
    table.apply(&header, None);
    assert!(table.is_empty() && table.is_of_log_to(Offset::ZERO));
}

#[test]
fn nobody_writes_into_a_transaction_that_has_not_begun() {
    let mut log = Partition::default();
    assert_eq!(log.send(transactional(batch(0, 0, 1))), Err(Refusal::NoTransaction));
    log.copy(transactional(batch(0, 0, 1)));
    assert_eq!(log.producer().transaction(), Some(Offset(0)));
    assert_eq!(log.send(batch(0, 1, 1)), Err(Refusal::InTransaction));
    assert_eq!(
        log.send(transactional(batch(0, 1, 1))),
        Ok(Verdict::Append),
        "as another broker has begun it"
    );
    assert_eq!(log.send(transactional(batch(1, 0, 1))), Err(Refusal::NoTransaction));
    assert_eq!(log.producer().transaction(), Some(Offset(0)), "its first offset stays");
    log.mark(0, 12);
    let producer = log.producer();
    assert_eq!((producer.transaction(), producer.coordinator_epoch, producer.last_sequence()), (None, 12, 1));
    assert_eq!(log.send(batch(0, 2, 1)), Ok(Verdict::Append), "sequences go on behind a marker of the epoch");
}

#[test]
fn a_marker_of_a_later_epoch_fences_the_producer() {
    let mut log = Partition::default();
    log.copy(batch(0, 0, 1));
    log.mark(1, 0);
    assert_eq!(log.producer().batches(), []);
    assert_eq!(log.send(batch(0, 1, 1)), Err(Refusal::StaleEpoch { found: 0, known: 1 }));
    assert_eq!(log.send(batch(1, 1, 1)), out_of_order(1, -1));
    assert_eq!(log.send(batch(1, 0, 1)), Ok(Verdict::Append));
}

#[test]
fn markers_are_read_from_their_batch() {
    let marker = ControlRecord::Abort(EndTxnMarker { coordinator_epoch: 31 });
    let mut builder = BatchBuilder::produced().control().transactional().producer(PRODUCER, 2, -1);
    builder.push(Timestamp(55), Some(&marker.key()), Some(&marker.value().expect("short")));
    let bytes = builder.build();
    let header = BatchHeader::parse(&bytes).expect("just built");
    assert!(Marker::is_in(&header));
    let read = Marker::read(&bytes).expect("a marker");
    assert_eq!(read, Marker { coordinator_epoch: 31, timestamp: Timestamp(55) });
    let mut table = Producers::default();
    table.apply(&header, Some(read));
    assert_eq!(table.get(PRODUCER).map(Producer::epoch), Some(2));
    // The cleaner leaves the batch and takes its record.
    assert_eq!(Marker::read(&bytes.slice(..61)), None);
    let mut empty = Producers::default();
    empty.apply(&header, None);
    assert!(empty.is_empty());
}

#[test]
fn who_is_silent_for_long_is_forgotten_unless_heard_of_since_the_last_look() {
    let mut log = Partition::default();
    log.copy(batch(0, 0, 1));
    let written = 1000;
    assert_eq!(
        log.table.forget(Timestamp(written + 999), 500),
        0,
        "heard of just now, whatever the clock says"
    );
    assert_eq!(log.table.forget(Timestamp(written + 499), 500), 0, "not for long");
    assert_eq!(log.table.forget(Timestamp(written + 500), 500), 1);
    assert!(log.table.is_empty());
    assert_eq!(log.send(batch(0, 9, 1)), Ok(Verdict::Append), "unknown again");
    assert_eq!(log.table.forget(Timestamp(i64::MAX), 500), 0);
    assert_eq!(log.send(batch(0, 10, 1)), Ok(Verdict::Append));
    assert_eq!(log.table.forget(Timestamp(i64::MAX), 500), 0);
    log.copy(transactional(batch(0, 11, 1)));
    for _ in 0..3 {
        assert_eq!(log.table.forget(Timestamp(i64::MAX), 500), 0, "in a transaction");
    }
}

#[test]
fn too_many_producers_push_out_those_that_produced_first() {
    let mut log = Partition::default();
    for id in 0..30 {
        let mut header = log.place(batch(0, 0, 1));
        header.producer_id = ProducerId((id * 7) % 30);
        if id == 0 {
            header.attributes = header.attributes.with_transactional(true);
        }
        log.table.apply(&header, None);
        log.table.make_room(20);
        assert!(log.table.len() <= 20);
    }
    let left: Vec<i64> = log.table.iter().map(|(_, producer)| producer.last_offset().0).collect();
    assert!(left.contains(&0), "a transaction that is open stays");
    let mut others: Vec<i64> = left.into_iter().filter(|offset| *offset > 0).collect();
    others.sort_unstable();
    assert_eq!(others.first(), Some(&(30 - others.len() as i64)), "the latest are left, without a gap");
}
