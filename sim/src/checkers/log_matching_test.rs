//! Replicas that differ where they must not must be noticed.

use super::LogMatching;
use crate::checkers::forge::{Forge, T0};
use crate::checkers::{Batch, Checkers, Metadata, Replayed, Seen};
use ::runtime::Event;
use model::{BrokerId, LeaderEpoch, LogEnd, Offset};
use std::collections::BTreeMap;

/// Logs of broker after broker, each as batches of one record: base, epoch and checksum. The topic is durable or not;
/// broker 1, alone in sync, loses its power between two of them.
#[track_caller]
fn logs(durable: bool, replicas: i16, logs: &[&[(i64, i32, u32)]], fires: &[&str]) {
    let mut forge =
        Forge::with(Checkers::with(vec![Box::new(LogMatching::default())])).created(durable, replicas);
    let in_sync = Event::InSync { partition: T0, epoch: LeaderEpoch(0), members: vec![BrokerId(1)] };
    forge = forge.event(in_sync);
    for (broker, log) in (1..).zip(logs) {
        let batches: Vec<Batch> = log
            .iter()
            .map(|(base, epoch, crc)| Batch {
                base: Offset(*base),
                end: Offset(base + 1),
                epoch: LeaderEpoch(*epoch),
                crc: *crc,
            })
            .collect();
        let start = batches.first().map_or(Offset::ZERO, |batch| batch.base);
        let end = LogEnd(batches.last().map_or(Offset::ZERO, |batch| batch.end));
        let logs = BTreeMap::from([(T0, Replayed { start, end, batches, sequenced: Vec::new() })]);
        let metadata = Metadata::default();
        forge = forge.seen(&Seen::Replayed { broker, logs: &logs, metadata: &metadata }).power_lost();
    }
    forge.fires(fires);
}

#[test]
fn another_batch_in_the_same_epoch_is_noticed() {
    let fires = &["log_matching"];
    logs(true, 3, &[&[(0, 0, 1), (1, 0, 2)], &[(0, 0, 1), (1, 0, 3)]], fires);
    logs(true, 1, &[&[(0, 0, 1), (1, 0, 2)], &[(0, 0, 1), (1, 0, 3)]], &[]);
    logs(true, 3, &[&[(0, 0, 1), (1, 0, 2)], &[(0, 0, 1), (1, 1, 3)]], &[]);
    logs(true, 3, &[&[(0, 0, 1), (1, 0, 2)], &[(0, 0, 1)]], &[]);
}

#[test]
fn the_same_batch_behind_others_is_noticed() {
    logs(true, 3, &[&[(0, 0, 1), (1, 2, 2)], &[(0, 1, 9), (1, 2, 2)]], &["log_matching"]);
}

#[test]
fn a_log_that_begins_later_is_compared_batch_by_batch() {
    logs(true, 3, &[&[(0, 0, 1), (1, 0, 2)], &[(1, 0, 2)]], &[]);
    logs(true, 3, &[&[(0, 0, 1), (1, 0, 2)], &[(1, 0, 3)]], &["log_matching"]);
}

#[test]
fn a_power_cut_may_take_what_was_left_to_the_page_cache() {
    logs(false, 3, &[&[(0, 0, 1)], &[(0, 0, 2)]], &[]);
}
