//! How good a leg's audio is, both ways: what the far side tells of ours (RFC 3550 s.6.4.1), and a mean opinion score by the E-model
//! (ITU-T G.107, 06/2015) with the values of G.711 (ITU-T G.113 appendix I). Scores are reckoned when they are asked for, never for a packet.
//!
//! All parameters but loss and delay have the defaults of G.107 table 2, whose R is 93.2. Losses count as if each came alone (`BurstR` = 1)
//! and as concealed, as phones and our own taps do it. The delay is half the round trip and a jitter buffer like ours.

use std::time::Duration;

use crate::command::Counters;
use crate::jitter;
use crate::rtcp::Block;

/// What a far side tells of the stream that we send to it. It may lie: no word of it is taken for more than could be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// Packets of ours that it missed, as of its last report; never more than `of`.
    pub lost: u32,
    /// Packets that we had sent when that report came.
    pub of: u32,
    /// The jitter that it found, in microseconds: the mean of its reports, each at most a second.
    pub jitter_us: u32,
}

/// All reports of a far side about our stream.
#[derive(Debug, Default)]
pub(crate) struct FarSide {
    lost: u32,
    of: u32,
    reports: u32,
    /// In samples.
    jitters: u64,
    trips: u32,
    /// In 1/65,536 s.
    times: u64,
}

impl FarSide {
    /// A report about our stream, of which so many packets were sent, at the middle of an NTP time of our own.
    pub(crate) fn take(&mut self, sent: u32, now: u32, block: &Block) {
        self.of = sent;
        // More duplicates than losses are no loss.
        self.lost = u32::try_from(block.reception.lost).unwrap_or(0).min(sent);
        self.reports = self.reports.saturating_add(1);
        self.jitters = self.jitters.saturating_add(block.reception.jitter.min(MAX_JITTER).into());
        if let Some(time) = round_trip(now, block) {
            self.trips = self.trips.saturating_add(1);
            self.times = self.times.saturating_add(time.into());
        }
    }

    pub(crate) fn told(&self) -> Option<Told> {
        let jitter = self.jitters.checked_div(self.reports.into())?;
        let jitter_us = u32::try_from(jitter * 125).unwrap_or(u32::MAX);
        Some(Told { lost: self.lost, of: self.of, jitter_us })
    }

    /// The mean, in microseconds.
    pub(crate) fn round_trip_us(&self) -> Option<u32> {
        let time = self.times.checked_div(self.trips.into())?;
        u32::try_from(time * 1_000_000 / 65_536).ok()
    }
}

/// In 1/65,536 s (RFC 3550 s.6.4.1, figure 2); `None` for what can't be: of no report of ours, or before it, or too long for a call.
fn round_trip(now: u32, block: &Block) -> Option<u32> {
    if block.last_report == 0 {
        return None;
    }
    let since = i64::from(now.wrapping_sub(block.last_report).cast_signed());
    let time = since - i64::from(block.delay);
    // Clocks of a millisecond round up what they held the report for.
    if since >= 0 && (-MILLISECOND..0).contains(&time) {
        return Some(0);
    }
    u32::try_from(time).ok().filter(|time| *time <= MAX_ROUND_TRIP)
}

impl Counters {
    /// The score of what the far side sent, 1 to 4.5; none where nothing came.
    pub fn mos(&self) -> Option<f64> {
        let all = self.received + self.lost;
        (self.received > 0).then(|| mos(share(self.lost, all), self.delay(self.jitter_us)))
    }

    /// The score of what was sent to the far side, 1 to 4.5; none where it told nothing of it.
    pub fn far_mos(&self) -> Option<f64> {
        let told = self.far.filter(|told| told.of > 0)?;
        Some(mos(share(told.lost.into(), told.of.into()), self.delay(told.jitter_us)))
    }

    /// From a mouth to an ear, as far as this leg knows.
    fn delay(&self, jitter_us: u32) -> Duration {
        Duration::from_micros(u64::from(self.round_trip_us.unwrap_or(0)) / 2) + jitter::patience(jitter_us)
    }
}

/// The score of G.711 at this share of packets lost, 0 to 1, and this delay one way (G.107 annex B).
pub fn mos(loss: f64, delay: Duration) -> f64 {
    let r = rating(loss, delay.as_secs_f64() * 1000.0).clamp(0.0, 100.0);
    // Below 6.5 the polynomial dips under its own floor.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

/// R = Ro - Is - Id - Ie,eff (G.107 s.7.1), at so many milliseconds one way.
fn rating(loss: f64, ms: f64) -> f64 {
    let percent = loss.clamp(0.0, 1.0) * 100.0;
    // G.107 s.7.5 with Ie = 0 and BurstR = 1.
    let equipment = 95.0 * percent / (percent + ROBUSTNESS);
    RO - IS - talker_echo(ms) - listener_echo(ms) - absolute_delay(ms) - equipment
}

/// Idte (G.107 s.7.4), at TELR = 65 dB.
fn talker_echo(ms: f64) -> f64 {
    let terv = TELR - 40.0 * ((1.0 + ms / 10.0) / (1.0 + ms / 150.0)).log10() + 6.0 * (-0.3 * ms * ms).exp();
    let gap = (ROE - (80.0 + 2.5 * (terv - 14.0))) / 2.0;
    (gap + gap.hypot(10.0) - 1.0) * (1.0 - (-ms).exp())
}

/// Idle (G.107 s.7.4), at WEPL = 110 dB.
fn listener_echo(ms: f64) -> f64 {
    let gap = (RO - 10.5 * (WEPL + 7.0) * (2.0 * ms + 1.0).powf(-0.25)) / 2.0;
    gap + gap.hypot(13.0)
}

/// Idd (G.107 s.7.4).
fn absolute_delay(ms: f64) -> f64 {
    if ms <= 100.0 {
        return 0.0;
    }
    let x = (ms / 100.0).log2();
    let bend = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (bend(x) - 3.0 * bend(x / 3.0) + 2.0)
}

fn share(part: u64, all: u64) -> f64 {
    // No leg has more packets.
    let count = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { count(part) / count(all) }
}

/// The basic signal-to-noise ratio by default: 15 - 1.5 (SLR + No), with SLR = 8 and No = -61.18.
const RO: f64 = 94.77;
/// Is by default.
const IS: f64 = 1.41;
/// -1.5 (No - RLR), with RLR = 2.
const ROE: f64 = 94.77;
const TELR: f64 = 65.0;
const WEPL: f64 = 110.0;
/// Bpl of G.711 whose losses are concealed (G.113 table I.4); it would be 4.3 if nobody did.
const ROBUSTNESS: f64 = 25.1;
/// A second, in samples.
const MAX_JITTER: u32 = 8000;
/// In 1/65,536 s.
const MILLISECOND: i64 = 66;
/// 10 s, in 1/65,536 s.
const MAX_ROUND_TRIP: u32 = 655_360;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::Reception;

    fn at(percent: f64, ms: u64) -> f64 {
        mos(percent / 100.0, Duration::from_millis(ms))
    }

    #[track_caller]
    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    #[test]
    fn without_loss_and_delay_the_score_is_that_of_the_recommendation() {
        // G.107 s.7.7: the defaults give R = 93.2.
        near(rating(0.0, 0.0), 93.2, 0.05);
        near(at(0.0, 0), 4.41, 0.005);
    }

    #[test]
    fn ratings_are_scores_as_annex_b_has_them() {
        // G.109 table 1 and G.107 table B.1, by a loss that leaves that much.
        for (r, expected) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            let missing = rating(0.0, 0.0) - r;
            near(mos(ROBUSTNESS * missing / (95.0 - missing) / 100.0, Duration::ZERO), expected, 0.01);
        }
    }

    #[test]
    fn losses_cost_what_g_113_says_of_concealed_g_711() {
        // Ie,eff = 95 Ppl / (Ppl + 25.1): 3.64, 15.78, 27.07.
        for (percent, r) in [(1.0, 89.56), (5.0, 77.42), (10.0, 66.13)] {
            near(rating(percent / 100.0, 0.0), r, 0.05);
        }
        near(at(5.0, 0), 3.92, 0.01);
        near(at(100.0, 0), 1.18, 0.01);
    }

    #[test]
    fn delays_cost_what_the_curve_of_g_114_says() {
        // Cole and Rosenbluth's fit to it: 0.024 d + 0.11 (d - 177.3) beyond 177.3 ms.
        for (ms, fit) in [(50, 1.2), (100, 2.4), (150, 3.6), (250, 14.0), (400, 34.1)] {
            let loss = rating(0.0, 0.0) - rating(0.0, f64::from(ms));
            near(loss, fit, 3.5);
        }
        near(at(0.0, 150), 4.32, 0.03);
        near(at(0.0, 400), 3.2, 0.15);
        // Idd alone, at one and two octaves above 100 ms.
        near(absolute_delay(100.0), 0.0, 0.0);
        near(absolute_delay(200.0), 3.04, 0.02);
        near(absolute_delay(400.0), 24.07, 0.01);
    }

    #[test]
    fn the_worst_is_one_and_more_loss_or_delay_is_never_better() {
        let scores = |of: fn(u32) -> f64| (0..100).map(of).collect::<Vec<_>>();
        for curve in [scores(|percent| at(percent.into(), 20)), scores(|step| at(2.0, u64::from(step) * 20))]
        {
            assert!(curve.windows(2).all(|pair| pair[1] <= pair[0]), "{curve:?}");
            assert!(curve.iter().all(|score| (1.0..=4.5).contains(score)));
        }
        near(at(100.0, 60_000), 1.0, 0.0);
    }

    #[test]
    fn what_nobody_heard_has_no_score() {
        assert_eq!((Counters::default().mos(), Counters::default().far_mos()), (None, None));
        let told = Counters { sent: 50, lost: 3, ..Counters::default() };
        assert_eq!((told.mos(), told.far_mos()), (None, None));
        let heard = Counters { received: 95, lost: 5, ..Counters::default() };
        near(heard.mos().unwrap(), at(5.0, 20), 1e-9);
    }

    #[test]
    fn each_way_has_a_score_of_its_own() {
        let far = Some(Told { lost: 10, of: 100, jitter_us: 5_000 });
        let leg = Counters {
            received: 100,
            round_trip_us: Some(200_000),
            jitter_us: 90_000,
            far,
            ..Counters::default()
        };
        near(leg.mos().unwrap(), at(0.0, 160), 1e-9);
        near(leg.far_mos().unwrap(), at(10.0, 130), 1e-9);
    }

    fn block(lost: i32, jitter: u32, last_report: u32, delay: u32) -> Block {
        let reception = Reception { ssrc: 7, fraction_lost: 0, lost, highest: 0, jitter };
        Block { reception, last_report, delay }
    }

    #[test]
    fn the_round_trip_is_that_of_the_example_in_the_rfc() {
        // RFC 3550 figure 2: 0xb710:8000, 0xb705:2000, 5.25 s; 6.125 s.
        assert_eq!(round_trip(0xb710_8000, &block(0, 0, 0xb705_2000, 0x0005_4000)), Some(0x0006_2000));
        // The clock of our reports begins anew every 18 hours.
        assert_eq!(round_trip(0x0000_8000, &block(0, 0, 0xffff_8000, 0x8000)), Some(0x8000));
    }

    #[test]
    fn a_round_trip_that_can_not_be_is_none() {
        let now = 0x0100_0000_u32;
        for (last_report, delay) in [
            (0, 0),                 // no report
            (now - 1000, 11_000),   // it took less than nothing
            (now + 500, 0),         // a report that we have not sent
            (now + 500, u32::MAX),  // nor could
            (now - 1000, u32::MAX), // held for 18 hours
            (now - 20 * 65_536, 0), // longer than a call bears
            (now.wrapping_add(1 << 31), 0),
        ] {
            assert_eq!(round_trip(now, &block(0, 0, last_report, delay)), None, "{last_report} {delay}");
        }
        assert_eq!(
            round_trip(now, &block(0, 0, now - 1000, 1020)),
            Some(0),
            "held for a rounded millisecond"
        );
    }

    #[test]
    fn a_far_side_loses_no_more_than_was_sent_and_its_jitter_is_bounded() {
        let mut far = FarSide::default();
        assert_eq!((far.told(), far.round_trip_us()), (None, None));
        far.take(100, 1, &block(0x7f_ffff, u32::MAX, 0, 0));
        assert_eq!(far.told(), Some(Told { lost: 100, of: 100, jitter_us: 1_000_000 }));
        far.take(200, 1, &block(-5, 0, 0, 0));
        assert_eq!(far.told(), Some(Told { lost: 0, of: 200, jitter_us: 500_000 }));
        assert_eq!(far.round_trip_us(), None);
    }
}
