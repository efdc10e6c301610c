//! What a network does to a stream before it comes to the daemon, done by its sender.

use std::time::Duration;

/// What happens to packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weather {
    Fair,
    /// 5 % are lost, 2 % come twice, 5 % come three places later, and each is up to 40 ms late.
    Foul,
}

/// A packet leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Departure {
    /// After the first.
    pub(crate) due: Duration,
    /// Which frame of the signal it carries.
    pub(crate) frame: usize,
}

impl Weather {
    /// The departures of so many frames, in order.
    pub(crate) fn departures(self, frames: usize, seed: u32) -> Vec<Departure> {
        let mut dice = Dice(u64::from(seed) << 1 | 1);
        let mut departures = Vec::new();
        for (frame, slot) in (0..frames).zip((0..).map(|index| TICK * index)) {
            let departure = |late| Departure { due: slot + late, frame };
            if self == Self::Fair {
                departures.push(departure(Duration::ZERO));
                continue;
            }
            // The first are spared, so that the stream has a beginning to be measured from.
            let is_spared = frame < SPARED;
            if !is_spared && dice.roll(100) < LOST {
                continue;
            }
            let jitter = Duration::from_micros(dice.roll(JITTER_US));
            let late = if !is_spared && dice.roll(100) < DISPLACED { PLACES * TICK + JITTER } else { jitter };
            departures.push(departure(if is_spared { Duration::ZERO } else { late }));
            if !is_spared && dice.roll(100) < DOUBLED {
                departures.push(departure(late));
            }
        }
        departures.sort_by_key(|departure| departure.due);
        departures
    }
}

struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

pub(crate) const TICK: Duration = Duration::from_millis(20);
const SPARED: usize = 10;
const LOST: u64 = 5;
const DOUBLED: u64 = 2;
const DISPLACED: u64 = 5;
const PLACES: u32 = 3;
const JITTER: Duration = Duration::from_millis(40);
const JITTER_US: u64 = 40_000;

#[test]
fn foul_weather_loses_doubles_and_displaces_what_it_says() {
    let departures = Weather::Foul.departures(10_000, 7);
    let frames: std::collections::BTreeSet<_> = departures.iter().map(|departure| departure.frame).collect();
    let doubled = departures.len() - frames.len();
    let displaced = departures.windows(2).filter(|pair| pair[1].frame < pair[0].frame).count();
    assert!((9_400..9_600).contains(&frames.len()), "{} of 10,000 left", frames.len());
    assert!((130..250).contains(&doubled), "{doubled} doubled");
    assert!(displaced > 450, "{displaced} displaced");
    assert_eq!(Weather::Fair.departures(3, 7).len(), 3);
}
