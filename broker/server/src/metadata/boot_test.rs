//! A log without its beginning is not started from.

use super::*;

#[test]
fn a_log_that_needs_a_snapshot_is_refused() {
    assert!(complete_from(Offset::ZERO).is_ok());
    let refused = complete_from(Offset(1207)).expect_err("records 0 to 1206 are missing");
    assert!(refused.0.contains("begins at 1207"), "{}", refused.0);
}
