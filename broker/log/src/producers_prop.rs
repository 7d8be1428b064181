//! The table against a naive model that keeps all batches ever appended, and judges by looking through them.

use super::files::Account;
use super::*;
use proptest::prelude::*;
use records::batch::BatchBuilder;

/// A client's batch: of whom, in which epoch, which sequence, how many records; or what another leader has let in.
#[derive(Clone, Debug)]
struct Sent {
    id: i64,
    epoch: i16,
    sequence: Sequence,
    records: i32,
    copied: bool,
}

#[derive(Clone, Debug)]
enum Sequence {
    /// What comes next, give or take.
    Next(i32),
    /// That of the batch so many before the last, with its count.
    Again(usize),
    Any(i32),
}

fn sent() -> impl Strategy<Value = Sent> {
    let sequence = prop_oneof![
        6 => Just(Sequence::Next(0)),
        1 => (-2i32..3).prop_map(Sequence::Next),
        4 => (0usize..12).prop_map(Sequence::Again),
        1 => prop_oneof![Just(0), 0..20, (i32::MAX - 20)..=i32::MAX].prop_map(Sequence::Any),
    ];
    let epoch = prop_oneof![8 => Just(0i16), 2 => 0i16..3];
    (0i64..3, epoch, sequence, 1i32..9, prop::bool::weighted(0.1))
        .prop_map(|(id, epoch, sequence, records, copied)| Sent { id, epoch, sequence, records, copied })
}

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    New,
    Known(Offset),
    Written,
}

/// All batches, one after the other.
#[derive(Default)]
struct History(Vec<BatchHeader>);

impl History {
    fn of(&self, id: i64) -> Vec<BatchHeader> {
        self.0.iter().filter(|header| header.producer_id.0 == id).copied().collect()
    }

    /// The producer's batches since it entered its latest epoch.
    fn current(&self, id: i64) -> Vec<BatchHeader> {
        let all = self.of(id);
        let Some(last) = all.last() else { return Vec::new() };
        let epoch = last.producer_epoch;
        let mut current: Vec<_> =
            all.iter().rev().take_while(|header| header.producer_epoch == epoch).copied().collect();
        current.reverse();
        current
    }

    /// The sequence numbers before the last five batches, back to where one was left out.
    fn long_since(current: &[BatchHeader]) -> Vec<i32> {
        let gap = |pair: &[BatchHeader]| {
            pair[0].last_sequence().wrapping_add(1) & i32::MAX != pair[1].base_sequence
        };
        let from = current.windows(2).rposition(gap).map_or(0, |at| at + 1);
        let till = current.len().saturating_sub(5).max(from);
        let of = |header: &BatchHeader| {
            let base = header.base_sequence;
            (0..header.record_count).map(move |n| base.wrapping_add(n) & i32::MAX)
        };
        current[from..till].iter().flat_map(of).collect()
    }

    fn judge(&self, header: &BatchHeader) -> Result<Judged, Refusal> {
        let current = self.current(header.producer_id.0);
        let Some(last) = current.last() else { return Ok(Judged::New) };
        let known = last.producer_epoch;
        for old in current.iter().rev().take(5).rev() {
            let sequences =
                (old.base_sequence, old.record_count) == (header.base_sequence, header.record_count);
            if old.producer_epoch == header.producer_epoch && sequences {
                return Ok(Judged::Known(old.base_offset));
            }
        }
        let written = Self::long_since(&current);
        let within = written.iter().position(|sequence| *sequence == header.base_sequence);
        let fits = within.is_some_and(|at| at + header.record_count as usize <= written.len());
        if header.producer_epoch == last.producer_epoch && fits {
            return Ok(Judged::Written);
        }
        let (found, first) = (header.producer_epoch, header.base_sequence);
        let last = i64::from(last.base_sequence) + i64::from(last.record_count) - 1;
        let last = (last % (1 << 31)) as i32;
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(Refusal::StaleEpoch { found, known }),
            std::cmp::Ordering::Greater if first != 0 => Err(Refusal::OutOfOrder { found: first, last: -1 }),
            std::cmp::Ordering::Equal if i64::from(first) != (i64::from(last) + 1) % (1 << 31) => {
                Err(Refusal::OutOfOrder { found: first, last })
            }
            _ => Ok(Judged::New),
        }
    }

    fn build(&self, sent: &Sent) -> BatchHeader {
        let current = self.current(sent.id);
        let again = match sent.sequence {
            Sequence::Again(back) => current.iter().rev().nth(back),
            _ => None,
        };
        let next = current.last().map_or(0, |last| last.last_sequence().wrapping_add(1) & i32::MAX);
        let (sequence, records) = match (&sent.sequence, again) {
            (_, Some(old)) => (old.base_sequence, old.record_count),
            (Sequence::Next(off), _) => (next.wrapping_add(*off) & i32::MAX, sent.records),
            (Sequence::Again(_), None) => (next, sent.records),
            (Sequence::Any(any), _) => (*any, sent.records),
        };
        let mut builder = BatchBuilder::produced().producer(ProducerId(sent.id), sent.epoch, sequence);
        (0..records).for_each(|_| builder.push(Timestamp(1), None, None));
        let mut header = BatchHeader::parse(&builder.build()).expect("just built");
        header.base_offset = self.0.last().map_or(Offset::ZERO, |last| last.next_offset());
        header
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_are_those_of_the_whole_history(sends in prop::collection::vec(sent(), 1..120), writes in 1usize..7) {
        let mut history = History::default();
        let mut account = Account::default();
        for write in sends.chunks(writes) {
            // Judged as one write, applied when it is done.
            let mut appended = Vec::new();
            let mut draft = account.table.draft();
            for sent in write {
                let header = history.build(sent);
                if sent.copied && appended.is_empty() {
                    continue;
                }
                let expected = history.judge(&header);
                let found = draft.admit(&header).map(|verdict| match verdict {
                    Verdict::Append => Judged::New,
                    Verdict::Duplicate(kept) => Judged::Known(kept.first_offset()),
                    Verdict::Written { .. } => Judged::Written,
                });
                prop_assert_eq!(found, expected, "{:?}", header);
                if found == Ok(Judged::New) {
                    history.0.push(header);
                    appended.push(header);
                }
            }
            drop(draft);
            for header in &appended {
                account.apply(header, || unreachable!("no marker"));
            }
            // And what a leader elsewhere has let in, by rules of its own.
            if let Some(sent) = write.first().filter(|sent| sent.copied) {
                let header = history.build(sent);
                history.0.push(header);
                account.apply(&header, || unreachable!("no marker"));
            }
            for (id, producer) in account.table.iter() {
                let current = history.current(id.0);
                let last: Vec<_> = current.iter().rev().take(5).rev().map(|header| header.last_offset()).collect();
                let kept: Vec<_> = producer.batches().iter().map(|kept| kept.last_offset).collect();
                prop_assert_eq!(kept, last);
            }
        }
    }
}
