//! Lines about a full disk want space themselves.

use super::*;

#[test]
fn a_full_disk_is_told_of_at_once_and_then_every_ten_seconds() {
    let mut full = Full::default();
    let at = |millis| Instant::default() + Duration::from_millis(millis);
    let told: Vec<u64> = (0..25_000).step_by(100).filter(|millis| full.met(at(*millis))).collect();
    assert_eq!(told, [0, 10_000, 20_000]);
}
