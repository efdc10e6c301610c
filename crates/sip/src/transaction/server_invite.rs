//! The INVITE server transaction (RFC 3261 s.17.2.1), with the Accepted state of RFC 6026 s.7.1.

use std::time::Instant;

use bytes::Bytes;

use super::{Repetition, Timing, earlier};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// No final response; a repeated INVITE gets the last provisional one, if there was any.
    Proceeding {
        provisional: Option<Bytes>,
    },
    /// The core above does not speak with this caller: everything is absorbed.
    Ignored {
        until: Instant,
    },
    /// A 2xx went out; the dialog repeats it until its ACK, here repeated INVITEs are absorbed until timer L.
    Accepted {
        timer_l: Instant,
    },
    /// A 300-699 went out; timer G repeats it until its ACK or timer H.
    Completed {
        response: Bytes,
        timer_g: Option<Repetition>,
        timer_h: Instant,
    },
    /// The ACK came; repetitions of it are absorbed until timer I.
    Confirmed {
        timer_i: Instant,
    },
    Terminated,
}

#[derive(Debug)]
pub(crate) enum Input {
    /// The INVITE again.
    Request,
    Ack,
    Provisional(Bytes),
    Success(Bytes),
    Failure(Bytes),
    Ignore,
    Expire,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Nothing,
    Send(Bytes),
    /// The ACK belongs to a 2xx: to the dialog, not to us (RFC 6026 s.7.1).
    PassAck,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self::Proceeding { provisional: None }
    }

    /// Whether a final response is still to be given.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Proceeding { .. })
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Proceeding { .. } | Self::Terminated => None,
            Self::Ignored { until } => Some(*until),
            Self::Accepted { timer_l } => Some(*timer_l),
            Self::Completed { timer_g, timer_h, .. } => Some(earlier(*timer_g, *timer_h)),
            Self::Confirmed { timer_i } => Some(*timer_i),
        }
    }

    pub(crate) fn step(self, now: Instant, timing: &Timing, input: Input) -> (Self, Action) {
        match self {
            Self::Proceeding { provisional } => proceeding(now, timing, provisional, input),
            Self::Ignored { until } => match input {
                Input::Expire if until <= now => (Self::Terminated, Action::Nothing),
                Input::Request
                | Input::Ack
                | Input::Provisional(_)
                | Input::Success(_)
                | Input::Failure(_)
                | Input::Ignore
                | Input::Expire => (Self::Ignored { until }, Action::Nothing),
            },
            Self::Accepted { timer_l } => match input {
                Input::Ack => (Self::Accepted { timer_l }, Action::PassAck),
                Input::Expire if timer_l <= now => (Self::Terminated, Action::Nothing),
                Input::Request
                | Input::Provisional(_)
                | Input::Success(_)
                | Input::Failure(_)
                | Input::Ignore
                | Input::Expire => (Self::Accepted { timer_l }, Action::Nothing),
            },
            Self::Completed { response, timer_g, timer_h } => {
                completed(now, timing, response, timer_g, timer_h, &input)
            }
            Self::Confirmed { timer_i } => match input {
                Input::Expire if timer_i <= now => (Self::Terminated, Action::Nothing),
                Input::Request
                | Input::Ack
                | Input::Provisional(_)
                | Input::Success(_)
                | Input::Failure(_)
                | Input::Ignore
                | Input::Expire => (Self::Confirmed { timer_i }, Action::Nothing),
            },
            Self::Terminated => (Self::Terminated, Action::Nothing),
        }
    }
}

fn proceeding(now: Instant, timing: &Timing, provisional: Option<Bytes>, input: Input) -> (State, Action) {
    match input {
        Input::Request => {
            let again = provisional.clone().map_or(Action::Nothing, Action::Send);
            (State::Proceeding { provisional }, again)
        }
        Input::Provisional(response) => {
            (State::Proceeding { provisional: Some(response.clone()) }, Action::Send(response))
        }
        Input::Success(response) => {
            (State::Accepted { timer_l: now + timing.patience() }, Action::Send(response))
        }
        Input::Failure(response) => {
            let timer_g = timing.repetition(now);
            let timer_h = now + timing.patience();
            (State::Completed { response: response.clone(), timer_g, timer_h }, Action::Send(response))
        }
        Input::Ignore => (State::Ignored { until: now + timing.patience() }, Action::Nothing),
        Input::Ack | Input::Expire => (State::Proceeding { provisional }, Action::Nothing),
    }
}

fn completed(
    now: Instant,
    timing: &Timing,
    response: Bytes,
    timer_g: Option<Repetition>,
    timer_h: Instant,
    input: &Input,
) -> (State, Action) {
    let again = Action::Send(response.clone());
    match input {
        Input::Request => (State::Completed { response, timer_g, timer_h }, again),
        Input::Ack => (State::Confirmed { timer_i: now + timing.linger(timing.t4) }, Action::Nothing),
        // Without an ACK there is nobody left to tell.
        Input::Expire if timer_h <= now => (State::Terminated, Action::Nothing),
        Input::Expire => match timer_g.filter(|timer| timer.is_due(now)) {
            Some(due) => {
                let timer_g = Some(due.doubled_to(now, timing.t2));
                (State::Completed { response, timer_g, timer_h }, again)
            }
            None => (State::Completed { response, timer_g, timer_h }, Action::Nothing),
        },
        Input::Provisional(_) | Input::Success(_) | Input::Failure(_) | Input::Ignore => {
            (State::Completed { response, timer_g, timer_h }, Action::Nothing)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::{LOSSY, RELIABLE, start};
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_repeated_invite_gets_nothing_before_the_first_response_and_then_the_last_provisional() {
        let now = start();
        let (state, action) = State::new().step(now, &LOSSY, Input::Request);
        assert_eq!(action, Action::Nothing);
        let (state, _) = state.step(now, &LOSSY, Input::Provisional(bytes("100")));
        let (state, _) = state.step(now, &LOSSY, Input::Provisional(bytes("180")));
        assert_eq!(state.step(now, &LOSSY, Input::Request).1, Action::Send(bytes("180")));
    }

    #[test]
    fn a_failure_is_repeated_up_to_every_t2_until_timer_h() {
        let began = start();
        let (mut state, _) = State::new().step(began, &LOSSY, Input::Failure(bytes("486")));
        let mut times = Vec::new();
        while let Some(at) = state.deadline() {
            times.push((at - began).as_millis());
            state = state.step(at, &LOSSY, Input::Expire).0;
        }
        assert_eq!(times, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000]);
    }

    #[test]
    fn an_ack_ends_repetition_and_is_absorbed_for_t4() {
        let now = start();
        let (state, _) = State::new().step(now, &LOSSY, Input::Failure(bytes("486")));
        let (state, action) = state.step(now, &LOSSY, Input::Ack);
        assert_eq!((action, state.deadline()), (Action::Nothing, Some(now + LOSSY.t4)));
        let (state, action) = state.step(now, &LOSSY, Input::Request);
        assert_eq!(action, Action::Nothing);
        assert_eq!(state.step(now + LOSSY.t4, &LOSSY, Input::Expire).0, State::Terminated);
    }

    #[test]
    fn a_reliable_transport_repeats_no_failure_but_waits_for_its_ack() {
        let now = start();
        let (state, _) = State::new().step(now, &RELIABLE, Input::Failure(bytes("486")));
        assert_eq!(state.deadline(), Some(now + RELIABLE.patience()));
        let (state, _) = state.step(now, &RELIABLE, Input::Ack);
        assert_eq!(state.deadline(), Some(now));
    }

    #[test]
    fn after_a_2xx_repeated_invites_are_absorbed_and_acks_passed_until_timer_l() {
        let now = start();
        let (state, action) = State::new().step(now, &LOSSY, Input::Success(bytes("200")));
        assert_eq!(action, Action::Send(bytes("200")));
        let (state, action) = state.step(now, &LOSSY, Input::Request);
        assert_eq!(action, Action::Nothing);
        let (state, action) = state.step(now, &LOSSY, Input::Ack);
        assert_eq!((action, state.deadline()), (Action::PassAck, Some(now + LOSSY.patience())));
    }

    #[test]
    fn an_ignored_invite_stays_unanswered_whatever_comes_and_ends() {
        let now = start();
        let (state, _) = State::new().step(now, &LOSSY, Input::Ignore);
        let (state, action) = state.step(now, &LOSSY, Input::Request);
        assert_eq!(action, Action::Nothing);
        let (state, action) = state.step(now, &LOSSY, Input::Success(bytes("200")));
        assert_eq!(action, Action::Nothing);
        assert_eq!(state.step(now + LOSSY.patience(), &LOSSY, Input::Expire).0, State::Terminated);
    }
}
