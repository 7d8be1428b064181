//! Random numbers from a seed and a name, so that each part of a run has a stream of its own: one fault more or less
//! leaves every other draw as it was.

/// One million: the unit of every probability here.
pub const MILLION: u32 = 1_000_000;

/// A stream of random numbers: SplitMix64.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream of `name` under `seed`. The same pair always gives the same stream.
    pub fn new(seed: u64, name: &str) -> Stream {
        // FNV-1a over the name.
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for byte in name.as_bytes() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut stream = Stream { state: seed };
        stream.state = stream.draw() ^ hash;
        stream
    }

    /// 64 random bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..below`, which must not be zero. The bias is below one in four thousand million.
    pub fn below(&mut self, below: u32) -> u32 {
        assert!(below > 0, "a choice among nothing");
        ((u128::from(self.draw()) * u128::from(below)) >> 64) as u32
    }

    /// A number in `min..=max`.
    pub fn between(&mut self, min: u32, max: u32) -> u32 {
        assert!(min <= max && max < u32::MAX, "an empty range, or the whole: {min}..={max}");
        min + self.below(max - min + 1)
    }

    /// True with a probability in parts per million.
    pub fn chance(&mut self, ppm: u32) -> bool {
        self.below(MILLION) < ppm
    }
}
