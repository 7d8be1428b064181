//! The numbers are whole and lead back to their codes.

use super::ErrorCode;

#[test]
fn every_number_from_minus_one_to_136_is_a_code() {
    let numbers: Vec<i16> = ErrorCode::ALL.iter().map(|code| *code as i16).collect();
    assert_eq!(numbers, (-1..=136).collect::<Vec<i16>>());
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_code(*code as i16), *code);
        assert!(code.description().ends_with('.'));
    }
    assert_eq!(ErrorCode::from_code(9999), ErrorCode::UnknownServerError);
}

#[test]
fn what_may_be_retried_is_what_kafka_retries() {
    let retriable: Vec<i16> =
        ErrorCode::ALL.iter().filter(|code| code.is_retriable()).map(|code| *code as i16).collect();
    let kafkas = [
        2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89,
        100, 103, 106, 122, 123, 133,
    ];
    assert_eq!(retriable, kafkas);
}
