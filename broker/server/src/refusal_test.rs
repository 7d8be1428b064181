//! Refused batches, and the codes that Kafka's producers act upon.

use super::*;

#[test]
fn what_was_damaged_may_be_sent_again_and_what_was_written_wrong_may_not() {
    let code = |why| produce(why).code;
    for magic in [0, 1] {
        assert_eq!(code(ProduceRefusal::Magic(magic)), ErrorCode::InvalidRecord);
    }
    for magic in [-1, 3, i8::MAX] {
        assert_eq!(code(ProduceRefusal::Magic(magic)), ErrorCode::CorruptMessage);
    }
    let written_wrong = [
        BatchError::Truncated { needed: 61, have: 20 },
        BatchError::NegativeLastOffsetDelta(-1),
        BatchError::Record { index: 0, problem: RecordProblem::Length },
        BatchError::BytesAfterRecords { extra: 1 },
    ];
    for error in written_wrong {
        assert_eq!(code(ProduceRefusal::Corrupt(error)), ErrorCode::InvalidRecord, "{error}");
    }
    let damaged = [
        BatchError::CrcMismatch { stored: 1, computed: 2 },
        BatchError::LengthTooSmall(13),
        BatchError::TrailingBytes { extra: 3 },
    ];
    for error in damaged {
        assert_eq!(code(ProduceRefusal::Corrupt(error)), ErrorCode::CorruptMessage, "{error}");
    }
}

#[test]
fn only_a_record_at_fault_is_pointed_at() {
    assert_eq!(record(ProduceRefusal::NoKey { index: 7 }), Some(7));
    let offset = BatchError::Record { index: 2, problem: RecordProblem::Offset };
    assert_eq!(record(ProduceRefusal::Corrupt(offset)), Some(2));
    let length = BatchError::Record { index: 2, problem: RecordProblem::Length };
    assert_eq!(record(ProduceRefusal::Corrupt(length)), None);
    assert_eq!(record(ProduceRefusal::NoBatch), None);
}
