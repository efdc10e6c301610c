//! How long packets gather before a turn.

use std::time::{Duration, Instant};

/// Whether packets come in such close succession that it is better to be woken for several than for each.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When there was a packet last.
    busy: Option<Instant>,
    gathers: Duration,
}

impl Pace {
    /// How long the next turn is to let packets gather.
    pub(crate) const fn gathers(&self) -> Duration {
        self.gathers
    }

    /// A turn at `now` had so many packets.
    pub(crate) fn turned(&mut self, now: Instant, packets: usize) {
        self.gathers = Duration::ZERO;
        if packets > 0 {
            let before = self.busy.replace(now);
            if before.is_some_and(|before| now.saturating_duration_since(before) <= CLOSE) {
                self.gathers = GATHERS;
            }
        }
    }
}

/// Packets so close to each other are worth gathering: within a wait for them, as a rule, another one comes.
const CLOSE: Duration = Duration::from_millis(1);

/// A fortieth of what a packet holds: a call is delayed by as much as by 100 km of its way.
const GATHERS: Duration = Duration::from_micros(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_gather_while_they_come_in_close_succession() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::default();
        let turns =
            [(0, 1, false), (20, 1, false), (21, 1, true), (22, 9, true), (23, 0, false), (40, 1, false)];
        for (ms, packets, gathers) in turns {
            pace.turned(at(ms), packets);
            assert_eq!(pace.gathers() > Duration::ZERO, gathers, "{packets} at {ms} ms");
        }
    }
}
