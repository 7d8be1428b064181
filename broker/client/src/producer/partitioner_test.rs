//! Keys go where Kafka's Java client sends them; records without a key stay until a batch is full.

use super::*;
use crate::metadata::Leader;
use model::LeaderEpoch;

/// The cases of Kafka's own test (UtilsTest.testMurmur2), without the sign bit.
#[test]
fn keys_are_hashed_as_kafka_does() {
    let cases: [(&[u8], i32); 6] = [
        (b"21", -973_932_308),
        (b"foobar", -790_332_482),
        (b"a-little-bit-long-string", -985_981_536),
        (b"a-little-bit-longer-string", -1_486_304_829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        (b"abc", 479_470_107),
    ];
    for (key, hash) in cases {
        assert_eq!(murmur2(key), hash as u32 & 0x7fff_ffff, "{key:?}");
    }
}

fn topic(leaders: &[Option<i32>]) -> Topic {
    let leader =
        |(index, node): (usize, &Option<i32>)| (index as i32, Leader { node: *node, epoch: LeaderEpoch(0) });
    Topic { partitions: leaders.iter().enumerate().map(leader).collect(), ..Topic::default() }
}

#[test]
fn a_key_has_one_partition_whoever_leads_it() {
    let mut partitioner = Partitioner::default();
    for topic in [topic(&[Some(1), Some(1), Some(1)]), topic(&[Some(1), None, None])] {
        let mut place = |draw| partitioner.place(("t", &topic), Some(b"foobar"), 10, 100, draw);
        assert_eq!(
            (place(0), place(1)),
            (Some((murmur2(b"foobar") % 3) as i32), Some((murmur2(b"foobar") % 3) as i32))
        );
    }
}

#[test]
fn without_a_key_a_partition_is_kept_for_a_batch_and_has_a_leader() {
    let mut partitioner = Partitioner::default();
    let topic = topic(&[Some(1), None, Some(2)]);
    let placed: Vec<Option<i32>> =
        (0..6).map(|draw| partitioner.place(("t", &topic), None, 40, 100, draw / 2)).collect();
    assert_eq!(placed, [0, 0, 2, 2, 0, 0].map(Some));
    assert_eq!(partitioner.place(("u", &Topic::default()), None, 1, 1, 0), None);
}
