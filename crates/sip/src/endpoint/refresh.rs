//! Keeps sessions alive, and ends those that nobody keeps alive (RFC 4028 s.10).

use std::time::Instant;

use super::change::{Outcome, back_off, retry_after};
use super::clients::Purpose;
use super::compose::Rest;
use super::session::{Due, Session};
use super::usage::{Confirmed, Peer, Phase, State, Takes};
use super::within::Told;
use super::{DialogKey, Endpoint, Event, Header, Reply, Standing};
use crate::message::{Message, Method, StatusCode};

impl Endpoint {
    /// Whether a session timer runs: who is gone is found out by the refreshes.
    pub fn is_timed(&self, dialog: DialogKey) -> bool {
        self.usages.get(dialog).is_some_and(|usage| match &usage.state {
            State::Confirmed(confirmed) => confirmed.session.deadline().is_some(),
            State::Incoming(_) | State::Outgoing(_) | State::Ending(_) => false,
        })
    }

    /// Runs the session timer of a dialog.
    pub(super) fn expire_session(&mut self, now: Instant, key: DialogKey) {
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        if matches!(confirmed.phase, Phase::Closing(_)) {
            return;
        }
        match confirmed.session.expire(now) {
            Due::Nothing => {}
            Due::Refresh => match confirmed.peer.update {
                Takes::Yes => self.send_refresh(now, key),
                Takes::No => self.raise(Event::RefreshDue { dialog: key }),
            },
            Due::End => {
                self.raise(Event::SessionExpired { dialog: key });
                let value = "SIP;cause=408;text=\"Session expired\"".to_owned();
                self.bye(now, key, vec![Header::new("Reason", value)]);
            }
        }
    }

    /// Sends an UPDATE that says no more than that we are there: it needs nobody's turn, for it offers nothing.
    fn send_refresh(&mut self, now: Instant, key: DialogKey) {
        let wait = back_off(crate::dialog::Caller::Us, self.random.below(1 << 16));
        let room = self.has_room(Standing::Known);
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        if !room {
            return confirmed.session.retry(now + wait);
        }
        let mut headers = vec![Header::new("Supported", "timer")];
        headers.extend(confirmed.session.requesting(self.config.session));
        let mut dialog = confirmed.dialog.clone();
        let contact = self.contact(dialog.hop());
        let rest = Rest { contact: Some(&contact), headers: &headers, body: None };
        self.send_within(now, &mut dialog, &Method::Update, rest, Purpose::Refresh(key));
        if let Some(confirmed) = self.usages.confirmed_mut(key) {
            confirmed.dialog = dialog;
        }
    }

    /// How our UPDATE ended that refreshes the session.
    pub(super) fn refreshed(&mut self, now: Instant, id: u64, key: DialogKey, outcome: &Outcome) {
        let wait = back_off(crate::dialog::Caller::Us, self.random.below(1 << 16));
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        match outcome {
            Outcome::Response(status, response) => match *status {
                status if status.is_success() => confirmed.agree(now, response),
                StatusCode::CALL_DOES_NOT_EXIST => return self.lost(now, key, Told::Not),
                StatusCode::REQUEST_TIMEOUT => return self.lost(now, key, Told::ByBye),
                StatusCode::REQUEST_PENDING
                | StatusCode::SERVER_INTERNAL_ERROR
                | StatusCode::SERVICE_UNAVAILABLE => {
                    confirmed.session.retry(now + retry_after(response).unwrap_or(wait));
                }
                StatusCode::SESSION_INTERVAL_TOO_SMALL if self.try_longer(now, id, response) => {}
                _ => {
                    if let Some(confirmed) = self.usages.confirmed_mut(key) {
                        confirmed.peer = Peer { update: Takes::No };
                        self.raise(Event::RefreshDue { dialog: key });
                    }
                }
            },
            Outcome::TimedOut => return self.lost(now, key, Told::ByBye),
            Outcome::Unsendable => confirmed.session.retry(now + wait),
        }
        self.index_usage(key);
    }

    /// Puts into our 2xx to their INVITE or UPDATE what it says of the session, and starts the session over.
    pub(super) fn grant(&mut self, now: Instant, key: DialogKey, request: &Message, reply: &mut Reply) {
        let timer = self.config.session;
        if let Some(confirmed) = self.usages.confirmed_mut(key) {
            let (session, headers) = confirmed.session.answering(now, request, timer);
            confirmed.session = session;
            reply.headers.extend(headers);
        }
    }
}

impl Confirmed {
    /// What a 2xx to a request of ours that refreshes target and session changes.
    pub(super) fn agree(&mut self, now: Instant, response: &Message) {
        self.dialog.retarget(response);
        self.session = Session::answered(now, response);
    }
}
