//! The non-INVITE client transaction (RFC 3261 s.17.1.2).

use std::time::Instant;

use super::client_invite::Reason;
use super::{Repetition, Timing, earlier};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// No response so far.
    Trying {
        timer_e: Option<Repetition>,
        timer_f: Instant,
    },
    /// A 1xx came: still repeated, every T2, for it may get lost between the next hops.
    Proceeding {
        timer_e: Option<Repetition>,
        timer_f: Instant,
    },
    /// A final response came; its repetitions are absorbed until timer K.
    Completed {
        timer_k: Instant,
    },
    Terminated,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Provisional,
    Final,
    Expire,
    /// The transport can't send.
    Unsendable,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Nothing,
    /// Send the request again.
    Repeat,
    /// Pass the final response up.
    Pass,
    /// No final response will come.
    GiveUp(Reason),
}

impl State {
    pub(crate) fn new(now: Instant, timing: &Timing) -> Self {
        Self::Trying { timer_e: timing.repetition(now), timer_f: now + timing.patience() }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Trying { timer_e, timer_f } | Self::Proceeding { timer_e, timer_f } => {
                Some(earlier(*timer_e, *timer_f))
            }
            Self::Completed { timer_k } => Some(*timer_k),
            Self::Terminated => None,
        }
    }

    pub(crate) fn step(self, now: Instant, timing: &Timing, input: Input) -> (Self, Action) {
        match self {
            Self::Trying { timer_e, timer_f } => match input {
                Input::Provisional => (Self::Proceeding { timer_e, timer_f }, Action::Nothing),
                Input::Final => completed(now, timing),
                Input::Unsendable => (Self::Terminated, Action::GiveUp(Reason::Unsendable)),
                Input::Expire if timer_f <= now => (Self::Terminated, Action::GiveUp(Reason::TimedOut)),
                Input::Expire => match timer_e.filter(|timer| timer.is_due(now)) {
                    Some(due) => {
                        let timer_e = Some(due.doubled_to(now, timing.t2));
                        (Self::Trying { timer_e, timer_f }, Action::Repeat)
                    }
                    None => (Self::Trying { timer_e, timer_f }, Action::Nothing),
                },
            },
            Self::Proceeding { timer_e, timer_f } => match input {
                Input::Provisional => (Self::Proceeding { timer_e, timer_f }, Action::Nothing),
                Input::Final => completed(now, timing),
                Input::Unsendable => (Self::Terminated, Action::GiveUp(Reason::Unsendable)),
                Input::Expire if timer_f <= now => (Self::Terminated, Action::GiveUp(Reason::TimedOut)),
                Input::Expire => match timer_e.filter(|timer| timer.is_due(now)) {
                    Some(_) => {
                        let timer_e = Some(Repetition { at: now + timing.t2, interval: timing.t2 });
                        (Self::Proceeding { timer_e, timer_f }, Action::Repeat)
                    }
                    None => (Self::Proceeding { timer_e, timer_f }, Action::Nothing),
                },
            },
            Self::Completed { timer_k } => match input {
                Input::Expire if timer_k <= now => (Self::Terminated, Action::Nothing),
                Input::Provisional | Input::Final | Input::Expire | Input::Unsendable => {
                    (Self::Completed { timer_k }, Action::Nothing)
                }
            },
            Self::Terminated => (Self::Terminated, Action::Nothing),
        }
    }
}

fn completed(now: Instant, timing: &Timing) -> (State, Action) {
    (State::Completed { timer_k: now + timing.linger(timing.t4) }, Action::Pass)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::clock::{LOSSY, RELIABLE, start};
    use super::*;

    #[test]
    fn an_unanswered_request_is_repeated_up_to_every_t2_and_given_up_at_64_t1() {
        let began = start();
        let mut state = State::new(began, &LOSSY);
        let mut times = Vec::new();
        let mut last = Action::Nothing;
        while let Some(at) = state.deadline() {
            times.push((at - began).as_millis());
            (state, last) = state.step(at, &LOSSY, Input::Expire);
        }
        assert_eq!(times, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000]);
        assert_eq!(last, Action::GiveUp(Reason::TimedOut));
    }

    #[test]
    fn a_provisional_response_slows_repetition_to_t2_and_leaves_timer_f_running() {
        let now = start();
        let (state, _) = State::new(now, &LOSSY).step(now, &LOSSY, Input::Provisional);
        let first = now + LOSSY.t1;
        assert_eq!(state.deadline(), Some(first));
        let (state, action) = state.step(first, &LOSSY, Input::Expire);
        assert_eq!((action, state.deadline()), (Action::Repeat, Some(first + LOSSY.t2)));
        let (_, action) = state.step(now + LOSSY.patience(), &LOSSY, Input::Expire);
        assert_eq!(action, Action::GiveUp(Reason::TimedOut));
    }

    #[test]
    fn a_final_response_is_passed_once_and_absorbed_for_t4() {
        let now = start();
        let (state, action) = State::new(now, &LOSSY).step(now, &LOSSY, Input::Final);
        assert_eq!((action, state.deadline()), (Action::Pass, Some(now + Duration::from_secs(5))));
        assert_eq!(state.step(now, &LOSSY, Input::Final).1, Action::Nothing);
    }

    #[test]
    fn timer_k_is_zero_on_a_reliable_transport() {
        let now = start();
        let (state, _) = State::new(now, &RELIABLE).step(now, &RELIABLE, Input::Final);
        assert_eq!(state.deadline(), Some(now));
    }
}
