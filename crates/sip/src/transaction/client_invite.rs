//! The INVITE client transaction (RFC 3261 s.17.1.1), with the Accepted state of RFC 6026 s.7.2.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Delivery, Repetition, Timing, earlier};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// No response so far.
    Calling {
        timer_a: Option<Repetition>,
        timer_b: Instant,
    },
    /// A 1xx came. How long it may ring is the core's to say: a UAC has no timer for it.
    Proceeding,
    /// As Proceeding, and a CANCEL went out: without a final response by then, the INVITE counts as cancelled (s.9.1).
    Cancelling {
        until: Instant,
    },
    /// A 2xx came; its repetitions, and those of other forks, pass until timer M.
    Accepted {
        timer_m: Instant,
    },
    /// A 300-699 came; its repetitions get the ACK again until timer D.
    Completed {
        ack: Bytes,
        timer_d: Instant,
    },
    Terminated,
}

#[derive(Debug)]
pub(crate) enum Input {
    Provisional,
    Success,
    /// A 300-699, and the ACK to it.
    Failure(Bytes),
    /// A CANCEL for it goes out.
    Cancel,
    Expire,
    /// The transport can't send.
    Unsendable,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Nothing,
    /// Send the INVITE again.
    Repeat,
    /// Pass the response up.
    Pass,
    /// Send the ACK, and pass the response up.
    AcknowledgeAndPass(Bytes),
    /// Send the ACK: the response is a repetition.
    Acknowledge(Bytes),
    /// No final response will come.
    GiveUp(Reason),
}

/// Why a transaction ended without a final response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Timer B or F, or 64*T1 after a CANCEL.
    TimedOut,
    Unsendable,
}

impl State {
    pub(crate) fn new(now: Instant, timing: &Timing) -> Self {
        Self::Calling { timer_a: timing.repetition(now), timer_b: now + timing.patience() }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Calling { timer_a, timer_b } => Some(earlier(*timer_a, *timer_b)),
            Self::Proceeding | Self::Terminated => None,
            Self::Cancelling { until } => Some(*until),
            Self::Accepted { timer_m } => Some(*timer_m),
            Self::Completed { timer_d, .. } => Some(*timer_d),
        }
    }

    pub(crate) fn step(self, now: Instant, timing: &Timing, input: Input) -> (Self, Action) {
        match self {
            Self::Calling { timer_a, timer_b } => calling(now, timing, timer_a, timer_b, input),
            Self::Proceeding => match input {
                Input::Provisional => (Self::Proceeding, Action::Pass),
                Input::Success => accepted(now, timing),
                Input::Failure(ack) => completed(now, timing, ack),
                Input::Cancel => (Self::Cancelling { until: now + timing.patience() }, Action::Nothing),
                Input::Expire => (Self::Proceeding, Action::Nothing),
                Input::Unsendable => (Self::Terminated, Action::GiveUp(Reason::Unsendable)),
            },
            Self::Cancelling { until } => match input {
                Input::Provisional => (Self::Cancelling { until }, Action::Pass),
                Input::Success => accepted(now, timing),
                Input::Failure(ack) => completed(now, timing, ack),
                Input::Expire if until <= now => (Self::Terminated, Action::GiveUp(Reason::TimedOut)),
                Input::Cancel | Input::Expire => (Self::Cancelling { until }, Action::Nothing),
                Input::Unsendable => (Self::Terminated, Action::GiveUp(Reason::Unsendable)),
            },
            Self::Accepted { timer_m } => match input {
                Input::Success => (Self::Accepted { timer_m }, Action::Pass),
                Input::Expire if timer_m <= now => (Self::Terminated, Action::Nothing),
                Input::Provisional
                | Input::Failure(_)
                | Input::Cancel
                | Input::Expire
                | Input::Unsendable => (Self::Accepted { timer_m }, Action::Nothing),
            },
            Self::Completed { ack, timer_d } => match input {
                Input::Failure(_) => {
                    let again = Action::Acknowledge(ack.clone());
                    (Self::Completed { ack, timer_d }, again)
                }
                Input::Expire if timer_d <= now => (Self::Terminated, Action::Nothing),
                Input::Unsendable => (Self::Terminated, Action::Nothing),
                Input::Provisional | Input::Success | Input::Cancel | Input::Expire => {
                    (Self::Completed { ack, timer_d }, Action::Nothing)
                }
            },
            Self::Terminated => (Self::Terminated, Action::Nothing),
        }
    }
}

fn calling(
    now: Instant,
    timing: &Timing,
    timer_a: Option<Repetition>,
    timer_b: Instant,
    input: Input,
) -> (State, Action) {
    match input {
        Input::Provisional => (State::Proceeding, Action::Pass),
        Input::Success => accepted(now, timing),
        Input::Failure(ack) => completed(now, timing, ack),
        Input::Unsendable => (State::Terminated, Action::GiveUp(Reason::Unsendable)),
        // Before a response there is nothing to cancel; the endpoint holds the CANCEL back until one comes.
        Input::Cancel => (State::Calling { timer_a, timer_b }, Action::Nothing),
        Input::Expire if timer_b <= now => (State::Terminated, Action::GiveUp(Reason::TimedOut)),
        Input::Expire => match timer_a.filter(|timer| timer.is_due(now)) {
            Some(due) => (State::Calling { timer_a: Some(due.doubled(now)), timer_b }, Action::Repeat),
            None => (State::Calling { timer_a, timer_b }, Action::Nothing),
        },
    }
}

fn accepted(now: Instant, timing: &Timing) -> (State, Action) {
    (State::Accepted { timer_m: now + timing.patience() }, Action::Pass)
}

fn completed(now: Instant, timing: &Timing, ack: Bytes) -> (State, Action) {
    let timer_d = now
        + match timing.delivery {
            Delivery::Lossy => timing.patience().max(MIN_TIMER_D),
            Delivery::Reliable => Duration::ZERO,
        };
    (State::Completed { ack: ack.clone(), timer_d }, Action::AcknowledgeAndPass(ack))
}

/// Timer D on lossy transports is at least this, whatever T1 (s.17.1.1.2).
const MIN_TIMER_D: Duration = Duration::from_secs(32);

#[cfg(test)]
mod tests {
    use super::super::clock::{LOSSY, RELIABLE, start};
    use super::*;

    fn ack() -> Bytes {
        Bytes::from_static(b"ACK")
    }

    /// The times, in milliseconds, at which a transaction without any response acts.
    fn acts(timing: &Timing) -> Vec<(u128, Action)> {
        let began = start();
        let mut acts = Vec::new();
        let mut state = State::new(began, timing);
        while let Some(at) = state.deadline() {
            let (next, action) = state.step(at, timing, Input::Expire);
            acts.push(((at - began).as_millis(), action));
            state = next;
        }
        acts
    }

    #[test]
    fn an_unanswered_invite_is_repeated_with_doubling_intervals_and_given_up_at_64_t1() {
        let acts = acts(&LOSSY);
        let times: Vec<_> = acts.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [500, 1500, 3500, 7500, 15500, 31500, 32000]);
        assert!(acts[..6].iter().all(|(_, action)| *action == Action::Repeat));
        assert_eq!(acts[6].1, Action::GiveUp(Reason::TimedOut));
    }

    #[test]
    fn a_reliable_transport_repeats_nothing_but_times_out_too() {
        assert_eq!(acts(&RELIABLE), [(32000, Action::GiveUp(Reason::TimedOut))]);
    }

    #[test]
    fn a_provisional_response_stops_timers_a_and_b() {
        let now = start();
        let (state, action) = State::new(now, &LOSSY).step(now, &LOSSY, Input::Provisional);
        assert_eq!((state.deadline(), action), (None, Action::Pass));
    }

    #[test]
    fn a_failure_is_passed_once_and_acknowledged_each_time_until_timer_d() {
        let now = start();
        let (state, action) = State::Proceeding.step(now, &LOSSY, Input::Failure(ack()));
        assert_eq!(action, Action::AcknowledgeAndPass(ack()));
        let (state, action) = state.step(now, &LOSSY, Input::Failure(Bytes::new()));
        assert_eq!(action, Action::Acknowledge(ack()));
        assert_eq!(state.deadline(), Some(now + Duration::from_secs(32)));
        let (state, _) = state.step(now + Duration::from_secs(32), &LOSSY, Input::Expire);
        assert_eq!(state, State::Terminated);
    }

    #[test]
    fn timer_d_is_zero_on_a_reliable_transport() {
        let now = start();
        let (state, _) = State::Proceeding.step(now, &RELIABLE, Input::Failure(ack()));
        assert_eq!(state.deadline(), Some(now));
    }

    #[test]
    fn every_2xx_passes_until_timer_m_and_nothing_else_does() {
        let now = start();
        let (state, action) = State::Proceeding.step(now, &LOSSY, Input::Success);
        assert_eq!(action, Action::Pass);
        let (state, action) = state.step(now, &LOSSY, Input::Success);
        assert_eq!(action, Action::Pass);
        let (state, action) = state.step(now, &LOSSY, Input::Failure(ack()));
        assert_eq!(action, Action::Nothing);
        let (state, _) = state.step(now + LOSSY.patience(), &LOSSY, Input::Expire);
        assert_eq!(state, State::Terminated);
    }

    #[test]
    fn a_2xx_after_a_failure_is_dropped() {
        let now = start();
        let (state, _) = State::Proceeding.step(now, &LOSSY, Input::Failure(ack()));
        assert_eq!(state.step(now, &LOSSY, Input::Success).1, Action::Nothing);
    }

    #[test]
    fn a_cancelled_invite_waits_64_t1_for_its_final_response_and_no_longer() {
        let now = start();
        let (state, _) = State::Proceeding.step(now, &LOSSY, Input::Cancel);
        assert_eq!(state.deadline(), Some(now + LOSSY.patience()));
        let (state, action) = state.step(now + LOSSY.patience(), &LOSSY, Input::Expire);
        assert_eq!((state, action), (State::Terminated, Action::GiveUp(Reason::TimedOut)));
    }
}
