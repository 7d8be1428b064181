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

/// A cache with room for `limit` bytes in `entries`.
fn cache(limit: usize, entries: usize) -> (TailCache, Arc<Budget>) {
    let budget = Arc::new(Budget::new((limit + entries * ENTRY_BYTES) as u64));
    (TailCache::new(budget.clone()), budget)
}

#[test]
fn a_batch_that_finds_no_room_takes_its_partitions_tail_with_it() {
    let (mut cache, budget) = cache(100, 2);
    cache.push(partition(0), entry(0, 10, 60));
    cache.push(partition(0), entry(10, 10, 200 + 2 * ENTRY_BYTES));
    assert_eq!(budget.used(), 0);
    assert!(cache.slice(partition(0), Offset(0), Offset(20), 1000, true).is_none());
}

#[test]
fn another_shards_bytes_count_against_the_same_budget() {
    let (mut one, budget) = cache(100, 1);
    let mut two = TailCache::new(budget.clone());
    one.push(partition(0), entry(0, 1, 80));
    two.push(partition(1), entry(0, 1, 80));
    assert_eq!(budget.used(), 80 + ENTRY_BYTES as u64);
    assert!(two.slice(partition(1), Offset(0), Offset(1), 1000, true).is_none());
    drop(one);
    assert_eq!(budget.used(), 0);
}

#[test]
fn the_first_batch_comes_whole_only_when_asked_for() {
    let (mut cache, _budget) = cache(1000, 1);
    cache.push(partition(0), entry(0, 10, 60));
    let len =
        |least: bool| -> usize { cache.slice(partition(0), Offset(5), Offset(10), 10, least).unwrap().bytes };
    assert_eq!((len(true), len(false)), (60, 0));
}

/// Entries of a byte: what it costs to remember them is within the budget too, while they fill it, while they go round
/// in it, and when other partitions have taken it over.
#[test]
fn what_it_costs_to_remember_an_entry_is_charged() {
    let (mut cache, budget) = cache(1 << 20, 0);
    let mut pushed = 0;
    for (index, entries) in [(0, 10_000), (1, 1000), (2, 4000)] {
        for base in 0..entries {
            cache.push(partition(index), entry(base, 1, 1));
            pushed += 1;
        }
        let places: usize = cache.tails.values().map(VecDeque::capacity).sum();
        let queues =
            places * size_of::<Entry>() + cache.order.capacity() * size_of::<(PartitionKey, Offset)>();
        let buffers = cache.entries * (1 + 2 * BUFFER_BYTES);
        assert!(cache.entries < pushed, "the budget is spent");
        assert!(queues + buffers <= budget.used() as usize, "{queues} and {buffers} of {}", budget.used());
    }
}

proptest! {
    /// A slice is what a scan of all appended batches would give, whenever the cache claims to have it.
    #[test]
    fn slices_equal_a_scan(
        appends in prop::collection::vec((0..2i32, 1..5i64, 1..40usize), 1..60),
        reads in prop::collection::vec((0..2i32, 0..120i64, 0..150i64, 0..200usize, any::<bool>()), 1..20),
        (limit, entries) in (1..400usize, 1..12usize),
    ) {
        let (mut cache, budget) = cache(limit, entries);
        let mut all: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
        for (index, records, len) in appends {
            let history = all.entry(index).or_default();
            let base = history.last().map_or(0, |e| e.end.0);
            let new = entry(base, records, len);
            history.push(new.clone());
            cache.push(partition(index), new);
            prop_assert!(budget.used() <= budget.limit());
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
