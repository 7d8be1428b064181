//! The streams: reference values, independence of names, no bias at the edges.

use super::*;

#[test]
fn xoshiro_gives_its_authors_numbers() {
    // First outputs of xoshiro256++ from the state 1, 2, 3, 4, as in the authors' C and rand_xoshiro's test.
    let mut stream = Stream { state: [1, 2, 3, 4] };
    let expected = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205];
    assert_eq!([0; 5].map(|_| stream.next_u64()), expected);
}

#[test]
fn split_mix_gives_its_authors_numbers() {
    let mut state = 1234567;
    assert_eq!(
        [0; 3].map(|_| split_mix(&mut state)),
        [6457827717110365317, 3203168211198807973, 9817491932198370423]
    );
}

#[test]
fn names_and_seeds_separate_streams() {
    let first = |seed, name| Stream::new(seed, name).next_u64();
    assert_eq!(first(7, "disk/b1"), first(7, "disk/b1"));
    assert_ne!(first(7, "disk/b1"), first(7, "disk/b2"));
    assert_ne!(first(7, "disk/b1"), first(8, "disk/b1"));
}

#[test]
fn draws_stay_within_their_bounds_and_reach_them() {
    let mut stream = Stream::new(1, "bounds");
    let mut seen = [false; 3];
    for _ in 0..1000 {
        seen[stream.between(5, 7) as usize - 5] = true;
    }
    assert_eq!(seen, [true; 3]);
    assert_eq!(stream.between(9, 9), 9);
    stream.between(0, u64::MAX);
    assert!(!(0..1000).any(|_| stream.chance(0)));
    assert!((0..1000).all(|_| stream.chance(MILLION)));
    let hits = (0..100_000).filter(|_| stream.chance(250_000)).count();
    assert!((24_000..26_000).contains(&hits), "{hits}");
}
