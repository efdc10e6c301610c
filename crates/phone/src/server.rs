//! A phone's server transactions (RFC 3261 s.17.2 and s.13.3.1.4, RFC 6026).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rsip::{Method, Request};

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) branch: String,
    pub(crate) request: Request,
    pub(crate) peer: SocketAddr,
    response: Option<Bytes>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No final response yet.
    Proceeding,
    /// A 2xx to INVITE, repeated until its ACK.
    Accepted {
        again: Instant,
        interval: Duration,
        give_up: Instant,
    },
    /// Another final response to INVITE, repeated until its ACK.
    Completed {
        timer_g: Instant,
        interval: Duration,
        timer_h: Instant,
    },
    /// Only repetitions are awaited: timer I, J or L.
    Absorbing {
        until: Instant,
    },
    Terminated,
}

/// What a timer brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Resend(Bytes),
    /// No ACK came to our 2xx.
    Unacknowledged,
}

impl Server {
    pub(crate) fn new(branch: String, request: Request, peer: SocketAddr) -> Self {
        Self { branch, request, peer, response: None, state: State::Proceeding }
    }

    /// Whether it is this transaction's request again (or the ACK to its non-2xx).
    pub(crate) fn matches(&self, branch: &str, method: Method) -> bool {
        self.branch == branch
            && (self.request.method == method
                || (method == Method::Ack && self.request.method == Method::Invite))
    }

    pub(crate) fn last_response(&self) -> Option<Bytes> {
        self.response.clone()
    }

    pub(crate) fn respond(&mut self, now: Instant, status: u16, response: Bytes) {
        self.response = Some(response);
        if status < 200 {
            return;
        }
        self.state = if self.request.method != Method::Invite {
            State::Absorbing { until: now + TIMEOUT }
        } else if status < 300 {
            State::Accepted { again: now + T1, interval: T1, give_up: now + TIMEOUT }
        } else {
            State::Completed { timer_g: now + T1, interval: T1, timer_h: now + TIMEOUT }
        };
    }

    /// The ACK came.
    pub(crate) fn acknowledge(&mut self, now: Instant) {
        match self.state {
            State::Accepted { .. } | State::Completed { .. } => {
                self.state = State::Absorbing { until: now + TIMEOUT };
            }
            State::Proceeding | State::Absorbing { .. } | State::Terminated => {}
        }
    }

    pub(crate) const fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding)
    }

    pub(crate) const fn awaits_ack_of_2xx(&self) -> bool {
        matches!(self.state, State::Accepted { .. })
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Terminated)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Proceeding | State::Terminated => None,
            State::Accepted { again, give_up, .. } => Some(again.min(give_up)),
            State::Completed { timer_g, timer_h, .. } => Some(timer_g.min(timer_h)),
            State::Absorbing { until } => Some(until),
        }
    }

    pub(crate) fn expire(&mut self, now: Instant) -> Due {
        let again = self.response.clone();
        match &mut self.state {
            State::Accepted { give_up, .. } if *give_up <= now => {
                self.state = State::Absorbing { until: now + TIMEOUT };
                Due::Unacknowledged
            }
            State::Completed { timer_h, .. } if *timer_h <= now => {
                self.state = State::Terminated;
                Due::Nothing
            }
            State::Accepted { again: at, interval, .. } | State::Completed { timer_g: at, interval, .. }
                if *at <= now =>
            {
                *interval = (*interval * 2).min(T2);
                *at = now + *interval;
                again.map_or(Due::Nothing, Due::Resend)
            }
            State::Absorbing { until } if *until <= now => {
                self.state = State::Terminated;
                Due::Nothing
            }
            State::Proceeding
            | State::Accepted { .. }
            | State::Completed { .. }
            | State::Absorbing { .. }
            | State::Terminated => Due::Nothing,
        }
    }
}

pub(crate) const T1: Duration = Duration::from_millis(500);
pub(crate) const T2: Duration = Duration::from_secs(4);
/// 64*T1.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(32);
