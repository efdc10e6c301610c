//! Session timers (RFC 4028): what both sides agree on, and when it is time for what. A dialog's own copy lives in its state.

use std::time::{Duration, Instant};

use super::{Header, Reply, SessionTimer};
use crate::message::{Message, StatusCode};
use crate::params::Params;

/// How long a confirmed dialog lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Session {
    /// Until a BYE: the far side knows of no timer, or wants none.
    Endless,
    Timed(Timed),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Timed {
    interval: u32,
    refresher: Refresher,
    /// When it ends unless refreshed: a little before the far side gives it up (s.10).
    ends: Instant,
}

/// Who sends the refreshes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refresher {
    /// We do: at this time next, or never again if we have tried and wait for the outcome.
    Us {
        due: Option<Instant>,
    },
    Them,
}

/// A role in the transaction at hand, as the `refresher` parameter names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Uac,
    Uas,
}

/// What has become due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    Nothing,
    Refresh,
    End,
}

/// The value of a Session-Expires header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Expires {
    interval: u32,
    refresher: Option<Role>,
}

impl Session {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Endless => None,
            Self::Timed(timed) => Some(match timed.refresher {
                Refresher::Us { due: Some(due) } => due.min(timed.ends),
                Refresher::Us { due: None } | Refresher::Them => timed.ends,
            }),
        }
    }

    /// What is due; a refresh that is due is so once.
    pub(super) fn expire(&mut self, now: Instant) -> Due {
        let Self::Timed(timed) = self else { return Due::Nothing };
        if timed.ends <= now {
            *self = Self::Endless;
            return Due::End;
        }
        match &mut timed.refresher {
            Refresher::Us { due } if due.is_some_and(|due| due <= now) => {
                *due = None;
                Due::Refresh
            }
            Refresher::Us { .. } | Refresher::Them => Due::Nothing,
        }
    }

    /// Tries a refresh that failed once more, at `at`.
    pub(super) fn retry(&mut self, at: Instant) {
        if let Self::Timed(Timed { refresher: Refresher::Us { due: due @ None }, .. }) = self {
            *due = Some(at);
        }
    }

    /// What our 2xx to an INVITE or UPDATE says of it (s.9), and what holds from then on.
    pub(super) fn answering(
        self,
        now: Instant,
        request: &Message,
        timer: SessionTimer,
    ) -> (Self, Vec<Header>) {
        let supported = knows_timer(request);
        let asked = Expires::of(request);
        let least = min_se(request).unwrap_or(LEAST).max(LEAST);
        let ours = seconds(timer.interval).max(least);
        let interval = match asked {
            Some(asked) => asked.interval.min(ours).max(LEAST),
            None if supported => self.interval().unwrap_or(ours).max(least),
            None => return (Self::Endless, Vec::new()),
        };
        let refresher = match (asked, self) {
            // A caller that knows no timer can't refresh; its proxy asked for one (s.9, table 2).
            _ if !supported => Role::Uas,
            (Some(asked), _) => asked.refresher.unwrap_or(Role::Uac),
            // Who asks for no timer may not mean to refresh: the duty stays where it is, and is ours at first.
            (None, Self::Timed(Timed { refresher: Refresher::Them, .. })) => Role::Uac,
            (None, Self::Timed(Timed { refresher: Refresher::Us { .. }, .. }) | Self::Endless) => Role::Uas,
        };
        let value = Expires { interval, refresher: Some(refresher) }.print();
        let mut headers = vec![Header::new("Session-Expires", value)];
        // It is to end the session if we do not refresh it, or it has to refresh it.
        if supported {
            headers.push(Header::new("Require", "timer"));
        }
        let refresher = if refresher == Role::Uas { Side::Us } else { Side::Them };
        (Self::started(now, interval, refresher), headers)
    }

    /// What the 2xx to our INVITE or UPDATE makes of it (s.7.2).
    pub(super) fn answered(now: Instant, response: &Message) -> Self {
        match Expires::of(response) {
            None => Self::Endless,
            Some(expires) => {
                // A 2xx has to say who refreshes. If it does not, too many refreshes do no harm, and none would.
                let refresher = match expires.refresher {
                    Some(Role::Uac) | None => Side::Us,
                    Some(Role::Uas) => Side::Them,
                };
                // No lower one can have been agreed on (s.4): it would have us refresh without end.
                Self::started(now, expires.interval.max(LEAST), refresher)
            }
        }
    }

    /// What our request in a dialog says, so that it keeps what was agreed (s.7.4).
    pub(super) fn requesting(&self, timer: SessionTimer) -> Vec<Header> {
        let (interval, refresher) = match self {
            Self::Endless => (seconds(timer.interval).max(LEAST), None),
            Self::Timed(Timed { interval, refresher: Refresher::Us { .. }, .. }) => {
                (*interval, Some(Role::Uac))
            }
            Self::Timed(Timed { interval, refresher: Refresher::Them, .. }) => (*interval, Some(Role::Uas)),
        };
        offering(Expires { interval, refresher }, seconds(timer.least))
    }

    fn interval(self) -> Option<u32> {
        match self {
            Self::Endless => None,
            Self::Timed(timed) => Some(timed.interval),
        }
    }

    fn started(now: Instant, interval: u32, side: Side) -> Self {
        let interval = interval.min(MOST);
        let length = Duration::from_secs(interval.into());
        let margin = Duration::from_secs((interval / 3).min(32).into());
        let refresher = match side {
            Side::Us => Refresher::Us { due: Some(now + length / 2) },
            Side::Them => Refresher::Them,
        };
        Self::Timed(Timed { interval, refresher, ends: now + length.saturating_sub(margin) })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Us,
    Them,
}

impl Expires {
    fn of(message: &Message) -> Option<Self> {
        let value = message.header("Session-Expires")?;
        let (number, params) = value.split_once(';').unwrap_or((&value, ""));
        let interval = decimal(number)?;
        let refresher = match Params::new(params).get("refresher") {
            Some(role) if role.eq_ignore_ascii_case("uac") => Some(Role::Uac),
            Some(role) if role.eq_ignore_ascii_case("uas") => Some(Role::Uas),
            Some(_) | None => None,
        };
        Some(Self { interval, refresher })
    }

    fn print(self) -> String {
        match self.refresher {
            None => self.interval.to_string(),
            Some(Role::Uac) => format!("{};refresher=uac", self.interval),
            Some(Role::Uas) => format!("{};refresher=uas", self.interval),
        }
    }
}

/// What our INVITE outside of a dialog asks for (s.7.1). Who refreshes is the far side's to say.
pub(super) fn inviting(timer: SessionTimer) -> Vec<Header> {
    let interval = seconds(timer.interval).max(LEAST);
    offering(Expires { interval, refresher: None }, seconds(timer.least))
}

/// What the request says that is tried again after a 422 (s.7.3); `None` if that asks for what no session lasts.
pub(super) fn retrying(refusal: &Message, timer: SessionTimer) -> Option<Vec<Header>> {
    let least = min_se(refusal).filter(|&least| least <= MOST)?.max(LEAST).max(seconds(timer.least));
    let interval = seconds(timer.interval).max(least);
    Some(offering(Expires { interval, refresher: None }, least))
}

/// Whether a 422 wants more than the request said that it is ready for.
pub(super) fn asks_for_more(refusal: &Message, request: &Message) -> bool {
    min_se(refusal) > min_se(request)
}

/// 422, if a request asks for less than we take. One that knows no timer got its Session-Expires from a proxy, and is taken (s.9).
pub(super) fn too_small(request: &Message, timer: SessionTimer) -> Option<Reply> {
    let least = seconds(timer.least).max(LEAST);
    let small = Expires::of(request).is_some_and(|asked| asked.interval < least);
    (small && knows_timer(request)).then(|| Reply {
        status: StatusCode::SESSION_INTERVAL_TOO_SMALL,
        headers: vec![Header::new("Min-SE", least.to_string())],
        body: None,
    })
}

/// Whether a header is of this matter: what a retry replaces.
pub(super) fn is_ours(name: &str) -> bool {
    name.eq_ignore_ascii_case("Session-Expires") || name.eq_ignore_ascii_case("Min-SE")
}

fn offering(expires: Expires, least: u32) -> Vec<Header> {
    let mut headers = vec![Header::new("Session-Expires", expires.print())];
    if least > LEAST {
        headers.push(Header::new("Min-SE", least.to_string()));
    }
    headers
}

fn knows_timer(request: &Message) -> bool {
    let listed = |header| request.headers(header).any(|tag| tag.eq_ignore_ascii_case("timer"));
    listed("Supported") || listed("Require")
}

fn min_se(message: &Message) -> Option<u32> {
    let value = message.header("Min-SE")?;
    decimal(value.split(';').next()?)
}

/// Seconds as a header has them. What is too much for a number is as good as `MOST`.
fn decimal(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(MOST).min(MOST)
}

/// No session interval is shorter (s.4), in seconds.
const LEAST: u32 = 90;

/// Longer than any call: a bound on what is computed with, in seconds.
const MOST: u32 = 7 * 24 * 3600;
