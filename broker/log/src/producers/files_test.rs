//! Snapshots of producers on a disk that loses what it may: rolls, cuts and closings interrupted at each of their
//! operations, by kills and power cuts.

use crate::Recovery;
use crate::memory_disk::{MemoryDisk, finish, run};
use crate::producers::encoding::{decode, encode};
use crate::recovery_tests::{TestLog, append, batch, check_producers, check_records, open, point, sync};
use crate::{AppendBatch, AppendError, Log, OpenError};
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};
use records::batch::{BatchBuilder, BatchHeader};
use std::path::PathBuf;

fn clean(recovery_point: i64) -> Recovery {
    Recovery { clean: true, ..point(recovery_point) }
}

fn snapshots(disk: &MemoryDisk) -> Vec<i64> {
    let name = |path: &String| {
        Some(path.strip_prefix("t-0/")?.strip_suffix(".snapshot")?.parse().expect("an offset"))
    };
    disk.paths().iter().filter_map(name).collect()
}

fn path(at: i64) -> String {
    format!("t-0/{at:020}.snapshot")
}

/// A log of that many batches, all synced.
fn written(batches: usize) -> (MemoryDisk, TestLog) {
    let disk = MemoryDisk::default();
    let mut log = open(&disk, point(0));
    append(&mut log, batches);
    sync(&disk, &mut log);
    (disk, log)
}

#[test]
fn one_stands_where_a_segment_begins_and_one_where_the_log_was_closed() {
    let (disk, log) = written(8);
    assert_eq!(snapshots(&disk), [3, 6]);
    let stored = decode(&disk.content(path(6)).expect("there"), Offset(6)).expect("whole");
    assert_eq!(stored.get(ProducerId(1)).expect("known").last_sequence(), 2);
    assert_eq!(finish(log.close()), Ok(Offset(8)));
    assert_eq!(snapshots(&disk), [3, 6, 8]);
    let read = disk.bytes_read();
    let mut log = open(&disk, clean(8));
    check_producers(&log);
    assert!(disk.bytes_read() - read < 2000, "the last snapshot and the end of the log");
    append(&mut log, 2);
    finish(log.close()).expect("closes");
    assert_eq!(snapshots(&disk), [3, 6, 8, 9, 10]);
    let log = open(&disk, clean(10));
    assert_eq!(snapshots(&disk), [3, 6, 9, 10], "none of an earlier closing");
    check_records(&log);
    // Nothing has come: there is nothing to write.
    finish(log.close()).expect("closes");
    assert_eq!(snapshots(&disk), [3, 6, 9, 10]);
}

#[test]
fn a_log_that_has_no_producers_is_not_read_for_them() {
    let disk = MemoryDisk::default();
    let config = crate::LogConfig { producers: false, ..crate::recovery_tests::config() };
    let opened = |config: &crate::LogConfig| {
        finish(Log::open(disk.clone(), PathBuf::from("t-0"), config.clone(), clean(8))).expect("opens").0
    };
    let mut log =
        finish(Log::open(disk.clone(), PathBuf::from("t-0"), config.clone(), point(0))).expect("opens").0;
    append(&mut log, 8);
    finish(log.close()).expect("closes");
    assert_eq!(snapshots(&disk), Vec::<i64>::new());
    let read = disk.bytes_read();
    let log = opened(&config);
    assert!(disk.bytes_read() - read < 2000);
    assert!(log.producers().is_empty());
    drop(log);
    // One that has some is read from its beginning, once.
    let log = opened(&crate::recovery_tests::config());
    check_records(&log);
    finish(log.close()).expect("closes");
    assert_eq!(snapshots(&disk), [8]);
}

#[test]
fn a_crash_at_any_operation_of_a_roll_loses_no_producer() {
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..20 {
            let (disk, mut log) = written(3);
            append(&mut log, 2);
            disk.stop_after(Some(operations));
            let next = batch(5);
            finished = run(async {
                log.roll().await.expect("rolls");
                log.append(&[next]).await
            })
            .is_some();
            drop(log);
            disk.power_loss(seed);
            let mut log = open(&disk, point(3));
            check_records(&log);
            append(&mut log, 4);
            sync(&disk, &mut log);
            drop(log);
            disk.power_loss(seed + 1);
            check_records(&open(&disk, point(3)));
        }
        if finished {
            break;
        }
    }
}

/// Like `batch`, but of a leader of a later epoch, who has let another producer in.
fn other(base: i64) -> AppendBatch {
    let builder = BatchBuilder::new(Offset(base), LeaderEpoch(90));
    let mut builder = builder.producer(ProducerId(77), 0, base as i32);
    builder.push(Timestamp(base), None, Some(&[b'o'; 500]));
    let bytes = builder.build();
    AppendBatch::whole(BatchHeader::parse(&bytes).expect("just built"), bytes)
}

#[test]
fn a_crash_at_any_operation_of_a_cut_leaves_the_producers_of_one_log_or_the_other() {
    for to in [0, 2, 3, 4, 7, 8] {
        for operations in 0.. {
            let mut finished = false;
            for seed in 0..12 {
                let (disk, mut log) = written(8);
                disk.stop_after(Some(operations));
                finished = run(log.truncate(Offset(to))).is_some();
                let killed = seed % 3 == 2;
                if finished {
                    disk.stop_after(None);
                    check_producers(&log);
                }
                drop(log);
                disk.stop_after(None);
                if !killed {
                    disk.power_loss(seed);
                }
                let mut log = open(&disk, point(0));
                check_producers(&log);
                // Others take the place of what was cut off. Nobody is known any more whose batches those were.
                finish(log.truncate(Offset(to))).expect("truncates");
                for base in to..to + 7 {
                    finish(log.append(&[other(base)])).expect("appends");
                }
                sync(&disk, &mut log);
                check_replaced(&log, to);
                drop(log);
                disk.power_loss(seed + 1);
                check_replaced(&open(&disk, point(0)), to);
            }
            if finished {
                break;
            }
        }
    }
}

fn check_replaced(log: &TestLog, to: i64) {
    for id in 0..2 {
        let last = log.producers().get(ProducerId(id)).map_or(-1, |producer| producer.last_offset().0);
        assert_eq!(last, (0..to).rev().find(|base| base % 2 == id).unwrap_or(-1), "{id}, cut to {to}");
    }
    let replaced = log.producers().get(ProducerId(77)).expect("known");
    assert_eq!((replaced.last_offset(), replaced.batches().len()), (Offset(to + 6), 5));
}

#[test]
fn producers_of_records_that_the_power_took_are_not_known() {
    // Rolls make snapshots durable before the records below them are.
    for seed in 0..200 {
        let (disk, mut log) = written(2);
        append(&mut log, 8);
        drop(log);
        disk.power_loss(seed);
        let mut log = open(&disk, point(2));
        check_records(&log);
        let end = log.end().0.0;
        for base in end..end + 6 {
            finish(log.append(&[other(base)])).expect("appends");
        }
        sync(&disk, &mut log);
        check_others(&log, end);
        drop(log);
        disk.power_loss(seed + 1);
        check_others(&open(&disk, point(2)), end);
    }
}

#[test]
fn a_snapshot_beyond_the_end_does_not_come_back_when_the_log_has_grown_past_it() {
    for seed in 0..200 {
        let (disk, mut log) = written(2);
        append(&mut log, 8);
        drop(log);
        disk.power_loss(seed);
        let mut log = open(&disk, point(2));
        let end = log.end().0.0;
        // Into the segment and the epoch that there are: no name changes that would take the others along.
        let builder = BatchBuilder::new(Offset(end), log.latest_epoch().expect("two batches"));
        let mut builder = builder.producer(ProducerId(77), 0, 0);
        (0..12).for_each(|_| builder.push(Timestamp(0), None, None));
        let bytes = builder.build();
        let header = BatchHeader::parse(&bytes).expect("just built");
        finish(log.append(&[AppendBatch::whole(header, bytes)])).expect("appends");
        sync(&disk, &mut log);
        drop(log);
        disk.power_loss(seed + 1);
        let log = open(&disk, point(2));
        assert_eq!(log.producers().get(ProducerId(77)).map(|other| other.last_offset().0), Some(end + 11));
        for id in 0..2 {
            let last = log.producers().get(ProducerId(id)).map_or(-1, |producer| producer.last_offset().0);
            assert!(last < end, "seed {seed}: {id} at {last}, of a log that ended at {end}");
        }
    }
}

fn check_others(log: &TestLog, end: i64) {
    for id in 0..2 {
        let last = log.producers().get(ProducerId(id)).map_or(-1, |producer| producer.last_offset().0);
        assert!(last < end, "{id} at {last}, of a log that ended at {end}");
    }
    assert_eq!(log.producers().get(ProducerId(77)).expect("known").last_offset(), Offset(end + 5));
}

#[test]
fn a_crash_at_any_operation_of_a_closing_loses_no_producer() {
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..10 {
            let (disk, log) = written(5);
            disk.stop_after(Some(operations));
            finished = run(log.close()).is_some();
            disk.stop_after(None);
            if seed > 0 {
                disk.power_loss(seed);
            }
            check_records(&open(&disk, if finished { clean(5) } else { point(5) }));
        }
        if finished {
            break;
        }
    }
}

#[test]
fn a_damaged_one_is_removed_and_the_one_before_it_serves() {
    for how in [point(8), clean(8)] {
        let (disk, log) = written(8);
        finish(log.close()).expect("closes");
        for at in [8, 6] {
            let mut content = disk.content(path(at)).expect("there");
            content[20] ^= 1;
            disk.put(path(at), &content);
        }
        let log = open(&disk, how);
        check_records(&log);
        assert_eq!(snapshots(&disk), [3]);
        drop(log);
        for at in [3, 5] {
            disk.put(path(at), b"");
        }
        let log = open(&disk, how);
        check_records(&log);
        assert_eq!(snapshots(&disk), Vec::<i64>::new(), "from the log's beginning");
    }
}

/// Like `batch`, of an epoch after that of `other`.
fn late(base: i64) -> AppendBatch {
    let AppendBatch { mut header, head, .. } = batch(base);
    header.leader_epoch = LeaderEpoch(91);
    let (head, rest) = header.pieces(&head);
    AppendBatch { header, head, rest }
}

#[test]
fn those_below_the_log_go_with_its_segments_and_what_they_told_stays_known() {
    let (disk, mut log) = written(11);
    assert_eq!(snapshots(&disk), [3, 6, 9]);
    // A producer whose only batch is about to go.
    let (disk2, mut log2) = written(1);
    finish(log2.append(&[other(1)])).expect("appends");
    for base in 2..11 {
        finish(log2.append(&[late(base)])).expect("appends");
    }
    sync(&disk2, &mut log2);
    for (disk, log) in [(&disk, &mut log), (&disk2, &mut log2)] {
        finish(log.trim_to(Offset(7))).expect("trims");
        assert_eq!(snapshots(disk), [6, 9]);
    }
    drop(log2);
    disk2.power_loss(0);
    let how = Recovery { log_start: Offset(7), ..point(0) };
    let log2 = open(&disk2, how);
    assert_eq!(log2.producers().get(ProducerId(77)).map(|other| other.last_offset()), Some(Offset(1)));
    check_records(&log);
    finish(log.trim_to(Offset(11))).expect("trims");
    assert_eq!(snapshots(&disk), [9]);
}

#[test]
fn a_log_that_starts_over_knows_nobody() {
    let (disk, mut log) = written(8);
    finish(log.start_over(Offset(6))).expect("starts over");
    assert!(log.producers().is_empty());
    assert_eq!(snapshots(&disk), Vec::<i64>::new());
    drop(log);
    disk.power_loss(0);
    let how = Recovery { log_start: Offset(6), ..point(0) };
    assert!(open(&disk, how).producers().is_empty());

    // All of whose records have been deleted.
    let (disk, log) = written(8);
    drop(log);
    let how = Recovery { log_start: Offset(20), ..point(0) };
    assert!(open(&disk, how).producers().is_empty());
    assert_eq!(snapshots(&disk), Vec::<i64>::new());
}

#[test]
fn snapshots_without_segments_are_of_no_log() {
    let (disk, mut log) = written(4);
    let stored = disk.content(path(3)).expect("there");
    finish(log.start_over(Offset(0))).expect("starts over");
    drop(log);
    finish(runtime::Disk::remove_file(&disk, &PathBuf::from("t-0/00000000000000000000.log"))).expect("there");
    disk.put(path(0), &stored);
    disk.put(path(3), &stored);
    let log = open(&disk, point(0));
    assert!(log.producers().is_empty());
    assert_eq!(snapshots(&disk), Vec::<i64>::new());
}

#[test]
fn a_full_disk_costs_a_snapshot_and_nothing_else() {
    // Enough for the indexes of a segment that ends.
    let little = Some(100);
    let (disk, mut log) = written(3);
    disk.set_space(little);
    assert!(matches!(finish(log.append(&[batch(3)])), Err(AppendError::NoSpace(_))));
    assert_eq!(log.producers().get(ProducerId(1)).expect("known").last_offset(), Offset(1));
    assert!(disk.paths().iter().all(|path| !path.contains(".snapshot")), "{:?}", disk.paths());
    disk.set_space(None);
    append(&mut log, 2);
    check_records(&log);
    sync(&disk, &mut log);
    disk.set_space(little);
    assert_eq!(finish(log.close()), Ok(Offset(5)));
    // That of the segment which could begin only when there was space.
    assert_eq!(snapshots(&disk), [3]);
    disk.power_loss(0);
    check_records(&open(&disk, clean(5)));
}

#[test]
fn a_cut_of_batches_without_producers_reads_nothing() {
    let (disk, mut log) = written(2);
    let mut builder = BatchBuilder::new(Offset(2), LeaderEpoch(9));
    builder.push(Timestamp(1), None, Some(&[b'n'; 500]));
    let bytes = builder.build();
    finish(log.append(&[AppendBatch::whole(BatchHeader::parse(&bytes).expect("just built"), bytes)]))
        .expect("appends");
    let before = encode(log.producers());
    let opened = disk.bytes_read();
    finish(log.truncate(Offset(2))).expect("truncates");
    let cut = disk.bytes_read() - opened;
    assert_eq!(encode(log.producers()), before);
    append(&mut log, 1);
    let opened = disk.bytes_read();
    finish(log.truncate(Offset(2))).expect("truncates");
    assert!(disk.bytes_read() - opened > cut, "then the table is told anew");
    check_producers(&log);
}

#[test]
fn what_is_damaged_within_the_log_tells_nothing_and_stops_nobody() {
    let (disk, log) = written(8);
    drop(log);
    for at in [3, 6] {
        disk.put(path(at), b"");
    }
    let segment = "t-0/00000000000000000000.log";
    let mut content = disk.content(segment).expect("there");
    let second = content.len() / 3;
    content[second + 16] = 9;
    disk.put(segment, &content);
    let opened: Result<_, OpenError> =
        finish(Log::open(disk.clone(), PathBuf::from("t-0"), crate::recovery_tests::config(), point(8)));
    let log = opened.expect("opens").0;
    let kept: Vec<i64> = log
        .producers()
        .get(ProducerId(1))
        .expect("known")
        .batches()
        .iter()
        .map(|kept| kept.last_offset.0)
        .collect();
    assert_eq!(kept, [3, 5, 7], "all but that in the damaged segment");
}
