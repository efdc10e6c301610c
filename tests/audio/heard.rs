//! What came out at the other end, laid over what was said.

use std::time::{Duration, Instant};

use crate::codec::{Codec, bound};
use crate::signal::FRAME;

/// A packet that came.
pub(crate) struct Packet {
    pub(crate) at: Instant,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: Vec<u8>,
}

/// One direction of a call: what was said, and when each frame of it first left.
pub(crate) struct Said<'a> {
    pub(crate) samples: &'a [i16],
    pub(crate) codec: Codec,
    pub(crate) left: &'a [Option<Instant>],
}

/// What the comparison finds.
#[derive(Debug)]
pub(crate) struct Account {
    /// Frames that left.
    pub(crate) said: usize,
    /// Frames of them that came, each sample as it should be.
    pub(crate) heard: usize,
    /// Packets that came again.
    pub(crate) repeated: usize,
    /// Packets whose place or samples are not those of the signal, with the reason.
    pub(crate) wrong: Vec<String>,
    /// Of all samples that came with those that were said there: 1 is the same but for loudness.
    pub(crate) likeness: f64,
    /// From leaving to arrival.
    pub(crate) delays: Vec<Duration>,
}

impl Account {
    /// Lays the packets over the signal: the first ones by cross-correlation, the others by their timestamps.
    pub(crate) fn of(said: &Said<'_>, heard: &[Packet], codec: Codec) -> Self {
        let left = said.left.iter().filter(|left| left.is_some()).count();
        let mut account =
            Self { said: left, heard: 0, repeated: 0, wrong: Vec::new(), likeness: 0.0, delays: Vec::new() };
        let Some(first) = heard.first() else { return account };
        let start = alignment(said.samples, heard, codec);
        let mut came = vec![0_usize; said.left.len()];
        let mut sums = Sums::default();
        for packet in heard {
            let place = i64::from(packet.timestamp.wrapping_sub(first.timestamp).cast_signed()) + start;
            let frame = usize::try_from(place)
                .ok()
                .filter(|place| place.is_multiple_of(FRAME))
                .map(|place| place / FRAME);
            let Some(frame) = frame.filter(|frame| *frame < said.left.len()) else {
                account.wrong.push(format!("a packet at sample {place}, of no frame"));
                continue;
            };
            if packet.ssrc != first.ssrc {
                account.wrong.push(format!("frame {frame} with another SSRC"));
            }
            let steps = packet.sequence.wrapping_sub(first.sequence).cast_signed();
            if i64::from(steps) * 160
                != i64::from(packet.timestamp.wrapping_sub(first.timestamp).cast_signed())
                && said.left.len() < 30_000
            {
                account.wrong.push(format!("frame {frame} with sequence {steps} after the first"));
            }
            let own = &said.samples[frame * FRAME..][..FRAME];
            if let Some(fault) = sums.compare(own, said.codec, &packet.payload, codec) {
                account.wrong.push(format!("frame {frame}: {fault}"));
                continue;
            }
            let Some(left) = said.left[frame] else {
                account.wrong.push(format!("frame {frame} came and never left"));
                continue;
            };
            came[frame] += 1;
            if came[frame] == 1 {
                account.heard += 1;
                account.delays.push(packet.at.saturating_duration_since(left));
            } else {
                account.repeated += 1;
            }
        }
        account.likeness = sums.likeness();
        account.delays.sort_unstable();
        account
    }

    /// The delay that this share of 100 stayed below.
    pub(crate) fn delay(&self, percent: usize) -> Duration {
        let place = (self.delays.len() * percent / 100).min(self.delays.len().saturating_sub(1));
        self.delays.get(place).copied().unwrap_or_default()
    }
}

/// How like each second's beginning of what was said is to what was heard, where it is most: 1 is the same but for loudness. What lies between may
/// have been stretched, for a telephone plays by a clock of its own.
pub(crate) fn likenesses(said: &[i16], heard: &[i16]) -> Vec<f64> {
    let parts = said.chunks_exact(50 * FRAME).map(|second| &second[..PART]);
    let of = |part: &[i16], there: &[i16]| {
        let mut sums = Sums::default();
        part.iter().zip(there).for_each(|(own, other)| sums.add((*own).into(), (*other).into()));
        sums.likeness()
    };
    parts.map(|part| heard.windows(PART).map(|there| of(part, there)).fold(0.0, f64::max)).collect()
}

/// Of two rows of samples.
#[derive(Default)]
struct Sums {
    product: f64,
    own: f64,
    other: f64,
}

impl Sums {
    /// What is wrong with a frame, if anything: the same law passes every octet on, the other law stays within its steps.
    fn compare(&mut self, samples: &[i16], from: Codec, payload: &[u8], to: Codec) -> Option<String> {
        if payload.len() != samples.len() {
            return Some(format!("{} octets", payload.len()));
        }
        for (place, (sample, octet)) in samples.iter().zip(payload).enumerate() {
            let sent = from.encode(*sample);
            let (own, other) = (from.decode(sent), to.decode(*octet));
            if from == to && sent != *octet {
                return Some(format!("octet {place} is {octet:#04x}, was {sent:#04x}"));
            }
            if own.abs_diff(other) > bound(own) {
                return Some(format!("sample {place} is {other}, was {own}"));
            }
            self.add(own.into(), other.into());
        }
        None
    }

    fn add(&mut self, own: f64, other: f64) {
        self.product += own * other;
        self.own += own * own;
        self.other += other * other;
    }

    fn likeness(&self) -> f64 {
        self.product / (self.own * self.other).sqrt().max(1.0)
    }
}

/// The sample of the signal at which the first packet begins: where the first packets correlate best.
fn alignment(samples: &[i16], heard: &[Packet], codec: Codec) -> i64 {
    let first = heard[0].timestamp;
    let probe: Vec<(usize, f64)> = heard
        .iter()
        .take(PROBE)
        .filter_map(|packet| {
            Some((usize::try_from(packet.timestamp.wrapping_sub(first)).ok()?, &packet.payload))
        })
        .filter(|(place, _)| *place < REACH)
        .flat_map(|(place, payload)| {
            payload
                .iter()
                .enumerate()
                .map(move |(index, octet)| (place + index, f64::from(codec.decode(*octet))))
        })
        .collect();
    let likeness = |start: usize| -> f64 {
        let mut sums = Sums::default();
        let pairs =
            probe.iter().filter_map(|(place, heard)| Some((f64::from(*samples.get(start + place)?), *heard)));
        pairs.for_each(|(said, heard)| sums.add(said, heard));
        sums.likeness()
    };
    let best = (0..REACH.min(samples.len())).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)));
    best.and_then(|best| i64::try_from(best).ok()).unwrap_or_default()
}

/// Samples in which a second of what was said is known again.
const PART: usize = 2 * FRAME;
/// Packets that the beginning is found by.
const PROBE: usize = 3;
/// Samples of the signal in which the first packet is looked for: 400 ms.
const REACH: usize = 20 * FRAME;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::signal;

    fn packets(samples: &[i16], codec: Codec, frames: impl Iterator<Item = usize>) -> Vec<Packet> {
        let packet = |frame: usize| Packet {
            at: Instant::now(),
            sequence: 65_530_u16.wrapping_add(u16::try_from(frame).unwrap()),
            timestamp: 0xffff_ff00_u32.wrapping_add(u32::try_from(frame).unwrap() * 160),
            ssrc: 1,
            payload: samples[frame * FRAME..][..FRAME].iter().map(|sample| codec.encode(*sample)).collect(),
        };
        frames.map(packet).collect()
    }

    fn account(heard: &[Packet], samples: &[i16]) -> Account {
        let left = vec![Some(Instant::now()); samples.len() / FRAME];
        Account::of(&Said { samples, codec: Codec::Pcmu, left: &left }, heard, Codec::Pcma)
    }

    #[test]
    fn a_signal_is_found_and_a_gap_and_a_repetition_in_it_are_counted() {
        let samples = signal(50, 3);
        let heard = packets(&samples, Codec::Pcma, (4..20).chain(21..50).chain([7]));
        let account = account(&heard, &samples);
        assert_eq!((account.said, account.heard, account.repeated), (50, 45, 1), "{account:?}");
        assert!(account.wrong.is_empty() && account.likeness > 0.999, "{account:?}");
    }

    #[test]
    fn another_signal_and_a_changed_sample_are_not_taken_for_it() {
        let (samples, other) = (signal(50, 3), signal(50, 4));
        assert_eq!(account(&packets(&other, Codec::Pcma, 0..50), &samples).heard, 0);
        let mut heard = packets(&samples, Codec::Pcma, 0..50);
        heard[30].payload[80] ^= 0x20;
        let account = account(&heard, &samples);
        assert_eq!((account.heard, account.wrong.len()), (49, 1), "{account:?}");
    }

    #[test]
    fn a_likeness_is_that_of_the_signal_and_of_no_other() {
        let [samples, other] = [3, 4].map(|seed| signal(150, seed));
        let late = [&[0; 333], &samples[..]].concat();
        assert!(likenesses(&samples, &late).iter().all(|likeness| *likeness > 0.999));
        assert!(likenesses(&samples, &other).iter().all(|likeness| *likeness < 0.999));
        assert_eq!(likenesses(&samples, &[0; 1_000]), [0.0; 3]);
    }
}
