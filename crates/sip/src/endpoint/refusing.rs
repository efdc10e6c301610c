//! Requests that the endpoint itself turns away, and telling of the INVITEs among them: each was somebody's call.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Endpoint, Event, Header, Reply, compose};
use crate::Flow;
use crate::message::{Message, Method, StatusCode};

/// A final response, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reply: Reply,
    pub(super) words: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { reply: compose::plain(status), words: words.into() }
    }

    /// One whose words the peer is told too, for it can mend what they say.
    pub(super) fn told(status: StatusCode, words: impl Into<String>) -> Self {
        let mut refusal = Self::new(status, words);
        let header = Header::new("Warning", warning(&refusal.words));
        refusal.reply.headers.push(header);
        refusal
    }
}

/// What was told of last, so that a repetition is not told of: the answers leave no transaction to know it by.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// When, and the fingerprint of the request.
    recent: VecDeque<(Instant, u64)>,
}

impl Refused {
    /// Notes a request; whether it is none of those within `window`.
    fn is_first(&mut self, now: Instant, window: Duration, fingerprint: u64) -> bool {
        if self.recent.iter().any(|&(at, known)| known == fingerprint && now < at + window) {
            return false;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((now, fingerprint));
        true
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.recent.len()
    }
}

impl Endpoint {
    /// What is wrong with a request outside of any dialog that came from a stranger (see `receive_from_stranger`) who has proved to be
    /// none since: the answer that a known peer would have had at once, and why. `None` if nothing is.
    pub fn object(&self, request: &Message) -> Option<(Reply, String)> {
        let Refusal { reply, words } = super::screen::fresh(request, self.config.session)?;
        Some((reply, words))
    }

    /// Answers a request without a transaction, and raises it if it is an INVITE outside of any dialog.
    pub(super) fn refuse(&mut self, now: Instant, flow: Flow, request: Message, refusal: Refusal) {
        self.answer_statelessly(flow, &request, &refusal.reply);
        if *request.method() != Method::Invite || request.to_tag().is_some() {
            return;
        }
        let fingerprint = self.random.fingerprint(flow, &request);
        let window = self.timing(flow.transport).patience();
        if self.refused.is_first(now, window, fingerprint) {
            let Refusal { reply, words } = refusal;
            self.raise(Event::Refused { flow, request, status: reply.status, words });
        }
    }
}

/// A warning for a person (RFC 3261 s.20.43).
fn warning(words: &str) -> String {
    let words: String =
        words.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(LONGEST).collect();
    format!("399 strowger \"{words}\"")
}

/// More refused INVITEs than these within one repetition's interval may have one of them told of twice.
const REMEMBERED: usize = 512;

/// Characters of a warning: the words may quote the peer.
const LONGEST: usize = 200;
