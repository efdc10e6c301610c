//! The stream that a leg receives: which packets belong to it, and its quality (RFC 3550 s.6.4.1, A.1, A.3, A.8).

use std::time::{Duration, Instant};

use crate::packet::{Header, samples_between, sequence_distance, timestamp_distance};
use crate::rtcp::Reception;

/// What a packet is to the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// Of the current stream.
    Continues,
    /// The first of another stream, or of the same one begun anew.
    Starts,
    /// Of no stream that is trusted yet: to be dropped.
    Stray,
}

/// Follows one stream at a time.
#[derive(Debug)]
pub(crate) struct Ingress {
    epoch: Instant,
    current: Option<Stream>,
    /// The SSRC and sequence number that would prove another stream: two packets in sequence.
    candidate: Option<(u32, u16)>,
    /// The next packet begins a stream without proof: its source has proved itself.
    welcome: Welcome,
    lost_before: u64,
    jitter_before_us: u32,
    /// Of all streams so far: the sum of the steps that the jitter is the mean of, in samples, and how many.
    steps: (u64, u64),
    /// The highest estimate, in 1/16 samples.
    peak: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Welcome {
    Anyone,
    Proven,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    first: u16,
    highest: u16,
    /// Sequence numbers from the first to the highest, whatever their cycles.
    expected: u64,
    received: u64,
    /// `expected` and `received` at the last report.
    told: (u64, u64),
    last: Instant,
    transit: Option<u32>,
    /// In 1/16 samples.
    jitter: u32,
}

impl Ingress {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            current: None,
            candidate: None,
            welcome: Welcome::Anyone,
            lost_before: 0,
            jitter_before_us: 0,
            steps: (0, 0),
            peak: 0,
        }
    }

    /// Another source has been latched: its first packet begins a stream.
    pub(crate) fn welcome(&mut self) {
        self.welcome = Welcome::Anyone;
    }

    pub(crate) fn take(&mut self, now: Instant, header: &Header) -> Arrival {
        let arrival = self.judge(now, header);
        match arrival {
            Arrival::Stray => {
                self.candidate = Some((header.ssrc, header.sequence.wrapping_add(1)));
            }
            Arrival::Starts => {
                self.lost_before = self.lost();
                self.jitter_before_us = self.jitter_us();
                self.current = Some(Stream {
                    ssrc: header.ssrc,
                    first: header.sequence,
                    highest: header.sequence,
                    expected: 1,
                    received: 1,
                    told: (0, 0),
                    last: now,
                    transit: None,
                    jitter: 0,
                });
                self.candidate = None;
                self.welcome = Welcome::Proven;
            }
            Arrival::Continues => {
                if let Some(stream) = &mut self.current {
                    let ahead = sequence_distance(stream.highest, header.sequence);
                    if let Ok(ahead @ 1..) = u16::try_from(ahead) {
                        stream.highest = header.sequence;
                        stream.expected += u64::from(ahead);
                    }
                    stream.received += 1;
                    stream.last = now;
                }
            }
        }
        arrival
    }

    /// Folds an audio packet into the jitter estimate.
    pub(crate) fn measure(&mut self, now: Instant, timestamp: u32) {
        let arrival = samples_between(self.epoch, now);
        let Some(stream) = &mut self.current else { return };
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(previous) = stream.transit.replace(transit) {
            let d = timestamp_distance(previous, transit).unsigned_abs().min(MAX_TRANSIT_STEP);
            stream.jitter = stream.jitter + d - ((stream.jitter + 8) >> 4);
            self.peak = self.peak.max(stream.jitter);
            self.steps = (self.steps.0 + u64::from(d), self.steps.1 + 1);
        }
    }

    /// How the current stream was received since the last report; `None` when nothing came (RFC 3550 A.3).
    pub(crate) fn reception(&mut self) -> Option<Reception> {
        let stream = self.current.as_mut()?;
        let told = std::mem::replace(&mut stream.told, (stream.expected, stream.received));
        let (expected, received) = (stream.expected - told.0, stream.received - told.1);
        if received == 0 {
            return None;
        }
        let lost = expected.saturating_sub(received);
        let fraction = (lost * 256).checked_div(expected).unwrap_or(0);
        let in_all = i64::try_from(stream.expected).ok()? - i64::try_from(stream.received).ok()?;
        let highest = u64::from(stream.first) + stream.expected - 1;
        Some(Reception {
            ssrc: stream.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(in_all).unwrap_or(i32::MAX),
            highest: u32::try_from(highest & u64::from(u32::MAX)).unwrap_or(u32::MAX),
            jitter: stream.jitter >> 4,
        })
    }

    /// Sequence numbers that never came, of all streams so far.
    pub(crate) fn lost(&self) -> u64 {
        let current =
            self.current.as_ref().map_or(0, |stream| stream.expected.saturating_sub(stream.received));
        self.lost_before + current
    }

    /// The last estimate, in microseconds.
    pub(crate) fn jitter_us(&self) -> u32 {
        self.current
            .as_ref()
            .filter(|stream| stream.transit.is_some())
            .map_or(self.jitter_before_us, |stream| (stream.jitter >> 4).saturating_mul(125))
    }

    /// The mean of all streams so far, in microseconds.
    pub(crate) fn jitter_mean_us(&self) -> u32 {
        let (sum, steps) = self.steps;
        (sum * 125).checked_div(steps).map_or(0, |mean| u32::try_from(mean).unwrap_or(u32::MAX))
    }

    /// The highest estimate so far, in microseconds.
    pub(crate) fn jitter_max_us(&self) -> u32 {
        (self.peak >> 4).saturating_mul(125)
    }

    fn judge(&self, now: Instant, header: &Header) -> Arrival {
        let Some(stream) = &self.current else { return Arrival::Starts };
        let idle = now.saturating_duration_since(stream.last);
        if stream.ssrc == header.ssrc {
            let ahead = sequence_distance(stream.highest, header.sequence);
            if (-MAX_MISORDER..MAX_DROPOUT).contains(&ahead) {
                return Arrival::Continues;
            }
        }
        let proven = self.candidate == Some((header.ssrc, header.sequence));
        if self.welcome == Welcome::Anyone || proven || idle >= FADED {
            Arrival::Starts
        } else {
            Arrival::Stray
        }
    }
}

/// RFC 3550 A.1.
const MAX_DROPOUT: i16 = 3000;
/// RFC 3550 A.1.
const MAX_MISORDER: i16 = 100;
/// A stream that has been quiet for so long gives way to another one at once.
const FADED: Duration = Duration::from_millis(100);
/// A pause is no jitter: one step counts for one second at the most.
const MAX_TRANSIT_STEP: u32 = 8000;
