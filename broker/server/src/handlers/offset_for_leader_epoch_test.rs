//! What an answer says when there is such an epoch, when there is none, and when the shard refuses.

use super::*;
use crate::shard::inbox::FoundOffset;
use model::{Offset, Timestamp};

fn told(result: Result<Listing, ErrorCode>) -> (i16, i32, i64) {
    let stands = ErrorCode::KafkaStorageError as i16;
    let mut answer = EpochEndOffset { error_code: stands, ..EpochEndOffset::default() };
    tell(&mut answer, result);
    (answer.error_code, answer.leader_epoch, answer.end_offset)
}

#[test]
fn an_end_is_told_and_none_is_no_error() {
    let end = FoundOffset { offset: Offset(7), timestamp: Timestamp::NONE, epoch: LeaderEpoch(2) };
    assert_eq!(told(Ok(Listing::Known(Some(end)))), (0, 2, 7));
    assert_eq!(told(Ok(Listing::Known(None))), (0, -1, -1));
    assert_eq!(told(Err(ErrorCode::FencedLeaderEpoch)), (74, -1, -1));
}
