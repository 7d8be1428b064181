//! Capabilities as the kernel tells them.

use super::*;

#[test]
fn what_a_process_may_is_read_from_its_status() {
    assert!(lacking("Name:\tx\nCapEff:\t000001ffffffffff\n").is_empty());
    assert_eq!(lacking("CapEff:\t0000000000000000\n"), ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
    assert_eq!(lacking("CapEff:\t0000000000001000\n"), ["CAP_SYS_ADMIN"]);
    assert_eq!(lacking("").len(), 2);
}
