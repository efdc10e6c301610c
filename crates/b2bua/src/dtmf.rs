//! Requests inside a dialog that are no re-INVITE; INFO that carries a digit above all (`application/dtmf-relay` and
//! `application/dtmf`, which no RFC defines).

use std::time::Duration;

use media::command::Digit;
use sip::endpoint::{ALLOW, Reply};
use sip::{Message, Method};

use crate::refusal::{DTMF, DTMF_RELAY, With, accepted, not_allowed, plain};

/// What became of a digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pressed {
    Passed,
    /// There is no other side yet.
    Early,
}

/// Answers a request; a digit in it goes to `press`.
pub(crate) fn inside(request: &Message, press: impl FnOnce(Digit, Duration) -> Pressed) -> Reply {
    match request.method() {
        Method::Info => info(request, press),
        Method::Options => capable(),
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Register
        | Method::Prack
        | Method::Update
        | Method::Refer
        | Method::Notify
        | Method::Subscribe
        | Method::Message
        | Method::Publish
        | Method::Extension(_) => not_allowed(),
    }
}

/// What OPTIONS is told (RFC 3261 s.11.2).
pub(crate) fn capable() -> Reply {
    plain(200)
        .with("Allow", ALLOW.to_owned())
        .with("Accept", accepted())
        .with("Accept-Encoding", "identity".to_owned())
        .with("Accept-Language", "en".to_owned())
        .with("Supported", sip::endpoint::SUPPORTED.to_owned())
}

fn info(request: &Message, press: impl FnOnce(Digit, Duration) -> Pressed) -> Reply {
    if request.body().is_empty() {
        return plain(200);
    }
    let text = String::from_utf8_lossy(request.body());
    let pressed = match request.content_type().as_deref() {
        Some(DTMF_RELAY) => relayed(&text),
        Some(DTMF) => digit(text.trim()).map(|digit| (digit, USUAL)),
        Some(_) | None => return plain(415).with("Accept", format!("{DTMF_RELAY}, {DTMF}")),
    };
    match pressed {
        Some((digit, duration)) => match press(digit, duration) {
            Pressed::Passed => plain(200),
            Pressed::Early => plain(480),
        },
        None => plain(400),
    }
}

/// `Signal=5` and `Duration=160`, in milliseconds, each on its line.
fn relayed(text: &str) -> Option<(Digit, Duration)> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (own, value) = line.split_once('=')?;
            own.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let duration = value("Duration").and_then(|ms| ms.parse().ok()).map_or(USUAL, Duration::from_millis);
    Some((digit(value("Signal")?)?, duration.clamp(SHORTEST, LONGEST)))
}

/// A key, or the number of an event above 9.
fn digit(signal: &str) -> Option<Digit> {
    let mut keys = signal.chars();
    match (keys.next(), keys.next()) {
        (Some(key), None) => Digit::from_key(key),
        _longer => Digit::from_event(signal.parse().ok()?),
    }
}

/// How long a digit lasts of which nobody says it.
pub(crate) const USUAL: Duration = Duration::from_millis(160);
const SHORTEST: Duration = Duration::from_millis(40);
const LONGEST: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(signal: &str) -> Option<char> {
        digit(signal).map(Digit::key)
    }

    #[test]
    fn a_signal_is_a_key_or_an_event_number() {
        assert_eq!((key("5"), key("*"), key("#"), key("d")), (Some('5'), Some('*'), Some('#'), Some('D')));
        assert_eq!((key("10"), key("11"), key("15")), (Some('*'), Some('#'), Some('D')));
        assert_eq!((key("16"), key(""), key("x"), key("flash")), (None, None, None, None));
    }

    #[test]
    fn a_relayed_digit_has_a_sane_duration() {
        let of = |text| relayed(text).map(|(digit, duration)| (digit.key(), duration.as_millis()));
        assert_eq!(of("Signal=5\r\nDuration=250\r\n"), Some(('5', 250)));
        assert_eq!(of("signal= 5 \nduration = 1\n"), Some(('5', 40)));
        assert_eq!(of("Signal=#\r\nDuration=99999999"), Some(('#', 8000)));
        assert_eq!(of("Signal=#\r\nDuration=long"), Some(('#', 160)));
        assert_eq!(of("Duration=250"), None);
    }
}
