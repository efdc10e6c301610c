//! The non-INVITE server transaction (RFC 3261 s.17.2.2), as RFC 4320 has it: no provisional response, and no answer after the
//! client has given up.

use std::time::Instant;

use bytes::Bytes;

use super::Timing;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Not answered so far. At `until` the client has given up (its timer F), and so do we.
    Trying {
        until: Instant,
    },
    /// The core above does not speak with this client: everything is absorbed.
    Disregarded {
        until: Instant,
    },
    /// Answered; a repeated request gets the response again until timer J.
    Completed {
        response: Bytes,
        timer_j: Instant,
    },
    Terminated,
}

#[derive(Debug)]
pub(crate) enum Input {
    /// The request again.
    Request,
    Final(Bytes),
    Disregard,
    Expire,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Nothing,
    Send(Bytes),
}

impl State {
    pub(crate) fn new(now: Instant, timing: &Timing) -> Self {
        Self::Trying { until: now + timing.patience() }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Trying { until } | Self::Disregarded { until } => Some(*until),
            Self::Completed { timer_j, .. } => Some(*timer_j),
            Self::Terminated => None,
        }
    }

    pub(crate) fn step(self, now: Instant, timing: &Timing, input: Input) -> (Self, Action) {
        match self {
            Self::Trying { until } => match input {
                Input::Final(response) => {
                    let timer_j = now + timing.linger(timing.patience());
                    (Self::Completed { response: response.clone(), timer_j }, Action::Send(response))
                }
                Input::Disregard => (Self::Disregarded { until }, Action::Nothing),
                Input::Expire if until <= now => (Self::Terminated, Action::Nothing),
                Input::Request | Input::Expire => (Self::Trying { until }, Action::Nothing),
            },
            Self::Disregarded { until } => match input {
                Input::Expire if until <= now => (Self::Terminated, Action::Nothing),
                Input::Request | Input::Final(_) | Input::Disregard | Input::Expire => {
                    (Self::Disregarded { until }, Action::Nothing)
                }
            },
            Self::Completed { response, timer_j } => match input {
                Input::Request => {
                    let again = Action::Send(response.clone());
                    (Self::Completed { response, timer_j }, again)
                }
                Input::Expire if timer_j <= now => (Self::Terminated, Action::Nothing),
                Input::Final(_) | Input::Disregard | Input::Expire => {
                    (Self::Completed { response, timer_j }, Action::Nothing)
                }
            },
            Self::Terminated => (Self::Terminated, Action::Nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::{LOSSY, RELIABLE, start};
    use super::*;

    fn ok() -> Bytes {
        Bytes::from_static(b"200")
    }

    #[test]
    fn a_repeated_request_gets_nothing_before_the_answer_and_then_the_answer_until_timer_j() {
        let now = start();
        let (state, action) = State::new(now, &LOSSY).step(now, &LOSSY, Input::Request);
        assert_eq!(action, Action::Nothing);
        let (state, action) = state.step(now, &LOSSY, Input::Final(ok()));
        assert_eq!(action, Action::Send(ok()));
        let (state, action) = state.step(now, &LOSSY, Input::Request);
        assert_eq!((action, state.deadline()), (Action::Send(ok()), Some(now + LOSSY.patience())));
    }

    #[test]
    fn timer_j_is_zero_on_a_reliable_transport() {
        let now = start();
        let (state, _) = State::new(now, &RELIABLE).step(now, &RELIABLE, Input::Final(ok()));
        assert_eq!(state.deadline(), Some(now));
    }

    #[test]
    fn a_request_that_nobody_answers_is_forgotten_when_its_client_has_given_up() {
        let now = start();
        let state = State::new(now, &LOSSY);
        assert_eq!(state.deadline(), Some(now + LOSSY.patience()));
        let (state, action) = state.step(now + LOSSY.patience(), &LOSSY, Input::Expire);
        assert_eq!((state, action), (State::Terminated, Action::Nothing));
    }

    #[test]
    fn a_disregarded_request_stays_unanswered() {
        let now = start();
        let (state, _) = State::new(now, &LOSSY).step(now, &LOSSY, Input::Disregard);
        let (state, action) = state.step(now, &LOSSY, Input::Request);
        assert_eq!(action, Action::Nothing);
        assert_eq!(state.step(now, &LOSSY, Input::Final(ok())).1, Action::Nothing);
    }
}
