//! Ids at hand: each is given once, and the next block is asked for in time.

use super::*;

fn block(first: i64, size: i32) -> ProducerIdBlock {
    ProducerIdBlock { first: ProducerId(first), size }
}

#[test]
fn ids_are_given_in_order_block_after_block() {
    let mut stock = Stock::default();
    assert_eq!(stock.take(), None);
    assert!(!stock.is_short(), "nobody has asked yet");
    assert!(stock.add(block(1000, 20)));
    let given: Vec<i64> = (0..18).map(|_| stock.take().expect("one of twenty").0).collect();
    assert_eq!(given, (1000..1018).collect::<Vec<_>>());
    assert!(stock.is_short(), "two of twenty are left");
    assert!(stock.add(block(4000, 20)));
    assert!(!stock.is_short());
    let given: Vec<i64> = (0..4).map(|_| stock.take().expect("one of twenty-two").0).collect();
    assert_eq!(given, [1018, 1019, 4000, 4001]);
}

#[test]
fn a_block_that_may_have_been_given_before_is_not_taken() {
    let mut stock = Stock::default();
    for wrong in [block(5, 0), block(5, -1), block(i64::MAX, 2)] {
        assert!(!stock.add(wrong), "{wrong:?}");
    }
    assert!(stock.add(block(100, 10)));
    assert!(!stock.add(block(200, 10)), "one is waiting");
    assert_eq!(stock.take(), Some(ProducerId(100)));
    assert!(!stock.add(block(105, 10)), "it overlaps");
    assert!(stock.add(block(110, 10)));
}

#[test]
fn what_the_controller_answers_is_looked_at() {
    let answer = |error_code, producer_id_start, producer_id_len| {
        let response = AllocateProducerIdsResponse {
            error_code,
            producer_id_start,
            producer_id_len,
            ..AllocateProducerIdsResponse::default()
        };
        super::block(&response)
    };
    assert_eq!(answer(0, 3000, 1000), Some(block(3000, 1000)));
    assert_eq!(answer(0, -1, 1000), None);
    assert_eq!(answer(ErrorCode::StaleBrokerEpoch as i16, 0, 0), None);
}
