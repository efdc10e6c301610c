//! A phone's client transactions (RFC 3261 s.17.1, RFC 6026).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rsip::Method;

use crate::server::{T1, T2, TIMEOUT};

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) branch: String,
    pub(crate) method: Method,
    pub(crate) peer: SocketAddr,
    request: Bytes,
    state: State,
}

#[derive(Debug)]
enum State {
    /// INVITE, nothing heard.
    Calling {
        timer_a: Instant,
        interval: Duration,
        timer_b: Instant,
    },
    /// INVITE, a provisional response heard; after our CANCEL a final one is due (s.9.1).
    Proceeding {
        cancelled: Option<Instant>,
    },
    /// INVITE, a 2xx heard: its repetitions are ours until timer M.
    Accepted {
        timer_m: Instant,
    },
    /// INVITE, another final response heard: the ACK again for each repetition, until timer D.
    Completed {
        ack: Bytes,
        timer_d: Instant,
    },
    /// Not INVITE, no final response heard.
    Trying {
        timer_e: Instant,
        interval: Duration,
        timer_f: Instant,
    },
    /// Not INVITE, a final response heard; repetitions are dropped until timer K.
    Finished {
        timer_k: Instant,
    },
    Terminated,
}

/// What a timer brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Resend(Bytes),
    /// No final response came.
    TimedOut,
}

/// What a response is to the transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The first of its kind: for the phone.
    Fresh,
    /// A 2xx to INVITE again.
    AcceptedAgain,
    /// A repetition, answered here if it has to be.
    Repeated(Option<Bytes>),
}

impl Client {
    pub(crate) fn invite(now: Instant, branch: String, peer: SocketAddr, request: Bytes) -> Self {
        let state = State::Calling { timer_a: now + T1, interval: T1, timer_b: now + TIMEOUT };
        Self { branch, method: Method::Invite, peer, request, state }
    }

    pub(crate) fn other(
        now: Instant,
        method: Method,
        branch: String,
        peer: SocketAddr,
        request: Bytes,
    ) -> Self {
        let state = State::Trying { timer_e: now + T1, interval: T1, timer_f: now + TIMEOUT };
        Self { branch, method, peer, request, state }
    }

    /// Takes in a response's status; `ack` is what a final one above 299 to INVITE is to be answered with.
    pub(crate) fn hear(&mut self, now: Instant, status: u16, ack: impl FnOnce() -> Bytes) -> Heard {
        match &mut self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                let cancelled = self.cancel_deadline();
                self.state = match status {
                    ..200 => State::Proceeding { cancelled },
                    200..300 => State::Accepted { timer_m: now + TIMEOUT },
                    300.. => State::Completed { ack: ack(), timer_d: now + TIMEOUT },
                };
                Heard::Fresh
            }
            State::Accepted { .. } => match status {
                200..300 => Heard::AcceptedAgain,
                _ => Heard::Repeated(None),
            },
            State::Completed { ack, .. } => Heard::Repeated((status >= 300).then(|| ack.clone())),
            State::Trying { timer_e, interval, .. } => {
                if status < 200 {
                    *interval = T2;
                    *timer_e = now + T2;
                } else {
                    self.state = State::Finished { timer_k: now + T4 };
                }
                Heard::Fresh
            }
            State::Finished { .. } | State::Terminated => Heard::Repeated(None),
        }
    }

    /// The repeated response's ACK, to send at once after a fresh one above 299.
    pub(crate) fn ack(&self) -> Option<Bytes> {
        match &self.state {
            State::Completed { ack, .. } => Some(ack.clone()),
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Accepted { .. }
            | State::Trying { .. }
            | State::Finished { .. }
            | State::Terminated => None,
        }
    }

    /// A CANCEL went out: without a final response the INVITE ends in 64*T1.
    pub(crate) fn cancelled(&mut self, now: Instant) {
        if let State::Proceeding { cancelled } = &mut self.state {
            *cancelled = Some(now + TIMEOUT);
        }
    }

    const fn cancel_deadline(&self) -> Option<Instant> {
        if let State::Proceeding { cancelled } = self.state { cancelled } else { None }
    }

    pub(crate) const fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Terminated)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Calling { timer_a, timer_b, .. } => Some(timer_a.min(timer_b)),
            State::Proceeding { cancelled } => cancelled,
            State::Accepted { timer_m } => Some(timer_m),
            State::Completed { timer_d, .. } => Some(timer_d),
            State::Trying { timer_e, timer_f, .. } => Some(timer_e.min(timer_f)),
            State::Finished { timer_k } => Some(timer_k),
            State::Terminated => None,
        }
    }

    pub(crate) fn expire(&mut self, now: Instant) -> Due {
        let request = self.request.clone();
        match &mut self.state {
            State::Calling { timer_b, .. } if *timer_b <= now => self.give_up(),
            State::Calling { timer_a, interval, .. } if *timer_a <= now => {
                *interval *= 2;
                *timer_a = now + *interval;
                Due::Resend(request)
            }
            State::Proceeding { cancelled: Some(end) } if *end <= now => self.give_up(),
            State::Trying { timer_f, .. } if *timer_f <= now => self.give_up(),
            State::Trying { timer_e, interval, .. } if *timer_e <= now => {
                *interval = (*interval * 2).min(T2);
                *timer_e = now + *interval;
                Due::Resend(request)
            }
            State::Accepted { timer_m: end }
            | State::Completed { timer_d: end, .. }
            | State::Finished { timer_k: end }
                if *end <= now =>
            {
                self.state = State::Terminated;
                Due::Nothing
            }
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Accepted { .. }
            | State::Completed { .. }
            | State::Trying { .. }
            | State::Finished { .. }
            | State::Terminated => Due::Nothing,
        }
    }

    fn give_up(&mut self) -> Due {
        self.state = State::Terminated;
        Due::TimedOut
    }
}

const T4: Duration = Duration::from_secs(5);
