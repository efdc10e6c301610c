//! A small seeded generator (splitmix64): tags, branches and weather are a function of the seed.

/// A sequence of numbers that looks random and repeats for the same seed.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Begins a sequence.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `bound`; 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let rolled = self.roll();
        if bound == 0 { 0 } else { rolled % bound }
    }

    /// A word of 16 hex digits.
    pub fn word(&mut self) -> String {
        format!("{:016x}", self.roll())
    }
}
