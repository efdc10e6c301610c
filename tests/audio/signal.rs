//! What is said: a chirp under syllables, with a little noise, so that no two places of it are alike.

/// Samples of 20 ms at 8 kHz.
pub(crate) const FRAME: usize = 160;

/// So many frames.
pub(crate) fn signal(frames: usize, seed: u32) -> Vec<i16> {
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    let mut phase = 0.0_f64;
    let sample = |index: u32| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let time = f64::from(index) / RATE;
        // From 250 to 3,250 Hz and again, every 4 s.
        let pitch = 250.0 + (time + f64::from(seed % 7)) % 4.0 * 750.0;
        phase += std::f64::consts::TAU * pitch / RATE;
        let syllable = 0.55 + 0.45 * (time * 17.0).sin();
        let hiss = (f64::from(noise >> 16) / 32_768.0 - 1.0) * 900.0;
        #[expect(clippy::cast_possible_truncation, reason = "within 15,000 of zero by its amplitudes")]
        let sample = (syllable * 13_000.0 * phase.sin() + hiss) as i16;
        sample
    };
    (0..).take(frames * FRAME).map(sample).collect()
}

const RATE: f64 = 8_000.0;
