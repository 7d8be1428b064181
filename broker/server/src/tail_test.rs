//! The tail cache against a list of everything that was ever appended.

use super::*;
use model::{PartitionIndex, TopicId};
use proptest::prelude::*;

fn partition(index: i32) -> PartitionKey {
    PartitionKey { topic: TopicId::default(), index: PartitionIndex(index) }
}

fn entry(base: i64, records: i64, len: usize) -> Entry {
    let bytes = Bytes::from(vec![base as u8; len]);
    let pieces = [bytes.slice(..len / 2), bytes.slice(len / 2..)];
    Entry { base: Offset(base), end: Offset(base + records), pieces, keeps_alive: len }
}

fn cache(limit: usize) -> (TailCache, Arc<Budget>) {
    let budget = Arc::new(Budget::new(limit as u64));
    (TailCache::new(budget.clone()), budget)
}

#[test]
fn a_batch_that_finds_no_room_takes_its_partitions_tail_with_it() {
    let (mut cache, budget) = cache(100);
    cache.push(partition(0), entry(0, 10, 60));
    cache.push(partition(0), entry(10, 10, 200));
    assert_eq!(budget.used(), 0);
    assert!(cache.slice(partition(0), Offset(0), Offset(20), 1000, true).is_none());
}

#[test]
fn another_shards_bytes_count_against_the_same_budget() {
    let (mut one, budget) = cache(100);
    let mut two = TailCache::new(budget.clone());
    one.push(partition(0), entry(0, 1, 80));
    two.push(partition(1), entry(0, 1, 80));
    assert_eq!(budget.used(), 80);
    assert!(two.slice(partition(1), Offset(0), Offset(1), 1000, true).is_none());
    drop(one);
    assert_eq!(budget.used(), 0);
}

#[test]
fn the_first_batch_comes_whole_only_when_asked_for() {
    let (mut cache, _budget) = cache(1000);
    cache.push(partition(0), entry(0, 10, 60));
    let len =
        |least: bool| -> usize { cache.slice(partition(0), Offset(5), Offset(10), 10, least).unwrap().bytes };
    assert_eq!((len(true), len(false)), (60, 0));
}

proptest! {
    /// A slice is what a scan of all appended batches would give, whenever the cache claims to have it.
    #[test]
    fn slices_equal_a_scan(
        appends in prop::collection::vec((0..2i32, 1..5i64, 1..40usize), 1..60),
        reads in prop::collection::vec((0..2i32, 0..120i64, 0..150i64, 0..200usize, any::<bool>()), 1..20),
        limit in 1..400usize,
    ) {
        let (mut cache, budget) = cache(limit);
        let mut all: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
        for (index, records, len) in appends {
            let history = all.entry(index).or_default();
            let base = history.last().map_or(0, |e| e.end.0);
            let new = entry(base, records, len);
            history.push(new.clone());
            cache.push(partition(index), new);
            prop_assert!(budget.used() <= limit as u64);
        }
        for (index, from, below, bytes_max, least) in reads {
            let got = cache.slice(partition(index), Offset(from), Offset(below), bytes_max, least);
            let Some(got) = got else { continue };
            let mut expected = Vec::new();
            let history = all.get(&index).map(Vec::as_slice).unwrap_or_default();
            for entry in history.iter().filter(|e| e.end.0 > from) {
                let fits = expected.len() + entry.len() <= bytes_max || (expected.is_empty() && least);
                if entry.end.0 > below || !fits {
                    break;
                }
                expected.extend(entry.pieces.iter().flatten());
            }
            prop_assert_eq!(got.bytes, expected.len());
            prop_assert_eq!(got.pieces.concat(), expected);
        }
        drop(cache);
        prop_assert_eq!(budget.used(), 0);
    }
}
