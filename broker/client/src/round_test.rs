//! Everybody in turn, whoever can't be reached left out.

use super::*;

const PEERS: [Peer; 3] = [Peer::Seed(0), Peer::Node(1), Peer::Node(2)];

#[test]
fn everybody_is_asked_once_before_anybody_twice() {
    let mut round = Round::default();
    // A place to begin with is one of the brokers.
    for names in [&PEERS[..2], &PEERS[2..]] {
        round.go_on(PEERS.into_iter());
        assert!(names.iter().all(|peer| !round.has(peer)));
        round.asked(names.iter().copied());
        assert!(names.iter().all(|peer| round.has(peer)));
    }
    round.go_on(PEERS.into_iter());
    assert!(PEERS.iter().all(|peer| !round.has(peer)));
}

/// Or one that is dead would keep everybody else from being asked again.
#[test]
fn nobody_waits_for_who_can_not_be_reached() {
    let mut round = Round::default();
    round.asked([PEERS[0], PEERS[1]]);
    round.go_on(PEERS.into_iter());
    assert!(round.has(&PEERS[1]));
    round.go_on([PEERS[0], PEERS[1]].into_iter());
    assert!(!round.has(&PEERS[1]));
}
