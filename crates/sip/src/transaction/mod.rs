//! The four transaction machines of RFC 3261 s.17, amended by RFC 6026 (Accepted, timers L and M) and RFC 4320 (no 408 and no
//! late 100 to a non-INVITE request), and the keys by which messages find them.
//!
//! Each machine is a pure function: `State::step(self, now, timing, input) -> (State, Action)`. A state holds its timers; the
//! endpoint asks `deadline` when to step it with `Input::Expire`.

pub(crate) mod client_invite;
pub(crate) mod client_other;
pub(crate) mod key;
pub(crate) mod server_invite;
pub(crate) mod server_other;

use std::time::{Duration, Instant};

/// The timer values that one transaction goes by (RFC 3261 table 4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) t1: Duration,
    pub(crate) t2: Duration,
    pub(crate) t4: Duration,
    pub(crate) delivery: Delivery,
}

/// What the transport promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Delivery {
    /// Messages get lost: repeat them, and linger to absorb repeats.
    Lossy,
    /// Neither.
    Reliable,
}

impl Timing {
    /// 64*T1: timers B, F, H, L and M, and J where the transport is lossy.
    pub(crate) fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// When a first repetition is due.
    pub(crate) fn repetition(&self, now: Instant) -> Option<Repetition> {
        match self.delivery {
            Delivery::Lossy => Some(Repetition { at: now + self.t1, interval: self.t1 }),
            Delivery::Reliable => None,
        }
    }

    /// How long to absorb repeats: `lossy` on UDP, not at all elsewhere.
    pub(crate) fn linger(&self, lossy: Duration) -> Duration {
        match self.delivery {
            Delivery::Lossy => lossy,
            Delivery::Reliable => Duration::ZERO,
        }
    }
}

/// A repetition timer: when it is due, and after how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Repetition {
    pub(crate) at: Instant,
    pub(crate) interval: Duration,
}

impl Repetition {
    pub(crate) fn is_due(self, now: Instant) -> bool {
        self.at <= now
    }

    /// The next one after twice the interval (timer A).
    pub(crate) fn doubled(self, now: Instant) -> Self {
        let interval = self.interval.saturating_mul(2);
        Self { at: now + interval, interval }
    }

    /// The next one after twice the interval, at most after `cap` (timers E and G, and the 2xx of RFC 3261 s.13.3.1.4).
    pub(crate) fn doubled_to(self, now: Instant, cap: Duration) -> Self {
        let interval = self.interval.saturating_mul(2).min(cap);
        Self { at: now + interval, interval }
    }
}

/// The earlier of a repetition, if any, and an end.
pub(crate) fn earlier(repetition: Option<Repetition>, end: Instant) -> Instant {
    repetition.map_or(end, |repetition| repetition.at.min(end))
}

#[cfg(test)]
pub(crate) mod clock {
    //! A time to start tests from.
    use std::time::{Duration, Instant};

    use super::{Delivery, Timing};

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from; which one does not matter"
    )]
    pub(crate) fn start() -> Instant {
        Instant::now()
    }

    pub(crate) const LOSSY: Timing = Timing {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        delivery: Delivery::Lossy,
    };

    pub(crate) const RELIABLE: Timing = Timing { delivery: Delivery::Reliable, ..LOSSY };
}
