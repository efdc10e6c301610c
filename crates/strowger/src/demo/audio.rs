//! The demo's voice, and the comparison of what was sent with what came back.
//!
//! G.711 is written here a second time on purpose: a test that shares the daemon's tables shares their mistakes.

/// 20 ms at 8 kHz.
pub(super) const FRAME: usize = 160;

/// Frames a second.
pub(super) const FRAMES_PER_SECOND: usize = 50;

/// `frames` of µ-law that no two places of sound alike: a rising and falling tone under syllables, and a little noise.
pub(super) fn voice(frames: usize, seed: u32) -> Vec<u8> {
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    let mut phase = 0.0_f64;
    (0_u32..)
        .take(frames * FRAME)
        .map(|index| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let time = f64::from(index) / RATE;
            let pitch = 300.0 + 250.0 * (time * 2.3 + f64::from(seed)).sin() + 120.0 * time;
            phase += std::f64::consts::TAU * pitch / RATE;
            let syllable = 0.55 + 0.45 * (time * 17.0).sin();
            let hiss = (f64::from(noise >> 16) / 32_768.0 - 1.0) * 600.0;
            let sample = syllable * (6_000.0 * phase.sin() + 2_500.0 * (phase * 2.7).sin()) + hiss;
            #[expect(clippy::cast_possible_truncation, reason = "within 10,000 of zero by its amplitudes")]
            encode(sample as i16)
        })
        .collect()
}

/// How `received` compares with `sent`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Comparison {
    /// Where in `received` the first sample of `sent` is.
    pub(super) offset: usize,
    /// Samples of `sent` that are in `received`, in order and bit for bit.
    pub(super) matched: usize,
    /// Samples of `sent`.
    pub(super) total: usize,
    /// Samples in `received` between those of `sent` that are not of it: silence that was put in, or noise.
    pub(super) inserted: usize,
    /// Where in `received` each frame of `sent` begins, if it is there whole.
    pub(super) places: Vec<Option<usize>>,
}

impl Comparison {
    pub(super) fn is_whole(&self) -> bool {
        self.matched == self.total
    }
}

/// Aligns by cross-correlation, then compares sample by sample, finding the thread again after a gap.
pub(super) fn compare(sent: &[u8], received: &[u8]) -> Comparison {
    let offset = alignment(sent, received);
    let (mut matched, mut inserted, mut at) = (0, 0, offset);
    let mut places = Vec::new();
    for frame in sent.chunks(FRAME) {
        let window = &received[at.min(received.len())..];
        let equal = frame.iter().zip(window).filter(|(a, b)| a == b).count();
        let skipped = if equal == frame.len() {
            Some(0)
        } else {
            window.windows(frame.len()).take(SEARCH).position(|candidate| candidate == frame)
        };
        places.push(skipped.map(|skipped| at + skipped));
        match skipped {
            Some(skipped) => {
                (matched, inserted, at) =
                    (matched + frame.len(), inserted + skipped, at + skipped + frame.len());
            }
            None => matched += equal,
        }
    }
    Comparison { offset, matched, total: sent.len(), inserted, places }
}

/// The place in `received` where the start of `sent` correlates best.
fn alignment(sent: &[u8], received: &[u8]) -> usize {
    let probe: Vec<f64> = sent.iter().take(PROBE).map(|byte| f64::from(decode(*byte))).collect();
    let heard: Vec<f64> = received.iter().map(|byte| f64::from(decode(*byte))).collect();
    let likeness = |window: &[f64]| {
        let product: f64 = probe.iter().zip(window).map(|(a, b)| a * b).sum();
        let energy: f64 = window.iter().map(|sample| sample * sample).sum();
        product / energy.sqrt().max(1.0)
    };
    heard
        .windows(probe.len().max(1))
        .map(likeness)
        .enumerate()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map_or(0, |(offset, _)| offset)
}

/// Linear to µ-law (ITU-T G.711).
fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.unsigned_abs().min(CLIP) + BIAS;
    let exponent = magnitude.ilog2() - 7;
    let mantissa = magnitude >> (exponent + 3) & 0x0f;
    // 3 bits and 4 bits: the low byte is all of it.
    let [.., low] = (exponent << 4 | u32::from(mantissa)).to_be_bytes();
    !(sign | low)
}

/// µ-law to linear (ITU-T G.711).
fn decode(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = ((u16::from(byte & 0x0f) << 3) + BIAS) << (byte >> 4 & 7);
    let magnitude = (magnitude - BIAS).cast_signed();
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

const RATE: f64 = 8_000.0;
const BIAS: u16 = 132;
const CLIP: u16 = 32_635;
/// 100 ms are enough to be found by.
const PROBE: usize = 800;
/// A gap of more than a second is no gap but a loss.
const SEARCH: usize = 8_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_copy_is_found_whole_and_at_its_place() {
        let sent = voice(50, 1);
        let received = [vec![0xff; 333], sent.clone(), vec![0xff; 100]].concat();
        let found = compare(&sent, &received);
        assert_eq!((found.offset, found.matched, found.total, found.inserted), (333, 8000, 8000, 0));
        assert_eq!(found.places[49], Some(333 + 49 * FRAME));
    }

    #[test]
    fn silence_put_in_between_is_counted_and_a_lost_frame_is_missed() {
        let sent = voice(50, 2);
        let gap = [sent[..1600].to_vec(), vec![0xff; 160], sent[1600..].to_vec()].concat();
        let found = compare(&sent, &gap);
        assert_eq!((found.offset, found.matched, found.inserted), (0, 8000, 160));
        let cut = [&sent[..1600], &sent[1760..]].concat();
        assert!(!compare(&sent, &cut).is_whole());
    }

    #[test]
    fn another_voice_is_not_taken_for_it() {
        let comparison = compare(&voice(50, 1), &voice(50, 2));
        assert!(comparison.matched < comparison.total / 4, "{comparison:?}");
        assert!(!compare(&voice(50, 1), &[]).is_whole());
    }

    #[test]
    fn mu_law_has_its_known_corners_and_survives_a_round_trip() {
        assert_eq!((encode(0), encode(32_767), encode(-32_768)), (0xff, 0x80, 0x00));
        for byte in 0..=255_u8 {
            // 0x7f is minus zero.
            assert_eq!(encode(decode(byte)), if byte == 0x7f { 0xff } else { byte });
        }
    }
}
