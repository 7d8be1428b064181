//! Who is given an id, and who is not.

use super::*;

fn asked(transactional_id: Option<&str>, producer_id: i64, producer_epoch: i16) -> InitProducerIdRequest {
    let transactional_id = transactional_id.map(str::to_owned);
    InitProducerIdRequest {
        transactional_id,
        producer_id,
        producer_epoch,
        ..InitProducerIdRequest::default()
    }
}

#[test]
fn producers_without_transactions_are_given_an_id() {
    assert_eq!(check(&asked(None, -1, -1)), Ok(()));
    assert_eq!(check(&asked(None, 7, 3)), Ok(()), "a new one, whatever it has");
    assert_eq!(check(&asked(None, 7, -1)), Err(ErrorCode::InvalidRequest));
    assert_eq!(check(&asked(None, -1, 0)), Err(ErrorCode::InvalidRequest));
}

#[test]
fn there_are_no_transactions() {
    assert_eq!(check(&asked(Some("t"), -1, -1)), Err(ErrorCode::UnsupportedVersion));
    assert_eq!(check(&asked(Some(""), -1, -1)), Err(ErrorCode::InvalidRequest));
    assert_eq!(check(&asked(Some("t"), 1, -1)), Err(ErrorCode::InvalidRequest), "Kafka looks at this first");
    let response = refused(ErrorCode::UnsupportedVersion);
    assert_eq!((response.producer_id, response.producer_epoch), (-1, -1));
}
