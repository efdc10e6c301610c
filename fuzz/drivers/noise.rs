//! Octets by chance, always the same for a seed (Knuth's generator): stories that nobody thought of.

/// So many octets of that seed.
pub(crate) fn of(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    })
    .take(length)
    .collect()
}
