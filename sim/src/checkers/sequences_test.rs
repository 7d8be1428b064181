//! Batches that are there twice, or of an epoch that is over, must be noticed.

use super::*;
use crate::checkers::forge::{Forge, T0};
use crate::checkers::{Checkers, Metadata, Replayed};
use model::LogEnd;

/// A log of batches of one producer each: id, epoch, first and last sequence number.
#[track_caller]
fn log(batches: &[(i64, i16, i32, i32)], fires: &[&str]) {
    let sequenced: Vec<Sequenced> = (0..)
        .zip(batches)
        .map(|(base, &(id, epoch, first, last))| Sequenced {
            base: Offset(base),
            producer: ProducerId(id),
            epoch,
            first,
            last,
        })
        .collect();
    let end = LogEnd(Offset(sequenced.len() as i64));
    let logs = BTreeMap::from([(T0, Replayed { start: Offset::ZERO, end, batches: Vec::new(), sequenced })]);
    let seen = Seen::Replayed { broker: 1, logs: &logs, metadata: &Metadata::default() };
    Forge::with(Checkers::with(vec![Box::new(Sequences)])).created(true, 1).seen(&seen).fires(fires);
}

#[test]
fn sequences_that_ascend_are_fine() {
    log(&[(1, 0, 0, 3), (2, 0, 0, 0), (1, 0, 4, 4), (1, 1, 0, 5), (2, 0, 1, 1)], &[]);
    log(&[(1, 0, i32::MAX - 1, i32::MAX), (1, 0, 0, 3)], &[]);
}

#[test]
fn a_batch_that_is_there_twice_is_noticed() {
    log(&[(1, 0, 0, 3), (1, 0, 0, 3)], &["sequences"]);
    log(&[(1, 0, 0, 3), (1, 0, 4, 6), (2, 0, 0, 0), (1, 0, 0, 3)], &["sequences"]);
    log(&[(1, 0, 0, 3), (1, 0, 3, 6)], &["sequences"]);
}

#[test]
fn an_epoch_that_is_over_is_noticed() {
    log(&[(1, 1, 0, 3), (1, 0, 4, 4)], &["sequences"]);
}
