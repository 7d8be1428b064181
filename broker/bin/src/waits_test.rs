//! After a second, once, and only what lasts.

use super::*;

#[test]
fn what_lasts_for_a_second_is_said_once() {
    let at = |ms: u64| Instant(ms * 1_000_000);
    let (none, both) = (BTreeSet::new(), BTreeSet::from([Wait::Broker, Wait::Leader(3)]));
    let mut waits = Waits::default();
    assert_eq!(waits.look(&both, at(0)), []);
    assert_eq!(waits.look(&both, at(999)), []);
    // It was over in between: the second begins anew.
    waits.look(&BTreeSet::from([Wait::Leader(3)]), at(999));
    assert_eq!(waits.look(&both, at(1_000)), [Wait::Leader(3)]);
    assert_eq!(waits.look(&both, at(2_000)), [Wait::Broker]);
    assert_eq!(waits.look(&both, at(9_000)), []);
    assert_eq!(waits.look(&none, at(9_000)), []);
}
