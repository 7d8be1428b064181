//! Single behaviours of a log, each with the reason why it is so.

use crate::memory_disk::{MemoryDisk, finish};
use crate::search::DECOMPRESSED_BYTES_MAX;
use crate::*;
use bytes::Bytes;
use model::{DurableEnd, LeaderEpoch, LogEnd, Offset, Timestamp};
use records::batch::{BatchBuilder, BatchHeader, Compression, HEADER_LEN};
use std::path::PathBuf;

type TestLog = Log<MemoryDisk>;

fn try_open(disk: &MemoryDisk, config: &LogConfig, how: Recovery) -> Result<(TestLog, Recovered), OpenError> {
    finish(Log::open(disk.clone(), PathBuf::from("t-0"), config.clone(), how))
}

fn open(disk: &MemoryDisk, config: &LogConfig, how: Recovery) -> TestLog {
    try_open(disk, config, how).expect("opens").0
}

fn fresh(disk: &MemoryDisk) -> TestLog {
    open(disk, &LogConfig::default(), Recovery::default())
}

fn batch(base: i64, epoch: i32, timestamp: i64, value: &[u8]) -> AppendBatch {
    let mut builder = BatchBuilder::new(Offset(base), LeaderEpoch(epoch));
    builder.push(Timestamp(timestamp), None, Some(value));
    let bytes = builder.build();
    AppendBatch::whole(BatchHeader::parse(&bytes).unwrap(), bytes)
}

fn append(log: &mut TestLog, epoch: i32, timestamp: i64, value: &[u8]) {
    let batch = batch(log.end().0.0, epoch, timestamp, value);
    finish(log.append(&[batch])).expect("appends");
}

fn sync(disk: &MemoryDisk, log: &mut TestLog) -> DurableEnd {
    let ticket = log.begin_sync().expect("something is dirty");
    let done = finish(ticket.run(disk)).expect("syncs");
    log.finish_sync(done)
}

fn read(log: &TestLog, from: i64, max_bytes: usize, at_least_one: bool) -> Bytes {
    finish(log.slice(Offset(from), log.end().0, max_bytes, at_least_one).read()).expect("reads")
}

fn logs(disk: &MemoryDisk) -> Vec<String> {
    let digits = |path: &String| path.strip_prefix("t-0/")?.strip_suffix(".log").map(str::to_owned);
    disk.paths().iter().filter_map(digits).map(|name| name.trim_start_matches('0').to_owned()).collect()
}

#[test]
fn appended_is_not_durable_and_synced_is() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 0, 1, b"x");
    assert_eq!((log.end(), log.durable_end()), (LogEnd(Offset(1)), DurableEnd(Offset(0))));
    assert_eq!(sync(&disk, &mut log), DurableEnd(Offset(1)));
    assert!(log.begin_sync().is_none(), "nothing is dirty");
    append(&mut log, 0, 1, b"y");
    drop(log);
    disk.power_loss(0);
    let log = fresh(&disk);
    assert_eq!((log.end(), log.durable_end()), (LogEnd(Offset(1)), DurableEnd(Offset(1))));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(0)));
}

#[test]
fn one_append_is_one_write_whatever_it_holds() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    let batches: Vec<_> = (0..5).map(|base| batch(base, 3, 0, b"value")).collect();
    // All of it, or nothing: the second write would fail.
    let len: usize = batches.iter().map(|batch| batch.head.len()).sum();
    finish(log.append(&batches)).unwrap();
    assert_eq!((log.size_bytes(), read(&log, 0, usize::MAX, false).len()), (len as u64, len));
}

#[test]
fn a_round_syncs_many_logs_at_once() {
    let disk = MemoryDisk::default();
    let config = LogConfig::default();
    let mut logs: Vec<TestLog> = (0..3)
        .map(|index| {
            let dir = PathBuf::from(format!("t-{index}"));
            finish(Log::open(disk.clone(), dir, config.clone(), Recovery::default())).unwrap().0
        })
        .collect();
    logs.iter_mut().for_each(|log| append(log, -1, 0, b"x"));
    let rounds = disk.sync_rounds();
    let tickets = logs.iter_mut().map(|log| log.begin_sync().unwrap()).collect();
    let round = finish(sync_round(&disk, tickets)).unwrap();
    assert_eq!(disk.sync_rounds() - rounds, 1);
    for (log, done) in logs.iter_mut().zip(round) {
        assert_eq!(log.finish_sync(done), DurableEnd(Offset(1)));
    }
}

#[test]
fn segments_end_by_size_by_time_and_when_an_index_is_full() {
    let disk = MemoryDisk::default();
    let config = LogConfig { segment_bytes: 150, segment_ms: 1000, ..LogConfig::default() };
    let mut log = open(&disk, &config, Recovery::default());
    // 69 bytes each: two fit.
    for timestamp in [0, 1000, 1000, 2001] {
        append(&mut log, 0, timestamp, b"x");
    }
    assert_eq!(logs(&disk), ["", "2", "3"], "by size at 2, by time at 3");
    let config = LogConfig { segment_index_bytes: 16, index_interval_bytes: 0, ..LogConfig::default() };
    log.set_config(config);
    for _ in 0..4 {
        append(&mut log, 0, 2001, b"x");
    }
    assert!(log.segments() > 3, "by index");
    assert_eq!(read(&log, 0, usize::MAX, false).len(), 138, "a slice is of one segment");
}

#[test]
fn a_segment_larger_than_allowed_is_its_own() {
    let disk = MemoryDisk::default();
    let config = LogConfig { segment_bytes: 100, ..LogConfig::default() };
    let mut log = open(&disk, &config, Recovery::default());
    append(&mut log, 0, 0, &[b'x'; 500]);
    append(&mut log, 0, 0, &[b'x'; 500]);
    assert_eq!(logs(&disk), ["", "1"]);
    assert!(read(&log, 1, 10, false).is_empty(), "too large, and not wanted at any size");
    assert!(read(&log, 1, 10, true).len() > 500);
}

#[test]
fn a_failed_write_fences_and_a_full_disk_does_not() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 0, 0, b"x");
    disk.set_space(Some(20));
    let second = [batch(1, 0, 0, b"longer")];
    assert!(matches!(finish(log.append(&second)), Err(AppendError::NoSpace(_))));
    assert_eq!(log.end(), LogEnd(Offset(1)));
    disk.set_space(None);
    let shown = disk.content("t-0/00000000000000000000.log").unwrap().len();
    assert_eq!(shown as u64, log.size_bytes(), "the space was given back");
    finish(log.append(&second)).unwrap();
    sync(&disk, &mut log);
    append(&mut log, 0, 0, b"x");
    disk.fail_writes(1);
    assert!(matches!(finish(log.append(&[batch(3, 0, 0, b"y")])), Err(AppendError::Io(_))));
    assert!(log.is_fenced());
    assert_eq!(log.end(), LogEnd(Offset(3)));
    assert!(log.begin_sync().is_none(), "what was written last is for recovery to judge");
    assert!(matches!(finish(log.append(&[batch(3, 0, 0, b"y")])), Err(AppendError::Fenced(_))));
    assert!(matches!(finish(log.roll()), Err(AppendError::Fenced(_))));
    assert!(finish(log.close()).is_err(), "nothing vouches for a fenced log");
}

#[test]
fn what_a_failed_sync_lost_is_written_again_at_the_next_start() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 0, 0, b"x");
    let ticket = log.begin_sync().unwrap();
    disk.fail_syncs(1);
    let error = finish(ticket.run(&disk)).unwrap_err();
    log.fail_sync(&error);
    assert!(log.begin_sync().is_none(), "no retry");
    drop(log);
    // Killed, not cut off: the record reads back fine, from memory alone.
    let (log, found) = try_open(&disk, &LogConfig::default(), Recovery::default()).unwrap();
    assert_eq!((log.durable_end(), found.rewritten_bytes), (DurableEnd(Offset(1)), log.size_bytes()));
    drop(log);
    disk.power_loss(0);
    assert_eq!(fresh(&disk).end(), LogEnd(Offset(1)));
}

#[test]
fn a_sync_proves_nothing_about_what_a_truncation_brought() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    (0..3).for_each(|_| append(&mut log, 0, 0, b"old"));
    let ticket = log.begin_sync().unwrap();
    let done = finish(ticket.run(&disk)).unwrap();
    finish(log.truncate(Offset(1))).unwrap();
    (0..2).for_each(|_| append(&mut log, 1, 0, b"new"));
    assert_eq!(log.finish_sync(done), DurableEnd(Offset(0)), "those were other records");
    assert_eq!(sync(&disk, &mut log), DurableEnd(Offset(3)));
}

#[test]
fn epochs_without_records_go_with_a_truncation_at_the_end() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 1, 0, b"x");
    log.begin_epoch(LeaderEpoch(2));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(2)));
    assert_eq!(log.epoch_end_offset(LeaderEpoch(1)).unwrap().end, Offset(1));
    finish(log.truncate(Offset(1))).unwrap();
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(1)), "KAFKA-10706");
}

#[test]
fn damage_below_the_recovery_point_is_refused_and_above_it_cut() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    (0..3).for_each(|_| append(&mut log, 0, 0, b"value"));
    sync(&disk, &mut log);
    drop(log);
    let path = "t-0/00000000000000000000.log";
    let mut content = disk.content(path).unwrap();
    let batch_len = content.len() / 3;
    content[batch_len + 16] = 9;
    disk.put(path, &content);
    let known = Recovery { recovery_point: Offset(3), ..Recovery::default() };
    let refused = try_open(&disk, &LogConfig::default(), known);
    assert!(
        matches!(refused.err(), Some(OpenError::Damaged { position, .. }) if position == batch_len as u64)
    );
    let (log, found) = try_open(&disk, &LogConfig::default(), Recovery::default()).unwrap();
    assert_eq!((log.end(), found.truncated_bytes), (LogEnd(Offset(1)), 2 * batch_len as u64));
    drop(log);
    let lost = try_open(&disk, &LogConfig::default(), known);
    assert_eq!(lost.err(), Some(OpenError::Lost { end: Offset(1), recovery_point: Offset(3) }));
}

#[test]
fn a_hole_between_segments_ends_the_log() {
    let disk = MemoryDisk::default();
    let config = LogConfig { segment_bytes: 150, ..LogConfig::default() };
    let mut log = open(&disk, &config, Recovery::default());
    (0..6).for_each(|_| append(&mut log, 0, 0, b"x"));
    sync(&disk, &mut log);
    drop(log);
    let path = "t-0/00000000000000000002.log";
    let cut = disk.content(path).unwrap()[..100].to_vec();
    disk.put(path, &cut);
    let log = open(&disk, &config, Recovery::default());
    assert_eq!(log.end(), LogEnd(Offset(3)));
    assert_eq!(logs(&disk), ["", "2"]);
    drop(log);
    disk.power_loss(0);
    assert_eq!(logs(&disk), ["", "2"], "what was removed does not come back");
}

#[test]
fn recovery_copies_only_what_lies_above_the_recovery_point() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    (0..4).for_each(|_| append(&mut log, 0, 0, b"x"));
    sync(&disk, &mut log);
    let one = log.size_bytes() / 4;
    drop(log);
    let how = Recovery { recovery_point: Offset(3), ..Recovery::default() };
    let (log, found) = try_open(&disk, &LogConfig::default(), how).unwrap();
    assert_eq!((found.rewritten_bytes, found.truncated_bytes), (one, 0));
    assert_eq!(logs(&disk), ["", "3"]);
    assert_eq!((read(&log, 0, 1000, false).len() as u64, log.end()), (3 * one, LogEnd(Offset(4))));
    drop(log);
    let how = Recovery { recovery_point: Offset(4), ..Recovery::default() };
    let (_, found) = try_open(&disk, &LogConfig::default(), how).unwrap();
    assert_eq!(found.rewritten_bytes, 0, "all of it had been synced");
}

#[test]
fn a_cut_that_comes_undone_shows_nothing_that_recovery_has_moved_on() {
    for clean in [true, false] {
        let disk = MemoryDisk::default();
        let mut log = fresh(&disk);
        (0..4).for_each(|at| append(&mut log, 0, at, b"x"));
        sync(&disk, &mut log);
        let one = log.size_bytes() / 4;
        drop(log);
        let at = |recovery_point| Recovery { recovery_point: Offset(recovery_point), ..Recovery::default() };
        let (log, _) = try_open(&disk, &LogConfig::default(), at(3)).unwrap();
        assert_eq!(logs(&disk), ["", "3"]);
        finish(log.close()).unwrap();
        // As it was before the cut, but that its blocks have been given to somebody else meanwhile.
        let path = "t-0/00000000000000000000.log";
        let mut content = disk.content(path).unwrap();
        let last = content[2 * one as usize..].to_vec();
        content.extend(&last);
        content[3 * one as usize + 7] = 3;
        *content.last_mut().unwrap() ^= 0xff;
        content.extend([0xee; 100]);
        disk.put(path, &content);
        let (log, found) = try_open(&disk, &LogConfig::default(), Recovery { clean, ..at(4) }).unwrap();
        assert_eq!((found.clean, log.end()), (clean, LogEnd(Offset(4))));
        if !clean {
            assert_eq!(disk.content(path).unwrap().len() as u64, 3 * one, "a start that checks cuts again");
        }
        assert_eq!(read(&log, 0, 10_000, false).len() as u64, 3 * one);
        assert_eq!(read(&log, 3, 10_000, false).len() as u64, one);
        for timestamp in 0..4 {
            let found = finish(log.offset_for_timestamp(Timestamp(timestamp)).read()).unwrap();
            assert_eq!(found.map(|found| found.offset), Some(Offset(timestamp)));
        }
    }
}

#[test]
fn records_deleted_beyond_the_end_start_the_log_over() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    (0..2).for_each(|_| append(&mut log, 0, 0, b"x"));
    drop(log);
    let how = Recovery { log_start: Offset(10), ..Recovery::default() };
    let mut log = open(&disk, &LogConfig::default(), how);
    assert_eq!((log.start(), log.end()), (Offset(10), LogEnd(Offset(10))));
    append(&mut log, 5, 0, b"y");
    assert_eq!(logs(&disk), ["10"]);
}

#[test]
fn a_misleading_index_costs_time_and_nothing_else() {
    let disk = MemoryDisk::default();
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let mut log = open(&disk, &config, Recovery::default());
    for timestamp in 0..20 {
        append(&mut log, 0, timestamp, b"x");
    }
    let end = finish(log.close()).unwrap();
    let index = "t-0/00000000000000000000.index";
    let good = disk.content(index).unwrap();
    assert_eq!(good.len(), 19 * 8);
    let mut bad = good.clone();
    // Every entry but the last points 5 bytes further.
    bad.chunks_exact_mut(8).take(18).for_each(|entry| entry[7] = entry[7].wrapping_add(5));
    disk.put(index, &bad);
    let how = Recovery { clean: true, recovery_point: end, ..Recovery::default() };
    let log = open(&disk, &config, how);
    for offset in 0..20 {
        let bytes = read(&log, offset, 1, true);
        assert_eq!(BatchHeader::parse(&bytes).unwrap().base_offset, Offset(offset));
        let found = finish(log.offset_for_timestamp(Timestamp(offset)).read()).unwrap().unwrap();
        assert_eq!(found.offset, Offset(offset));
    }
}

#[test]
fn a_compacted_gap_is_read_over() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 0, 0, b"x");
    finish(log.append(&[batch(10, 0, 0, b"y"), batch(20, 0, 0, b"z")])).unwrap();
    assert_eq!(log.end(), LogEnd(Offset(21)));
    for (from, base) in [(0, 0), (1, 10), (10, 10), (11, 20), (20, 20)] {
        let bytes = read(&log, from, 1, true);
        assert_eq!(BatchHeader::parse(&bytes).unwrap().base_offset, Offset(base), "from {from}");
    }
    drop(log);
    assert_eq!(fresh(&disk).end(), LogEnd(Offset(21)));
}

#[test]
fn readers_of_a_log_that_changes_get_whole_batches_or_nothing() {
    let disk = MemoryDisk::default();
    let config = LogConfig { segment_bytes: 150, ..LogConfig::default() };
    let mut log = open(&disk, &config, Recovery::default());
    (0..6).for_each(|_| append(&mut log, 0, 0, b"x"));
    let slice = |log: &TestLog, from| log.slice(Offset(from), log.end().0, 1000, true);
    let (sealed, active, removed) = (slice(&log, 0), slice(&log, 5), slice(&log, 3));
    finish(log.truncate(Offset(1))).unwrap();
    assert_eq!(finish(sealed.read()).unwrap().len(), 69);
    assert_eq!(finish(removed.read()), Err(ReadError::Gone));
    // The file of the active segment is held open: what was there is still there.
    assert_eq!(finish(active.read()).unwrap().len(), 69);
}

#[test]
fn a_sync_that_fails_while_rolling_fences() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 0, 0, b"x");
    disk.fail_syncs(1);
    assert!(matches!(finish(log.roll()), Err(AppendError::Io(_))));
    assert!(log.is_fenced());
}

#[test]
fn a_search_takes_the_headers_word_for_a_batch_that_is_too_large_decompressed() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    let mut builder = BatchBuilder::new(Offset(0), LeaderEpoch(0)).compression(Compression::Zstd);
    builder.push(Timestamp(49), None, Some(&vec![0; DECOMPRESSED_BYTES_MAX as usize + 1]));
    builder.push(Timestamp(50), None, None);
    let bytes = builder.build();
    finish(log.append(&[AppendBatch::whole(BatchHeader::parse(&bytes).unwrap(), bytes)])).unwrap();
    let first = finish(log.offset_for_timestamp(Timestamp(1)).read()).unwrap().unwrap();
    assert_eq!((first.offset, first.timestamp), (Offset(0), Timestamp(49)), "before the limit");
    for search in [log.offset_for_timestamp(Timestamp(50)), log.max_timestamp()] {
        let found = finish(search.read()).unwrap().unwrap();
        assert_eq!((found.offset, found.timestamp), (Offset(0), Timestamp(50)));
    }
}

#[test]
fn what_a_search_decompresses_is_bounded_over_all_batches() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    // Two batches that claim to be late and aren't, each of which a search may open alone.
    for base in [0, 2] {
        let mut builder = BatchBuilder::new(Offset(base), LeaderEpoch(0)).compression(Compression::Zstd);
        builder.push(Timestamp(1), None, Some(&vec![0; DECOMPRESSED_BYTES_MAX as usize * 2 / 3]));
        builder.push(Timestamp(1), None, None);
        let bytes = builder.build();
        let mut header = BatchHeader::parse(&bytes).unwrap();
        header.max_timestamp = Timestamp(50);
        header.crc = header.computed_crc(&bytes[HEADER_LEN..]);
        let (head, rest) = header.pieces(&bytes);
        finish(log.append(&[AppendBatch { header, head, rest }])).unwrap();
    }
    let found = finish(log.offset_for_timestamp(Timestamp(50)).read()).unwrap().unwrap();
    assert_eq!((found.offset, found.timestamp), (Offset(2), Timestamp(50)));
}

#[test]
fn records_that_nobody_can_read_do_not_fail_a_search() {
    let disk = MemoryDisk::default();
    let mut log = fresh(&disk);
    append(&mut log, 0, 1, b"x");
    let whole = batch(1, 0, 50, b"not gzip");
    let mut header = whole.header;
    header.attributes = header.attributes.with_compression(Compression::Gzip);
    header.crc = header.computed_crc(&whole.head[HEADER_LEN..]);
    let (head, rest) = header.pieces(&whole.head);
    finish(log.append(&[AppendBatch { header, head, rest }])).unwrap();
    append(&mut log, 0, 60, b"y");
    for (target, offset) in [(1, 0), (2, 1), (50, 1), (51, 2)] {
        let found = finish(log.offset_for_timestamp(Timestamp(target)).read()).unwrap().unwrap();
        assert_eq!(found.offset, Offset(offset), "at {target}");
    }
}
