//! How long a leader is in doubt.

use super::*;

#[test]
fn a_leader_is_in_doubt_for_a_moment_and_shown_for_longer_unless_it_is_found_again() {
    let (doubts, at) = (Doubts::default(), |ms| Instant::default() + Duration::from_millis(ms));
    let (one, two) = (doubts.of(BrokerId(1)), doubts.of(BrokerId(2)));
    assert_eq!((doubts.unjudged(at(0)), doubts.shown(at(0))), (vec![], vec![]));
    one.publish(Some(at(100)));
    two.publish(Some(at(300)));
    assert_eq!(doubts.unjudged(at(350)), [BrokerId(1), BrokerId(2)]);
    assert_eq!(doubts.unjudged(at(450)), [BrokerId(2)]);
    assert_eq!(doubts.shown(at(2050)), [BrokerId(1), BrokerId(2)]);
    two.publish(None);
    assert_eq!((doubts.unjudged(at(450)), doubts.shown(at(2050))), (vec![], vec![BrokerId(1)]));
    assert_eq!(doubts.shown(at(2100)), []);
}
