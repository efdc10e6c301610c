//! The core's dice: xoshiro256++ (Blackman and Vigna, 2019), thrown from the seed that it is given. Whoever sees enough throws can tell the
//! others: what is to be secret comes from elsewhere (`secrets`).

/// A stream of numbers that is a function of its seed.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(seed.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        // The all-zero state is the generator's one fixed point.
        if state == [0; 4] {
            state = [0x9e37_79b9_7f4a_7c15, 1, 2, 3];
        }
        Self { state }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let out = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let mut next = [a, b, c ^ a, d ^ b];
        next[1] ^= next[2];
        next[0] ^= next[3];
        next[2] ^= b << 17;
        next[3] = next[3].rotate_left(45);
        self.state = next;
        out
    }

    /// 32 hex digits, for an id that is unique across nodes.
    pub(crate) fn hex(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_reference_implementation() {
        let mut seed = [0; 32];
        for (at, word) in [1_u64, 2, 3, 4].iter().enumerate() {
            seed[at * 8..at * 8 + 8].copy_from_slice(&word.to_le_bytes());
        }
        let mut random = Random::new(seed);
        let drawn: Vec<u64> = (0..4).map(|_| random.next()).collect();
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn an_id_has_32_hex_digits_and_does_not_repeat() {
        let mut random = Random::new([7; 32]);
        let (first, second) = (random.hex(), random.hex());
        assert_eq!(first.len(), 32);
        assert!(first.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(first, second);
    }

    #[test]
    fn a_seed_of_zeros_still_gives_numbers() {
        let mut random = Random::new([0; 32]);
        assert_ne!(random.next(), random.next());
    }
}
