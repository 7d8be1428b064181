//! Randomness keyed by name, so that deleting one item of a scenario leaves every other draw as it was.
//!
//! Each consumer (a link, a disk, a client, a process) owns a `Stream` seeded from the seed *and* its own name.
//! Nothing shares a generator; the order in which consumers draw therefore changes nothing, which is what makes
//! shrinking work. Integers only: a `ln` or `sin` may differ in its last bit between two machines.

/// A stream of random numbers: xoshiro256++ (Blackman and Vigna), seeded by SplitMix64 from (seed, name).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    state: [u64; 4],
}

/// One million: the unit of every probability in this crate.
pub const MILLION: u32 = 1_000_000;

impl Stream {
    /// The stream of `name` under `seed`. The same pair always gives the same stream.
    pub fn new(seed: u64, name: &str) -> Stream {
        // FNV-1a over the name, then mixed with the seed by SplitMix64's own finaliser.
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for byte in name.as_bytes() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut mixer = seed ^ hash.rotate_left(32);
        let state = [0u64; 4].map(|_| split_mix(&mut mixer) ^ hash);
        // All zeros is the one state that xoshiro never leaves.
        if state == [0; 4] { Stream { state: [1, 2, 3, 4] } } else { Stream { state } }
    }

    /// A stream of its own for a part of this one's owner; draws once.
    pub fn fork(&mut self, name: &str) -> Stream {
        Stream::new(self.next_u64(), name)
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..below`, without bias (Lemire). Panics when `below` is zero.
    pub fn below(&mut self, below: u64) -> u64 {
        assert!(below > 0, "a choice among nothing");
        let mut wide = u128::from(self.next_u64()) * u128::from(below);
        if (wide as u64) < below {
            let threshold = below.wrapping_neg() % below;
            while (wide as u64) < threshold {
                wide = u128::from(self.next_u64()) * u128::from(below);
            }
        }
        (wide >> 64) as u64
    }

    /// A number in `min..=max`. Panics when `min > max`.
    pub fn between(&mut self, min: u64, max: u64) -> u64 {
        assert!(min <= max, "an empty range: {min}..={max}");
        match (max - min).checked_add(1) {
            Some(width) => min + self.below(width),
            None => self.next_u64(),
        }
    }

    /// An index in `0..len`. Panics when `len` is zero.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// True with a probability in parts per million. 0 and 1,000,000 draw nothing.
    pub fn chance(&mut self, ppm: u32) -> bool {
        ppm >= MILLION || (ppm > 0 && self.below(u64::from(MILLION)) < u64::from(ppm))
    }

    /// One of the items; `None` when there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { Some(&items[self.index(items.len())]) }
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
#[path = "random_test.rs"]
mod tests;
