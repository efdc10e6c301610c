//! What came of the packets that were sent within a window.

use std::ops::Range;

use serde_json::{Value, json};

use crate::payload::{Mark, Numbering};

/// Nanoseconds in a step of delays.
const STEP: u64 = 10_000;
/// Steps: a second; what takes longer is in the last.
const STEPS: usize = 100_000;

/// Counts of one run.
pub(crate) struct Tally {
    /// Nanoseconds since 1970: packets sent within are counted.
    window: Range<u64>,
    /// By stream.
    streams: Vec<Stream>,
    /// By steps.
    delays: Vec<u32>,
    sent: u64,
    received: u64,
    /// Received twice, or after a later one.
    repeated: u64,
    /// No packet of ours, or touched, or not decrypted.
    damaged: u64,
    /// On a leg that another stream comes by.
    astray: u64,
    /// The relay changed SSRC, or the distance of sequence or timestamp, in mid-stream.
    renumbered: u64,
    /// The latest that a packet was sent after it was due, in nanoseconds.
    lateness: u64,
}

#[derive(Clone, Default)]
struct Stream {
    /// After the highest that came.
    next: u32,
    /// The leg that it comes by, and its numbers.
    comes: Option<(u16, Numbering)>,
}

impl Tally {
    pub(crate) fn new(streams: usize) -> Self {
        Self {
            window: 0..0,
            streams: vec![Stream::default(); streams],
            delays: vec![0; STEPS],
            sent: 0,
            received: 0,
            repeated: 0,
            damaged: 0,
            astray: 0,
            renumbered: 0,
            lateness: 0,
        }
    }

    /// Counts begin with what is sent within; times in nanoseconds since 1970.
    pub(crate) fn open(&mut self, window: Range<u64>) {
        self.window = window;
    }

    /// A packet is sent, so much later than was due.
    pub(crate) fn sent(&mut self, at: u64, late: u64) {
        if self.window.contains(&at) {
            self.sent += 1;
            self.lateness = self.lateness.max(late);
        }
    }

    /// What came was none of ours as we sent it.
    pub(crate) fn damaged(&mut self) {
        self.damaged += 1;
    }

    /// A packet came from that port of the system.
    pub(crate) fn received(&mut self, at: u64, port: u16, mark: Mark, numbering: Numbering) {
        let Some(stream) = usize::try_from(mark.stream).ok().and_then(|index| self.streams.get_mut(index))
        else {
            self.damaged += 1;
            return;
        };
        match stream.comes {
            Some((known, _)) if known != port => self.astray += 1,
            Some((_, known)) if known != numbering => self.renumbered += 1,
            Some(_) | None => {}
        }
        stream.comes = Some((port, numbering));
        if mark.sequence < stream.next {
            self.repeated += 1;
            return;
        }
        stream.next = mark.sequence.saturating_add(1);
        if self.window.contains(&mark.sent) {
            self.received += 1;
            let step = usize::try_from(at.saturating_sub(mark.sent) / STEP).unwrap_or(STEPS);
            self.delays[step.min(STEPS - 1)] += 1;
        }
    }

    /// As the script reads it.
    pub(crate) fn told(&self) -> Value {
        json!({
            "sent": self.sent,
            "received": self.received,
            "lost": self.sent.saturating_sub(self.received),
            "repeated": self.repeated,
            "damaged": self.damaged,
            "astray": self.astray,
            "renumbered": self.renumbered,
            "late_ms": milliseconds(self.lateness),
            "p50_ms": self.delay(50, 100),
            "p99_ms": self.delay(99, 100),
            "p999_ms": self.delay(999, 1_000),
            "longest_ms": self.delay(1, 1),
        })
    }

    /// The delay below which that share of the packets stayed; `null` without packets.
    fn delay(&self, share: u64, of: u64) -> Option<f64> {
        let wanted = (self.received * share).div_ceil(of);
        let mut seen = 0;
        let step = self.delays.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted && seen > 0
        })?;
        u64::try_from(step).ok().map(|step| milliseconds((step + 1) * STEP))
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload;

    fn came(tally: &mut Tally, sequence: u32, port: u16, delay_ms: u64) {
        let mark = Mark { stream: 0, sequence, sent: 1_000 };
        let mut packet = [0; payload::PACKET];
        payload::write(mark, &mut packet);
        let (mark, numbering) = payload::read(&packet).expect("it is whole");
        tally.received(1_000 + delay_ms * 1_000_000, port, mark, numbering);
    }

    #[test]
    fn losses_repetitions_and_delays_are_told_apart() {
        let mut tally = Tally::new(1);
        tally.open(500..2_000);
        (0..100).for_each(|_| tally.sent(1_000, 0));
        (0..98).for_each(|sequence| came(&mut tally, sequence, 7, 1));
        came(&mut tally, 3, 7, 1);
        came(&mut tally, 99, 8, 30);
        let told = tally.told();
        assert_eq!((&told["lost"], &told["repeated"], &told["astray"]), (&json!(1), &json!(1), &json!(1)));
        for (name, expected) in [("p50_ms", 1.01), ("longest_ms", 30.01)] {
            assert!((told[name].as_f64().expect("a number") - expected).abs() < 1e-6, "{told}");
        }
    }

    #[test]
    fn what_is_sent_before_the_window_is_not_counted() {
        let mut tally = Tally::new(1);
        tally.open(2_000..3_000);
        tally.sent(1_000, 5);
        came(&mut tally, 0, 7, 1);
        assert_eq!((tally.sent, tally.received, tally.lateness), (0, 0, 0));
        assert_eq!(tally.told()["p99_ms"], Value::Null);
    }
}
